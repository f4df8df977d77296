//! What one batch adds to one table: rows in memory, then parts on disk, then one log
//! entry that makes them count. Parts of a batch that never commits are removed.

use std::fs;
use std::path::PathBuf;

use deltalake::DeltaTable;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};

use super::buffer::Buffer;
use super::part::{self, Kept, Part};
use super::tables::{Cell, Table};
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

/// The additions to one table.
pub struct Pending {
    table: &'static Table,
    dir: PathBuf,
    delta: DeltaTable,
    /// Single rows, behind all batches.
    buffer: Buffer,
    batches: Vec<Kept>,
    batch_bytes: usize,
    parts: Vec<Part>,
    parts_named: u32,
    options: WriteOptions,
}

/// What a commit added to one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub rows: u64,
    pub files: u64,
    pub size_bytes: u64,
}

impl Pending {
    /// Additions to `delta` as it stands now; `dir` is where it lives.
    pub fn new(table: &'static Table, dir: PathBuf, delta: DeltaTable, options: WriteOptions) -> Pending {
        Pending {
            table,
            dir,
            delta,
            buffer: Buffer::new(table),
            batches: Vec::new(),
            batch_bytes: 0,
            parts: Vec::new(),
            parts_named: 0,
            options,
        }
    }

    /// The files that the table consists of before this batch.
    pub fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let snapshot = self.delta.snapshot().map_err(Error::delta("list the files of", self.table.name))?;
        let path = |file: &str| self.dir.join(file);
        Ok(snapshot.log_data().iter().map(|file| path(file.object_store_path().as_ref())).collect())
    }

    /// The newest instant at which a row of the table became known before this batch.
    pub fn newest_known(&self) -> Option<UtcMicros> {
        part::newest_known(&self.delta)
    }

    /// The files that this batch wrote so far.
    pub fn part_files(&self) -> impl Iterator<Item = PathBuf> {
        self.parts.iter().map(|part| part.path.clone())
    }

    pub fn append(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        self.buffer.append(cells)
    }

    /// Appends rows that are columns already.
    pub fn append_batch(&mut self, kept: Kept) {
        if kept.count() > 0 {
            self.batch_bytes += kept.rows.get_array_memory_size();
            self.batches.push(kept);
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.batch_bytes + self.buffer.size_bytes()
    }

    /// Writes the rows in memory to files that no log entry names yet.
    pub fn flush(&mut self) -> Result<(), Error> {
        let mut batches = std::mem::take(&mut self.batches);
        self.batch_bytes = 0;
        if !self.buffer.is_empty() {
            batches.push(Kept::all(self.buffer.take()?));
        }
        if batches.is_empty() {
            return Ok(());
        }
        // The version that the commit will get makes the names unique without dice: one
        // writer, one batch a version. A crashed batch's orphans are overwritten.
        let version = self.delta.version().map_or(0, |version| version + 1);
        let named = &mut self.parts_named;
        let name = || {
            *named += 1;
            format!("part-{version:08}-{named:06}.zstd.parquet")
        };
        part::write(self.table, &self.dir, &batches, &mut self.parts, name, self.options)
    }

    /// Makes the additions count, in one log entry that carries `app_id` as its
    /// application transaction, and durable before it returns.
    pub async fn commit(&mut self, app_id: &str, now: UtcMicros) -> Result<Added, Error> {
        self.flush()?;
        // Taken first: once an entry may name the files, nothing may remove them.
        let parts = std::mem::take(&mut self.parts);
        if parts.is_empty() {
            return Ok(Added::default());
        }
        self.sync_folders(&parts)?;
        let failed = |source| Error::delta("commit to", self.table.name)(source);
        let adds = parts.iter().map(|part| Action::Add(part.add(self.table, now))).collect();
        let millis = now.0.div_euclid(1_000);
        let transaction = Transaction::new_with_last_update(app_id, now.0, Some(millis));
        let properties = CommitProperties::default().with_application_transaction(transaction);
        let snapshot = self.delta.snapshot().map_err(failed)?;
        let done = CommitBuilder::from(properties)
            .with_actions(adds)
            .build(Some(snapshot.snapshot()), self.delta.log_store(), self.operation())
            .await
            .map_err(failed)?;
        self.options.durability.sync_log(&self.dir, done.version())?;
        Ok(parts.iter().fold(Added::default(), |sum, part| Added {
            rows: sum.rows + part.rows(),
            files: sum.files + 1,
            size_bytes: sum.size_bytes + part.size_bytes(),
        }))
    }

    fn operation(&self) -> DeltaOperation {
        let columns = self.table.partition_columns().into_iter().map(str::to_owned).collect::<Vec<_>>();
        DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: (!columns.is_empty()).then_some(columns),
            predicate: None,
        }
    }

    fn sync_folders(&self, parts: &[Part]) -> Result<(), Error> {
        let mut folders: Vec<_> = parts.iter().filter_map(|part| part.path.parent()).collect();
        folders.push(&self.dir);
        folders.sort_unstable();
        folders.dedup();
        folders.into_iter().try_for_each(|folder| self.options.durability.sync_dir(folder))
    }
}

impl Drop for Pending {
    /// Tidies only: what cannot be removed is overwritten by the next batch.
    fn drop(&mut self) {
        for part in &self.parts {
            let _ = fs::remove_file(&part.path);
        }
    }
}
