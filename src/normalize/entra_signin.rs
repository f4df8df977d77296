//! Entra sign-in logs: people and workloads signing in, interactively or not.
//!
//! Takes a record's text, gives one event whose type is the log's category. The outcome
//! is `status.errorCode` alone: `resultType` and `resultSignature` are read only where
//! the status is missing. Risk, location and conditional access stay in the raw record.

use serde_json::Value;

use super::entra::{self, Log, Record};
use super::{Context, JsonFormat, event_id};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Microsoft Entra sign-in logs", recognises, normalize };

pub(super) const LOG: Log = Log { recognises, event };

const SOURCE: &str = "entra_signin";

/// The categories, and the word by which Graph's `signInEventTypes` names each.
const CATEGORIES: [(&str, &str); 4] = [
    ("NonInteractiveUserSignInLogs", "nonInteractiveUser"),
    ("ServicePrincipalSignInLogs", "servicePrincipal"),
    ("ManagedIdentitySignInLogs", "managedIdentity"),
    ("SignInLogs", "interactiveUser"),
];

fn recognises(value: &Value) -> bool {
    let record = Record::new(value);
    let listed = CATEGORIES.iter().any(|(category, _)| record.in_category(category));
    let bare = record.has("createdDateTime")
        && record.has("appId")
        && (record.has("status") || record.has("isInteractive") || record.has("clientAppUsed"))
        && (record.has("userPrincipalName") || record.has("servicePrincipalId"));
    (listed || bare) && !record.has("activityDisplayName")
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    entra::rows(raw, context, &LOG)
}

fn event(value: &Value, context: &Context) -> Result<Event, Rejection> {
    let record = Record::new(value);
    let at = record.occurred_at(&["createdDateTime", "time", "TimeGenerated", "p_event_time"])?;
    let category = category(&record);
    let (account, actor) = who(&record);
    if account.id.is_none() && account.name.is_none() {
        return Err(Rejection::new("missing_field", "an Entra sign-in without userId or servicePrincipalId"));
    }
    let outcome = outcome(&record);
    let failure = outcome == Outcome::Failure;
    Ok(Event {
        event_id: record.text(&["id"]).unwrap_or_else(|| event_id::of_record(value)),
        event_type: category.to_owned(),
        verb: verbs::verb(SOURCE, category).unwrap_or(Verb::OTHER),
        actor,
        account,
        app: AppRef { id: record.text(&["appId"]), name: record.text(&["appDisplayName"]) },
        outcome,
        reason_code: code(&record).filter(|_| failure),
        reason: record.text_any(&[&["status", "failureReason"], &["resultDescription"]]).filter(|_| failure),
        session_id: record.text(&["sessionId"]),
        ..record.event(SOURCE, context, at)
    })
}

fn category(record: &Record) -> &'static str {
    let named = CATEGORIES.iter().find(|(category, _)| record.in_category(category));
    let types = record.items(&["signInEventTypes"]);
    let typed = || {
        let is =
            |word: &str| types.iter().filter_map(Value::as_str).any(|own| own.eq_ignore_ascii_case(word));
        CATEGORIES.iter().find(|(_, word)| is(word))
    };
    if let Some((category, _)) = named.or_else(typed) {
        return category;
    }
    let workload = record.text(&["userId"]).is_none() && record.text(&["servicePrincipalId"]).is_some();
    if workload { "ServicePrincipalSignInLogs" } else { "SignInLogs" }
}

fn who(record: &Record) -> (AccountRef, Actor) {
    let of = |kind: &str, id: Option<String>, name: Option<String>| {
        let actor = Actor { id: id.clone(), kind: Some(kind.to_owned()), name: name.clone() };
        (entra::account(id, name), actor)
    };
    let user = record.text(&["userId"]).filter(|id| !blank_guid(id));
    let name = record.text(&["userPrincipalName"]);
    if user.is_some() || name.is_some() {
        return of("user", user, name);
    }
    let name = record.text_any(&[&["servicePrincipalName"], &["appDisplayName"]]);
    of("serviceprincipal", record.text(&["servicePrincipalId"]), name)
}

/// Workload sign-ins may carry a user id of zeros.
fn blank_guid(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0' || byte == b'-')
}

fn code(record: &Record) -> Option<String> {
    record.text_any(&[&["status", "errorCode"], &["resultType"], &["resultSignature"]])
}

fn outcome(record: &Record) -> Outcome {
    match code(record).map(|code| code.to_ascii_lowercase()).as_deref() {
        Some("0" | "success") => Outcome::Success,
        None | Some("none") => Outcome::Unknown,
        Some(_) => Outcome::Failure,
    }
}
