//! The lake: Delta tables of what was read, one folder a table under
//! `<data>/lake/<tenant>/`. Takes rows; gives table providers for queries. A batch is
//! visible as a whole or not at all, survives power loss once acknowledged, and changes
//! nothing when it comes twice. It does not parse, link or judge.
//!
//! | file | holds |
//! |---|---|
//! | `tables/` | the columns, one table a file |
//! | `lake` | opening, creating, locking, providers |
//! | `stage` | rows as columns, filled by any thread |
//! | `ingest` | one open batch: dedupe, count, commit |
//! | `pending` | what a batch adds to one table |
//! | `buffer`, `part` | rows to Arrow, Arrow to Parquet files |
//! | `stored` | keys of what the lake already has |
//! | `durable` | fsync, the lock, repair after power loss |
//! | `compact` | small files into large ones, old ones removed |
//! | `verify`, `backup` | whether it is whole; copies of it |
//! | `checkpoint` | what was worked out, to start from |

pub mod backup;
mod buffer;
pub mod checkpoint;
mod compact;
mod durable;
mod error;
mod ingest;
mod lake;
mod part;
mod pending;
mod stage;
mod stored;
pub mod tables;
mod verify;

pub use checkpoint::Checkpoint;
pub use compact::Cared;
pub use durable::Durability;
pub use error::Error;
pub use ingest::{Committed, Ingest, LoadCounts, LoadSummary};
pub use lake::{Lake, Read, WriteOptions};
pub use stage::{Loading, Stage};
pub use tables::{SourceKind, TABLES, Table};
pub use verify::{Problem, Verified};
