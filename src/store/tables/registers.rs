//! `registers`: one line of one register. `attributes` is a JSON object of the kind's
//! canonical columns (`RegisterKind::columns`), so that all kinds share one table.

use super::{Cell, Entry, Kind, Table};
use crate::domain::RegisterRow;

pub static TABLE: Table =
    Table { name: "registers", version: 1, columns: &COLUMNS, layout: None, key: &["listing_id"] };

const COLUMNS: [(&str, Kind); 10] = [
    ("listing_id", Kind::Text),
    ("kind", Kind::Text),
    ("app_id", Kind::Text),
    ("listed_at", Kind::Time),
    ("ingested_at", Kind::Time),
    ("complete", Kind::Bool),
    ("key", Kind::Text),
    ("attributes", Kind::Text),
    ("origin_file", Kind::Text),
    ("origin_line", Kind::Long),
];

/// The row's attributes as the text of one JSON object, keys in order.
pub fn attributes(row: &RegisterRow) -> String {
    let pairs = row.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}

/// The cells of one line, in column order; `attributes` as the function of that name gives them.
pub fn cells<'a>(row: &'a RegisterRow, attributes: &'a str, entry: Entry<'a>) -> [Cell<'a>; COLUMNS.len()] {
    [
        Cell::text(&entry.listing.listing_id),
        Cell::text(row.kind.as_str()),
        Cell::opt(&entry.listing.app_id),
        Cell::time(entry.listing.listed_at),
        Cell::time(entry.ingested_at),
        Cell::Bool(Some(entry.listing.complete)),
        Cell::text(&row.key),
        Cell::text(attributes),
        Cell::text(&entry.origin.file),
        Cell::count(entry.origin.line),
    ]
}
