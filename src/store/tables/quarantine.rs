//! `quarantine`: one record that could not become a row, where it stood, and why.

use std::sync::Arc;

use super::{Cell, Kind, Table};
use crate::domain::{Rejection, UtcMicros};

pub static TABLE: Table =
    Table { name: "quarantine", version: 1, columns: &COLUMNS, layout: None, key: &["load_id"] };

const COLUMNS: [(&str, Kind); 8] = [
    ("load_id", Kind::Text),
    ("source", Kind::Text),
    ("origin_file", Kind::Text),
    ("origin_line", Kind::Long),
    ("code", Kind::Text),
    ("reason", Kind::Text),
    ("excerpt", Kind::Text),
    ("ingested_at", Kind::Time),
];

/// A rejected record that waits for the id of its load.
pub struct Rejected {
    pub file: Arc<str>,
    pub line: u64,
    pub rejection: Rejection,
    /// Absent when the load held too many.
    pub excerpt: Option<String>,
}

/// The cells of one rejected record, in column order.
pub fn cells<'a>(
    rejected: &'a Rejected,
    load_id: &'a str,
    source: &'a str,
    ingested_at: UtcMicros,
) -> [Cell<'a>; COLUMNS.len()] {
    [
        Cell::text(load_id),
        Cell::text(source),
        Cell::text(&rejected.file),
        Cell::count(rejected.line),
        Cell::text(rejected.rejection.code),
        Cell::text(&rejected.rejection.reason),
        Cell::opt(&rejected.excerpt),
        Cell::time(ingested_at),
    ]
}
