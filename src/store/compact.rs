//! Care of a table: small files of one day become one, in the order of the layout, and files
//! that no version within the retention names are removed.
//!
//! Not the library's optimise: it keeps neither the order of rows nor syncs what it writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::cast;
use chrono::Duration;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::operations::vacuum::{Clock, VacuumMode};
use deltalake::protocol::DeltaOperation;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::durable::Durability;
use super::part::{self, Kept, Part};
use super::tables::Table;
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

/// Files from this size on are left alone.
const SMALL_BYTES: i64 = 32 << 20;
/// What is merged at once is at most this large, as stored; in memory it is some times that.
const MERGED_BYTES_MAX: i64 = 64 << 20;

/// What was done to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Cared {
    pub table: &'static str,
    /// Small files that were merged, and the files that they became.
    pub merged: u64,
    pub into: u64,
    /// Files that no version within the retention needs any more.
    pub removed: u64,
}

/// Merges small files of `delta`, which lives in `dir`, in one commit. The rows stay the same,
/// so that readers of either version answer alike.
///
/// # Errors
/// When a file cannot be read or written; the table is then as it was.
pub async fn compact(
    table: &'static Table,
    dir: PathBuf,
    delta: &DeltaTable,
    options: WriteOptions,
    now: UtcMicros,
) -> Result<Cared, Error> {
    let failed = |source| Error::delta("compact", table.name)(source);
    let snapshot = delta.snapshot().map_err(failed)?;
    let version = delta.version().map_or(0, |version| version + 1);
    let mut groups: BTreeMap<PathBuf, Vec<(PathBuf, i64)>> = BTreeMap::new();
    let mut removes = BTreeMap::new();
    for file in snapshot.log_data().iter() {
        let key = PathBuf::from(file.object_store_path().as_ref());
        if file.size() < SMALL_BYTES {
            let folder = key.parent().map(PathBuf::from).unwrap_or_default();
            removes.insert(key.clone(), file.remove_action(false));
            groups.entry(folder).or_default().push((key, file.size()));
        }
    }
    let mut written = Written { parts: Vec::new() };
    let (mut actions, mut named, mut cared) =
        (Vec::new(), 0_u32, Cared { table: table.name, ..Cared::default() });
    for mut files in groups.into_values() {
        files.sort();
        for bin in bins(files).into_iter().filter(|bin| bin.len() > 1) {
            let mut batches = Vec::new();
            for key in &bin {
                batches.extend(read(table, &dir.join(key))?.into_iter().map(Kept::all));
            }
            let name = || {
                named += 1;
                format!("part-{version:08}-{named:06}.zstd.parquet")
            };
            part::write(table, &dir, &batches, &mut written.parts, name, options)?;
            cared.merged += bin.len() as u64;
            let removed = bin.iter().filter_map(|key| removes.remove(key));
            actions.extend(removed.map(|remove| {
                Action::Remove(deltalake::kernel::Remove {
                    deletion_timestamp: Some(now.0.div_euclid(1_000)),
                    ..remove
                })
            }));
        }
    }
    if actions.is_empty() {
        return Ok(cared);
    }
    cared.into = written.parts.len() as u64;
    written.sync(&dir, options.durability)?;
    // Taken first: once an entry may name the files, nothing may remove them.
    let parts = std::mem::take(&mut written.parts);
    let adds = parts.iter().map(|part| part.add(table, now));
    actions.extend(adds.map(|add| Action::Add(deltalake::kernel::Add { data_change: false, ..add })));
    let operation = DeltaOperation::Optimize { predicate: None, target_size: MERGED_BYTES_MAX };
    let done = CommitBuilder::default()
        .with_actions(actions)
        .build(Some(snapshot.snapshot()), delta.log_store(), operation)
        .await
        .map_err(failed)?;
    options.durability.sync_log(&dir, done.version())?;
    Ok(cared)
}

/// Removes files that no version of the last `retention` names, and what crashes left behind.
/// Gives how many.
///
/// # Errors
/// When the log cannot be read or written.
pub async fn vacuum(
    table: &'static Table,
    dir: PathBuf,
    delta: DeltaTable,
    options: WriteOptions,
    retention_days: u32,
    now: UtcMicros,
) -> Result<u64, Error> {
    let before = delta.version().unwrap_or_default();
    let (delta, metrics) = delta
        .vacuum()
        .with_retention_period(Duration::days(i64::from(retention_days)))
        .with_enforce_retention_duration(false)
        .with_mode(VacuumMode::Full)
        .with_clock(Arc::new(At(now)))
        .await
        .map_err(Error::delta("vacuum", table.name))?;
    for version in before..=delta.version().unwrap_or_default() {
        options.durability.sync_log(&dir, version)?;
    }
    Ok(metrics.files_deleted.len() as u64)
}

/// A clock that stands: instants are arguments.
#[derive(Debug)]
struct At(UtcMicros);

impl Clock for At {
    fn current_timestamp_millis(&self) -> i64 {
        self.0.0.div_euclid(1_000)
    }
}

/// Files that no entry names yet: removed again when the commit does not come.
struct Written {
    parts: Vec<Part>,
}

impl Written {
    fn sync(&self, dir: &Path, durability: Durability) -> Result<(), Error> {
        let mut folders: Vec<_> = self.parts.iter().filter_map(|part| part.path.parent()).collect();
        folders.push(dir);
        folders.sort_unstable();
        folders.dedup();
        folders.into_iter().try_for_each(|folder| durability.sync_dir(folder))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for part in &self.parts {
            // Tidies only: what cannot be removed is an orphan, which vacuum removes.
            let _ = std::fs::remove_file(&part.path);
        }
    }
}

/// Cuts files of one folder into groups of at most [`MERGED_BYTES_MAX`].
fn bins(files: Vec<(PathBuf, i64)>) -> Vec<Vec<PathBuf>> {
    let (mut bins, mut bytes) = (vec![Vec::new()], 0);
    for (key, size) in files {
        if bytes + size > MERGED_BYTES_MAX {
            bins.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(bin) = bins.last_mut() {
            bin.push(key);
        }
    }
    bins
}

/// The rows of a file in today's columns: what it lacks, or another writer stored otherwise, is
/// brought to them.
fn read(table: &'static Table, path: &PathBuf) -> Result<Vec<RecordBatch>, Error> {
    let failed = |source| Error::parquet("read", path)(source);
    let arrow = |source| Error::Arrow { table: table.name, source };
    let file = File::open(path).map_err(Error::io("open", path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?.build().map_err(failed)?;
    let schema = table.file_schema();
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(arrow)?;
        let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(arrow)?;
        batches.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(arrow)?);
    }
    Ok(batches)
}
