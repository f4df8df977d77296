//! What makes "acknowledged" mean "survives power loss": fsync of files and directories,
//! the lock that keeps a second writer out, and the repair of a log whose last entry was
//! torn. `object_store` 0.13 syncs neither files nor directories, hence this file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::Error;

/// The lock file of a data folder.
pub const LOCK: &str = "lychgate.lock";
/// The folder of a Delta table that holds its log.
pub const LOG_DIR: &str = "_delta_log";
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Takes the exclusive lock of a data directory. It is held until the file is dropped,
/// also when the process dies.
///
/// # Errors
/// `Locked`, naming the process that holds it, or `Io`.
pub fn lock(path: &Path) -> Result<File, Error> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::io("open lock file", path))?;
    match patiently(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let named = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if named { holder.trim().to_owned() } else { "unknown".to_owned() };
            return Err(Error::Locked { path: path.to_path_buf(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(Error::io("lock", path)(source)),
    }
    write_holder(&mut file).map_err(Error::io("write lock file", path))?;
    Ok(file)
}

/// Whether anybody holds the lock of a data directory. Looking at it takes it for an instant and shares it: who wants to
/// write meanwhile tries for a moment.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Tries for a moment: a process that is just being spawned holds its parent's files until it
/// becomes another program, also those that the parent has closed.
fn patiently(file: &File) -> Result<(), TryLockError> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            tried => return tried,
        }
    }
    file.try_lock()
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

/// What an acknowledged batch survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: files and directories are synced before a batch is acknowledged.
    #[default]
    Fsync,
    /// The end of the process, but not of the machine: writing back is left to the system.
    Os,
}

impl Durability {
    pub fn parse(text: &str) -> Option<Durability> {
        match text {
            "fsync" => Some(Durability::Fsync),
            "os" => Some(Durability::Os),
            _ => None,
        }
    }

    /// Makes a file's content durable.
    pub fn sync(self, file: &File, path: &Path) -> Result<(), Error> {
        match self {
            Durability::Fsync => file.sync_all().map_err(Error::io("sync", path)),
            Durability::Os => Ok(()),
        }
    }

    /// Makes the entries of a directory durable: names, not contents.
    pub fn sync_dir(self, dir: &Path) -> Result<(), Error> {
        match self {
            Durability::Fsync => sync_path(dir),
            Durability::Os => Ok(()),
        }
    }

    /// Makes one version of a table's log durable: its entry, a checkpoint of it where there
    /// is one, and the directory.
    pub fn sync_log(self, table_dir: &Path, version: u64) -> Result<(), Error> {
        if self == Durability::Os {
            return Ok(());
        }
        let log = table_dir.join(LOG_DIR);
        let prefix = format!("{version:020}.");
        for path in entries(&log)? {
            let name = file_name(&path);
            if name.starts_with(&prefix) || name == LAST_CHECKPOINT {
                sync_path(&path)?;
            }
        }
        sync_path(&log)
    }
}

fn sync_path(path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    file.sync_all().map_err(Error::io("sync", path))
}

/// Takes away what a power loss left torn at the end of a table's log: an entry that was
/// linked but not filled, or such a checkpoint. Neither was acknowledged: an entry is
/// synced before its batch is, and a checkpoint only repeats entries, which we keep.
///
/// # Errors
/// `DamagedEntry` when the newest entry is neither whole nor torn: it may have been acknowledged.
pub fn repair_log(table_dir: &Path) -> Result<(), Error> {
    let log = table_dir.join(LOG_DIR);
    if !log.is_dir() {
        return Ok(());
    }
    let paths = entries(&log)?;
    let newest = |suffix: &str| paths.iter().filter(|path| file_name(path).ends_with(suffix)).max();
    if let Some(entry) = newest(".json") {
        match written(entry)? {
            Written::Whole => {}
            Written::Torn => set_aside(entry)?,
            Written::Otherwise => return Err(Error::DamagedEntry { path: entry.clone() }),
        }
    }
    let torn = newest(".parquet").filter(|path| !is_whole_parquet(path));
    if let Some(checkpoint) = torn {
        remove(checkpoint)?;
    }
    let pointer = log.join(LAST_CHECKPOINT);
    if pointer.is_file() && (torn.is_some() || written(&pointer)? != Written::Whole) {
        remove(&pointer)?;
    }
    sync_path(&log)
}

/// What lies where lines of JSON were written.
#[derive(PartialEq, Eq)]
enum Written {
    Whole,
    /// The beginning of it, perhaps with zeros behind: a file system may know of a file's length first.
    Torn,
    /// What no power loss leaves.
    Otherwise,
}

fn written(path: &Path) -> Result<Written, Error> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').peekable();
    let mut is_torn = end < bytes.len() || end == 0;
    while let Some(line) = lines.next() {
        if line.is_empty() || parse(line).is_ok() {
            continue;
        }
        if lines.peek().is_some() || !is_cut(line) {
            return Ok(Written::Otherwise);
        }
        is_torn = true;
    }
    Ok(if is_torn { Written::Torn } else { Written::Whole })
}

/// Whether more would make it JSON. One that ends within a number (`-`, `1.`) is told by a digit more.
fn is_cut(line: &[u8]) -> bool {
    let lacks_end = |line: &[u8]| parse(line).is_err_and(|error| error.is_eof());
    lacks_end(line) || lacks_end(&[line, b"0"].concat())
}

fn parse(line: &[u8]) -> serde_json::Result<serde::de::IgnoredAny> {
    serde_json::from_slice(line)
}

/// An entry of a table's log that is not whole, but for the newest, which a writer repairs.
pub fn damaged_entry(table_dir: &Path) -> Result<Option<PathBuf>, Error> {
    let mut paths = entries(&table_dir.join(LOG_DIR))?;
    paths.retain(|path| file_name(path).ends_with(".json"));
    paths.sort();
    let newest = paths.len().saturating_sub(1);
    for (place, path) in paths.into_iter().enumerate() {
        let is_whole = match written(&path)? {
            Written::Whole => true,
            Written::Torn => place == newest,
            Written::Otherwise => false,
        };
        if !is_whole {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Whether a table's log has an entry, or a summary of entries.
pub fn has_log(table_dir: &Path) -> Result<bool, Error> {
    let log = table_dir.join(LOG_DIR);
    // Ours keep their first entry; other writers may have let go of it.
    if log.join(format!("{:020}.json", 0)).exists() {
        return Ok(true);
    }
    let is_log =
        |path: &PathBuf| [".json", ".parquet"].iter().any(|suffix| file_name(path).ends_with(suffix));
    Ok(log.is_dir() && entries(&log)?.iter().any(is_log))
}

/// A data file of a table.
pub fn data_file(table_dir: &Path) -> Result<Option<String>, Error> {
    let mut folders = vec![table_dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() && file_name(&path) != LOG_DIR {
                folders.push(path);
            } else if file_name(&path).ends_with(".parquet") {
                return Ok(Some(path.display().to_string()));
            }
        }
    }
    Ok(None)
}

fn is_whole_parquet(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| ParquetRecordBatchReaderBuilder::try_new(file).is_ok())
}

fn remove(path: &Path) -> Result<(), Error> {
    tracing::warn!(path = %path.display(), "removed a torn summary of a log");
    fs::remove_file(path).map_err(Error::io("remove torn", path))
}

/// Gives a torn entry a name that no reader takes for one of an entry.
fn set_aside(entry: &Path) -> Result<(), Error> {
    let asides = (1..u32::MAX).map(|number| entry.with_extension(format!("json.torn-{number}")));
    let Some(aside) = asides.into_iter().find(|aside| !aside.exists()) else { return Ok(()) };
    tracing::warn!(path = %aside.display(), "set aside a torn log entry that no batch was acknowledged with");
    fs::rename(entry, &aside).map_err(Error::io("set aside", entry))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let listing = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    listing.map(|entry| entry.map(|e| e.path()).map_err(Error::io("list", dir))).collect()
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
