//! What a policy gained and lost: one event a binding.
//!
//! A role is known with the resource on which it is held. Members that are many, such as
//! groups and domains, get the role as such and are nobody's account. A condition on the
//! time of a request is the end of the access.

use serde_json::Value;

use super::{APP, Entry};
use crate::domain::{AccountRef, EntitlementKind, Event, UtcMicros, Verb};
use crate::normalize::{draft, json};

/// The event for each binding that changed; one of nobody where that is not told.
pub fn events(entry: &Entry, event: Event) -> Vec<Event> {
    let deltas = json::get_ci(entry.payload, &["serviceData", "policyDelta", "bindingDeltas"]);
    let resource = entry.text(&["resourceName"]);
    let one = |delta: &Value| binding(delta, resource.as_deref(), &event);
    let events: Vec<Event> = deltas.and_then(Value::as_array).into_iter().flatten().filter_map(one).collect();
    if events.is_empty() { vec![event] } else { events }
}

fn binding(delta: &Value, resource: Option<&str>, event: &Event) -> Option<Event> {
    let text = |key: &str| json::text_ci(delta, &[key]);
    let role = text("role")?;
    let added = match text("action")?.to_ascii_uppercase().as_str() {
        "ADD" => true,
        "REMOVE" => false,
        _ => return None,
    };
    let account = account(&text("member")?);
    let verb = match (added, account.is_some()) {
        (true, true) => "role.grant",
        (false, true) => "role.revoke",
        (true, false) => "role.grant.group",
        (false, false) => "role.revoke.group",
    };
    let id = resource.map_or_else(|| role.clone(), |resource| format!("{resource}/{role}"));
    Some(Event {
        verb: Verb::new(verb),
        account: account.unwrap_or_default(),
        entitlement: draft::entitlement(EntitlementKind::Role, Some(id), Some(role)),
        expires_at: end(delta).filter(|_| added),
        ..event.clone()
    })
}

/// The account of a member, `user:ann@acme.example`; none for what stands for many.
fn account(member: &str) -> Option<AccountRef> {
    // A member that is gone keeps its name, with a number behind it.
    let member = member.strip_prefix("deleted:").unwrap_or(member);
    let member = member.split('?').next().unwrap_or(member);
    let email = match member.split_once(':') {
        Some(("user" | "serviceAccount", email)) => email,
        Some(_) => return None,
        None => member,
    };
    email.contains('@').then(|| draft::account(APP, Some(email.to_owned()), Some(email.to_owned())))
}

/// The end that a condition sets: `request.time < timestamp("2026-01-01T00:00:00Z")`.
fn end(delta: &Value) -> Option<UtcMicros> {
    let condition = json::text_ci(delta, &["condition", "expression"])?;
    let (_, limit) = condition.split_once("request.time")?;
    let limit = limit.trim_start().strip_prefix('<')?.trim_start_matches('=');
    let text = limit.trim_start().strip_prefix("timestamp(")?.split(')').next()?;
    UtcMicros::parse(text.trim_matches(['"', '\'']))
}
