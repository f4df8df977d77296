//! Opening a session: the lake's tables, what earlier runs worked out of them, and the views that
//! every question starts from, in the order in which they stand on each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;

use super::session::Reach;
use super::{At, Error, Session, registers};
use crate::domain::UtcMicros;

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

/// What was worked out of all events of up to `as_of`, known by `known_at`, and of all listings of
/// up to `as_of`, known by `listings_known_at`. A question at instants before these cannot start
/// from it.
#[derive(Clone, Debug)]
pub struct Base {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub listings_known_at: UtcMicros,
    /// By name: what [`KEPT`] asks, and what those who build on this room keep.
    pub tables: BTreeMap<String, Arc<dyn TableProvider>>,
    /// Rows of all tables.
    pub rows: usize,
}

/// What the next session can start from, and the question that tells it.
pub const KEPT: [(&str, &str); 4] = [
    // The lake has them nearly in the order of time, so that a question about recent ones need not read the others.
    (CHANGES, "SELECT * FROM known_changes"),
    ("event_hours", "SELECT * FROM event_hours"),
    ("event_uses", "SELECT * FROM event_uses"),
    (ALIASES, "SELECT alias, app_id FROM app_aliases"),
];
const ALIASES: &str = "app_aliases";
const CHANGES: &str = "known_changes";

/// Views of events that a base continues: the rows of events that it does not hold, its own table,
/// and how the two become one; `true` keeps that in memory.
const CONTINUED: [Continued; 3] = [
    Continued {
        name: "known_changes",
        tail: include_str!("views/tail_changes.sql"),
        base: "base_known_changes",
        whole: include_str!("views/known_changes.sql"),
        held: false,
    },
    Continued {
        name: "event_hours",
        tail: include_str!("views/tail_hours.sql"),
        base: "base_event_hours",
        whole: include_str!("views/event_hours.sql"),
        held: true,
    },
    Continued {
        name: "event_uses",
        tail: include_str!("views/tail_uses.sql"),
        base: "base_event_uses",
        whole: include_str!("views/event_uses.sql"),
        held: true,
    },
];

struct Continued {
    name: &'static str,
    tail: &'static str,
    base: &'static str,
    whole: &'static str,
    held: bool,
}

/// The base views in the order in which they stand on each other; `true` keeps the rows in
/// memory, because several others read them.
const VIEWS: [(&str, &str, bool); 8] = [
    ("known_events", include_str!("views/known_events.sql"), false),
    ("uses", include_str!("views/uses.sql"), false),
    ("known_snapshots", include_str!("views/known_snapshots.sql"), false),
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
        session.define(ALIASES, include_str!("views/app_aliases.sql"), true).await?;
        session.lay_base(base).await?;
        let continued = session.has("base_known_changes")?;
        session.define("tail_events", include_str!("views/tail_events.sql"), continued).await?;
        for view in CONTINUED {
            session.tail_rows += session.define("tail", view.tail, true).await?;
            if session.has(view.base)? {
                session.define(view.name, view.whole, view.held).await?;
            } else {
                session.alias(view.name, "tail").await?;
            }
            session.forget(&["tail"])?;
        }
        for (name, sql, held) in VIEWS {
            session.define(name, sql, held).await?;
        }
        Ok(session)
    }

    /// Reads what happened from `base`, which was made of this session, and lets go of it in memory. Views
    /// that are not held would go on reading what they were planned with: none of them asks for it.
    pub fn rest_on(&self, base: Base) -> Result<(), Error> {
        let Base { mut tables, .. } = base;
        let Some(changes) = tables.remove(CHANGES) else { return Ok(()) };
        self.forget(&[CHANGES, "base_known_changes"])?;
        self.register(CHANGES, changes)
    }

    /// Registers what an earlier session worked out as `base_…`. A base of a time when names stood for
    /// other applications is passed over: any account of it may be another's now.
    async fn lay_base(&mut self, base: Option<Base>) -> Result<(), Error> {
        let Some(Base { as_of, known_at, listings_known_at, mut tables, rows }) = base else { return Ok(()) };
        let Some(aliases) = tables.remove(ALIASES) else { return Ok(()) };
        self.register("base_app_aliases", aliases)?;
        let differ = self.collect("aliases_differ", include_str!("views/aliases_differ.sql")).await?;
        self.forget(&["base_app_aliases"])?;
        if differ.iter().any(|batch| batch.num_rows() > 0) {
            return Ok(());
        }
        self.base = Reach { as_of, known_at, listings_known_at, rows };
        tables.into_iter().try_for_each(|(name, table)| self.register(&format!("base_{name}"), table))
    }
}
