//! PingOne audit activities, from the API or a webhook.
//!
//! Takes a record's text, gives one event. The user stands among the resources, and for a
//! membership in the address of the resource only; for a sign-in it is the acting user, and
//! the client is the application. A role assignment is known by its own id, since the role
//! is not told again when the assignment ends. What an update changed is named without
//! values, so that disabling a user is an `account.update`.

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Outcome};
use crate::domain::{Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "PingOne audit", recognises, normalize };

const SOURCE: &str = "pingone";

fn recognises(value: &Value) -> bool {
    let typed = json::text_ci(value, &["action", "type"]).is_some_and(|name| name.contains('.'));
    let times = ["recordedAt", "createdAt"].iter().any(|key| json::ci(value, key).is_some());
    typed && times && (json::ci(value, "resources").is_some() || json::ci(value, "result").is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let text = |path: &[&str]| json::text_ci(&value, path);
    let event_type = text(&["action", "type"]).ok_or_else(|| draft::missing("PingOne", "action.type"))?;
    let times: [&[&str]; 3] = [&["recordedAt"], &["createdAt"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "PingOne")?;
    let verb = verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER);
    let event = Event {
        event_id: text(&["id"]).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&value),
        account: account(&value, &verb),
        app: app(&value),
        entitlement: entitlement(&value, &verb),
        outcome: outcome(&value),
        reason: text(&["result", "description"]),
        correlation_id: text(&["correlationId"]),
        session_id: text(&["internalCorrelation", "sessionId"]),
        client_ip: text(&["source", "ipAddress"]),
        user_agent: text(&["source", "userAgent"]),
        changes: changes::to_column(&changed(&value)),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(vec![event]))
}

fn actor(value: &Value) -> Actor {
    let of = |party: &str| {
        let text = |key: &str| json::text_ci(value, &["actors", party, key]);
        Some(Actor { id: Some(text("id")?), kind: Some(party.to_owned()), name: text("name") })
    };
    of("user").or_else(|| of("client")).unwrap_or_default()
}

fn resource<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    let list = json::ci(value, "resources")?.as_array()?;
    list.iter().find(|resource| json::text_ci(resource, &["type"]).is_some_and(|own| own == kind))
}

fn account(value: &Value, verb: &Verb) -> AccountRef {
    const OWN: [&str; 4] = ["signin", "signout", "mfa.", "consent."];
    let of =
        |user: &Value| draft::account(SOURCE, json::text_ci(user, &["id"]), json::text_ci(user, &["name"]));
    if let Some(user) = resource(value, "USER") {
        return of(user);
    }
    if let Some(member) = resource(value, "MEMBER_OF_GROUP") {
        let id = json::text_ci(member, &["href"]).and_then(|href| part_behind(&href, "users"));
        return draft::account(SOURCE, id, None);
    }
    let own = OWN.iter().any(|family| verb.as_str().starts_with(family));
    json::get_ci(value, &["actors", "user"]).filter(|_| own).map(of).unwrap_or_default()
}

/// The part of an address that follows `name`.
fn part_behind(href: &str, name: &str) -> Option<String> {
    let mut parts = href.split('/').skip_while(|part| *part != name);
    parts.nth(1).map(str::to_owned)
}

/// The application that is made, or that somebody signed in to.
fn app(value: &Value) -> AppRef {
    let client = || json::get_ci(value, &["actors", "client"]);
    let Some(found) = resource(value, "APPLICATION").or_else(client) else { return AppRef::default() };
    AppRef { id: json::text_ci(found, &["id"]), name: json::text_ci(found, &["name"]) }
}

fn entitlement(value: &Value, verb: &Verb) -> EntitlementRef {
    let verb = verb.as_str();
    if verb.starts_with("group.") {
        let group = resource(value, "MEMBER_OF_GROUP").or_else(|| resource(value, "GROUP"));
        let text = |key: &str| group.and_then(|group| json::text_ci(group, &[key]));
        let id = text("href").and_then(|href| part_behind(&href, "memberOfGroups")).or_else(|| text("id"));
        return draft::entitlement(EntitlementKind::Group, id, text("name"));
    }
    if !verb.starts_with("role.") {
        return EntitlementRef::default();
    }
    let told = json::text_ci(value, &["result", "description"]).unwrap_or_default();
    let quoted = |word: &str| {
        let (_, rest) = told.split_once(&format!("{word} '"))?;
        rest.split('\'').next().map(str::to_owned)
    };
    draft::entitlement(EntitlementKind::Role, quoted("role assignment"), quoted("for role"))
}

fn outcome(value: &Value) -> Outcome {
    let status = json::text_ci(value, &["result", "status"]).unwrap_or_default();
    match status.to_ascii_uppercase().as_str() {
        "SUCCESS" | "SUCCEEDED" => Outcome::Success,
        "FAILED" | "FAILURE" => Outcome::Failure,
        _ => Outcome::Unknown,
    }
}

fn changed(value: &Value) -> Vec<Change> {
    let names = json::get_ci(value, &["_embedded", "modifiedAttributes"]).and_then(Value::as_array);
    let change = |name: &Value| Some(Change { attribute: json::scalar(name)?, from: None, to: None });
    names.into_iter().flatten().filter_map(change).collect()
}
