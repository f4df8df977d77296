//! Copies of a whole lake: every table at one version, with a manifest of hashes, and back.
//!
//! Data files never change once the log names them, so a copy needs no pause of readers; it
//! holds the writer's lock, so that no file goes while it runs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::durable::{Durability, LOCK};
use super::{Error, durable};

const MANIFEST: &str = "manifest.json";
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

/// Copies the lakes below `from` into the new folder `to`, and each of `besides` under a name of
/// its own. The manifest comes last: a folder without one is no backup.
///
/// # Errors
/// When another process writes to `from`, `to` exists and is not empty, or a file cannot be read
/// or written.
pub fn copy(from: &Path, to: &Path, made_at: String, besides: &[(&Path, &str)]) -> Result<Manifest, Error> {
    let _lock = durable::lock(&from.join(LOCK))?;
    make_empty(to)?;
    let mut files = BTreeMap::new();
    for (path, name) in besides {
        files.insert((*name).to_owned(), copy_file(path, &to.join(name))?);
    }
    for name in names(from)?.into_iter().filter(|name| name.starts_with("lake/")) {
        files.insert(name.clone(), copy_file(&from.join(&name), &to.join(&name))?);
    }
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

/// Copies a backup into the new folder `to`, and checks every file against the manifest.
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
    make_empty(to)?;
    let restored = restore_files(&manifest, backup, to);
    if restored.is_err() {
        // Half a lake would look like a lake.
        let _ = fs::remove_dir_all(to);
    }
    restored.map(|()| manifest)
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
    Durability::Fsync.sync_dir(to)
}

fn make_empty(folder: &Path) -> Result<(), Error> {
    if folder.exists() && !names(folder)?.is_empty() {
        return Err(Error::NotEmpty { path: folder.to_owned() });
    }
    fs::create_dir_all(folder).map_err(Error::io("create", folder))
}

/// Paths of all files below a folder, relative to it, in order.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        let dir = folder.join(&below);
        let listing = fs::read_dir(&dir).map_err(Error::io("list", &dir))?;
        for entry in listing {
            let entry = entry.map_err(Error::io("list", &dir))?;
            let name = below.join(entry.file_name());
            if entry.file_type().map_err(Error::io("list", &dir))?.is_dir() {
                folders.push(name);
            } else {
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies one file durably; gives the SHA-256 of what was read.
fn copy_file(from: &Path, to: &Path) -> Result<String, Error> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    let mut target = File::create(to).map_err(Error::io("create", to))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        let read = source.read(&mut buffer).map_err(Error::io("read", from))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        target.write_all(&buffer[..read]).map_err(Error::io("write", to))?;
    }
    target.sync_all().map_err(Error::io("sync", to))?;
    Durability::Fsync.sync_dir(folder)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
