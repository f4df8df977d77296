//! What was worked out from events up to two instants, kept so that the next run reads only what
//! came since. Derived: a checkpoint that is missing or damaged costs time and nothing else.
//!
//! It lies beside the lake, under `<data>/checkpoints/<tenant>/`, because no reader of the lake
//! should take it for a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use super::checkpoint_table::Entry;
pub use super::checkpoint_table::{Damaged, Held, HeldColumn, HeldRows};
use super::{Error, LogMark, checkpoint_table};
use crate::domain::UtcMicros;

pub(super) const MANIFEST: &str = "manifest.json";
/// Rises whenever what is kept, or how it is worked out, changes.
const VERSION: u32 = 14;
/// Checkpoints that stay: the newest, and one before it for questions a little further back.
const KEPT: usize = 2;

/// A checkpoint that a question can start from.
pub struct Checkpoint {
    pub reach: Reach,
    /// By name.
    pub tables: BTreeMap<String, Held>,
    /// Rows of all tables.
    pub rows: usize,
}

/// Up to where a checkpoint speaks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reach {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// By when listings were known: their table has log and writers of its own.
    pub listings_known_at: UtcMicros,
    /// By when rosters were known.
    pub people_known_at: UtcMicros,
}

/// The logs of events, of listings and of rosters that a checkpoint was made from: another lake in their place, or
/// one that lost what they say, knows nothing of it.
pub type MadeFrom = [LogMark; 3];

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    reach: Reach,
    made_from: MadeFrom,
    /// By file.
    tables: BTreeMap<String, Entry>,
}

impl Reach {
    /// Rises from older to newer.
    fn age(&self) -> [UtcMicros; 4] {
        [self.known_at, self.listings_known_at, self.people_known_at, self.as_of]
    }
}

/// The newest checkpoint in `folder` that a question which reaches as far as `wanted` can start from, where the
/// logs that it was made from are `known`.
pub fn newest(folder: &Path, wanted: &Reach, known: impl Fn(&MadeFrom) -> bool) -> Option<Checkpoint> {
    let serves = |Manifest { version, reach, .. }: &Manifest| {
        let own = *version == VERSION;
        own && reach.age().iter().zip(wanted.age()).all(|(reached, wanted)| *reached <= wanted)
    };
    let mut found: Vec<_> = all(folder).into_iter().filter(|(_, manifest)| serves(manifest)).collect();
    found.sort_by_key(|(_, manifest)| manifest.reach.age());
    for (path, manifest) in found.into_iter().rev() {
        if !known(&manifest.made_from) {
            continue;
        }
        if let Some(checkpoint) = read(&path, manifest) {
            return Some(checkpoint);
        }
    }
    None
}

/// A checkpoint that is being written; none until it is finished.
pub struct Growing {
    folder: PathBuf,
    reach: Reach,
    made_from: MadeFrom,
    tables: BTreeMap<String, Entry>,
}

impl Growing {
    /// Begins one in `folder` whose tables say all that events and listings of up to `reach` say, in the logs that
    /// it is `made_from`.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn begin(folder: &Path, reach: Reach, made_from: MadeFrom) -> Result<Growing, Error> {
        let growing = Growing { folder: folder.to_owned(), reach, made_from, tables: BTreeMap::new() };
        let path = growing.path();
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        Ok(growing)
    }

    /// Adds a table whose columns are given back as they are, when they are asked. The first batch names them; each
    /// has columns of its own types.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn hold(
        &mut self,
        name: &str,
        batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    ) -> Result<(), Error> {
        let file = format!("{name}.arrows");
        let entry = checkpoint_table::hold(&self.path().join(&file), batches)?;
        self.tables.insert(file, entry);
        Ok(())
    }

    /// Makes it one that is found, and removes all but the newest.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn finish(mut self) -> Result<(), Error> {
        let (growing, path) = (self.path(), self.folder.join(name_of(&self.reach)));
        let manifest = Manifest {
            version: VERSION,
            reach: self.reach.clone(),
            made_from: self.made_from.clone(),
            tables: mem::take(&mut self.tables),
        };
        let said = serde_json::to_string(&manifest).unwrap_or_default();
        let file = growing.join(MANIFEST);
        // The hash is on a line of its own, behind what it is of.
        fs::write(&file, format!("{said}\n{}", sum(said.as_bytes()))).map_err(Error::io("write", &file))?;
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("replace", &path))?;
        }
        fs::rename(&growing, &path).map_err(Error::io("finish", &path))?;
        let mut found = all(&self.folder);
        found.sort_by_key(|(_, manifest)| manifest.reach.age());
        let stay: BTreeSet<PathBuf> = found.into_iter().rev().take(KEPT).map(|(path, _)| path).collect();
        // Also what another version left, and what was damaged.
        for old in folders(&self.folder).filter(|folder| !stay.contains(folder)) {
            fs::remove_dir_all(&old).map_err(Error::io("remove", &old))?;
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.growing", name_of(&self.reach)))
    }
}

impl Drop for Growing {
    /// On a full disk, what was written of one that cannot be finished would take the room that is left.
    fn drop(&mut self) {
        // Finished, it has another name.
        let _ = fs::remove_dir_all(self.path());
    }
}

/// The hash of what a manifest says, and so of the sums of all that it names.
fn sum(said: &[u8]) -> String {
    blake3::hash(said).to_hex().to_string()
}

fn name_of(reach: &Reach) -> String {
    reach.age().map(|at| at.0.to_string()).join("-")
}

/// Forgets all checkpoints.
///
/// # Errors
/// When a folder cannot be removed.
pub fn forget(folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(Error::io("remove", folder))
}

/// Every finished checkpoint with its manifest; what is not as it was written is none.
fn all(folder: &Path) -> Vec<(PathBuf, Manifest)> {
    let manifest = |path: PathBuf| {
        let text = fs::read_to_string(path.join(MANIFEST)).ok()?;
        let (said, hash) = text.rsplit_once('\n')?;
        let whole = hash == sum(said.as_bytes());
        Some((path, serde_json::from_str(said).ok().filter(|_| whole)?))
    };
    folders(folder).filter_map(manifest).collect()
}

/// What is not growing any more.
fn folders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension().is_none())
}

/// None, and a word in the log, when a file is not what was written.
fn read(path: &Path, manifest: Manifest) -> Option<Checkpoint> {
    let (mut tables, mut rows) = (BTreeMap::new(), 0);
    for (file, entry) in manifest.tables {
        let Some((table, table_rows)) = checkpoint_table::read(&path.join(&file), entry) else {
            tracing::warn!(path = %path.display(), file, "a damaged checkpoint is passed over");
            return None;
        };
        rows += table_rows;
        let name = file.split('.').next().unwrap_or_default();
        tables.insert(name.to_owned(), table);
    }
    Some(Checkpoint { reach: manifest.reach, tables, rows })
}
