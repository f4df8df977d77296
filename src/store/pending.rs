//! What one batch adds to one table: rows in memory, then parts on disk, then one log
//! entry that makes them count. Parts of a batch that never commits are removed.
//!
//! An entry is created at the version after the one that the batch was compared with, on condition
//! that none is there. So a commit of another writer is never passed by: it is looked at first.

use std::collections::HashSet;

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::{CommitOrBytes, commit_uri_from_version};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, checkpoints};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload};

use super::buffer::Buffer;
use super::overtaken::{self, Dropped, Winner};
use super::part::{self, Kept, Part};
use super::place::Place;
use super::tables::{Cell, Table};
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

/// Commits of others that one commit may come behind; each is looked at, so it goes on only while
/// others keep coming first.
const RACES_MAX: u32 = 20;
/// A checkpoint of the log is made each so many versions.
pub(super) const CHECKPOINT_INTERVAL: u64 = 20;

/// The additions to one table.
pub struct Pending {
    table: &'static Table,
    place: Place,
    delta: DeltaTable,
    /// Single rows, behind all batches.
    buffer: Buffer,
    batches: Vec<Kept>,
    batch_bytes: usize,
    parts: Vec<Part>,
    parts_named: u32,
    now: UtcMicros,
    options: WriteOptions,
}

/// How an entry fared.
enum Entry {
    Written,
    /// Another writer has this version.
    Overtaken,
}

/// What a commit added to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub rows: u64,
    pub files: u64,
    pub size_bytes: u64,
    /// Rows that another writer stored first.
    pub dropped: Dropped,
}

impl Pending {
    /// Additions to `delta` as it stands now; `place` is where it lives.
    pub fn new(table: &'static Table, place: Place, delta: DeltaTable, options: WriteOptions) -> Pending {
        Pending {
            table,
            place,
            delta,
            buffer: Buffer::new(table),
            batches: Vec::new(),
            batch_bytes: 0,
            parts: Vec::new(),
            parts_named: 0,
            now: UtcMicros(0),
            options,
        }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// When the rows become known.
    pub fn known_at(&mut self, now: UtcMicros) {
        self.now = now;
    }

    /// Keys of the files that the table consists of before this batch.
    pub fn files(&self) -> Result<Vec<String>, Error> {
        files(self.table, &self.delta)
    }

    /// The newest instant at which a row of the table became known before this batch.
    pub fn newest_known(&self) -> Option<UtcMicros> {
        part::newest_known(self.table, &self.delta)
    }

    /// The files that this batch wrote so far.
    pub fn part_files(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| part.key.clone())
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
        let mut names = Names::new(&self.place, &self.delta, self.now, &mut self.parts_named);
        part::write(self.table, &self.place, &batches, &mut self.parts, || names.next(), self.options)
    }

    /// Lets go of all rows, so that others can be appended instead.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.batches.clear();
        self.batch_bytes = 0;
        self.buffer.take()?;
        self.remove_parts();
        Ok(())
    }

    /// Makes the additions count, in one log entry that carries `app_id` as its
    /// application transaction, and durable before it returns. Where another writer came first,
    /// rows that it stored are left out.
    ///
    /// # Errors
    /// When a file or the log cannot be read or written, or others come first again and again.
    pub async fn commit(&mut self, app_id: &str) -> Result<Added, Error> {
        self.flush()?;
        let mut dropped = Dropped::new();
        for _ in 0..=RACES_MAX {
            if self.parts.is_empty() {
                return Ok(Added { dropped, ..Added::default() });
            }
            self.place
                .sync_folders(self.parts.iter().map(|part| part.key.as_str()), self.options.durability)?;
            let version = self.delta.version().map_or(0, |version| version + 1);
            let entry = self.entry(app_id).await?;
            // Taken first: once an entry may name the files, nothing may remove them.
            let parts = std::mem::take(&mut self.parts);
            match self.write_entry(version, entry).await? {
                Entry::Written => {
                    self.place.sync_log(version, self.options.durability)?;
                    self.checkpoint(version).await;
                    return Ok(parts.iter().fold(Added { dropped, ..Added::default() }, Added::with));
                }
                Entry::Overtaken => {
                    self.parts = parts;
                    let more = self.come_behind(version).await?;
                    more.into_iter().for_each(|(file, rows)| *dropped.entry(file).or_default() += rows);
                }
            }
        }
        Err(Error::Overtaken { table: self.table.name, races: RACES_MAX })
    }

    /// The log entry that names all parts.
    async fn entry(&self, app_id: &str) -> Result<PutPayload, Error> {
        let failed = |source| Error::delta("commit to", self.table.name)(source);
        let adds = self.parts.iter().map(|part| Action::Add(part.add(self.table, self.now))).collect();
        let millis = self.now.0.div_euclid(1_000);
        let transaction = Transaction::new_with_last_update(app_id, self.now.0, Some(millis));
        let properties = CommitProperties::default().with_application_transaction(transaction);
        let snapshot = self.delta.snapshot().map_err(failed)?;
        let prepared = CommitBuilder::from(properties)
            .with_actions(adds)
            .build(Some(snapshot.snapshot()), self.delta.log_store(), self.operation())
            .into_prepared_commit_future()
            .await
            .map_err(failed)?;
        match prepared.commit_or_bytes() {
            CommitOrBytes::LogBytes(bytes) => Ok(bytes.clone().into()),
            CommitOrBytes::TmpCommit(path) => {
                let what = deltalake::DeltaTableError::Generic(format!("its log store writes {path} first"));
                Err(failed(what))
            }
        }
    }

    /// Creates the entry of a version, not by the library: that would put it behind entries of others
    /// that nobody compared it with. When the answer is lost, the log tells how it went.
    ///
    /// # Errors
    /// When the entry is not there, or that cannot be found out. It may still come to be, and no
    /// later commit can get its version unseen.
    async fn write_entry(&self, version: u64, entry: PutPayload) -> Result<Entry, Error> {
        let (store, path) =
            (self.delta.log_store().object_store(None), commit_uri_from_version(Some(version)));
        let failed = |source| Error::delta("commit to", self.table.name)(source);
        let error = match store.put_opts(&path, entry.clone(), PutMode::Create.into()).await {
            Ok(_) => return Ok(Entry::Written),
            Err(error) => error,
        };
        let there = match store.get(&path).await {
            Ok(there) => there.bytes().await.map_err(|error| failed(error.into()))?,
            Err(object_store::Error::NotFound { .. }) => return Err(failed(error.into())),
            Err(error) => return Err(failed(error.into())),
        };
        let ours = bytes::Bytes::from(entry);
        Ok(if there == ours { Entry::Written } else { Entry::Overtaken })
    }

    /// Reads what came first, of which `version` is the first entry, and brings the parts behind it.
    async fn come_behind(&mut self, version: u64) -> Result<Dropped, Error> {
        let known: HashSet<String> = self.files()?.into_iter().collect();
        let delta = self.place.load(self.table).await?;
        if delta.version().is_none_or(|newest| newest < version) {
            // A listing that does not name what is there; the entry is refused again until it does.
            return Ok(Dropped::new());
        }
        super::lake::check_version(self.table, &delta)?;
        let files = files(self.table, &delta)?.into_iter().filter(|key| !known.contains(key)).collect();
        let newest = part::newest_known(self.table, &delta);
        self.delta = delta;
        if let Some(newest) = newest.filter(|newest| *newest >= self.now) {
            self.now = UtcMicros(newest.0.saturating_add(1));
        }
        tracing::info!(table = self.table.name, version, "another writer came first");
        let winner = Winner { table: self.table, place: &self.place, files, newest };
        let mut names = Names::new(&self.place, &self.delta, self.now, &mut self.parts_named);
        overtaken::bring_behind(&winner, &mut self.parts, self.now, || names.next(), self.options)
    }

    /// Sums up the log now and then, so that reading it stays cheap. The commit counts without.
    async fn checkpoint(&self, version: u64) {
        if !(version + 1).is_multiple_of(CHECKPOINT_INTERVAL) {
            return;
        }
        let made = async {
            let delta = self.place.load(self.table).await?;
            let made = checkpoints::create_checkpoint(&delta, None).await;
            made.map_err(Error::delta("sum up the log of", self.table.name))?;
            self.place.sync_log(version, self.options.durability)
        };
        if let Err(error) = made.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, table = self.table.name, "the log is not summed up");
        }
    }

    fn operation(&self) -> DeltaOperation {
        let columns = self.table.partition_columns().into_iter().map(str::to_owned).collect::<Vec<_>>();
        DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: (!columns.is_empty()).then_some(columns),
            predicate: None,
        }
    }

    fn remove_parts(&mut self) {
        self.parts.drain(..).for_each(|part| self.place.remove(&part.key));
    }
}

impl Added {
    fn with(self, part: &Part) -> Added {
        Added {
            rows: self.rows + part.rows(),
            files: self.files + 1,
            size_bytes: self.size_bytes + part.size_bytes(),
            ..self
        }
    }
}

impl Drop for Pending {
    /// Tidies only: what cannot be removed is overwritten by the next batch, or is an orphan.
    fn drop(&mut self) {
        self.remove_parts();
    }
}

/// Names of the next files of a batch.
pub struct Names<'a> {
    place: Place,
    version: u64,
    now: UtcMicros,
    named: &'a mut u32,
}

impl Names<'_> {
    /// For a commit behind `delta`; `named` counts those that were given.
    pub fn new<'a>(place: &Place, delta: &DeltaTable, now: UtcMicros, named: &'a mut u32) -> Names<'a> {
        let version = delta.version().map_or(0, |version| version + 1);
        Names { place: place.clone(), version, now, named }
    }

    pub fn next(&mut self) -> String {
        *self.named += 1;
        self.place.part_name(self.version, self.now, *self.named)
    }
}

/// Keys of the files that a table consists of.
fn files(table: &'static Table, delta: &DeltaTable) -> Result<Vec<String>, Error> {
    let snapshot = delta.snapshot().map_err(Error::delta("list the files of", table.name))?;
    Ok(snapshot.log_data().iter().map(|file| file.object_store_path().to_string()).collect())
}
