//! Grant exports: what their columns are called, and one row as grants. Takes the cells of a
//! row, gives one `GrantRow` for each entitlement that it names, because one cell may hold a
//! list separated by `;` or `|`.

use super::cell::{list, present};
use super::cells::Cells;
use super::field::Expect::{Email, Identifier, Instant, Login, Standing as Status, Text};
use super::field::Field;
use super::field::Weight::{Deciding, Described, Key, Many};
use super::standing::{Standing, standing};
use crate::domain::{EntitlementKind, GrantRow, Rejection, Row};

#[rustfmt::skip]
pub const FIELDS: [Field; 13] = [
    Field { name: "account_id", expects: Identifier, weight: Key,
        words: &["user id", "userid", "member id", "sys id", "object id", "principal id", "user guid", "user key", "assignee id", "user sys id", "benutzer id", "grantee id", "user uuid"], weak: &["id"] },
    Field { name: "account_name", expects: Login, weight: Key,
        words: &["login", "login name", "username", "user name", "user", "account", "member", "assignee", "user principal name", "upn", "principal", "grantee", "grantee name", "user login", "benutzername", "benutzer", "utilisateur", "assigned to", "principal name"], weak: &["name"] },
    Field { name: "email", expects: Email, weight: Deciding,
        words: &["email address", "user email", "e mail", "mail", "member email", "work email"], weak: &["user", "account", "member", "principal", "assignee"] },
    Field { name: "entitlement_id", expects: Text, weight: Deciding,
        words: &["role id", "group id", "permission id", "permission set id", "team id", "privilege id", "sku id", "license id", "licence id", "scope id"], weak: &[] },
    Field { name: "entitlement_name", expects: Text, weight: Many,
        words: &["entitlement", "entitlements", "role", "roles", "role name", "user role", "group", "groups", "group name", "permission", "permissions", "permission name", "permission set", "permission sets", "permission set name", "permission set label", "team", "teams", "team name", "privilege", "privileges", "access right", "access profile", "authority", "licence", "license", "licenses", "licences", "license name", "sku", "scope", "scopes", "role assignment", "assigned role", "assigned roles", "granted role", "responsibility", "berechtigung", "berechtigungen", "rolle", "rollen", "gruppe", "gruppen", "droit", "droits", "groupe", "groupes", "group memberships", "group membership", "access level", "profile"], weak: &[] },
    Field { name: "entitlement_kind", expects: Text, weight: Described,
        words: &["entitlement type", "access type", "permission type", "assignment type", "kind"], weak: &["type"] },
    Field { name: "granted_at", expects: Instant, weight: Described,
        words: &["granted", "granted on", "grant", "assigned", "assigned on", "assignment", "added", "date granted", "date assigned", "access granted", "member since", "start", "valid from", "created", "created on", "since", "begin", "zugewiesen am", "sys created on"], weak: &["from"] },
    Field { name: "expires_at", expects: Instant, weight: Deciding,
        words: &["expires", "expiration", "expiry", "end", "valid to", "valid until", "expires on", "access end", "assignment end", "grant end", "until", "gultig bis", "ablaufdatum", "date d expiration"], weak: &["to"] },
    Field { name: "last_used_at", expects: Instant, weight: Deciding,
        words: &["last used", "last use", "last access", "last accessed", "last exercised", "last activity"], weak: &[] },
    Field { name: "granted_by", expects: Text, weight: Described,
        words: &["assigned by", "added by", "grantor", "approved by", "created by", "provisioned by", "sys created by", "zugewiesen von"], weak: &[] },
    Field { name: "grant_status", expects: Status, weight: Deciding,
        words: &["assignment status", "membership status", "permission status", "role status", "assignment state"], weak: &["status", "state"] },
    Field { name: "app", expects: Text, weight: Described,
        words: &["app id", "application id", "app", "application", "application name", "app name", "system", "system name", "resource app", "anwendung"], weak: &[] },
    Field { name: "display_name", expects: Text, weight: Described,
        words: &["full name", "real name", "employee name", "member name", "nom complet"], weak: &["name", "user", "account", "member", "user name"] },
];

/// Columns that only grant exports have.
pub const DISTINCT: [&str; 4] = ["granted_at", "granted_by", "entitlement_id", "entitlement_kind"];

/// One row of a grant export; none for a grant that is over, whose end a complete listing says by not naming it.
///
/// # Errors
/// `missing_field` without an account or an entitlement, `bad_time` for an unreadable time,
/// `bad_value` for a grant that ends before it starts.
pub fn rows(cells: &Cells) -> Result<Vec<Row<'static>>, Rejection> {
    let account_name = cells.owned("account_name").or_else(|| cells.owned("email"));
    let account_id = cells.owned("account_id");
    if account_id.is_none() && account_name.is_none() {
        return Err(cells.missing("account_id"));
    }
    if cells.text("grant_status").and_then(standing) == Some(Standing::Gone) {
        return Ok(Vec::new());
    }
    let zone = &cells.zone;
    let granted_at = cells.moment("granted_at")?.and_then(|moment| moment.starts_at(zone));
    // A last day that comes as a bare date still counts, as people read "valid until".
    let expires_at = cells.moment("expires_at")?.and_then(|moment| moment.ends_at(zone));
    if let (Some(from), Some(to)) = (granted_at, expires_at)
        && to <= from
    {
        return Err(Rejection::new("bad_value", format!("grant ends at {to}, before it starts at {from}")));
    }
    let template = GrantRow {
        account_id,
        account_name,
        granted_at,
        expires_at,
        last_used_at: cells.moment("last_used_at")?.and_then(|moment| moment.starts_at(zone)),
        granted_by: cells.owned("granted_by"),
        ..GrantRow::default()
    };
    let held = entitlements(cells);
    if held.is_empty() {
        return Err(cells.missing("entitlement_name"));
    }
    let grant = |(entitlement_kind, entitlement_id, entitlement_name)| {
        Row::Grant(GrantRow { entitlement_kind, entitlement_id, entitlement_name, ..template.clone() })
    };
    Ok(held.into_iter().map(grant).collect())
}

type Held = (EntitlementKind, String, Option<String>);

/// What the row says is held. With a column of ids, the names only describe them.
fn entitlements(cells: &Cells) -> Vec<Held> {
    let said = cells.text("entitlement_kind").and_then(kind);
    if let (Some(&at), Some(text)) =
        (cells.columns.of("entitlement_id").first(), cells.text("entitlement_id"))
    {
        let names = cells.text("entitlement_name").map(list).unwrap_or_default();
        let ids = list(text);
        let paired = names.len() == ids.len();
        let name = |i: usize| names.get(i).filter(|_| paired).map(|name| name.to_string());
        let of_header = names_kind(cells).or_else(|| kind(&cells.columns.words[at]));
        let kind = said.or(of_header).unwrap_or_default();
        return ids.iter().enumerate().map(|(i, id)| (kind, id.to_string(), name(i))).collect();
    }
    let mut held = Vec::new();
    for &at in cells.columns.of("entitlement_name") {
        let kind = said.or_else(|| kind(&cells.columns.words[at])).unwrap_or_default();
        let text = cells.fields.get(at).and_then(|text| present(text)).unwrap_or("");
        held.extend(list(text).into_iter().map(|name| (kind, name.to_string(), Some(name.to_string()))));
    }
    held
}

fn names_kind(cells: &Cells) -> Option<EntitlementKind> {
    cells.columns.of("entitlement_name").first().and_then(|&at| kind(&cells.columns.words[at]))
}

/// The kind that a header or a value names, in any case and number.
fn kind(text: &str) -> Option<EntitlementKind> {
    let words = super::words::normal(text);
    let says = |list: &[&str]| list.iter().any(|word| words.split(' ').any(|part| part.starts_with(word)));
    Some(match () {
        () if says(&["permission", "privilege", "access", "authority", "berechtigung", "droit"]) => {
            EntitlementKind::Permission
        }
        () if says(&["role", "rolle", "responsibility", "profile"]) => EntitlementKind::Role,
        () if says(&["group", "team", "gruppe"]) => EntitlementKind::Group,
        () if says(&["licen", "sku", "seat"]) => EntitlementKind::Licence,
        () if says(&["scope"]) => EntitlementKind::Scope,
        () if words == "app" || words == "application" => EntitlementKind::App,
        () => return None,
    })
}
