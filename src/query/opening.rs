//! Opening a session: the lake's tables, what earlier runs worked out of them, and the views that
//! every question starts from, in the order in which they stand on each other.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;

use super::changes::Changes;
use super::session::Reach;
use super::uses::Uses;
use super::{At, Error, PackedTable, Session, failed, registers};
use crate::domain::{RegisterKind, UtcMicros};

/// The lake's tables that a session reads.
pub struct Tables {
    pub events: Arc<dyn TableProvider>,
    pub snapshots: Arc<dyn TableProvider>,
    pub employments: Arc<dyn TableProvider>,
    pub registers: Arc<dyn TableProvider>,
    pub sources: Arc<dyn TableProvider>,
    pub quarantine: Arc<dyn TableProvider>,
    /// What earlier runs worked out of `events`; absent when all of them must be read.
    pub base: Option<Base>,
}

/// What was worked out of all events of up to `as_of`, known by `known_at`, of all listings of up to `as_of`, known by
/// `listings_known_at`, and of all rosters known by `people_known_at`. A question at instants before these cannot
/// start from it.
#[derive(Clone, Debug)]
pub struct Base {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub listings_known_at: UtcMicros,
    pub people_known_at: UtcMicros,
    /// Days since 1970 among which are all of which events tell that it does not know.
    pub tail_days: RangeInclusive<i32>,
    /// By name: what [`KEPT`] names, and what those who build on this room keep.
    pub tables: BTreeMap<String, PackedTable>,
    /// Rows of all tables.
    pub rows: usize,
}

/// The days of the years 1 to 9999.
pub const ALL_DAYS: RangeInclusive<i32> = -719_162..=2_932_896;

/// Views that the next session can start from as this one holds them.
pub const KEPT: [&str; 7] =
    ["event_hours", "event_uses", CHANGES, "listed_rows", "listings", ALIASES, DIGEST];
/// What happened, but for uses.
pub const CHANGES: &str = "known_changes";
/// The lines of the register of exceptions that have effect at `as_of`.
pub const STANDING_EXCEPTIONS: &str = include_str!("views/standing_exceptions.sql");
/// Those that say what an account is: they begin and end without a register that is read.
const SEALED: &str =
    "SELECT exception_id FROM standing_exceptions WHERE kind = 'break_glass' ORDER BY exception_id";
const ALIASES: &str = "app_aliases";
const DIGEST: &str = "registers_digest";

/// Views of events and listings that a base continues: the rows of what it does not hold, its own table,
/// and how the two become one, which is kept in memory once it is asked.
const CONTINUED: [Continued; 3] = [
    Continued {
        name: "event_hours",
        tail: ("tail_hours", None),
        base: "base_event_hours",
        whole: include_str!("views/event_hours.sql"),
    },
    Continued {
        name: "event_uses",
        tail: ("tail_uses", None),
        base: "base_event_uses",
        whole: include_str!("views/event_uses.sql"),
    },
    Continued {
        name: "listed_rows",
        tail: ("tail_listed", Some(include_str!("views/tail_listed.sql"))),
        base: "base_listed_rows",
        whole: include_str!("views/listed_rows.sql"),
    },
];

struct Continued {
    name: &'static str,
    /// None where it is there.
    tail: (&'static str, Option<&'static str>),
    base: &'static str,
    whole: &'static str,
}

/// The base views in the order in which they stand on each other; `true` keeps the rows in
/// memory once they are asked, because several others read them.
const VIEWS: [(&str, &str, bool); 6] = [
    ("known_events", include_str!("views/known_events.sql"), false),
    ("loads", include_str!("views/loads.sql"), true),
    ("listings", include_str!("views/listings.sql"), true),
    ("sources_now", include_str!("views/sources_now.sql"), true),
    ("source_silences", include_str!("views/source_silences.sql"), true),
    ("source_uses", include_str!("views/source_uses.sql"), true),
];

impl Session {
    /// Registers the base tables and views.
    ///
    /// # Errors
    /// [`Error::Plan`] or [`Error::Run`] when a base view does not fit the tables.
    pub async fn open(tables: Tables, at: At) -> Result<Session, Error> {
        let base = tables.base.clone();
        let mut session = Session::over(tables, at)?;
        let lines = session.collect("registers_now", registers::SQL).await?;
        for (kind, batch) in registers::batches(&lines)? {
            session.hold(&registers::table_name(kind), vec![batch])?;
        }
        session.alias("exceptions", &registers::table_name(RegisterKind::Exceptions)).await?;
        session.lay("standing_exceptions", STANDING_EXCEPTIONS).await?;
        let sealed = session.collect("sealed", SEALED).await?;
        session.hold(DIGEST, vec![registers::digest(&lines, &sealed)?])?;
        session.lay(ALIASES, include_str!("views/app_aliases.sql")).await?;
        session.lay_base(base).await?;
        const TAIL: &str = include_str!("views/tail_events.sql");
        match session.has("base_known_changes")? {
            true => session.lay("tail_events", TAIL).await.map(|_| ())?,
            false => session.define("tail_events", TAIL, false).await?,
        }
        session.define("known_snapshots", include_str!("views/known_snapshots.sql"), false).await?;
        session.lay_told().await?;
        for Continued { name, tail: (tail, rows), base, whole } in CONTINUED {
            if let Some(rows) = rows {
                session.tail_rows += session.lay(tail, rows).await?;
            }
            match session.has(base)? {
                true => session.define(name, whole, true).await?,
                false => session.alias(name, tail).await?,
            }
        }
        for (name, sql, held) in VIEWS {
            session.define(name, sql, held).await?;
        }
        session.forget(&["tail_hours", "tail_uses", "tail_listed"])?;
        Ok(session)
    }

    /// Reads what happened from `base`, which was made of this session, and lets go of it in memory. Views
    /// that are not held would go on reading what they were planned with: none of them asks for it.
    pub fn rest_on(&self, base: Base) -> Result<(), Error> {
        let Base { mut tables, .. } = base;
        let Some(changes) = tables.remove(CHANGES) else { return Ok(()) };
        self.forget(&[CHANGES])?;
        self.hold_packed(CHANGES, changes)
    }

    /// Adds what events tell, of which the base does not know all: they are read once.
    async fn lay_told(&mut self) -> Result<(), Error> {
        const EVENTS: &str = "tail_events";
        let aliases = self.collect(ALIASES, "SELECT alias, app_id FROM app_aliases").await?;
        let (mut uses, mut changes) = (Uses::default(), Changes::of(&self.columns(EVENTS).await?, &aliases)?);
        let hear = |batch: &RecordBatch| {
            uses.hear(batch)?;
            changes.hear(batch.clone())
        };
        self.each(EVENTS, "SELECT * FROM tail_events", hear).await?;
        let ([uses, apps, hours], since) = (uses.tables()?, changes.table()?);
        self.tail_rows += apps.rows() + hours.rows() + since.rows();
        let changes = match self.has("base_known_changes")? {
            true => self.held("base_known_changes").await?.joined(&since).map_err(failed(CHANGES))?,
            false => since.clone(),
        };
        let tables = [
            ("uses", uses),
            ("tail_uses", apps),
            ("tail_hours", hours),
            ("tail_changes", since),
            (CHANGES, changes),
        ];
        tables.into_iter().try_for_each(|(name, table)| self.hold_packed(name, table))
    }

    /// Registers what an earlier session worked out as `base_…`. A base of a time when names stood for
    /// other applications is passed over: any account of it may be another's now.
    async fn lay_base(&mut self, base: Option<Base>) -> Result<(), Error> {
        let Some(base) = base else { return Ok(()) };
        let Base { as_of, known_at, listings_known_at, people_known_at, tail_days, mut tables, rows } = base;
        let Some(aliases) = tables.remove(ALIASES) else { return Ok(()) };
        self.hold_packed("base_app_aliases", aliases)?;
        let differ = self.collect("aliases_differ", include_str!("views/aliases_differ.sql")).await?;
        self.forget(&["base_app_aliases"])?;
        if differ.iter().any(|batch| batch.num_rows() > 0) {
            return Ok(());
        }
        self.base = Reach { as_of, known_at, listings_known_at, people_known_at, tail_days, rows };
        tables.into_iter().try_for_each(|(name, table)| self.hold_packed(&format!("base_{name}"), table))?;
        let since = self.collect("people_since", include_str!("views/people_since.sql")).await?;
        self.people_stand = since.iter().all(|batch| batch.num_rows() == 0);
        let differ = self.collect("registers_differ", include_str!("views/registers_differ.sql")).await?;
        self.registers_stand = differ.iter().all(|batch| batch.num_rows() == 0);
        Ok(())
    }
}
