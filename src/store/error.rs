//! What can go wrong with the lake, and on what.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;
use parquet::errors::ParquetError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot use tenant \"{tenant}\": a tenant is letters, digits, `-`, `_` and `.`, and begins with a letter or digit"
    )]
    Tenant { tenant: String },
    #[error("cannot {what} \"{}\"", path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("cannot write to the lake: process {holder} holds \"{}\"", path.display())]
    Locked { path: PathBuf, holder: String },
    #[error("cannot write to a lake that was opened for reading")]
    ReadOnly,
    #[error(
        "nothing was ever ingested for tenant \"{tenant}\" in {home}: `lychgate ingest PATH` begins its lake, \
         `--data` and `--tenant` name another"
    )]
    UnknownTenant { tenant: String, home: String },
    #[error(
        "cannot begin a table where \"{path}\" is: its folder holds data files and no log; put `_delta_log` back from \
         a backup, or move the folder away to begin anew"
    )]
    LogGone { path: String },
    #[error("cannot open table \"{table}\": the lake has no such table")]
    UnknownTable { table: String },
    #[error("cannot read table \"{table}\": its version is {found}, this program knows {known}")]
    TableVersion { table: &'static str, found: String, known: u32 },
    #[error(
        "cannot read table \"{table}\" of version {found}: version {known} needs a writer to bring it up"
    )]
    OldTable { table: &'static str, found: u32, known: u32 },
    #[error("cannot {what} table \"{table}\"")]
    Delta { what: &'static str, table: &'static str, source: Box<DeltaTableError> },
    #[error(
        "cannot use log entry \"{}\": it is damaged, and not as a power loss leaves one; put it back from a backup",
        path.display()
    )]
    DamagedEntry { path: PathBuf },
    #[error("cannot query table \"{table}\"")]
    Provider { table: &'static str, source: Box<DataFusionError> },
    #[error("cannot {what} \"{}\"", path.display())]
    Parquet { what: &'static str, path: PathBuf, source: ParquetError },
    #[error("cannot keep rows in \"{}\"", path.display())]
    Held { path: PathBuf, source: ArrowError },
    #[error("cannot use lake \"{url}\": {what}")]
    Lake { url: String, what: String },
    #[error("cannot use lake \"{url}\": {advice}")]
    Bucket { url: String, advice: &'static str, source: Box<object_store::Error> },
    #[error("cannot {what} \"{path}\"")]
    Object { what: &'static str, path: String, source: Box<object_store::Error> },
    #[error(
        "cannot commit to table \"{table}\": other writers came first {races} times; what this batch held is not lost, \
         read the same files again"
    )]
    Overtaken { table: &'static str, races: u32 },
    #[error(
        "cannot remove files younger than a day from \"{url}\": another writer may be about to name them"
    )]
    TooYoung { url: String },
    #[error("cannot arrange rows of table \"{table}\"")]
    Arrow { table: &'static str, source: ArrowError },
    #[error("cannot use a row of table \"{table}\": column \"{column}\" is missing or of another type")]
    Column { table: &'static str, column: &'static str },
    #[error("cannot use backup \"{}\": {what}", path.display())]
    Backup { path: PathBuf, what: String },
    #[error("cannot write into \"{}\": it is not empty", path.display())]
    NotEmpty { path: PathBuf },
    #[error("cannot add a row: no load has begun")]
    NoLoad,
    #[error("cannot go on: the load of \"{source_name}\" has begun and is not summed up")]
    OpenLoad { source_name: String },
}

impl Error {
    /// For `map_err` on file operations.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { what, path: path.to_path_buf(), source }
    }

    pub(super) fn parquet(what: &'static str, path: &Path) -> impl FnOnce(ParquetError) -> Error {
        move |source| Error::Parquet { what, path: path.to_path_buf(), source }
    }

    pub(super) fn delta(what: &'static str, table: &'static str) -> impl FnOnce(DeltaTableError) -> Error {
        move |source| Error::Delta { what, table, source: Box::new(source) }
    }
}
