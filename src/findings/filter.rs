//! Which findings, in which order, from where on: a small predicate tree over named
//! columns, one sort key with the finding id as tie-break, and a keyset cursor, so that
//! a page costs the same wherever it lies and no finding comes twice.
//!
//! The API translates SCIM filters into [`Filter`]. Columns are names from a fixed list
//! and values are bound, so no text of a caller becomes SQL.

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::domain::UtcMicros;

/// A list of findings to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingQuery {
    pub filter: Option<Filter>,
    pub sort: Sort,
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Findings a page; held to 1..=1000.
    pub limit: u32,
}

impl FindingQuery {
    pub const LIMIT_MAX: u32 = 1000;
}

impl Default for FindingQuery {
    /// The gravest first, 100 a page.
    fn default() -> FindingQuery {
        FindingQuery { filter: None, sort: Sort::Severity, order: Order::Descending, after: None, limit: 100 }
    }
}

/// One page of findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// How many findings the filter has on all pages.
    pub total: u64,
    /// Absent on the last page.
    pub next: Option<Cursor>,
}

/// A predicate. A comparison with an absent value is false, `Ne` is true.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare { column: Column, op: Op, value: Value },
    Present(Column),
}

impl Filter {
    pub fn compare(column: Column, op: Op, value: Value) -> Filter {
        Filter::Compare { column, op, value }
    }
}

/// Texts are compared without ASCII case, as SCIM compares them (RFC 7643 §2.2). `Contains`, `StartsWith` and
/// `EndsWith` take text columns only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Contains,
    StartsWith,
    EndsWith,
}

/// A value to compare with. Severities are text (`high`) and compare by rank.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Time(UtcMicros),
}

/// A column that findings can be filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    FindingId,
    Detector,
    Code,
    SubjectKind,
    SubjectId,
    Severity,
    Verdict,
    Status,
    Score,
    AppId,
    AccountId,
    IdentityId,
    EntitlementId,
    Org,
    OwnerId,
    Profile,
    Since,
    FirstSeenAt,
    LastSeenAt,
    DueAt,
    WaivedUntil,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    /// One of these words, for people to choose from.
    Word(&'static [&'static str]),
    Severity,
    Number,
    Time,
}

const VERDICTS: [&str; 3] = ["fail", "pass", "unknown"];
const STATUSES: [&str; 6] =
    ["open", "acknowledged", "in_progress", "resolved", "accepted_risk", "superseded"];

impl Column {
    /// Name in the ledger, path in a filter (that of the finding's JSON), and content.
    const ALL: [(Column, &'static str, &'static str, Holds); 21] = [
        (Column::FindingId, "finding_id", "finding_id", Holds::Text),
        (Column::Detector, "detector", "detector", Holds::Text),
        (Column::Code, "code", "code", Holds::Text),
        (Column::SubjectKind, "subject_kind", "subject.kind", Holds::Text),
        (Column::SubjectId, "subject_id", "subject.id", Holds::Text),
        (Column::Severity, "severity", "severity", Holds::Severity),
        (Column::Verdict, "verdict", "verdict", Holds::Word(&VERDICTS)),
        (Column::Status, "status", "status", Holds::Word(&STATUSES)),
        (Column::Score, "score", "score", Holds::Number),
        (Column::AppId, "app_id", "app.id", Holds::Text),
        (Column::AccountId, "account_id", "account.id", Holds::Text),
        (Column::IdentityId, "identity_id", "identity.id", Holds::Text),
        (Column::EntitlementId, "entitlement_id", "entitlement.id", Holds::Text),
        (Column::Org, "org", "org", Holds::Text),
        (Column::OwnerId, "owner_id", "owner.id", Holds::Text),
        (Column::Profile, "profile", "profile", Holds::Text),
        (Column::Since, "since", "since", Holds::Time),
        (Column::FirstSeenAt, "first_seen_at", "first_seen_at", Holds::Time),
        (Column::LastSeenAt, "last_seen_at", "last_seen_at", Holds::Time),
        (Column::DueAt, "due_at", "due_at", Holds::Time),
        (Column::WaivedUntil, "waived_until", "waived_until", Holds::Time),
    ];

    /// Reads a column's name in the ledger (`app_id`) or its path in a finding (`app.id`),
    /// in any case, as SCIM attribute names are.
    pub fn parse(text: &str) -> Option<Column> {
        let named = |name: &str| name.eq_ignore_ascii_case(text);
        Column::ALL.iter().find(|(_, name, path, _)| named(name) || named(path)).map(|(column, ..)| *column)
    }

    /// The paths that a filter may name, for messages.
    pub fn paths() -> impl Iterator<Item = &'static str> {
        Column::ALL.iter().map(|(_, _, path, _)| *path)
    }

    /// The column as an expression of SQL.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Column::LastSeenAt => "coalesce(findings.last_seen_at, sightings.last_seen_at)",
            column => column.name(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.entry().1
    }

    pub(super) fn holds(self) -> Holds {
        self.entry().3
    }

    fn entry(self) -> &'static (Column, &'static str, &'static str, Holds) {
        // Every column is listed; a test parses the name of each.
        Column::ALL.iter().find(|(column, ..)| *column == self).unwrap_or(&Column::ALL[0])
    }
}

/// The key that findings are sorted by; findings without it come first when ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Severity,
    Score,
    Since,
    FirstSeenAt,
    LastSeenAt,
    FindingId,
}

impl Sort {
    pub fn parse(text: &str) -> Option<Sort> {
        Some(match text {
            "severity" => Sort::Severity,
            "score" => Sort::Score,
            "since" => Sort::Since,
            "first_seen_at" => Sort::FirstSeenAt,
            "last_seen_at" => Sort::LastSeenAt,
            "finding_id" => Sort::FindingId,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Ascending,
    Descending,
}

/// The end of a page. The API signs it; it is valid for the same filter, sort and order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub sort: Sort,
    pub order: Order,
    /// The last sort value: micros, rank, or the bits of a score, which JSON would round.
    pub value: i64,
    pub finding_id: String,
}
