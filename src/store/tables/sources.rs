//! `sources`: one ingested file (a load), with what it held and how far it reaches. The
//! completeness gate reads it. A load is stored once, however often its file comes.

use super::{Cell, Kind, Table};
use crate::domain::UtcMicros;
use crate::store::{LoadCounts, LoadSummary};

pub static TABLE: Table =
    Table { name: "sources", version: 1, columns: &COLUMNS, layout: None, key: &["load_id"] };

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

const COLUMNS: [(&str, Kind); 16] = [
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
];

/// The first and last time among the rows of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub first_at: Option<UtcMicros>,
    pub watermark_at: Option<UtcMicros>,
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

/// The cells of one load, in column order.
pub fn cells<'a>(
    load: &'a LoadSummary,
    counts: LoadCounts,
    reach: Reach,
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
    ]
}
