//! Starting where an earlier run ended: a session reads only the events that a checkpoint does not
//! know, and a current run keeps a new one when enough has come since.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use tracing::{debug, warn};

use super::{Engine, Error, now};
use crate::domain::UtcMicros;
use crate::query::{self, At, Base, Elsewhere, PackedTable, Session};
use crate::state;
use crate::store::checkpoint::{self, Checkpoint, Growing, Held, HeldColumn, HeldRows, MadeFrom, Reach};
use crate::store::{self, Log, Read, Times};

/// A new checkpoint costs as much as the state is large, so it waits for a tail of this share of its rows: each account
/// and each grant is in it about twice.
const TAIL_SHARE: f64 = 0.05;

/// Which events and listings a session reads.
pub(super) struct Stored {
    events: Known,
    listings: Known,
    people: Known,
    /// Rows that a session worked out and a checkpoint could have kept.
    pub renewed: usize,
}

/// One table as it stands.
pub(super) struct Known {
    pub log: Log,
    /// Known by when at the latest; absent when the log does not say.
    pub newest_at: Option<UtcMicros>,
    /// What the log says of each file, where it does.
    files: Option<Vec<Times>>,
}

impl Stored {
    pub fn of(events: &Read, listings: &Read, people: &Read) -> Stored {
        let known = |read: &Read| Known {
            log: read.log.clone(),
            newest_at: read.newest_known_at,
            files: read.files.clone(),
        };
        Stored { events: known(events), listings: known(listings), people: known(people), renewed: 0 }
    }

    pub fn events(&self) -> &Known {
        &self.events
    }

    /// Up to where a question at `at` reaches in these tables. None when a log does not say when
    /// rows became known.
    fn reach(&self, at: At) -> Option<Reach> {
        // A lake that lost its last batches knows less than a checkpoint that was made before.
        let known = |table: &Known| Some(at.known_at.min(table.newest_at?).max(UtcMicros(0)));
        Some(Reach {
            as_of: at.as_of,
            known_at: known(&self.events)?,
            listings_known_at: known(&self.listings)?,
            people_known_at: known(&self.people)?,
        })
    }

    /// The days of which events tell that a checkpoint of up to `reach` does not know.
    fn tail_days(&self, reach: &Reach) -> RangeInclusive<i32> {
        let days = |file: &Times| {
            let [first, last] = file.of?;
            let is_news = file.known_at > reach.known_at || last > reach.as_of;
            Some(is_news.then(|| [first.days(), last.days()]))
        };
        let Some(files) = &self.events.files else { return query::ALL_DAYS };
        let Some(days) = files.iter().map(days).collect::<Option<Vec<_>>>() else { return query::ALL_DAYS };
        let days = || days.iter().flatten().flatten().copied();
        match (days().min(), days().max()) {
            (Some(first), Some(last)) => first..=last,
            // None at all; nothing has happened on the last one.
            _ => *query::ALL_DAYS.end()..=*query::ALL_DAYS.end(),
        }
    }

    /// Whether a question at `at` knows all that is there. Batches become known one after the other,
    /// so that everything known by the newest instant of a table is in it, and no row is newer.
    fn all_known(&self, at: At) -> bool {
        self.tables().iter().all(|table| table.newest_at.is_some_and(|newest| newest <= at.known_at))
    }

    /// Whether these tables are those that a checkpoint was made from, and lost nothing since: a lake that lost its
    /// last batches and went on is as new as one that did not.
    fn go_on_from(&self, made_from: &MadeFrom) -> bool {
        self.tables().into_iter().zip(made_from).all(|(table, mark)| table.log.goes_on_from(mark))
    }

    fn marks(&self) -> Result<MadeFrom, store::Error> {
        let [events, listings, people] = self.tables();
        Ok([events.log.mark()?, listings.log.mark()?, people.log.mark()?])
    }

    fn tables(&self) -> [&Known; 3] {
        [&self.events, &self.listings, &self.people]
    }
}

impl Engine {
    /// What earlier runs worked out, for a question at `at`.
    pub(super) async fn base(&self, at: At, stored: &Stored) -> Option<Base> {
        let wanted = stored.reach(at)?;
        let newest =
            checkpoint::newest(&self.checkpoints(), &wanted, |made_from| stored.go_on_from(made_from));
        let Checkpoint { reach, tables, rows } = newest?;
        // One that another version made may lack what this one starts from.
        let mut wanted = query::KEPT.iter().chain(&state::KEPT);
        if !wanted.all(|name| tables.contains_key(*name)) {
            return None;
        }
        let tail_days = stored.tail_days(&reach);
        let Reach { as_of, known_at, listings_known_at, people_known_at, .. } = reach;
        let tables = tables.into_iter().map(|(name, table)| (name, elsewhere(table))).collect();
        Some(Base { as_of, known_at, listings_known_at, people_known_at, tail_days, tables, rows })
    }

    /// Keeps a new checkpoint where one is due, and lets `session` read from it what happened, which in memory
    /// takes several times the room. Without one this run takes more memory, and the next one longer.
    pub(super) async fn rest_on_checkpoint(&self, session: &Session, stored: &Stored) {
        let Some(reach) = self.checkpoint_due(session, stored) else { return };
        if let Err(error) = self.keep_checkpoint(session, stored, reach).await {
            warn!(error = &error as &dyn std::error::Error, "no checkpoint is kept");
            return;
        }
        if let Some(base) = self.base(session.at(), stored).await
            && let Err(error) = rest_on(session, base).await
        {
            warn!(error = &error as &dyn std::error::Error, "what happened stays in memory");
        }
    }

    /// Up to where a new checkpoint would reach. None when hardly anything came since the base of
    /// `session`, or it does not know all that is there: `stored` is what it read.
    fn checkpoint_due(&self, session: &Session, stored: &Stored) -> Option<Reach> {
        let news = session.tail_rows() + stored.renewed;
        let due = (news as f64) >= TAIL_SHARE * session.base_rows() as f64;
        stored.reach(session.at()).filter(|_| due && stored.all_known(session.at()))
    }

    /// Keeps what `session` has worked out of `stored`.
    ///
    /// # Errors
    /// When the session does not answer, or logs cannot be read or the files not be written.
    async fn keep_checkpoint(&self, session: &Session, stored: &Stored, reach: Reach) -> Result<(), Error> {
        let mut growing = Growing::begin(&self.checkpoints(), reach, stored.marks()?)?;
        for name in query::KEPT.into_iter().chain(state::KEPT) {
            growing.hold(name, session.held(name).await?.held())?;
        }
        debug!("checkpoint kept");
        Ok(growing.finish()?)
    }

    /// Works out again what runs start from, from all that the lake holds. Gives the rows of events, accounts and
    /// grants that were worked out.
    ///
    /// # Errors
    /// When files cannot be removed or written, or the lake cannot be read.
    pub async fn rebuild(&self) -> Result<usize, Error> {
        self.forget()?;
        let at = now();
        let (session, stored) = self.opened(At { as_of: at, known_at: at }).await?;
        if let Some(reach) = self.checkpoint_due(&session, &stored) {
            // Whoever keeps a checkpoint has a ledger: where one is and none is beside it, it was lost.
            self.ledger().await?;
            self.keep_checkpoint(&session, &stored, reach).await?;
        }
        Ok(session.tail_rows() + stored.renewed)
    }

    /// Forgets what was worked out; the next run reads all events again.
    ///
    /// # Errors
    /// When files cannot be removed.
    pub fn forget(&self) -> Result<(), Error> {
        Ok(checkpoint::forget(&self.checkpoints())?)
    }

    pub(super) fn has_checkpoints(&self) -> bool {
        std::fs::read_dir(self.checkpoints()).is_ok_and(|mut kept| kept.next().is_some())
    }

    fn checkpoints(&self) -> PathBuf {
        self.data.join("checkpoints").join(&self.tenant)
    }
}

async fn rest_on(session: &Session, base: Base) -> Result<(), query::Error> {
    session.rest_on(base)?;
    state::settle(session).await
}

impl Elsewhere for HeldColumn {
    fn absent(&self) -> usize {
        self.absent()
    }

    fn size_bytes(&self) -> usize {
        self.size_bytes()
    }

    fn read(&self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.read()
    }
}

/// A table whose columns are read when they are asked.
fn elsewhere(Held { schema, units }: Held) -> PackedTable {
    let column = |column| Box::new(column) as Box<dyn Elsewhere>;
    let units =
        units.into_iter().map(|HeldRows { rows, columns }| (rows, columns.into_iter().map(column).collect()));
    PackedTable::elsewhere(schema, units)
}
