//! What was worked out from events up to two instants, kept so that the next run reads only what
//! came since. Derived: a checkpoint that is missing or damaged costs time and nothing else.
//!
//! It lies beside the lake, under `<data>/checkpoints/<tenant>/`, because no reader of the lake
//! should take it for a table.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Error;
use crate::domain::UtcMicros;

const MANIFEST: &str = "manifest.json";
/// Rises whenever what is kept, or how it is worked out, changes.
const VERSION: u32 = 2;
/// Rows that are read at a time: as many as questions work on.
const BATCH_ROWS: usize = 8192;
/// Checkpoints that stay: the newest, and one before it for questions a little further back.
const KEPT: usize = 2;

/// Tables, by name, that say all that events and listings of up to an instant, known by others, say.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub reach: Reach,
    pub tables: BTreeMap<String, Vec<RecordBatch>>,
}

/// Up to where a checkpoint speaks, and of which lake.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reach {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// By when listings were known: their table has log and writers of its own.
    pub listings_known_at: UtcMicros,
    /// The tables of events and of listings that it was made from: another lake in their place knows
    /// nothing of it.
    pub made_from: [String; 2],
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    reach: Reach,
    /// SHA-256 of each table's file.
    tables: BTreeMap<String, String>,
}

impl Reach {
    /// Rises from older to newer.
    fn age(&self) -> (UtcMicros, UtcMicros, UtcMicros) {
        (self.known_at, self.listings_known_at, self.as_of)
    }
}

/// The newest checkpoint in `folder`, made from the same tables, that a question which reaches as far
/// as `wanted` can start from.
pub fn newest(folder: &Path, wanted: &Reach) -> Option<Checkpoint> {
    let serves = |Manifest { version, reach, .. }: &Manifest| {
        let own = *version == VERSION && reach.made_from == wanted.made_from;
        let known = reach.known_at <= wanted.known_at && reach.listings_known_at <= wanted.listings_known_at;
        own && known && reach.as_of <= wanted.as_of
    };
    let mut found: Vec<_> = all(folder).into_iter().filter(|(_, manifest)| serves(manifest)).collect();
    found.sort_by_key(|(_, manifest)| manifest.reach.age());
    found.into_iter().rev().find_map(|(path, manifest)| read(&path, &manifest))
}

/// Keeps a checkpoint, and removes all but the newest.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(folder: &Path, checkpoint: &Checkpoint) -> Result<(), Error> {
    let Reach { as_of, known_at, listings_known_at, .. } = checkpoint.reach;
    let name = format!("{}-{}-{}", known_at.0, listings_known_at.0, as_of.0);
    let (path, growing) = (folder.join(&name), folder.join(format!("{name}.growing")));
    fs::create_dir_all(&growing).map_err(Error::io("create", &growing))?;
    let mut tables = BTreeMap::new();
    for (name, batches) in &checkpoint.tables {
        tables.insert(name.clone(), write(&growing.join(format!("{name}.parquet")), batches)?);
    }
    let manifest = Manifest { version: VERSION, reach: checkpoint.reach.clone(), tables };
    let file = growing.join(MANIFEST);
    fs::write(&file, serde_json::to_vec(&manifest).unwrap_or_default()).map_err(Error::io("write", &file))?;
    if path.exists() {
        fs::remove_dir_all(&path).map_err(Error::io("replace", &path))?;
    }
    fs::rename(&growing, &path).map_err(Error::io("finish", &path))?;
    let mut found = all(folder);
    found.sort_by_key(|(_, manifest)| manifest.reach.age());
    for (old, _) in found.iter().rev().skip(KEPT) {
        fs::remove_dir_all(old).map_err(Error::io("remove", old))?;
    }
    Ok(())
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

/// Every finished checkpoint with its manifest; what does not parse is none.
fn all(folder: &Path) -> Vec<(PathBuf, Manifest)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_none())
        .filter_map(|path| {
            let manifest = serde_json::from_slice(&fs::read(path.join(MANIFEST)).ok()?).ok()?;
            Some((path, manifest))
        })
        .collect()
}

/// None, and a word in the log, when a file is not what was written.
fn read(path: &Path, manifest: &Manifest) -> Option<Checkpoint> {
    let mut tables = BTreeMap::new();
    for (name, hash) in &manifest.tables {
        let Some(batches) = read_table(&path.join(format!("{name}.parquet")), hash) else {
            tracing::warn!(path = %path.display(), table = name, "a damaged checkpoint is passed over");
            return None;
        };
        tables.insert(name.clone(), batches);
    }
    Some(Checkpoint { reach: manifest.reach.clone(), tables })
}

fn read_table(path: &Path, hash: &str) -> Option<Vec<RecordBatch>> {
    if sha256(path)? != hash {
        return None;
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).ok()?).ok()?;
    let schema: SchemaRef = builder.schema().clone();
    let mut batches =
        builder.with_batch_size(BATCH_ROWS).build().ok()?.collect::<Result<Vec<_>, _>>().ok()?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Some(batches)
}

fn write(path: &Path, batches: &[RecordBatch]) -> Result<String, Error> {
    let failed = |source| Error::parquet("write", path)(source);
    let level = ZstdLevel::try_new(1).map_err(failed)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let schema = batches.first().map_or_else(|| Schema::empty().into(), RecordBatch::schema);
    let file = File::create(path).map_err(Error::io("create", path))?;
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed)?;
    batches.iter().try_for_each(|batch| writer.write(batch)).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(sha256(path).unwrap_or_default())
}

fn sha256(path: &Path) -> Option<String> {
    let hash = Sha256::digest(fs::read(path).ok()?);
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}
