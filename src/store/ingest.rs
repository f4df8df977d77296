//! One open batch: stages in, counted and deduplicated, spilled to files when memory asks
//! for it, and committed as a whole. Nothing is visible before `commit`; a batch that is
//! dropped leaves nothing.
//!
//! Loads follow each other: `begin`, then `merge` for each stage of it, then `load`.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::sync::OwnedMutexGuard;

use super::Error;
use super::overtaken::Dropped;
use super::part::Kept;
use super::pending::{Added, Pending};
use super::stage::{Foreign, Loading, Stage, Staged};
use super::stored::{EventKeys, Ids};
use super::tables::quarantine::Rejected;
use super::tables::sources::{EventReach, Filled, Reach};
use super::tables::{SourceKind, Table};
use super::tables::{employments, events, quarantine, registers, snapshots, sources};
use crate::domain::digest;
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
    /// Those that are new, as they will stand in `sources`.
    loads: Vec<Summed>,
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
    told: EventReach,
    /// By the source of events, where that is not the load's own.
    others: BTreeMap<&'static str, (LoadCounts, EventReach)>,
    filled: Filled,
    rejected: Vec<Rejected>,
    excerpt_bytes: usize,
    listed: bool,
}

/// A load that is over.
struct Summed {
    summary: LoadSummary,
    counts: LoadCounts,
    reach: Reach,
    filled: Option<String>,
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
    /// SHA-256 of the file as it is; of listings only.
    pub content_sha256: Option<String>,
}

/// What became of the rows of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadCounts {
    pub new: u64,
    pub duplicate: u64,
    pub quarantined: u64,
}

/// What a batch added, over all tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    pub loads: u64,
    pub rows: u64,
    pub files: u64,
    pub size_bytes: u64,
    /// Rows of each file that counted as new until, at the end, another writer had stored them first.
    pub overtaken: BTreeMap<String, u64>,
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
        let mut batch = Ingest {
            now,
            raw_kept,
            load: None,
            loads: Vec::new(),
            event_keys: EventKeys::new(events.place().clone(), events.files()?),
            events,
            snapshots: Listed::new(open(&snapshots::TABLE).await?)?,
            employments: Listed::new(open(&employments::TABLE).await?)?,
            registers: Listed::new(open(&registers::TABLE).await?)?,
            quarantined_loads: ids("load_id", &quarantine)?,
            quarantine,
            stored_loads: ids("load_id", &sources)?,
            sources,
            _turn: turn,
        };
        // Batches become known one after the other, also where the clock jumps back: what was
        // known at an instant is then a prefix of the log, on which checkpoints rest.
        let newest = batch.pendings().into_iter().filter_map(|pending| pending.newest_known()).max();
        batch.now = newest.map_or(now, |newest| now.max(UtcMicros(newest.0.saturating_add(1))));
        let now = batch.now;
        batch.pendings().into_iter().for_each(|pending| pending.known_at(now));
        Ok(batch)
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
            told: EventReach::default(),
            others: BTreeMap::new(),
            filled: Filled::default(),
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
        let Staged { events, keys, snapshots, employments, registers, rejected, told, foreign } =
            stage.finish()?;
        let new =
            keys.iter().map(|key| self.event_keys.insert(*key)).collect::<Result<Vec<bool>, Error>>()?;
        for Foreign { row, source, at } in foreign {
            let (counts, told) = load.others.entry(source).or_default();
            counts.add(LoadCounts { new: new[row].into(), duplicate: (!new[row]).into(), quarantined: 0 });
            told.tell(at, self.now);
        }
        let events = Kept::some(events, new);
        load.counts.new += events.count() as u64;
        load.counts.duplicate += (keys.len() - events.count()) as u64;
        self.events.append_batch(events);
        [&snapshots, &employments].into_iter().flatten().for_each(|rows| load.filled.count(rows));
        let listing_id = &load.loading.listing.listing_id;
        let listed = [
            (&mut self.snapshots, snapshots),
            (&mut self.employments, employments),
            (&mut self.registers, registers),
        ];
        for (table, rows) in listed {
            let Some(rows) = rows else { continue };
            load.listed = true;
            load.counts.add(table.add(listing_id, rows)?);
        }
        load.told.include(told);
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
        let mut reach = load.told.reach();
        load.listed |= summary.listing.is_some();
        if load.listed {
            let Listing { listing_id, listed_at, .. } = &*load.loading.listing;
            reach.widen(*listed_at);
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
            self.stored_loads.insert(&summary.load_id)?;
            if summary.listing.as_ref().is_some_and(|listing| listing.has_ends) {
                load.filled.note("expires_at");
            }
            let filled = summary.listing.is_some().then(|| load.filled.text());
            for (summary, counts, reach) in sources::lines(summary, load.counts, reach, load.others) {
                self.sources.append(&sources::cells(&summary, counts, reach, &filled, self.now))?;
                self.loads.push(Summed { summary, counts, reach, filled: filled.clone() });
            }
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
        let app_id = transaction_id(self.loads.iter().map(|load| load.summary.load_id.as_str()));
        // All rows are in files before the first table changes.
        self.pendings().into_iter().try_for_each(Pending::flush)?;
        let mut committed = Committed { loads: self.loads.len() as u64, ..Committed::default() };
        let [events, snapshots, employments, registers, quarantine, _] = self.pendings();
        for pending in [events, snapshots, employments, registers] {
            let added = pending.commit(&app_id).await?;
            for (file, rows) in &added.dropped {
                *committed.overtaken.entry(file.clone()).or_default() += rows;
            }
            committed.add(&added);
        }
        committed.add(&quarantine.commit(&app_id).await?);
        if !committed.overtaken.is_empty() {
            self.sum_up_again(&committed.overtaken)?;
        }
        committed.add(&self.sources.commit(&app_id).await?);
        Ok(committed)
    }

    /// Puts right what the loads say of rows that another writer stored first.
    fn sum_up_again(&mut self, overtaken: &Dropped) -> Result<(), Error> {
        self.sources.clear()?;
        let mut overtaken = overtaken.clone();
        for Summed { summary, counts, reach, filled } in &mut self.loads {
            if let Some(rows) = overtaken.get_mut(&*summary.file) {
                let dropped = counts.new.min(*rows);
                *rows -= dropped;
                counts.new -= dropped;
                counts.duplicate += dropped;
            }
            self.sources.append(&sources::cells(summary, *counts, *reach, filled, self.now))?;
        }
        Ok(())
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
        let listings = ids("listing_id", &pending)?;
        Ok(Listed { pending, listings })
    }

    /// Keeps the rows when their listing is new to this table.
    fn add(&mut self, listing_id: &str, rows: RecordBatch) -> Result<LoadCounts, Error> {
        let count = rows.num_rows() as u64;
        if self.listings.contains(listing_id)? {
            return Ok(LoadCounts { duplicate: count, ..LoadCounts::default() });
        }
        self.pending.append_batch(Kept::all(rows));
        Ok(LoadCounts { new: count, ..LoadCounts::default() })
    }
}

/// The ids in one column of a table as it stands now.
fn ids(column: &'static str, pending: &Pending) -> Result<Ids, Error> {
    Ok(Ids::new(column, pending.place().clone(), pending.files()?))
}

impl Committed {
    fn add(&mut self, added: &Added) {
        self.rows += added.rows;
        self.files += added.files;
        self.size_bytes += added.size_bytes;
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
fn transaction_id<'a>(load_ids: impl Iterator<Item = &'a str>) -> String {
    let mut load_ids: Vec<&str> = load_ids.collect();
    load_ids.sort_unstable();
    format!("lychgate/{}", digest::id_of(load_ids.join("\n")))
}
