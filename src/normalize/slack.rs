//! Slack audit log: one entry is one event, or one a role where one role replaces others.
//!
//! Takes the entry's text, gives events whose accounts are members (`U…`, `W…`), known by
//! their address. Whoever joins or leaves a user group is the entry's actor, and who asked
//! for it stands in the details; whoever is given a role is named by the details alone. A
//! role is known by the workspace in which it is held. Slack writes what has been done, so
//! that an entry is a success unless its action says that it failed or was denied.

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Outcome};
use crate::domain::{Rejection, Row, UtcMicros, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "Slack audit log", recognises, normalize };

const SOURCE: &str = "slack";

/// What an action that makes somebody something gives, and what it ends by that.
const ROLE_CHANGES: [(&str, &[&str], &[&str]); 5] = [
    ("role_change_to_owner", &["owner"], &["admin"]),
    ("role_change_to_admin", &["admin"], &["owner"]),
    ("role_change_to_user", &[], &["admin", "owner"]),
    ("role_change_to_guest", &[], &["admin", "owner"]),
    ("org_owner_created", &["org_owner"], &[]),
];

fn recognises(value: &Value) -> bool {
    let kind = json::text_ci(value, &["actor", "type"]).unwrap_or_default();
    let actor = json::get_ci(value, &["actor", &kind]).is_some_and(Value::is_object);
    let inside = ["location", "ip_address", "ua", "session_id"];
    let context = json::ci(value, "context");
    let known = inside.iter().any(|key| context.and_then(|context| json::ci(context, key)).is_some());
    json::text_ci(value, &["action"]).is_some() && actor && known
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let text = |path: &[&str]| json::text_ci(&value, path);
    let action = text(&["action"]).ok_or_else(|| draft::missing("Slack", "action"))?;
    let occurred_at = draft::occurred_at(&value, &[&["date_create"], &["p_event_time"]], "Slack")?;
    let verb = verbs::verb(SOURCE, &action).unwrap_or(Verb::OTHER);
    let (account, actor) = parties(&value, &verb);
    let app = AppRef { id: text(&["entity", "app", "id"]), name: text(&["entity", "app", "name"]) };
    let event = Event {
        event_id: text(&["id"]).unwrap_or_else(|| event_id::of_record(&value)),
        actor,
        account,
        app,
        entitlement: entitlement(&value, &verb),
        outcome: outcome(&action),
        reason: reason(&value),
        session_id: text(&["context", "session_id"]),
        client_ip: text(&["context", "ip_address"]),
        user_agent: text(&["context", "ua"]),
        changes: changes::to_column(&changes_of(&value, &action)),
        expires_at: expires_at(&value, &verb),
        verb,
        ..draft::event(SOURCE, context, &action, occurred_at)
    };
    Ok(draft::rows(one_a_role(&value, event)))
}

/// The account that it happened to, and who did it.
fn parties(value: &Value, verb: &Verb) -> (AccountRef, Actor) {
    let user = |path: &[&str]| json::get_ci(value, path).filter(|user| user.is_object());
    let by = user(&["actor", "user"]);
    let kind = json::text_ci(value, &["actor", "type"]).map(|kind| kind.to_lowercase());
    if verb.as_str().starts_with("group.member.") {
        let asked = user(&["details", "inviter", "user"]).or_else(|| user(&["details", "kicker", "user"]));
        return (by.map(member).unwrap_or_default(), actor(asked.or(by), kind));
    }
    let actor = actor(by, kind);
    if let Some(user) = user(&["entity", "user"]) {
        return (member(user), actor);
    }
    let named = ["target_user", "target_user_id"].map(|key| json::text_ci(value, &["details", key]));
    if let Some(id) = named.into_iter().flatten().next() {
        return (draft::account(SOURCE, Some(id), None), actor);
    }
    let own = ["signin", "signout"].iter().any(|family| verb.as_str().starts_with(family));
    (by.filter(|_| own).map(member).unwrap_or_default(), actor)
}

/// A member: the name is for people to read, and not what they sign in with.
fn member(user: &Value) -> AccountRef {
    draft::account(SOURCE, json::text_ci(user, &["id"]), json::text_ci(user, &["email"]))
}

fn actor(user: Option<&Value>, kind: Option<String>) -> Actor {
    let text = |key: &str| user.and_then(|user| json::text_ci(user, &[key]));
    Actor { id: text("id"), kind, name: text("email").or_else(|| text("name")) }
}

fn entitlement(value: &Value, verb: &Verb) -> EntitlementRef {
    let text = |path: &[&str]| json::text_ci(value, path);
    let verb = verb.as_str();
    if verb.starts_with("group.") || verb.ends_with(".group") {
        let id = text(&["entity", "usergroup", "id"]);
        return draft::entitlement(EntitlementKind::Group, id, text(&["entity", "usergroup", "name"]));
    }
    let Some(id) = text(&["entity", "role", "id"]).filter(|_| verb.starts_with("role.")) else {
        return EntitlementRef::default();
    };
    let place = text(&["details", "target_entity"]);
    role(place, &id, text(&["entity", "role", "name"]))
}

fn role(place: Option<String>, id: &str, name: Option<String>) -> EntitlementRef {
    let id = place.map_or_else(|| id.to_owned(), |place| format!("{place}/{id}"));
    draft::entitlement(EntitlementKind::Role, Some(id), name)
}

/// The event, and the others that its action stands for: a role that replaces another ends
/// it, and a guest whose time is over has been deactivated.
fn one_a_role(value: &Value, event: Event) -> Vec<Event> {
    if event.event_type == "guest_expired" {
        let ended = Event { verb: Verb::new("account.deactivate"), ..event.clone() };
        return vec![event, ended];
    }
    let change = ROLE_CHANGES.iter().find(|(action, ..)| *action == event.event_type);
    let Some((_, given, taken)) = change else { return vec![event] };
    let place = json::text_ci(value, &["context", "location", "id"]);
    let one = |verb: &'static str, name: &str| Event {
        verb: Verb::new(verb),
        entitlement: role(place.clone(), name, Some(name.to_owned())),
        ..event.clone()
    };
    let given = given.iter().map(|name| one("role.grant", name));
    given.chain(taken.iter().map(|name| one("role.revoke", name))).collect()
}

fn outcome(action: &str) -> Outcome {
    let failed = ["_failed", "_failure", "_denied", "_blocked"].iter().any(|end| action.ends_with(end));
    if failed { Outcome::Failure } else { Outcome::Success }
}

fn reason(value: &Value) -> Option<String> {
    match json::get_ci(value, &["details", "reason"])? {
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(json::scalar).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        one => json::scalar(one),
    }
}

/// Until when a guest may stay.
fn expires_at(value: &Value, verb: &Verb) -> Option<UtcMicros> {
    if !["access.expiry.set", "account.create"].contains(&verb.as_str()) {
        return None;
    }
    // Zero stands for no end.
    json::time_ci(value, &["details", "expires_on"]).filter(|at| at.0 > 0)
}

fn changes_of(value: &Value, action: &str) -> Vec<Change> {
    let text = |path: &[&str]| json::text_ci(value, path);
    let attribute = match action {
        "user_email_updated" => Some("email"),
        "user_username_updated" => Some("userName"),
        _ => action.strip_prefix("pref."),
    };
    let (from, to) = (text(&["details", "previous_value"]), text(&["details", "new_value"]));
    if let Some(attribute) = attribute.filter(|_| from.is_some() || to.is_some()) {
        return vec![Change { attribute: attribute.to_owned(), from, to }];
    }
    let Some(Value::Object(profile)) = json::get_ci(value, &["details", "new_profile"]) else {
        return Vec::new();
    };
    let one = |(attribute, new): (&String, &Value)| Change {
        attribute: attribute.clone(),
        from: text(&["details", "previous_profile", attribute]),
        to: json::scalar(new),
    };
    profile.iter().map(one).collect()
}
