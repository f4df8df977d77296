//! Copies of a whole lake: every table at one version, with a manifest of hashes, and back.
//!
//! Data files never change once the log names them, so a copy needs no pause of readers; it
//! holds the writer's lock, so that no file goes while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::durable::{Durability, LOCK, LOG_DIR};
use super::place::LAKE;
use super::{Error, TABLES, durable};
use crate::domain::digest::hex;

const MANIFEST: &str = "manifest.json";
/// The folder in a data folder in which a backup comes back, until it is whole.
const RESTORING: &str = ".restoring";
/// Of the manifest: rises when older programs can no longer restore.
const VERSION: u32 = 1;

/// What a backup holds: the SHA-256 of each file, by its path in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub program: String,
    pub made_at: String,
    pub files: BTreeMap<String, String>,
}

/// A backup that is being made, while nobody writes. Its manifest comes last: a folder without one is no backup.
pub struct Copying<'a> {
    _lock: File,
    from: &'a Path,
    to: &'a Path,
}

/// Begins a backup of the lakes below `from` in the new folder `to`.
///
/// # Errors
/// When another process writes to `from`, or `to` exists and is not empty, or cannot be made.
pub fn begin<'a>(from: &'a Path, to: &'a Path) -> Result<Copying<'a>, Error> {
    let lock = durable::lock(&from.join(LOCK))?;
    make_empty(to)?;
    Ok(Copying { _lock: lock, from, to })
}

impl Copying<'_> {
    /// Where to put a file that belongs to the backup beside the lakes.
    pub fn place(&self, name: &str) -> PathBuf {
        self.to.join(name)
    }

    /// Copies the lakes, and sums up all that the backup holds.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a table has no log that can be copied.
    pub fn finish(self, made_at: String) -> Result<Manifest, Error> {
        let (lake, to) = (self.from.join(LAKE), self.to);
        let mut files = BTreeMap::new();
        for name in names(to)? {
            let hash = sync_file(&to.join(&name))?;
            files.insert(name, hash);
        }
        for name in if is_there(&lake) { names(&lake)? } else { Vec::new() } {
            let name = format!("{LAKE}/{name}");
            let hash = copy_file(&self.from.join(&name), &to.join(&name))?;
            files.insert(name, hash);
        }
        check_tables(&lake, &files)?;
        sync_folders(to, files.keys())?;
        let program = concat!("lychgate ", env!("CARGO_PKG_VERSION")).to_owned();
        let manifest = Manifest { version: VERSION, program, made_at, files };
        let path = to.join(MANIFEST);
        let mut file = File::create(&path).map_err(Error::io("create", &path))?;
        let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        file.write_all(text.as_bytes()).map_err(Error::io("write", &path))?;
        file.sync_all().map_err(Error::io("sync", &path))?;
        Durability::Fsync.sync_dir(to)?;
        Ok(manifest)
    }
}

/// Whether something has this name, also a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| error.kind() != ErrorKind::NotFound, |_| true)
}

/// Checks that the log of every table below `lake` is among `files`.
fn check_tables(lake: &Path, files: &BTreeMap<String, String>) -> Result<(), Error> {
    if !is_there(lake) {
        return Ok(());
    }
    for tenant in fs::read_dir(lake).map_err(Error::io("list", lake))? {
        let tenant = tenant.map_err(Error::io("list", lake))?.file_name();
        for table in TABLES {
            let dir = lake.join(&tenant).join(table.name);
            let is_held = dir.is_dir() && (durable::has_log(&dir)? || durable::data_file(&dir)?.is_some());
            let log = format!("{LAKE}/{}/{}/{LOG_DIR}/", tenant.to_string_lossy(), table.name);
            if is_held && !files.keys().any(|name| name.starts_with(&log)) {
                return Err(Error::Backup { path: dir, what: "this table has no log to copy".to_owned() });
            }
        }
    }
    Ok(())
}

/// Copies a backup into the new folder `to`, and checks every file against the manifest. The lakes get their place
/// last, all at once: what was interrupted looks like no lake, and is begun anew by the next restore.
///
/// # Errors
/// When there is no manifest, a file is missing or is not what it was, or `to` is not empty.
/// What was restored until then is removed.
pub fn restore(backup: &Path, to: &Path) -> Result<Manifest, Error> {
    let path = backup.join(MANIFEST);
    let text = fs::read(&path).map_err(Error::io("read the manifest of a backup", &path))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|source| Error::Backup {
        path: path.clone(),
        what: format!("its manifest does not parse: {source}"),
    })?;
    if manifest.version != VERSION {
        let what = format!("it is of version {}, and this program restores {VERSION}", manifest.version);
        return Err(Error::Backup { path, what });
    }
    clear_interrupted(&manifest, to)?;
    make_empty(to)?;
    let restored = restore_files(&manifest, backup, &to.join(RESTORING)).and_then(|()| settle(to));
    if restored.is_err() {
        // Half a lake would look like a lake.
        let _ = fs::remove_dir_all(to);
    }
    restored.map(|()| manifest)
}

/// Removes what a restore of the same backup left behind when it was interrupted before the lakes were in their place.
fn clear_interrupted(manifest: &Manifest, to: &Path) -> Result<(), Error> {
    let restoring = to.join(RESTORING);
    if !restoring.is_dir() || is_there(&to.join(LAKE)) {
        return Ok(());
    }
    let prefix = format!("{RESTORING}/");
    let is_ours = |name: &String| manifest.files.contains_key(name.strip_prefix(&prefix).unwrap_or(name));
    if !names(to)?.iter().all(is_ours) {
        return Err(Error::NotEmpty { path: to.to_owned() });
    }
    for entry in fs::read_dir(to).map_err(Error::io("list", to))? {
        let path = entry.map_err(Error::io("list", to))?.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// Gives what was restored its place: the ledger before the lakes.
fn settle(to: &Path) -> Result<(), Error> {
    let restoring = to.join(RESTORING);
    let listing = fs::read_dir(&restoring).map_err(Error::io("list", &restoring))?;
    let mut found: Vec<_> = listing.collect::<Result<_, _>>().map_err(Error::io("list", &restoring))?;
    found.sort_by_key(|entry| entry.file_name() == LAKE);
    for entry in found {
        let path = entry.path();
        Durability::Fsync.sync_dir(to)?;
        fs::rename(&path, to.join(entry.file_name())).map_err(Error::io("rename", &path))?;
    }
    fs::remove_dir(&restoring).map_err(Error::io("remove", &restoring))?;
    Durability::Fsync.sync_dir(to)
}

fn restore_files(manifest: &Manifest, backup: &Path, to: &Path) -> Result<(), Error> {
    for (name, hash) in &manifest.files {
        let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let path = backup.join(name);
        if !plain {
            return Err(Error::Backup { path, what: "its manifest names a file outside of it".to_owned() });
        }
        if copy_file(&path, &to.join(name))? != *hash {
            return Err(Error::Backup {
                path,
                what: "the file is not the one that was backed up".to_owned(),
            });
        }
    }
    sync_folders(to, manifest.files.keys())
}

/// Makes a folder, durably with those above it that are new.
fn make_empty(folder: &Path) -> Result<(), Error> {
    if folder.exists() && !names(folder)?.is_empty() {
        return Err(Error::NotEmpty { path: folder.to_owned() });
    }
    let named = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    let new = named.take_while(|folder| !folder.exists()).count();
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let made = folder.canonicalize().map_err(Error::io("resolve", folder))?;
    // The name of a folder is in the one above it.
    made.ancestors().skip(1).take(new).try_for_each(|above| Durability::Fsync.sync_dir(above))
}

/// Makes the names of files in `to` durable, and those of the folders that they lie in.
fn sync_folders<'a>(to: &Path, names: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let folders: BTreeSet<&Path> = names.flat_map(|name| Path::new(name).ancestors().skip(1)).collect();
    folders.into_iter().try_for_each(|folder| Durability::Fsync.sync_dir(&to.join(folder)))
}

/// Paths of all files below a folder, relative to it, in order. Links are followed: a lake may be on another disk.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        let dir = folder.join(&below);
        let listing = fs::read_dir(&dir).map_err(Error::io("list", &dir))?;
        for entry in listing {
            let entry = entry.map_err(Error::io("list", &dir))?;
            let (path, name) = (entry.path(), below.join(entry.file_name()));
            if fs::metadata(&path).map_err(Error::io("look at", &path))?.is_dir() {
                folders.push(name);
            } else {
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies one file durably, but for its name; gives the SHA-256 of what was read.
fn copy_file(from: &Path, to: &Path) -> Result<String, Error> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut target = File::create(to).map_err(Error::io("create", to))?;
    let hash = read(from, |bytes| target.write_all(bytes).map_err(Error::io("write", to)))?;
    target.sync_all().map_err(Error::io("sync", to))?;
    Ok(hash)
}

/// Makes a file durable that is in its place; gives its SHA-256.
fn sync_file(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    file.sync_all().map_err(Error::io("sync", path))?;
    read(path, |_| Ok(()))
}

/// Reads a file piece by piece; gives the SHA-256 of what was read.
fn read(path: &Path, mut each: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<String, Error> {
    let mut source = File::open(path).map_err(Error::io("open", path))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        let read = source.read(&mut buffer).map_err(Error::io("read", path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        each(&buffer[..read])?;
    }
    Ok(hex(&hash.finalize()))
}
