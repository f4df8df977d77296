//! The tables of the lake, one a file: columns in order, and the cells of a row. A column
//! is never renamed or retyped without a higher `version` and a migration; new columns go
//! to the end.

/// Every table. `sources` comes last, and is committed last, so that it names only loads
/// whose rows are durable.
pub static TABLES: [&Table; 6] = [
    &events::TABLE,
    &snapshots::TABLE,
    &employments::TABLE,
    &registers::TABLE,
    &quarantine::TABLE,
    &sources::TABLE,
];

mod column;
pub(super) mod employments;
pub(super) mod events;
pub(super) mod quarantine;
pub(super) mod registers;
pub(super) mod snapshots;
pub(super) mod sources;

pub use column::{Cell, Kind, Table};
pub use sources::SourceKind;

use crate::domain::{Listing, Origin, UtcMicros};

/// What every stored row knows besides itself.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub source: &'a str,
    pub origin: &'a Origin,
    /// The record's own text, byte for byte; absent where the lake does not keep it.
    pub raw: Option<&'a str>,
    pub listing: &'a Listing,
    pub ingested_at: UtcMicros,
}

/// The table of that name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.into_iter().find(|table| table.name == name)
}
