//! OCSF 1.x events, whoever wrote them: identity and access management (classes 3001 to
//! 3007), and the rest as `other`.
//!
//! Takes a record's text, gives one event, or one a role, policy or privilege where several
//! are given at once. The event type is `type_uid`, which is the class and the activity in
//! one number. Accounts are those of the product that the metadata names, or of `--app`.
//! Only `status_id` and `status` tell the outcome. What a new session is given ends with it,
//! and is no grant.

mod access;

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "OCSF events", recognises, normalize };

const SOURCE: &str = "ocsf";

/// Products whose accounts have another name here.
const PRODUCTS: [(&str, &str); 5] = [
    ("cloudtrail", "aws"),
    ("entra_id", "entra"),
    ("microsoft_entra_id", "entra"),
    ("azure_active_directory", "entra"),
    ("okta_system_log", "okta"),
];

fn recognises(value: &Value) -> bool {
    let number = |key: &str| json::text_ci(value, &[key]).is_some_and(|text| text.parse::<u32>().is_ok());
    let metadata = json::ci(value, "metadata").is_some_and(Value::is_object);
    number("class_uid") && (number("activity_id") || number("type_uid")) && metadata
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let text = |path: &[&str]| json::text_ci(&value, path);
    let event_type = type_uid(&value)?;
    let times: [&[&str]; 3] = [&["time"], &["time_dt"], &["metadata", "original_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "OCSF")?;
    // What was done to an entity means something only with what the entity is.
    let entity = text(&["entity", "type"]).map(|kind| format!("{event_type} {kind}"));
    let verb = entity.and_then(|key| verbs::verb(SOURCE, &key)).or_else(|| verbs::verb(SOURCE, &event_type));
    let verb = refined(&value, verb.unwrap_or(Verb::OTHER));
    let event = Event {
        event_id: text(&["metadata", "uid"]).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&value),
        account: account(&value, &verb, context),
        app: app(&value),
        outcome: outcome(&value),
        reason_code: text(&["status_code"]),
        reason: text(&["status_detail"]).or_else(|| text(&["message"])),
        correlation_id: text(&["metadata", "correlation_uid"]),
        session_id: text(&["session", "uid"]),
        client_ip: text(&["src_endpoint", "ip"]),
        user_agent: text(&["http_request", "user_agent"]),
        http_method: text(&["http_request", "http_method"]),
        http_path: text(&["http_request", "url", "path"]),
        http_status: text(&["http_response", "code"]).and_then(|code| code.parse().ok()),
        changes: changes::to_column(&changes_of(&value)),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(access::events(&value, event)))
}

/// The class and the activity in one number, which some writers leave to be worked out.
fn type_uid(value: &Value) -> Result<String, Rejection> {
    let number = |key: &str| json::text_ci(value, &[key]).and_then(|text| text.parse::<u32>().ok());
    if let Some(uid) = number("type_uid") {
        return Ok(uid.to_string());
    }
    let class = number("class_uid").ok_or_else(|| draft::missing("OCSF", "class_uid"))?;
    let activity = number("activity_id").ok_or_else(|| draft::missing("OCSF", "activity_id"))?;
    Ok((class.saturating_mul(100).saturating_add(activity)).to_string())
}

/// An update that gives another name is a rename.
fn refined(value: &Value, verb: Verb) -> Verb {
    let (old, new) = names(value);
    let renamed = verb.as_str() == "account.update" && new.is_some() && old.is_some() && new != old;
    if renamed { Verb::new("account.rename") } else { verb }
}

/// The user's name before and after an update.
fn names(value: &Value) -> (Option<String>, Option<String>) {
    let new = [["updated_user", "name"], ["user_result", "name"]];
    (json::text_ci(value, &["user", "name"]), new.iter().find_map(|path| json::text_ci(value, path)))
}

fn actor(value: &Value) -> Actor {
    let own = |key: &str| json::text_ci(value, &["actor", "user", key]);
    let name = own("email_addr").or_else(|| own("name"));
    let service = || json::text_ci(value, &["actor", "invoked_by"]);
    Actor {
        id: own("uid").or_else(|| name.clone()).or_else(service),
        kind: own("type").map(|kind| kind.to_lowercase()),
        name: name.or_else(service),
    }
}

/// The user that it happened to; of an entity only where that is a user.
fn account(value: &Value, verb: &Verb, context: &Context) -> AccountRef {
    let entity = verb.as_str().starts_with("account.") && json::ci(value, "entity").is_some();
    let key = if entity { "entity" } else { "user" };
    let own = |field: &str| json::text_ci(value, &[key, field]);
    let app = context.app.clone().or_else(|| product(value));
    let (id, name, email) = (own("uid"), own("name"), own("email_addr"));
    if id.is_none() && name.is_none() && email.is_none() {
        return AccountRef::default();
    }
    let renamed = names(value).1.filter(|_| verb.as_str() == "account.rename");
    let address = name.clone().filter(|name| name.contains('@'));
    let email = email.or(address);
    AccountRef {
        app,
        id: id.or(name.clone()).or(email.clone()),
        name: renamed.or(name),
        email,
        external_id: None,
    }
}

/// The product that the event is of, as the name of an application.
fn product(value: &Value) -> Option<String> {
    let name = json::text_ci(value, &["metadata", "product", "name"])
        .or_else(|| json::text_ci(value, &["metadata", "product", "vendor_name"]))?;
    let letters = name.trim().to_lowercase().replace([' ', '-', '.'], "_");
    let known = PRODUCTS.iter().find(|(product, _)| *product == letters).map(|(_, app)| (*app).to_owned());
    Some(known.unwrap_or(letters))
}

/// The service that somebody signed in to, else the resource that access was given to.
fn app(value: &Value) -> AppRef {
    let parts = [&["service"][..], &["resource"], &["resources", "0"]];
    let found = parts.iter().find_map(|path| json::get_ci(value, path).filter(|part| part.is_object()));
    let text = |key: &str| found.and_then(|part| json::text_ci(part, &[key]));
    AppRef { id: text("uid"), name: text("name") }
}

fn outcome(value: &Value) -> Outcome {
    let status = json::text_ci(value, &["status_id"]).or_else(|| json::text_ci(value, &["status"]));
    match status.map(|status| status.to_lowercase()).as_deref() {
        Some("1" | "success") => Outcome::Success,
        Some("2" | "failure") => Outcome::Failure,
        _ => Outcome::Unknown,
    }
}

/// What differs between the user before and after; objects within are left out.
fn changes_of(value: &Value) -> Vec<Change> {
    let new = json::ci(value, "updated_user").or_else(|| json::ci(value, "user_result"));
    let (Some(Value::Object(new)), Some(old)) = (new, json::ci(value, "user")) else { return Vec::new() };
    let one = |(attribute, new): (&String, &Value)| {
        let (from, to) = (json::text_ci(old, &[attribute]), json::scalar(new));
        (from != to && to.is_some()).then(|| Change { attribute: attribute.clone(), from, to })
    };
    new.iter().filter_map(one).collect()
}
