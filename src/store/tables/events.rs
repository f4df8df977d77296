//! `events`: one normalised event, with its raw record and its origin. The key is
//! (`source`, `event_id`) within a day; partitioned by `event_date`, the UTC day of
//! `occurred_at`.

use super::column::Layout;
use super::{Cell, Entry, Kind, Table};
use crate::domain::{EntitlementKind, Event, Text};

pub static TABLE: Table = Table {
    name: "events",
    version: 2,
    columns: &COLUMNS,
    layout: Some(Layout {
        partition_column: "event_date",
        time_column: "occurred_at",
        tie_column: "event_id",
    }),
    key: &["source", "event_id"],
};

const COLUMNS: [(&str, Kind); 39] = [
    ("event_id", Kind::Text),
    ("source", Kind::Text),
    ("org", Kind::Text),
    ("event_type", Kind::Text),
    ("verb", Kind::Text),
    ("occurred_at", Kind::Time),
    ("ingested_at", Kind::Time),
    ("actor_id", Kind::Text),
    ("actor_kind", Kind::Text),
    ("actor_name", Kind::Text),
    ("account_app", Kind::Text),
    ("account_id", Kind::Text),
    ("account_name", Kind::Text),
    ("account_email", Kind::Text),
    ("account_external_id", Kind::Text),
    ("app_id", Kind::Text),
    ("app_name", Kind::Text),
    ("entitlement_kind", Kind::Text),
    ("entitlement_id", Kind::Text),
    ("entitlement_name", Kind::Text),
    ("outcome", Kind::Text),
    ("reason_code", Kind::Text),
    ("reason", Kind::Text),
    ("correlation_id", Kind::Text),
    ("session_id", Kind::Text),
    ("client_ip", Kind::Text),
    ("user_agent", Kind::Text),
    ("http_method", Kind::Text),
    ("http_path", Kind::Text),
    ("http_status", Kind::Int),
    ("latency_ms", Kind::Int),
    ("changes", Kind::Text),
    ("expires_at", Kind::Time),
    ("raw", Kind::Text),
    ("origin_file", Kind::Text),
    ("origin_line", Kind::Long),
    // Since version 2.
    ("credential_kind", Kind::Text),
    ("credential_id", Kind::Text),
    ("credential_name", Kind::Text),
];

/// The cells of one event, in column order.
pub fn cells<'a>(event: &'a Event<Text>, entry: Entry<'a>) -> [Cell<'a>; COLUMNS.len()] {
    [
        Cell::text(&event.event_id),
        Cell::text(event.source),
        Cell::opt(&event.org),
        Cell::text(&event.event_type),
        Cell::text(event.verb.as_str()),
        Cell::time(event.occurred_at),
        Cell::time(entry.ingested_at),
        Cell::opt(&event.actor.id),
        Cell::opt(&event.actor.kind),
        Cell::opt(&event.actor.name),
        Cell::opt(&event.account.app),
        Cell::opt(&event.account.id),
        Cell::opt(&event.account.name),
        Cell::opt(&event.account.email),
        Cell::opt(&event.account.external_id),
        Cell::opt(&event.app.id),
        Cell::opt(&event.app.name),
        Cell::Text(event.entitlement.kind.map(EntitlementKind::as_str)),
        Cell::opt(&event.entitlement.id),
        Cell::opt(&event.entitlement.name),
        Cell::text(event.outcome.as_str()),
        Cell::opt(&event.reason_code),
        Cell::opt(&event.reason),
        Cell::opt(&event.correlation_id),
        Cell::opt(&event.session_id),
        Cell::opt(&event.client_ip),
        Cell::opt(&event.user_agent),
        Cell::opt(&event.http_method),
        Cell::opt(&event.http_path),
        Cell::Int(event.http_status.map(i32::from)),
        Cell::Int(event.latency_ms.map(|ms| i32::try_from(ms).unwrap_or(i32::MAX))),
        Cell::opt(&event.changes),
        Cell::Time(event.expires_at),
        Cell::Text(entry.raw),
        Cell::text(&entry.origin.file),
        Cell::count(entry.origin.line),
        Cell::Text(event.credential.kind),
        Cell::opt(&event.credential.id),
        Cell::opt(&event.credential.name),
    ]
}
