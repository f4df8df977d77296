//! Rows of one load on their way into the lake, as columns. A stage knows nothing of the
//! lake, so any thread fills one; `Ingest::merge` takes them in the order of the input.

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Error;
use super::buffer::Buffer;
use super::stored::EventKey;
use super::tables::quarantine::Rejected;
use super::tables::sources::EventReach;
use super::tables::{Entry, employments, events, registers, snapshots};
use crate::domain::{Listing, Origin, Rejection, Row, UtcMicros};

/// What all rows of a load share: each thread takes its stages from it.
#[derive(Clone, Debug)]
pub struct Loading {
    pub(super) source: Arc<str>,
    pub(super) listing: Arc<Listing>,
    pub(super) now: UtcMicros,
    pub(super) raw_kept: bool,
}

/// Rows and rejected records, in the order in which they were added.
pub struct Stage {
    loading: Loading,
    events: Buffer,
    keys: Vec<EventKey>,
    snapshots: Buffer,
    employments: Buffer,
    registers: Buffer,
    rejected: Vec<Rejected>,
    told: EventReach,
    foreign: Vec<Foreign>,
}

/// An event of another source than that of its load: vendors send several logs as one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreign {
    /// Among the events of its stage.
    pub row: usize,
    pub source: &'static str,
    pub at: UtcMicros,
}

/// A stage that is full.
pub(super) struct Staged {
    pub events: RecordBatch,
    /// One for each event.
    pub keys: Vec<EventKey>,
    pub snapshots: Option<RecordBatch>,
    pub employments: Option<RecordBatch>,
    pub registers: Option<RecordBatch>,
    pub rejected: Vec<Rejected>,
    /// Of the events of the load's own source.
    pub told: EventReach,
    pub foreign: Vec<Foreign>,
}

impl Loading {
    /// A stage with room for about `rows` rows.
    pub fn stage(&self, rows: usize) -> Stage {
        Stage {
            loading: self.clone(),
            events: Buffer::with_room(&events::TABLE, rows),
            keys: Vec::with_capacity(rows),
            snapshots: Buffer::with_room(&snapshots::TABLE, rows),
            employments: Buffer::with_room(&employments::TABLE, rows),
            registers: Buffer::with_room(&registers::TABLE, rows),
            rejected: Vec::new(),
            told: EventReach::default(),
            foreign: Vec::new(),
        }
    }
}

impl Stage {
    /// Adds one row; `raw` is its record's own text.
    ///
    /// # Errors
    /// `Column` when a cell does not fit its column, which is a bug of ours.
    pub fn add(&mut self, origin: &Origin, raw: &str, row: &Row) -> Result<(), Error> {
        let Loading { source, listing, now, raw_kept } = &self.loading;
        let raw = raw_kept.then_some(raw);
        let entry = Entry { source, origin, raw, listing, ingested_at: *now };
        match row {
            Row::Event(event) => {
                if *event.source == **source {
                    self.told.tell(event.occurred_at, *now);
                } else {
                    let (source, at) = (event.source, event.occurred_at);
                    self.foreign.push(Foreign { row: self.keys.len(), source, at });
                }
                self.keys.push(EventKey::new(event));
                return self.events.append(&events::cells(event, entry));
            }
            Row::Account(row) => self.snapshots.append(&snapshots::account_cells(row, entry))?,
            Row::Grant(row) => self.snapshots.append(&snapshots::grant_cells(row, entry))?,
            Row::Employment(row) => self.employments.append(&employments::cells(row, entry))?,
            Row::Register(row) => {
                let attributes = registers::attributes(row);
                self.registers.append(&registers::cells(row, &attributes, entry))?;
            }
        }
        Ok(())
    }

    /// Keeps a record that could not become a row.
    pub fn quarantine(&mut self, origin: &Origin, rejection: Rejection, excerpt: &str) {
        let (file, excerpt) = (origin.file.clone(), Some(excerpt.to_owned()));
        self.rejected.push(Rejected { file, line: origin.line, rejection, excerpt });
    }

    pub(super) fn finish(mut self) -> Result<Staged, Error> {
        let taken = |buffer: &mut Buffer| (!buffer.is_empty()).then(|| buffer.take()).transpose();
        Ok(Staged {
            events: self.events.take()?,
            keys: self.keys,
            snapshots: taken(&mut self.snapshots)?,
            employments: taken(&mut self.employments)?,
            registers: taken(&mut self.registers)?,
            rejected: self.rejected,
            told: self.told,
            foreign: self.foreign,
        })
    }
}
