//! One open batch: stages in, counted and deduplicated, spilled to files when memory asks
//! for it, and committed as a whole. Nothing is visible before `commit`; a batch that is
//! dropped leaves nothing.
//!
//! Loads follow each other: `begin`, then `merge` for each stage of it, then `load`.

use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::Error;
use super::part::Kept;
use super::pending::{Added, Pending};
use super::stage::{Loading, Stage, Staged};
use super::stored::{EventKeys, Ids};
use super::tables::quarantine::Rejected;
use super::tables::sources::Reach;
use super::tables::{SourceKind, Table};
use super::tables::{employments, events, quarantine, registers, snapshots, sources};
use crate::domain::{Listing, UtcMicros};

/// Values held in memory before they go to files.
const BUFFER_BYTES_MAX: usize = 96 << 20;

/// Excerpts held for one load; beyond it, rejected records keep their reason and line.
const EXCERPT_BYTES_MAX: usize = 32 << 20;

/// An open batch.
pub struct Ingest {
    now: UtcMicros,
    raw_kept: bool,
    load: Option<Load>,
    load_ids: Vec<String>,
    event_keys: EventKeys,
    events: Pending,
    snapshots: Listed,
    employments: Listed,
    registers: Listed,
    quarantine: Pending,
    quarantined_loads: Ids,
    sources: Pending,
    stored_loads: Ids,
    _turn: OwnedMutexGuard<File>,
}

/// A table of listings, and the listings that it has.
struct Listed {
    pending: Pending,
    listings: Ids,
}

/// The load that is being added.
struct Load {
    loading: Loading,
    counts: LoadCounts,
    reach: Reach,
    rejected: Vec<Rejected>,
    excerpt_bytes: usize,
    listed: bool,
}

/// What is known of a load at its end.
#[derive(Clone, Debug)]
pub struct LoadSummary {
    /// Hash of content, source and application.
    pub load_id: String,
    pub source: String,
    pub kind: SourceKind,
    pub app_id: Option<String>,
    pub file: Arc<str>,
    /// Absent for events.
    pub listing: Option<Listing>,
    /// Raw records, readable or not.
    pub rows_read: u64,
    /// What the source said it would hold.
    pub announced_total: Option<u64>,
}

/// What became of the rows of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadCounts {
    pub new: u64,
    pub duplicate: u64,
    pub quarantined: u64,
}

/// What a batch added, over all tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    pub loads: u64,
    pub rows: u64,
    pub files: u64,
    pub size_bytes: u64,
}

impl Ingest {
    pub(super) async fn new(
        turn: OwnedMutexGuard<File>,
        now: UtcMicros,
        raw_kept: bool,
        open: impl AsyncFn(&'static Table) -> Result<Pending, Error>,
    ) -> Result<Ingest, Error> {
        let events = open(&events::TABLE).await?;
        let quarantine = open(&quarantine::TABLE).await?;
        let sources = open(&sources::TABLE).await?;
        // Batches become known one after the other, also where the clock jumps back: what was
        // known at an instant is then a prefix of the log, on which checkpoints rest.
        let newest = [&events, &quarantine, &sources].into_iter().filter_map(Pending::newest_known).max();
        let now = newest.map_or(now, |newest| now.max(UtcMicros(newest.0.saturating_add(1))));
        Ok(Ingest {
            now,
            raw_kept,
            load: None,
            load_ids: Vec::new(),
            event_keys: EventKeys::new(events.files()?),
            events,
            snapshots: Listed::new(open(&snapshots::TABLE).await?)?,
            employments: Listed::new(open(&employments::TABLE).await?)?,
            registers: Listed::new(open(&registers::TABLE).await?)?,
            quarantined_loads: Ids::new("load_id", quarantine.files()?),
            quarantine,
            stored_loads: Ids::new("load_id", sources.files()?),
            sources,
            _turn: turn,
        })
    }

    /// Begins a load of `source`; `listing` is of no effect on events. Stages for its rows
    /// come from what is returned.
    ///
    /// # Errors
    /// `OpenLoad` when the one before was not summed up.
    pub fn begin(&mut self, source: &str, listing: &Listing) -> Result<Loading, Error> {
        self.check_closed()?;
        let loading = Loading {
            source: Arc::from(source),
            listing: Arc::new(listing.clone()),
            now: self.now,
            raw_kept: self.raw_kept,
        };
        self.load = Some(Load {
            loading: loading.clone(),
            counts: LoadCounts::default(),
            reach: Reach::default(),
            rejected: Vec::new(),
            excerpt_bytes: 0,
            listed: false,
        });
        Ok(loading)
    }

    /// Adds the rows of a stage of the open load, unless the lake or this batch has them: an
    /// event by its source and id, any other row by its listing.
    ///
    /// # Errors
    /// `NoLoad`, or when rows in memory cannot be spilled, or known keys not be read.
    pub fn merge(&mut self, stage: Stage) -> Result<(), Error> {
        let load = self.load.as_mut().ok_or(Error::NoLoad)?;
        let Staged { events, keys, snapshots, employments, registers, rejected, reach } = stage.finish()?;
        let new =
            keys.iter().map(|key| self.event_keys.insert(*key)).collect::<Result<Vec<bool>, Error>>()?;
        let events = Kept::some(events, new);
        load.counts.new += events.count() as u64;
        load.counts.duplicate += (keys.len() - events.count()) as u64;
        self.events.append_batch(events);
        let listing_id = &load.loading.listing.listing_id;
        let listed = [
            (&mut self.snapshots, snapshots),
            (&mut self.employments, employments),
            (&mut self.registers, registers),
        ];
        for (table, rows) in listed {
            load.listed |= rows.num_rows() > 0;
            load.counts.add(table.add(listing_id, rows)?);
        }
        load.reach.include(reach);
        load.counts.quarantined += rejected.len() as u64;
        for mut rejected in rejected {
            load.excerpt_bytes += rejected.excerpt.as_ref().map_or(0, String::len);
            if load.excerpt_bytes > EXCERPT_BYTES_MAX {
                rejected.excerpt = None;
            }
            load.rejected.push(rejected);
        }
        self.spill()
    }

    /// Sums up the open load and ends it. A load that the lake or this batch has leaves
    /// no second line in `sources` nor in `quarantine`.
    ///
    /// # Errors
    /// `NoLoad`, or when rows cannot be spilled or known loads not be read.
    pub fn load(&mut self, summary: LoadSummary) -> Result<LoadCounts, Error> {
        let mut load = self.load.take().ok_or(Error::NoLoad)?;
        if let Some(listing) = &summary.listing {
            load.reach.widen(listing.listed_at);
            load.listed = true;
        }
        if load.listed {
            let listing_id = &load.loading.listing.listing_id;
            self.snapshots.listings.insert(listing_id)?;
            self.employments.listings.insert(listing_id)?;
            self.registers.listings.insert(listing_id)?;
        }
        if !load.rejected.is_empty() && !self.quarantined_loads.contains(&summary.load_id)? {
            for rejected in &load.rejected {
                let cells = quarantine::cells(rejected, &summary.load_id, &summary.source, self.now);
                self.quarantine.append(&cells)?;
            }
            self.quarantined_loads.insert(&summary.load_id)?;
        }
        if !self.stored_loads.contains(&summary.load_id)? {
            self.sources.append(&sources::cells(&summary, load.counts, load.reach, self.now))?;
            self.stored_loads.insert(&summary.load_id)?;
            self.load_ids.push(summary.load_id);
        }
        self.spill()?;
        Ok(load.counts)
    }

    /// Makes the batch visible and durable: one log entry a table, `sources` last. An
    /// error in between leaves whole tables added, which the same files ingested again
    /// find and complete.
    ///
    /// # Errors
    /// `OpenLoad` when a load was not summed up, or when a file or log cannot be written.
    pub async fn commit(mut self) -> Result<Committed, Error> {
        self.check_closed()?;
        let (app_id, now) = (transaction_id(&mut self.load_ids), self.now);
        // All rows are in files before the first table changes.
        self.pendings().into_iter().try_for_each(Pending::flush)?;
        let mut committed = Committed { loads: self.load_ids.len() as u64, ..Committed::default() };
        for pending in self.pendings() {
            let Added { rows, files, size_bytes } = pending.commit(&app_id, now).await?;
            committed.rows += rows;
            committed.files += files;
            committed.size_bytes += size_bytes;
        }
        Ok(committed)
    }

    /// Every table, in the order of commits.
    fn pendings(&mut self) -> [&mut Pending; 6] {
        [
            &mut self.events,
            &mut self.snapshots.pending,
            &mut self.employments.pending,
            &mut self.registers.pending,
            &mut self.quarantine,
            &mut self.sources,
        ]
    }

    /// Writes the largest buffer to files when all together hold too much.
    fn spill(&mut self) -> Result<(), Error> {
        let pendings = self.pendings();
        if pendings.iter().map(|pending| pending.size_bytes()).sum::<usize>() < BUFFER_BYTES_MAX {
            return Ok(());
        }
        let parts = self.events.part_files().count();
        if let Some(largest) = self.pendings().into_iter().max_by_key(|pending| pending.size_bytes()) {
            largest.flush()?;
        }
        let new: Vec<_> = self.events.part_files().skip(parts).collect();
        if !new.is_empty() {
            self.event_keys.flushed(new);
        }
        Ok(())
    }

    fn check_closed(&self) -> Result<(), Error> {
        match &self.load {
            Some(load) => Err(Error::OpenLoad { source_name: load.loading.source.to_string() }),
            None => Ok(()),
        }
    }
}

impl Listed {
    fn new(pending: Pending) -> Result<Listed, Error> {
        let listings = Ids::new("listing_id", pending.files()?);
        Ok(Listed { pending, listings })
    }

    /// Keeps the rows when their listing is new to this table.
    fn add(&mut self, listing_id: &str, rows: RecordBatch) -> Result<LoadCounts, Error> {
        let count = rows.num_rows() as u64;
        if count == 0 {
            return Ok(LoadCounts::default());
        }
        if self.listings.contains(listing_id)? {
            return Ok(LoadCounts { duplicate: count, ..LoadCounts::default() });
        }
        self.pending.append_batch(Kept::all(rows));
        Ok(LoadCounts { new: count, ..LoadCounts::default() })
    }
}

impl LoadCounts {
    fn add(&mut self, more: LoadCounts) {
        self.new += more.new;
        self.duplicate += more.duplicate;
        self.quarantined += more.quarantined;
    }
}

/// One id for the batch, from the loads in it, so that other writers of the table see
/// which batch an entry belongs to.
fn transaction_id(load_ids: &mut [String]) -> String {
    load_ids.sort_unstable();
    let hash = Sha256::digest(load_ids.join("\n").as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("lychgate/{hex}")
}
