//! `sources`: one ingested file (a load), with what it held and how far it reaches. The
//! completeness gate reads it. A load is stored once, however often its file comes.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};

use super::{Cell, Kind, Table};
use crate::domain::UtcMicros;
use crate::store::{LoadCounts, LoadSummary};

pub static TABLE: Table =
    Table { name: "sources", version: 3, columns: &COLUMNS, layout: None, key: &["load_id"] };

/// What a load is a load of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    Events,
    Roster,
    Accounts,
    Grants,
    Register,
}

impl SourceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::Events => "events",
            SourceKind::Roster => "roster",
            SourceKind::Accounts => "accounts",
            SourceKind::Grants => "grants",
            SourceKind::Register => "register",
        }
    }
}

const COLUMNS: [(&str, Kind); 19] = [
    ("load_id", Kind::Text),
    ("source", Kind::Text),
    ("kind", Kind::Text),
    ("app_id", Kind::Text),
    ("file", Kind::Text),
    ("listing_id", Kind::Text),
    ("listed_at", Kind::Time),
    ("ingested_at", Kind::Time),
    ("complete", Kind::Bool),
    ("rows_read", Kind::Long),
    ("rows_new", Kind::Long),
    ("rows_duplicate", Kind::Long),
    ("rows_quarantined", Kind::Long),
    ("first_at", Kind::Time),
    ("watermark_at", Kind::Time),
    ("announced_total", Kind::Long),
    // Since version 2.
    ("content_sha256", Kind::Text),
    ("filled", Kind::Text),
    // Since version 3: what the reader was told, else the name of the file says it.
    ("feed", Kind::Text),
];

/// The first and last time among the rows of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub first_at: Option<UtcMicros>,
    pub watermark_at: Option<UtcMicros>,
}

/// A clock that is wrong by more than this does not tell how far a log reaches.
const EARLY: i64 = 5 * 60 * 1_000_000;

/// How far the events of one source reach in one load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventReach {
    /// Of events that had happened when they were read.
    past: Reach,
    /// Of the others: one clock that runs ahead would make a log that has ended look alive.
    ahead: Reach,
}

impl EventReach {
    pub fn tell(&mut self, at: UtcMicros, now: UtcMicros) {
        let had_happened = at.0 <= now.0.saturating_add(EARLY);
        if had_happened { self.past.widen(at) } else { self.ahead.widen(at) }
    }

    pub fn include(&mut self, other: EventReach) {
        self.past.include(other.past);
        self.ahead.include(other.ahead);
    }

    /// Where nothing had happened yet, it is the clock of the reader that is not to be trusted.
    pub fn reach(&self) -> Reach {
        if self.past == Reach::default() { self.ahead } else { self.past }
    }
}

impl Reach {
    pub fn widen(&mut self, at: UtcMicros) {
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.watermark_at = Some(self.watermark_at.map_or(at, |last| last.max(at)));
    }

    pub fn include(&mut self, other: Reach) {
        other.first_at.into_iter().chain(other.watermark_at).for_each(|at| self.widen(at));
    }
}

/// How many rows of a listing have a value in each column that says something of them: by which
/// a later listing is found to lack a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled(BTreeMap<String, usize>);

impl Filled {
    /// Columns that every row has by itself, or that are no word of the source.
    const OURS: [&str; 8] =
        ["listing_id", "source", "app_id", "listed_at", "ingested_at", "complete", "row_kind", "raw"];

    pub fn count(&mut self, rows: &RecordBatch) {
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            let name = field.name();
            let values = column.len() - column.null_count();
            if values > 0 && !name.starts_with("origin_") && !Filled::OURS.contains(&name.as_str()) {
                *self.0.entry(name.clone()).or_default() += values;
            }
        }
    }

    /// Notes a column that is there, though it may have no value in any row.
    pub fn note(&mut self, column: &str) {
        self.0.entry(column.to_owned()).or_default();
    }

    /// `name=rows` for each column with a value or that was noted, in order, separated by `;`. Empty where there are none.
    pub fn text(&self) -> String {
        let columns: Vec<String> = self.0.iter().map(|(name, rows)| format!("{name}={rows}")).collect();
        columns.join(";")
    }
}

/// What is told of a load: a line for each source of which it has events, the load's own first, unless it has nothing
/// of it.
pub fn lines(
    summary: LoadSummary,
    counts: LoadCounts,
    reach: Reach,
    others: BTreeMap<&'static str, (LoadCounts, EventReach)>,
) -> Vec<(LoadSummary, LoadCounts, Reach)> {
    let (mut own, mut rows_read) = (counts, summary.rows_read);
    let mut lines = Vec::with_capacity(1 + others.len());
    for (source, (counts, told)) in others {
        let rows = counts.new + counts.duplicate;
        own.new = own.new.saturating_sub(counts.new);
        own.duplicate = own.duplicate.saturating_sub(counts.duplicate);
        rows_read = rows_read.saturating_sub(rows);
        let load_id = format!("{}/{source}", summary.load_id);
        let other = LoadSummary { load_id, source: source.to_owned(), rows_read: rows, ..summary.clone() };
        lines.push((other, counts, told.reach()));
    }
    match lines.first_mut() {
        // Whoever asks for the load asks by its id.
        Some((first, ..)) if rows_read == 0 => first.load_id = summary.load_id,
        _ => lines.insert(0, (LoadSummary { rows_read, ..summary }, own, reach)),
    }
    lines
}

/// The cells of one load, in column order; `filled` is absent where nothing was listed.
pub fn cells<'a>(
    load: &'a LoadSummary,
    counts: LoadCounts,
    reach: Reach,
    filled: &'a Option<String>,
    ingested_at: UtcMicros,
) -> [Cell<'a>; COLUMNS.len()] {
    let listing = load.listing.as_ref();
    [
        Cell::text(&load.load_id),
        Cell::text(&load.source),
        Cell::text(load.kind.as_str()),
        Cell::opt(&load.app_id),
        Cell::text(&load.file),
        Cell::Text(listing.map(|listing| listing.listing_id.as_str())),
        Cell::Time(listing.map(|listing| listing.listed_at)),
        Cell::time(ingested_at),
        Cell::Bool(listing.map(|listing| listing.complete)),
        Cell::count(load.rows_read),
        Cell::count(counts.new),
        Cell::count(counts.duplicate),
        Cell::count(counts.quarantined),
        Cell::Time(reach.first_at),
        Cell::Time(reach.watermark_at),
        Cell::Long(load.announced_total.map(|n| i64::try_from(n).unwrap_or(i64::MAX))),
        Cell::opt(&load.content_sha256),
        Cell::opt(filled),
        Cell::Text(listing.and_then(|listing| listing.feed.as_deref())),
    ]
}
