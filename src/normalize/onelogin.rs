//! OneLogin events: from the API, or as its event broadcaster sends them.
//!
//! Takes a record's text, gives one event, whose type is OneLogin's number. Names of users
//! are for people to read, unless the user has none and her address stands there. OneLogin
//! has numbers of their own for what failed, so that everything else is a success. That a
//! role was given has a number that we know, but not that it was taken: a role is kept as
//! `other`, since a grant that never ends would be worse than none.

use serde_json::Value;

use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Outcome};
use crate::domain::{Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "OneLogin events", recognises, normalize };

const SOURCE: &str = "onelogin";

fn recognises(value: &Value) -> bool {
    let text = |key: &str| json::text_ci(value, &[key]);
    let numbered = text("event_type_id").is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    let own = ["account_id", "actor_user_id", "actor_user_name", "user_id", "privilege_name"];
    let piped = text("p_log_type").is_some_and(|name| name.starts_with("OneLogin"));
    numbered && (piped || own.iter().any(|key| json::ci(value, key).is_some()))
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let text = |key: &str| json::text_ci(&value, &[key]);
    let event_type = text("event_type_id").ok_or_else(|| draft::missing("OneLogin", "event_type_id"))?;
    let times: [&[&str]; 3] = [&["created_at"], &["event_timestamp"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "OneLogin")?;
    let verb = verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER);
    let event = Event {
        event_id: text("id").or_else(|| text("uuid")).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&value),
        account: account(&value),
        app: AppRef { id: text("app_id"), name: text("app_name") },
        entitlement: entitlement(&value, &verb),
        outcome: outcome(&value, &verb),
        reason: text("error_description").or_else(|| text("custom_message")).or_else(|| text("notes")),
        client_ip: text("ipaddr"),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(vec![event]))
}

fn actor(value: &Value) -> Actor {
    let text = |key: &str| json::text_ci(value, &[key]);
    match text("actor_system") {
        Some(system) => {
            Actor { id: Some(system.clone()), kind: Some("system".to_owned()), name: Some(system) }
        }
        None => Actor { id: text("actor_user_id"), kind: None, name: text("actor_user_name") },
    }
}

fn account(value: &Value) -> AccountRef {
    let address = json::text_ci(value, &["user_name"]).filter(|name| name.contains('@'));
    draft::account(SOURCE, json::text_ci(value, &["user_id"]), address)
}

fn entitlement(value: &Value, verb: &Verb) -> EntitlementRef {
    let text = |key: &str| json::text_ci(value, &[key]);
    match verb.as_str() {
        "role.grant" | "role.revoke" => {
            draft::entitlement(EntitlementKind::Role, text("privilege_id"), text("privilege_name"))
        }
        "role.define" => draft::entitlement(EntitlementKind::Role, text("role_id"), text("role_name")),
        group if group.starts_with("group.") => {
            draft::entitlement(EntitlementKind::Group, text("group_id"), text("group_name"))
        }
        _ => EntitlementRef::default(),
    }
}

fn outcome(value: &Value, verb: &Verb) -> Outcome {
    let verb = verb.as_str();
    let failed = verb.ends_with(".failed") || verb == "signin.denied_app";
    let error = json::text_ci(value, &["error_description"]).is_some();
    if failed || error { Outcome::Failure } else { Outcome::Success }
}
