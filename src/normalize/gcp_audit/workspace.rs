//! Workspace's audit as Cloud Logging has it: inner events, named as in Workspace's reports.

use serde_json::Value;

use super::Entry;
use crate::domain::{AccountRef, EntitlementKind, EntitlementRef, Event, Outcome, Verb};
use crate::models::verbs;
use crate::normalize::{draft, json};

/// The source whose verbs these events have, and the application whose accounts.
const WORKSPACE: &str = "google_workspace";

/// One event an inner event; none where the entry is not of Workspace.
pub fn events(entry: &Entry, event: &Event) -> Option<Vec<Event>> {
    let service = entry.text(&["serviceName"])?;
    let application =
        ["admin", "login"].into_iter().find(|name| service == format!("{name}.googleapis.com"))?;
    let inner = json::get_ci(entry.payload, &["metadata", "event"])?.as_array()?;
    let one = |inner: &Value| {
        let name = json::text_ci(inner, &["eventName"]).unwrap_or_default();
        let verb = verbs::verb(WORKSPACE, &format!("{application}:{name}")).unwrap_or(Verb::OTHER);
        Event {
            account: account(inner, entry, &verb),
            entitlement: entitlement(inner, &verb),
            outcome: if verb.as_str().ends_with(".failed") { Outcome::Failure } else { event.outcome },
            verb,
            ..event.clone()
        }
    };
    let events: Vec<Event> = inner.iter().map(one).collect();
    (!events.is_empty()).then_some(events)
}

fn parameter(inner: &Value, name: &str) -> Option<String> {
    let list = json::ci(inner, "parameter")?.as_array()?;
    let named = |item: &&Value| json::text_ci(item, &["name"]).is_some_and(|own| own == name);
    json::text_ci(list.iter().find(named)?, &["value"])
}

/// The user that a parameter names, and for a sign-in whoever signed in.
fn account(inner: &Value, entry: &Entry, verb: &Verb) -> AccountRef {
    let own = || {
        let signed_in = verb.as_str().starts_with("sign");
        entry.text(&["authenticationInfo", "principalEmail"]).filter(|_| signed_in)
    };
    let email = parameter(inner, "USER_EMAIL").or_else(own);
    draft::account(WORKSPACE, email.clone(), email)
}

fn entitlement(inner: &Value, verb: &Verb) -> EntitlementRef {
    let of = |kind, name: &str| draft::entitlement(kind, None, parameter(inner, name));
    match verb.as_str() {
        group if group.starts_with("group.") => of(EntitlementKind::Group, "GROUP_EMAIL"),
        role if role.starts_with("role.") => of(EntitlementKind::Role, "ROLE_NAME"),
        _ => EntitlementRef::default(),
    }
}
