//! What a raw record becomes, and where it came from.

use std::sync::Arc;

use serde::Serialize;

use super::{AccountRow, EmploymentRow, Event, GrantRow, RegisterRow, Text, UtcMicros};

/// One normalised row. A raw record gives at least one, or a [`Rejection`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row<'a> {
    Event(Box<Event<Text<'a>>>),
    Account(AccountRow),
    Grant(GrantRow),
    Employment(Box<EmploymentRow>),
    Register(RegisterRow),
}

impl From<Event> for Row<'_> {
    fn from(event: Event) -> Self {
        Row::Event(Box::new(event.into_text()))
    }
}

/// Why a raw record could not become a row. It goes to quarantine, with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Stable word to count by: `not_json`, `missing_field`, `bad_time`, `too_large`; `remark` for a line
    /// around a table, which is no lost record.
    pub code: &'static str,
    /// A sentence for a person: what is wrong, and with which value.
    pub reason: String,
}

impl Rejection {
    pub fn new(code: &'static str, reason: impl Into<String>) -> Rejection {
        Rejection { code, reason: reason.into() }
    }
}

/// Where a raw record stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Path as given, or `-` for standard input.
    pub file: Arc<str>,
    /// One-based line; in a file that is one JSON document, the one-based record.
    pub line: u64,
}

/// A listing: one export, roster or register, taken at one instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// Hash of the content and what it is a listing of, so that the same file is the same listing.
    pub listing_id: String,
    /// The application that is listed; absent for rosters and most registers.
    pub app_id: Option<String>,
    pub listed_at: UtcMicros,
    /// A full listing: what its feed named before and it does not name is gone. A partial one says nothing about the rest.
    pub complete: bool,
    /// Which listings it continues, where that was said: else the name of the file says it.
    pub feed: Option<String>,
    /// It has a column for the end of what it lists, if only an empty one.
    pub has_ends: bool,
}
