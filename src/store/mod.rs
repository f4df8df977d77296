//! The lake: Delta tables of what was read, one folder a table under
//! `<data>/lake/<tenant>/`, or the same below a prefix of a bucket. Takes rows; gives table providers for queries. A batch is
//! visible as a whole or not at all, survives power loss once acknowledged, and changes
//! nothing when it comes twice. It does not parse, link or judge.
//!
//! | file | holds |
//! |---|---|
//! | `tables/` | the columns, one table a file |
//! | `lake` | opening, creating, locking, providers |
//! | `log` | a log, told from others |
//! | `stage` | rows as columns, filled by any thread |
//! | `ingest` | one open batch: dedupe, count, commit |
//! | `pending` | what a batch adds to one table |
//! | `buffer`, `few` | rows to Arrow columns |
//! | `part`, `columns` | Arrow columns to Parquet files: which rows, and how encoded |
//! | `stored` | keys of what the lake already has |
//! | `overtaken` | what becomes of a batch when another writer came first |
//! | `place`, `scan` | where files are, and their rows |
//! | `bucket` | an S3-compatible service, and whether it can be relied on |
//! | `durable` | fsync, the lock, repair after power loss |
//! | `compact` | small files into large ones, old ones removed |
//! | `sum` | what tells a file's bytes from others |
//! | `verify`, `backup` | whether it is whole; copies of it |
//! | `checkpoint`, `checkpoint_table` | what was worked out, to start from |

pub mod backup;
mod bucket;
mod buffer;
pub mod checkpoint;
mod checkpoint_table;
mod columns;
mod compact;
mod durable;
mod error;
mod few;
mod ingest;
mod lake;
mod log;
mod overtaken;
mod part;
mod pending;
mod place;
mod scan;
mod stage;
mod stored;
mod sum;
pub mod tables;
mod verify;

pub use bucket::{Bucket, Credentials};
pub use compact::Cared;
pub use durable::{Durability, LOCK, is_locked};
pub use error::Error;
pub use ingest::{Committed, Ingest, LoadCounts, LoadSummary};
pub use lake::{Lake, Read, WriteOptions};
pub use log::{Log, LogMark};
pub use part::Times;
pub use place::Home;
pub use stage::{Loading, Stage};
pub use tables::{SourceKind, TABLES, Table};
pub use verify::{Problem, Verified};
