//! `employments`: one period of employment in one roster.

use super::{Cell, Entry, Kind, Table};
use crate::domain::{EmploymentKind, EmploymentRow};

pub static TABLE: Table =
    Table { name: "employments", version: 1, columns: &COLUMNS, layout: None, key: &["listing_id"] };

const COLUMNS: [(&str, Kind); 24] = [
    ("listing_id", Kind::Text),
    ("listed_at", Kind::Time),
    ("ingested_at", Kind::Time),
    ("complete", Kind::Bool),
    ("employee_id", Kind::Text),
    ("person_id", Kind::Text),
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("aliases", Kind::Text),
    ("manager", Kind::Text),
    ("department", Kind::Text),
    ("title", Kind::Text),
    ("location", Kind::Text),
    ("company", Kind::Text),
    ("kind", Kind::Text),
    ("status", Kind::Text),
    ("start_at", Kind::Time),
    ("end_at", Kind::Time),
    ("end_date_only", Kind::Bool),
    ("zone", Kind::Text),
    ("on_leave", Kind::Bool),
    ("raw", Kind::Text),
    ("origin_file", Kind::Text),
    ("origin_line", Kind::Long),
];

/// The cells of one employment, in column order.
pub fn cells<'a>(row: &'a EmploymentRow, entry: Entry<'a>) -> [Cell<'a>; COLUMNS.len()] {
    [
        Cell::text(&entry.listing.listing_id),
        Cell::time(entry.listing.listed_at),
        Cell::time(entry.ingested_at),
        Cell::Bool(Some(entry.listing.complete)),
        Cell::text(&row.employee_id),
        Cell::opt(&row.person_id),
        Cell::opt(&row.name),
        Cell::opt(&row.email),
        Cell::opt(&row.aliases),
        Cell::opt(&row.manager),
        Cell::opt(&row.department),
        Cell::opt(&row.title),
        Cell::opt(&row.location),
        Cell::opt(&row.company),
        Cell::Text(row.kind.map(EmploymentKind::as_str)),
        Cell::opt(&row.status),
        Cell::Time(row.start_at),
        Cell::Time(row.end_at),
        Cell::Bool(Some(row.end_date_only)),
        Cell::opt(&row.zone),
        Cell::Bool(Some(row.on_leave)),
        Cell::Text(entry.raw),
        Cell::text(&entry.origin.file),
        Cell::count(entry.origin.line),
    ]
}
