//! Microsoft 365 unified audit: sign-ins, Exchange, SharePoint and Teams.
//!
//! Takes a record's text, bare or inside the `AuditData` of an export, which may be a table;
//! gives one event, or one a member where Teams names several. Changes to the directory are
//! Entra's: they are handed to its audit format, and keep its name as their source. A failed
//! sign-in has an operation of its own, and says `Success` all the same. Members are named
//! by address here, so that their accounts have no id.

mod access;

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::Value;

use super::{Context, JsonFormat, RowFormat, draft, entra, entra_audit, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Microsoft 365 unified audit", recognises, normalize };

/// The same in a table.
pub const ROWS: RowFormat = RowFormat { name: SOURCE, recognises, normalize };

const SOURCE: &str = "m365";

/// Sign-ins to Entra, which have records of their own type.
const SIGN_IN: &str = "15";

fn recognises(value: &Value) -> bool {
    let record = record(value);
    let has = |key: &str| json::text_ci(&record, &[key]).is_some();
    has("Operation") && has("RecordType") && (has("OrganizationId") || has("Workload")) && has("CreationTime")
}

/// The record itself, out of an export's `AuditData`.
fn record(value: &Value) -> Cow<'_, Value> {
    match json::ci(value, "AuditData") {
        Some(Value::String(text)) => json::parse(text).map_or(Cow::Borrowed(value), Cow::Owned),
        Some(inner @ Value::Object(_)) => Cow::Borrowed(inner),
        _ => Cow::Borrowed(value),
    }
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let outer = json::parse(raw)?;
    let value = record(&outer);
    let text = |path: &[&str]| json::text_ci(&value, path);
    let kind = text(&["RecordType"]);
    let sign_in = kind.as_deref() == Some(SIGN_IN);
    if !sign_in && text(&["Workload"]).is_some_and(|name| name == "AzureActiveDirectory") {
        return entra_audit::normalize(&value.to_string(), context);
    }
    let operation = text(&["Operation"]).ok_or_else(|| draft::missing("Microsoft 365", "Operation"))?;
    let times: [&[&str]; 2] = [&["CreationTime"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "Microsoft 365")?;
    let verb = verbs::verb(SOURCE, &operation).unwrap_or(Verb::OTHER);
    let outcome = outcome(&value, &verb);
    let event = Event {
        event_id: text(&["Id"]).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&value),
        account: if verb.as_str().starts_with("signin") {
            own_account(&value)
        } else {
            AccountRef::default()
        },
        app: app(&value, sign_in),
        outcome,
        reason_code: text(&["ErrorNumber"]).filter(|code| code != "0"),
        reason: text(&["LogonError"]),
        correlation_id: text(&["CorrelationId"]).or_else(|| text(&["InterSystemsId"])),
        session_id: text(&["SessionId"]).or_else(|| text(&["AppAccessContext", "AADSessionId"])),
        client_ip: text(&["ClientIP"]).or_else(|| text(&["ActorIpAddress"])).and_then(|ip| address(&ip)),
        user_agent: text(&["UserAgent"]).or_else(|| property(&value, "ExtendedProperties", "UserAgent")),
        verb,
        ..draft::event(SOURCE, context, &operation, occurred_at)
    };
    Ok(draft::rows(access::events(&value, event)))
}

/// The value of one of a list of `{"Name", "Value"}`.
fn property(value: &Value, list: &str, name: &str) -> Option<String> {
    let items = json::ci(value, list)?.as_array()?;
    let named = |item: &&Value| json::text_ci(item, &["Name"]).is_some_and(|own| own == name);
    json::text_ci(items.iter().find(named)?, &["Value"])
}

fn known(value: &Value, key: &str) -> Option<String> {
    json::text_ci(value, &[key]).filter(|text| text != "Not Available")
}

fn actor(value: &Value) -> Actor {
    let name = known(value, "UserId");
    Actor { id: known(value, "UserKey").or_else(|| name.clone()), kind: None, name }
}

/// The account of whoever signed in: the key is the id in Entra where it looks like one.
fn own_account(value: &Value) -> AccountRef {
    let id = known(value, "UserKey").filter(|key| key.len() == 36 && key.matches('-').count() == 4);
    entra::account(id, known(value, "UserId"))
}

/// Of a sign-in the application that asked for it, else the service in which it happened.
fn app(value: &Value, sign_in: bool) -> AppRef {
    let text = |key: &str| json::text_ci(value, &[key]);
    if sign_in {
        return AppRef { id: text("ApplicationId").or_else(|| text("ObjectId")), name: None };
    }
    AppRef { id: text("Workload"), name: text("Workload") }
}

fn outcome(value: &Value, verb: &Verb) -> Outcome {
    if verb.as_str().ends_with(".failed") {
        return Outcome::Failure;
    }
    let status = json::text_ci(value, &["ResultStatus"]).unwrap_or_default();
    match status.to_ascii_lowercase().as_str() {
        "failed" | "failure" | "false" => Outcome::Failure,
        "partiallysucceeded" => Outcome::Unknown,
        _ => Outcome::Success,
    }
}

/// The address without the port that some services put behind it.
fn address(text: &str) -> Option<String> {
    if text.parse::<IpAddr>().is_ok() {
        return Some(text.to_owned());
    }
    text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip().to_string())
}
