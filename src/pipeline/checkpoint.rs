//! Starting where an earlier run ended: a session reads only the events that a checkpoint does not
//! know, and a current run keeps a new one when enough has come since.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Engine, Error};
use crate::domain::UtcMicros;
use crate::query::{At, Base, Session};
use crate::store::{Checkpoint, checkpoint};

const CHANGES: &str = "changes";
const USES: &str = "uses";
/// A new checkpoint costs as much as the state is large, so it waits for a tail of this share.
const TAIL_SHARE: f64 = 0.1;

/// Which events a session reads: of which table, and known by when at the latest.
pub(super) struct EventsRead {
    pub table_id: String,
    pub newest_known_at: Option<UtcMicros>,
}

impl Engine {
    /// What earlier runs worked out, for a question at `at`. Nothing when the log does not say
    /// when rows became known.
    pub(super) fn base(&self, at: At, events: &EventsRead) -> Option<Base> {
        // A lake that lost its last batches knows less than a checkpoint that was made before.
        let known_at = at.known_at.min(events.newest_known_at?);
        let found = checkpoint::newest(&self.checkpoints(), &events.table_id, at.as_of, known_at)?;
        let Checkpoint { as_of, known_at, mut tables, .. } = found;
        Some(Base { as_of, known_at, changes: tables.remove(CHANGES)?, uses: tables.remove(USES)? })
    }

    /// Keeps what `session` has read of events, unless hardly anything came since its base, or the
    /// session does not know all that is there: `events` is what it read.
    ///
    /// # Errors
    /// When the session does not answer or the files cannot be written.
    pub(super) async fn keep_checkpoint(&self, session: &Session, events: &EventsRead) -> Result<(), Error> {
        let at = session.at();
        // Batches become known one after the other, so that everything known by the newest
        // instant of these tables is in them, and no row in them is newer.
        let Some(known_at) = events.newest_known_at.filter(|newest| *newest <= at.known_at) else {
            return Ok(());
        };
        let changes = session.collect("base_changes", include_str!("base_changes.sql")).await?;
        let uses = session.collect("base_uses", include_str!("base_uses.sql")).await?;
        let held: usize = changes.iter().chain(&uses).map(|batch| batch.num_rows()).sum();
        let known = session.base_rows();
        if ((held - known.min(held)) as f64) < TAIL_SHARE * held as f64 {
            return Ok(());
        }
        let tables = BTreeMap::from([(CHANGES.to_owned(), changes), (USES.to_owned(), uses)]);
        let made_from = events.table_id.clone();
        let kept = Checkpoint { as_of: at.as_of, known_at, made_from, tables };
        Ok(checkpoint::keep(&self.checkpoints(), &kept)?)
    }

    /// Forgets what was worked out; the next run reads all events again.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn rebuild(&self) -> Result<(), Error> {
        Ok(checkpoint::forget(&self.checkpoints())?)
    }

    fn checkpoints(&self) -> PathBuf {
        self.data.join("checkpoints").join(&self.tenant)
    }
}
