//! Keycloak: user events and admin events, from its REST API or from its log in JSON.
//!
//! Takes a record's text, gives one event, or one a role where a mapping names several. The
//! type of an admin event is its operation and resource, `CREATE GROUP_MEMBERSHIP`; whom it
//! is about stands in the resource path, and what was given in the representation, which
//! Keycloak keeps only where it is told to. `_ERROR` at the end of a type is Keycloak's own
//! mark of a failure.

mod admin;
mod log;

use std::borrow::Cow;

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "Keycloak events", recognises, normalize };

const SOURCE: &str = "keycloak";

fn recognises(value: &Value) -> bool {
    let has = |key: &str| json::ci(value, key).is_some();
    let text = |key: &str| json::text_ci(value, &[key]);
    let shouted = |text: String| text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let user = text("type").is_some_and(shouted) && has("realmId") && (has("ipAddress") || has("clientId"));
    let admin = has("operationType") && has("resourceType") && (has("authDetails") || has("resourcePath"));
    user || admin || log::recognises(value)
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let outer = json::parse(raw)?;
    let value = log::event(&outer).map_or(Cow::Borrowed(&outer), Cow::Owned);
    let times: [&[&str]; 3] = [&["time"], &["timestamp"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "Keycloak")?;
    let text = |path: &[&str]| json::text_ci(&value, path);
    let admin = text(&["operationType"]).zip(text(&["resourceType"]));
    let event_type = match &admin {
        Some((operation, resource)) => format!("{operation} {resource}"),
        None => text(&["type"]).ok_or_else(|| draft::missing("Keycloak", "type"))?,
    };
    let plain = event_type.strip_suffix("_ERROR").unwrap_or(&event_type);
    let verb = verbs::verb(SOURCE, &event_type).or_else(|| verbs::verb(SOURCE, plain)).unwrap_or(Verb::OTHER);
    let failed = plain != event_type || text(&["error"]).is_some();
    let event = Event {
        event_id: text(&["id"]).unwrap_or_else(|| event_id::of_record(&outer)),
        outcome: if failed { Outcome::Failure } else { Outcome::Success },
        reason_code: text(&["error"]),
        session_id: text(&["sessionId"]),
        changes: changes::to_column(&changes_of(&value)),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(match admin {
        Some(_) => admin::events(&value, event),
        None => vec![of_user(&value, event)],
    }))
}

/// An event of a user's own doing.
fn of_user(value: &Value, event: Event) -> Event {
    let text = |path: &[&str]| json::text_ci(value, path);
    let (id, name) = (text(&["userId"]), text(&["details", "username"]));
    let account = draft::account(SOURCE, id.clone(), name.clone());
    Event {
        actor: Actor { id: id.clone(), kind: None, name },
        // A name that somebody tried is not the id of an account.
        account: AccountRef { id, ..account },
        app: AppRef { id: text(&["clientId"]), name: None },
        client_ip: text(&["ipAddress"]),
        ..event
    }
}

fn changes_of(value: &Value) -> Vec<Change> {
    let detail = |key: &str| json::text_ci(value, &["details", key]);
    let one = |attribute: &str| {
        let (from, to) = (detail(&format!("previous_{attribute}")), detail(&format!("updated_{attribute}")));
        to.is_some().then(|| Change { attribute: attribute.to_owned(), from, to })
    };
    ["email", "first_name", "last_name"].into_iter().filter_map(one).collect()
}
