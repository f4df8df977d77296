//! Bytes to raw records: files, compressed files and streams, as companies have them.
//!
//! Takes a path or a reader; gives records (one JSON value, one table row, one log line)
//! in batches, each with its line, and quarantines what cannot be one, with the reason.
//! Layout, compression and character set are found by content. Memory is bounded by
//! [`Limits::record_bytes_max`], whatever the size or the damage of the input. Values
//! are not parsed and formats not recognised here: that is `normalize`.

mod batch;
mod bytes;
mod document;
mod envelope;
mod files;
mod input;
mod json_scan;
mod layout;
mod lines;
mod quotes;
mod rows;

use std::io;
use std::path::PathBuf;

pub use batch::{Batch, Body, Quarantined, RawRecord, excerpt};
pub use bytes::unpacks_beyond;
pub use files::files;
pub use input::{Input, Sample};
pub use layout::Layout;
pub use lines::apart;
pub use quotes::{Quotes, string_end};

/// What one record may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A longer record is quarantined as `too_large`, without being held.
    pub record_bytes_max: usize,
    /// A record nested deeper is quarantined as `too_deep`.
    pub depth_max: usize,
}

impl Default for Limits {
    /// 16 MiB, far above what any source writes; 128 levels, the parser's own limit.
    fn default() -> Limits {
        Limits { record_bytes_max: 16 << 20, depth_max: 128 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot find \"{}\"", path.display())]
    Missing { path: PathBuf },
    #[error("cannot open \"{}\"", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot list directory \"{}\"", path.display())]
    List { path: PathBuf, source: io::Error },
    #[error("cannot read \"{}\" as a file: it is a directory", path.display())]
    Directory { path: PathBuf },
    #[error("cannot read \"{name}\"")]
    Read { name: String, source: io::Error },
    /// Nothing but blanks. Whether that is a quiet hour or a failed export, the caller knows.
    #[error("cannot find any record in \"{name}\": it is empty")]
    Empty { name: String },
    #[error("cannot read \"{name}\" as text: it holds {what}")]
    NotText { name: String, what: &'static str },
}
