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
const VERSION: u32 = 1;
/// Rows that are read at a time: as many as questions work on.
const BATCH_ROWS: usize = 8192;
/// Checkpoints that stay: the newest, and one before it for questions a little further back.
const KEPT: usize = 2;

/// Tables, by name, that say all that events of up to `as_of`, known by `known_at`, say.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// The table of events that it was made from: another lake in its place knows nothing of it.
    pub made_from: String,
    pub tables: BTreeMap<String, Vec<RecordBatch>>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    as_of: i64,
    known_at: i64,
    made_from: String,
    /// SHA-256 of each table's file.
    tables: BTreeMap<String, String>,
}

/// The newest checkpoint in `folder`, made from this table, that a question at these instants can
/// start from.
pub fn newest(folder: &Path, made_from: &str, as_of: UtcMicros, known_at: UtcMicros) -> Option<Checkpoint> {
    let serves = |manifest: &Manifest| {
        let own = manifest.version == VERSION && manifest.made_from == made_from;
        own && manifest.as_of <= as_of.0 && manifest.known_at <= known_at.0
    };
    let mut found: Vec<_> = all(folder).into_iter().filter(|(_, manifest)| serves(manifest)).collect();
    found.sort_by_key(|(_, manifest)| (manifest.known_at, manifest.as_of));
    found.into_iter().rev().find_map(|(path, manifest)| read(&path, &manifest))
}

/// Keeps a checkpoint, and removes all but the newest.
///
/// # Errors
/// When a file cannot be written.
pub fn keep(folder: &Path, checkpoint: &Checkpoint) -> Result<(), Error> {
    let name = format!("{}-{}", checkpoint.known_at.0, checkpoint.as_of.0);
    let (path, growing) = (folder.join(&name), folder.join(format!("{name}.growing")));
    fs::create_dir_all(&growing).map_err(Error::io("create", &growing))?;
    let mut tables = BTreeMap::new();
    for (name, batches) in &checkpoint.tables {
        tables.insert(name.clone(), write(&growing.join(format!("{name}.parquet")), batches)?);
    }
    let (as_of, known_at) = (checkpoint.as_of.0, checkpoint.known_at.0);
    let made_from = checkpoint.made_from.clone();
    let manifest = Manifest { version: VERSION, as_of, known_at, made_from, tables };
    let file = growing.join(MANIFEST);
    fs::write(&file, serde_json::to_vec(&manifest).unwrap_or_default()).map_err(Error::io("write", &file))?;
    if path.exists() {
        fs::remove_dir_all(&path).map_err(Error::io("replace", &path))?;
    }
    fs::rename(&growing, &path).map_err(Error::io("finish", &path))?;
    let mut found = all(folder);
    found.sort_by_key(|(_, manifest)| (manifest.known_at, manifest.as_of));
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
    let (as_of, known_at) = (UtcMicros(manifest.as_of), UtcMicros(manifest.known_at));
    Some(Checkpoint { as_of, known_at, made_from: manifest.made_from.clone(), tables })
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
