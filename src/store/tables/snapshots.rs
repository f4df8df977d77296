//! `snapshots`: one account or one grant in one listing of an application. `row_kind`
//! tells them apart; the columns of the other kind are null.

use super::{Cell, Entry, Kind, Table};
use crate::domain::{AccountClass, AccountRow, GrantRow};

pub static TABLE: Table =
    Table { name: "snapshots", version: 1, columns: &COLUMNS, layout: None, key: &["listing_id"] };

const COLUMNS: [(&str, Kind); 31] = [
    ("listing_id", Kind::Text),
    ("source", Kind::Text),
    ("app_id", Kind::Text),
    ("listed_at", Kind::Time),
    ("ingested_at", Kind::Time),
    ("complete", Kind::Bool),
    ("row_kind", Kind::Text),
    ("account_id", Kind::Text),
    ("account_name", Kind::Text),
    ("display_name", Kind::Text),
    ("email", Kind::Text),
    ("external_id", Kind::Text),
    ("employee_id", Kind::Text),
    ("active", Kind::Bool),
    ("status", Kind::Text),
    ("class", Kind::Text),
    ("created_at", Kind::Time),
    ("last_active_at", Kind::Time),
    ("expires_at", Kind::Time),
    ("mfa", Kind::Bool),
    ("local_login", Kind::Bool),
    ("privileged", Kind::Bool),
    ("entitlement_kind", Kind::Text),
    ("entitlement_id", Kind::Text),
    ("entitlement_name", Kind::Text),
    ("granted_at", Kind::Time),
    ("last_used_at", Kind::Time),
    ("granted_by", Kind::Text),
    ("raw", Kind::Text),
    ("origin_file", Kind::Text),
    ("origin_line", Kind::Long),
];

/// The cells of one account, in column order.
pub fn account_cells<'a>(row: &'a AccountRow, entry: Entry<'a>) -> [Cell<'a>; COLUMNS.len()] {
    let [listing_id, source, app_id, listed_at, ingested_at, complete] = head(entry);
    let [raw, file, line] = tail(entry);
    [
        listing_id,
        source,
        app_id,
        listed_at,
        ingested_at,
        complete,
        Cell::text("account"),
        Cell::text(&row.account_id),
        Cell::opt(&row.name),
        Cell::opt(&row.display_name),
        Cell::opt(&row.email),
        Cell::opt(&row.external_id),
        Cell::opt(&row.employee_id),
        Cell::Bool(row.active),
        Cell::opt(&row.status),
        Cell::Text(row.class.map(AccountClass::as_str)),
        Cell::Time(row.created_at),
        Cell::Time(row.last_active_at),
        Cell::Time(row.expires_at),
        Cell::Bool(row.mfa),
        Cell::Bool(row.local_login),
        Cell::Bool(row.privileged),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Time(None),
        Cell::Time(None),
        Cell::Text(None),
        raw,
        file,
        line,
    ]
}

/// The cells of one grant, in column order.
pub fn grant_cells<'a>(row: &'a GrantRow, entry: Entry<'a>) -> [Cell<'a>; COLUMNS.len()] {
    let [listing_id, source, app_id, listed_at, ingested_at, complete] = head(entry);
    let [raw, file, line] = tail(entry);
    [
        listing_id,
        source,
        app_id,
        listed_at,
        ingested_at,
        complete,
        Cell::text("grant"),
        Cell::opt(&row.account_id),
        Cell::opt(&row.account_name),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Bool(None),
        Cell::Text(None),
        Cell::Text(None),
        Cell::Time(None),
        Cell::Time(None),
        Cell::Time(row.expires_at),
        Cell::Bool(None),
        Cell::Bool(None),
        Cell::Bool(None),
        Cell::text(row.entitlement_kind.as_str()),
        Cell::text(&row.entitlement_id),
        Cell::opt(&row.entitlement_name),
        Cell::Time(row.granted_at),
        Cell::Time(row.last_used_at),
        Cell::opt(&row.granted_by),
        raw,
        file,
        line,
    ]
}

fn head(entry: Entry<'_>) -> [Cell<'_>; 6] {
    [
        Cell::text(&entry.listing.listing_id),
        Cell::text(entry.source),
        Cell::opt(&entry.listing.app_id),
        Cell::time(entry.listing.listed_at),
        Cell::time(entry.ingested_at),
        Cell::Bool(Some(entry.listing.complete)),
    ]
}

fn tail(entry: Entry<'_>) -> [Cell<'_>; 3] {
    [Cell::Text(entry.raw), Cell::text(&entry.origin.file), Cell::count(entry.origin.line)]
}
