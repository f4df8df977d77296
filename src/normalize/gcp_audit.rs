//! Google Cloud audit logs: log entries with an audit log in `protoPayload`.
//!
//! Takes an entry's text, gives one event; or one a binding that a policy gained or lost, or
//! one an inner event where Workspace's own audit is in Cloud Logging. The event type is
//! `serviceName:methodName`. Accounts are principals as IAM knows them, by address. A call
//! failed if its status has a code, or if every permission that was asked for was refused.
//! A policy that was set without saying what changed is a `role.change` of nobody: only the
//! new policy is told.

mod policy;
mod service_account;
mod workspace;

use serde_json::Value;

use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Google Cloud audit logs", recognises, normalize };

const SOURCE: &str = "gcp_audit";

/// IAM as an application that has accounts.
const APP: &str = "google_cloud";

fn recognises(value: &Value) -> bool {
    let Some(payload) = json::ci(value, "protoPayload").filter(|payload| payload.is_object()) else {
        return false;
    };
    let types = ["@type", "at_sign_type"].map(|key| json::text_ci(payload, &[key]));
    let audit = types.into_iter().flatten().any(|name| name.ends_with("AuditLog"));
    let log =
        json::text_ci(value, &["logName"]).is_some_and(|name| name.contains("cloudaudit.googleapis.com"));
    audit || log || json::text_ci(payload, &["methodName"]).is_some()
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let entry = Entry::of(&value)?;
    let text = |path: &[&str]| json::text_ci(entry.payload, path);
    let method =
        text(&["methodName"]).ok_or_else(|| draft::missing("Google Cloud", "protoPayload.methodName"))?;
    let service = text(&["serviceName"]).unwrap_or_default();
    let times: [&[&str]; 3] = [&["timestamp"], &["p_event_time"], &["receiveTimestamp"]];
    let occurred_at = draft::occurred_at(&value, &times, "Google Cloud")?;
    let event_type = format!("{service}:{method}");
    // Every service has a method of its own to set a policy, alike but for what comes before.
    let last = method.rsplit('.').next().unwrap_or(&method);
    let verb = verbs::verb(SOURCE, &event_type).or_else(|| verbs::verb(SOURCE, last)).unwrap_or(Verb::OTHER);
    let event = Event {
        event_id: match json::text_ci(&value, &["insertId"]) {
            Some(id) => format!("{occurred_at}/{id}"),
            None => event_id::of_record(&value),
        },
        actor: actor(&entry),
        app: app(&entry),
        outcome: outcome(&entry),
        reason_code: text(&["status", "code"]).filter(|code| code != "0"),
        reason: text(&["status", "message"]).filter(|message| message != "OK"),
        correlation_id: json::text_ci(&value, &["operation", "id"]),
        client_ip: text(&["requestMetadata", "callerIp"]).filter(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
        user_agent: text(&["requestMetadata", "callerSuppliedUserAgent"]),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(events(&entry, event)))
}

fn events(entry: &Entry, event: Event) -> Vec<Event> {
    if let Some(events) = workspace::events(entry, &event) {
        return events;
    }
    if event.verb.as_str() == "role.change" {
        return policy::events(entry, event);
    }
    vec![service_account::event(entry, event)]
}

/// A log entry.
struct Entry<'a> {
    value: &'a Value,
    payload: &'a Value,
}

impl<'a> Entry<'a> {
    fn of(value: &'a Value) -> Result<Entry<'a>, Rejection> {
        let payload = json::ci(value, "protoPayload").filter(|payload| payload.is_object());
        let payload = payload.ok_or_else(|| draft::missing("Google Cloud", "protoPayload"))?;
        Ok(Entry { value, payload })
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        json::text_ci(self.payload, path)
    }

    fn label(&self, name: &str) -> Option<String> {
        json::text_ci(self.value, &["resource", "labels", name])
    }
}

/// The principal, and where it was impersonated still the one that acted.
fn actor(entry: &Entry) -> Actor {
    let own = |key: &str| entry.text(&["authenticationInfo", key]);
    let (email, subject) = (own("principalEmail"), own("principalSubject"));
    let kind =
        subject.as_ref().and_then(|subject| subject.split_once(':')).map(|(kind, _)| kind.to_lowercase());
    Actor { id: email.clone().or(subject.clone()), kind, name: email.or(subject) }
}

/// The project, else the folder or organisation, in which it happened.
fn app(entry: &Entry) -> AppRef {
    let labels = ["project_id", "folder_id", "organization_id"];
    AppRef { id: labels.iter().find_map(|label| entry.label(label)), name: None }
}

fn outcome(entry: &Entry) -> Outcome {
    if entry.text(&["status", "code"]).is_some_and(|code| code != "0") {
        return Outcome::Failure;
    }
    let asked = json::ci(entry.payload, "authorizationInfo").and_then(Value::as_array);
    let refused = |one: &Value| json::text_ci(one, &["granted"]).is_some_and(|granted| granted == "false");
    match asked {
        Some(asked) if !asked.is_empty() && asked.iter().all(refused) => Outcome::Failure,
        _ => Outcome::Success,
    }
}
