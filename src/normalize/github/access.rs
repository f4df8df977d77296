//! What a GitHub event gives or takes: teams, roles and repositories, tokens and keys.
//!
//! A role is known by the organisation or enterprise in which it is held, since the same
//! person may be an owner here and a member there. Teams are written with their
//! organisation already.

use super::Record;
use crate::domain::{CredentialRef, EntitlementKind, EntitlementRef, Event, Verb};
use crate::normalize::draft;

/// The role of events that are about one role and do not name it.
const ROLES: [(&str, &str); 10] = [
    ("business.add_admin", "owner"),
    ("business.remove_admin", "owner"),
    ("business.invite_admin", "owner"),
    ("business.add_billing_manager", "billing_manager"),
    ("business.remove_billing_manager", "billing_manager"),
    ("org.add_billing_manager", "billing_manager"),
    ("org.remove_billing_manager", "billing_manager"),
    ("user.promote", "site_admin"),
    ("user.demote", "site_admin"),
    ("business.invite_billing_manager", "billing_manager"),
];

pub fn entitlement(record: &Record, action: &str, verb: &Verb) -> EntitlementRef {
    let verb = verb.as_str();
    if verb.starts_with("group.") {
        let team = record.text_any(&["team", "external_group", "external_group_name"]);
        return draft::entitlement(EntitlementKind::Group, record.text("external_group_id"), team);
    }
    if verb.starts_with("app.assign") || verb.starts_with("app.unassign") {
        return draft::entitlement(EntitlementKind::App, record.text("repo"), record.text("repo"));
    }
    if !verb.starts_with("role.") {
        return EntitlementRef::default();
    }
    if let Some((_, name)) = ROLES.iter().find(|(known, _)| *known == action) {
        return role(record, name);
    }
    let name = record.text("organization_role_name");
    draft::entitlement(EntitlementKind::Role, record.text("organization_role_id"), name)
}

fn role(record: &Record, name: &str) -> EntitlementRef {
    let id = match record.place() {
        Some(place) => format!("{place}/{name}"),
        None => name.to_owned(),
    };
    draft::entitlement(EntitlementKind::Role, Some(id), Some(name.to_owned()))
}

/// The event, or the two into which a change of role falls: the new one given, and the old
/// one taken.
pub fn one_a_role(record: &Record, event: Event) -> Vec<Event> {
    let (new, old) = (record.text("permission"), record.text("old_permission"));
    let (Some(new), Some(old)) = (new, old) else { return vec![event] };
    if event.event_type != "org.update_member" || new == old {
        return vec![event];
    }
    let given = Event { verb: Verb::new("role.grant"), entitlement: role(record, &new), ..event.clone() };
    let taken = Event { verb: Verb::new("role.revoke"), entitlement: role(record, &old), ..event };
    vec![given, taken]
}

/// The token or key that the event is about, or with which a request was made.
pub fn credential(record: &Record, action: &str) -> CredentialRef {
    let of = |kind, id: Option<String>, name: Option<String>| CredentialRef {
        kind: (id.is_some() || name.is_some()).then_some(kind),
        id,
        name,
    };
    let category = action.split('.').next().unwrap_or_default();
    match category {
        "personal_access_token" => {
            let name = record.text("user_programmatic_access_name");
            // The names of tokens are unique for one person only.
            let holder = record.text_any(&["user", "actor"]).unwrap_or_default();
            let by_name = name.as_ref().map(|name| format!("{holder}/{name}"));
            of("api_token", record.text("user_programmatic_access_id").or(by_name), name)
        }
        "public_key" => of("ssh_key", record.text("fingerprint"), record.text("title")),
        "oauth_access" | "oauth_authorization" => {
            let name = record.text_any(&["oauth_application_name", "oauth_application"]);
            of("oauth_grant", record.text("oauth_application_id").or(name.clone()), name)
        }
        "api" | "git" => of("api_token", record.text("token_id"), None),
        _ => CredentialRef::default(),
    }
}
