//! Auth0 tenant logs: from the Management API, or as a log stream wraps them in `data`.
//!
//! Takes a record's text, gives one event, or one a role or member where a call of the
//! Management API names several. The type is Auth0's code (`s`, `fp`, `sapi`). Calls have
//! one code for all that can be done; what they mean is their method and path, and whom
//! they are about stands in the path or the body, since `user_id` is then the caller's.
//! Codes that begin with `f` are Auth0's failures; a call has a status.

mod call;

use serde_json::Value;

use self::call::Call;
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, EntitlementRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "Auth0 tenant logs", recognises, normalize };

const SOURCE: &str = "auth0";

/// The codes of calls of the Management API: done, failed, and read.
const CALLS: [&str; 3] = ["sapi", "fapi", "mgmt_api_read"];

fn recognises(value: &Value) -> bool {
    let record = record(value);
    let has = |key: &str| json::ci(record, key).is_some();
    let short =
        json::text_ci(record, &["type"]).is_some_and(|code| code.len() < 64 && !code.contains([' ', '.']));
    let numbered = has("log_id") || json::ci(value, "log_id").is_some();
    short
        && (numbered && has("date") || has("log_id") || has("date") && has("client_id") && has("description"))
}

/// The record, out of what a stream or EventBridge puts around it.
fn record(value: &Value) -> &Value {
    let detail = json::ci(value, "detail").filter(|detail| detail.is_object()).unwrap_or(value);
    json::ci(detail, "data").filter(|data| json::ci(data, "type").is_some()).unwrap_or(detail)
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let record = record(&value);
    let text = |path: &[&str]| json::text_ci(record, path);
    let code = text(&["type"]).ok_or_else(|| draft::missing("Auth0", "type"))?;
    let times: [&[&str]; 2] = [&["date"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(record, &times, "Auth0")
        .or_else(|lost| draft::occurred_at(&value, &times[1..], "Auth0").map_err(|_| lost))?;
    let call = Call::of(record).filter(|_| CALLS.contains(&code.as_str()));
    let operation = call.as_ref().map(|call| format!("sapi {}", call.operation));
    let verb = operation.and_then(|name| verbs::verb(SOURCE, &name)).or_else(|| verbs::verb(SOURCE, &code));
    let verb = verb.map_or(Verb::OTHER, |verb| call.as_ref().map_or(verb.clone(), |call| call.refined(verb)));
    let status = text(&["details", "response", "statusCode"]).and_then(|status| status.parse().ok());
    let event = Event {
        event_id: text(&["log_id"]).or_else(|| text(&["_id"])).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(record),
        account: if call.is_some() { AccountRef::default() } else { subject(record) },
        app: AppRef { id: text(&["client_id"]), name: text(&["client_name"]) },
        entitlement: EntitlementRef::default(),
        outcome: outcome(&code, &verb, status),
        reason: text(&["details", "error", "message"]).or_else(|| text(&["description"])),
        session_id: text(&["details", "session_id"]),
        client_ip: text(&["ip"]),
        user_agent: text(&["user_agent"]),
        http_method: call.as_ref().map(|call| call.method.clone()),
        http_path: text(&["details", "request", "path"]),
        http_status: status,
        verb,
        ..draft::event(SOURCE, context, &code, occurred_at)
    };
    Ok(draft::rows(match call {
        Some(call) => call.events(event),
        None => vec![event],
    }))
}

/// The caller of the Management API, else the user.
fn actor(record: &Value) -> Actor {
    let text = |path: &[&str]| json::text_ci(record, path);
    let caller = |key: &str| text(&["details", "request", "auth", "user", key]);
    let id = caller("user_id").or_else(|| text(&["user_id"])).or_else(|| text(&["client_id"]));
    let name = caller("email").or_else(|| caller("name")).or_else(|| text(&["user_name"]));
    Actor { id, kind: None, name: name.or_else(|| text(&["client_name"])) }
}

fn subject(record: &Value) -> AccountRef {
    let text = |key: &str| json::text_ci(record, &[key]);
    let account = draft::account(SOURCE, text("user_id"), text("user_name"));
    // A name that somebody tried is not the id of an account.
    AccountRef { id: text("user_id"), ..account }
}

fn outcome(code: &str, verb: &Verb, status: Option<u16>) -> Outcome {
    let failed = code.starts_with('f') && !code.contains('_');
    let failed = failed || ["_failed", "_failure", "_rejected"].iter().any(|end| code.ends_with(end));
    if failed || status.is_some_and(|status| status >= 400) {
        return Outcome::Failure;
    }
    let done = code.starts_with('s') && !code.contains('_') || *verb != Verb::OTHER;
    if done { Outcome::Success } else { Outcome::Unknown }
}
