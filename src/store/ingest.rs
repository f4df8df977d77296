//! One open batch: rows in, counted and deduplicated, spilled to files when memory asks
//! for it, and committed as a whole. Nothing is visible before `commit`; a batch that is
//! dropped leaves nothing.
//!
//! Loads follow each other: `begin`, then `add` and `quarantine`, then `load`.

use std::fs::File;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::Error;
use super::pending::{Added, Pending};
use super::stored::{EventKeys, Ids};
use super::tables::quarantine::Rejected;
use super::tables::sources::Reach;
use super::tables::{Entry, SourceKind, Table};
use super::tables::{employments, events, quarantine, registers, snapshots, sources};
use crate::domain::{Event, Listing, Origin, Rejection, Row, UtcMicros};

/// Values held in memory before they go to files. With the sorted copy of a day and the
/// writer's own buffers a batch peaks at about three times this.
const BUFFER_BYTES_MAX: usize = 128 << 20;
/// Excerpts held for one load; beyond it, rejected records keep their reason and line.
const EXCERPT_BYTES_MAX: usize = 32 << 20;

/// An open batch.
pub struct Ingest {
    now: UtcMicros,
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
    source: String,
    counts: LoadCounts,
    reach: Reach,
    rejected: Vec<Rejected>,
    excerpt_bytes: usize,
    listing_ids: Vec<String>,
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
        open: impl AsyncFn(&'static Table) -> Result<Pending, Error>,
    ) -> Result<Ingest, Error> {
        let events = open(&events::TABLE).await?;
        let quarantine = open(&quarantine::TABLE).await?;
        let sources = open(&sources::TABLE).await?;
        Ok(Ingest {
            now,
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

    /// Begins a load of `source`.
    ///
    /// # Errors
    /// `OpenLoad` when the one before was not summed up.
    pub fn begin(&mut self, source: &str) -> Result<(), Error> {
        self.check_closed()?;
        self.load = Some(Load {
            source: source.to_owned(),
            counts: LoadCounts::default(),
            reach: Reach::default(),
            rejected: Vec::new(),
            excerpt_bytes: 0,
            listing_ids: Vec::new(),
        });
        Ok(())
    }

    /// Adds one row of the open load, unless the lake or this batch has it: an event by
    /// its source and id, any other row by its listing. `listing` is of no effect on events.
    ///
    /// # Errors
    /// `NoLoad`, or when rows in memory cannot be spilled, or known keys not be read.
    pub fn add(&mut self, origin: &Origin, raw: &str, listing: &Listing, row: Row) -> Result<(), Error> {
        let load = self.load.as_mut().ok_or(Error::NoLoad)?;
        let source = &load.source;
        let entry = Entry { source, origin, raw, listing, ingested_at: self.now };
        let is_new = match &row {
            Row::Event(event) => add_event(&mut self.events, &mut self.event_keys, event, entry)?,
            Row::Account(row) => self.snapshots.add(listing, &snapshots::account_cells(row, entry))?,
            Row::Grant(row) => self.snapshots.add(listing, &snapshots::grant_cells(row, entry))?,
            Row::Employment(row) => self.employments.add(listing, &employments::cells(row, entry))?,
            Row::Register(row) => {
                let attributes = registers::attributes(row);
                self.registers.add(listing, &registers::cells(row, &attributes, entry))?
            }
        };
        load.count(is_new);
        load.reach_row(&row, listing);
        self.spill()
    }

    /// Keeps a record of the open load that could not become a row.
    ///
    /// # Errors
    /// `NoLoad`.
    pub fn quarantine(&mut self, origin: &Origin, rejection: Rejection, excerpt: &str) -> Result<(), Error> {
        let load = self.load.as_mut().ok_or(Error::NoLoad)?;
        load.counts.quarantined += 1;
        load.excerpt_bytes += excerpt.len();
        let excerpt = (load.excerpt_bytes <= EXCERPT_BYTES_MAX).then(|| excerpt.to_owned());
        let file = origin.file.clone();
        load.rejected.push(Rejected { file, line: origin.line, rejection, excerpt });
        Ok(())
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
            load.listing_ids.push(listing.listing_id.clone());
        }
        for listing_id in &load.listing_ids {
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
        match pendings.into_iter().max_by_key(|pending| pending.size_bytes()) {
            Some(largest) => largest.flush(),
            None => Ok(()),
        }
    }

    fn check_closed(&self) -> Result<(), Error> {
        match &self.load {
            Some(load) => Err(Error::OpenLoad { source_name: load.source.clone() }),
            None => Ok(()),
        }
    }
}

impl Listed {
    fn new(pending: Pending) -> Result<Listed, Error> {
        let listings = Ids::new("listing_id", pending.files()?);
        Ok(Listed { pending, listings })
    }

    /// Whether the listing is new to this table; its row is then kept.
    fn add(&mut self, listing: &Listing, cells: &[super::tables::Cell<'_>]) -> Result<bool, Error> {
        if self.listings.contains(&listing.listing_id)? {
            return Ok(false);
        }
        self.pending.append(cells)?;
        Ok(true)
    }
}

impl Load {
    fn count(&mut self, is_new: bool) {
        match is_new {
            true => self.counts.new += 1,
            false => self.counts.duplicate += 1,
        }
    }

    fn reach_row(&mut self, row: &Row, listing: &Listing) {
        match row {
            Row::Event(event) => self.reach.widen(event.occurred_at),
            _ => {
                self.reach.widen(listing.listed_at);
                if self.listing_ids.last() != Some(&listing.listing_id) {
                    self.listing_ids.push(listing.listing_id.clone());
                }
            }
        }
    }
}

fn add_event(
    events: &mut Pending,
    keys: &mut EventKeys,
    event: &Event,
    entry: Entry<'_>,
) -> Result<bool, Error> {
    let is_new = keys.insert(event)?;
    if is_new {
        events.append(&events::cells(event, entry))?;
    }
    Ok(is_new)
}

/// One id for the batch, from the loads in it, so that other writers of the table see
/// which batch an entry belongs to.
fn transaction_id(load_ids: &mut [String]) -> String {
    load_ids.sort_unstable();
    let hash = Sha256::digest(load_ids.join("\n").as_bytes());
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("lychgate/{hex}")
}
