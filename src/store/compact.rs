//! Care of a table: small files of one day become one, in the order of the layout, and files
//! that no version within the retention names are removed.
//!
//! Not the library's optimise: it keeps neither the order of rows nor syncs what it writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::cast;
use chrono::Duration;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::operations::vacuum::{Clock, VacuumMode};
use deltalake::protocol::DeltaOperation;

use super::part::{self, Kept, Part};
use super::pending::Names;
use super::place::Place;
use super::stored::folder;
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

/// Merges small files of `delta`, which lives at `place`, in one commit. The rows stay the same,
/// so that readers of either version answer alike.
///
/// # Errors
/// When a file cannot be read or written; the table is then as it was.
pub async fn compact(
    table: &'static Table,
    place: &Place,
    delta: &DeltaTable,
    options: WriteOptions,
    now: UtcMicros,
) -> Result<Cared, Error> {
    let failed = |source| Error::delta("compact", table.name)(source);
    let snapshot = delta.snapshot().map_err(failed)?;
    let mut groups: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    let mut removes = BTreeMap::new();
    for file in snapshot.log_data().iter() {
        let key = file.object_store_path().to_string();
        if file.size() < SMALL_BYTES {
            removes.insert(key.clone(), file.remove_action(false));
            groups.entry(folder(&key).to_owned()).or_default().push((key, file.size()));
        }
    }
    let mut written = Written { place, parts: Vec::new() };
    let mut named = 0;
    let mut names = Names::new(place, delta, now, &mut named);
    let (mut actions, mut cared) = (Vec::new(), Cared { table: table.name, ..Cared::default() });
    for mut files in groups.into_values() {
        files.sort();
        for bin in bins(files).into_iter().filter(|bin| bin.len() > 1) {
            let mut batches = Vec::new();
            for key in &bin {
                batches.extend(read(table, place, key)?.into_iter().map(Kept::all));
            }
            part::write(table, place, &batches, &mut written.parts, || names.next(), options)?;
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
    place.sync_folders(written.parts.iter().map(|part| part.key.as_str()), options.durability)?;
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
    place.sync_log(done.version(), options.durability)?;
    Ok(cared)
}

/// Removes files that no version of the last `retention` names, and what crashes left behind.
/// Gives how many.
///
/// # Errors
/// When the log cannot be read or written, or in a bucket `retention` is no day: what no entry
/// names yet may be what another writer is about to name.
pub async fn vacuum(
    table: &'static Table,
    place: &Place,
    delta: DeltaTable,
    options: WriteOptions,
    retention_days: u32,
    now: UtcMicros,
) -> Result<u64, Error> {
    if let (Place::Bucket(bucket, _), 0) = (place, retention_days) {
        return Err(Error::TooYoung { url: bucket.url().to_owned() });
    }
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
        place.sync_log(version, options.durability)?;
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
struct Written<'a> {
    place: &'a Place,
    parts: Vec<Part>,
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        self.parts.iter().for_each(|part| self.place.remove(&part.key));
    }
}

/// Cuts files of one folder into groups of at most [`MERGED_BYTES_MAX`].
fn bins(files: Vec<(String, i64)>) -> Vec<Vec<String>> {
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
fn read(table: &'static Table, place: &Place, key: &str) -> Result<Vec<RecordBatch>, Error> {
    let arrow = |source| Error::Arrow { table: table.name, source };
    let schema = table.file_schema();
    let mut batches = Vec::new();
    for batch in place.scan(key, &[])? {
        let batch = batch?;
        let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(arrow)?;
        batches.push(RecordBatch::try_new(Arc::clone(&schema), columns).map_err(arrow)?);
    }
    Ok(batches)
}
