//! Entra provisioning log: what Entra did to the accounts of another application.
//!
//! Takes a record's text, gives one event whose account is the one in the target system.
//! The outcome is `provisioningStatusInfo.status` and nothing else: `resultType` says
//! `Success` even where the step failed. A record about a group names an entitlement
//! and no account; a skipped one names an account but is of no effect on state.

use serde_json::Value;

use super::changes;
use super::entra::{self, Log, Record};
use super::{Context, JsonFormat, event_id};
use crate::domain::{
    AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Outcome, Rejection, Row, Verb,
};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Microsoft Entra provisioning log", recognises, normalize };

pub(super) const LOG: Log = Log { recognises, event };

const SOURCE: &str = "entra_provisioning";

fn recognises(value: &Value) -> bool {
    let record = Record::new(value);
    record.in_category("ProvisioningLogs")
        || (record.has("provisioningAction") && (record.has("provisioningStatusInfo") || record.has("jobId")))
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    entra::rows(raw, context, &LOG)
}

fn event(value: &Value, context: &Context) -> Result<Event, Rejection> {
    let record = Record::new(value);
    let action = record.text_any(&[&["provisioningAction"], &["action"]]);
    let action = action.ok_or_else(|| {
        Rejection::new("missing_field", "an Entra provisioning record without provisioningAction")
    })?;
    let at = record.occurred_at(&["activityDateTime", "time", "TimeGenerated", "p_event_time"])?;
    let app = app(&record, context);
    let modified = entra::changes(&Value::Array(record.items(&["modifiedProperties"])));
    Ok(Event {
        event_id: own_id(&record, value),
        verb: verbs::verb(SOURCE, &action).unwrap_or(Verb::OTHER),
        event_type: action,
        actor: actor(&record),
        account: account(&record, &app),
        entitlement: group(&record),
        app,
        outcome: outcome(&record),
        reason_code: record.text(&["provisioningStatusInfo", "errorInformation", "errorCode"]),
        reason: record.text_any(&[
            &["provisioningStatusInfo", "errorInformation", "reason"],
            &["statusInfo", "reason"],
        ]),
        correlation_id: record.text_any(&[&["changeId"], &["correlationId"]]),
        latency_ms: record
            .text_any(&[&["durationInMilliseconds"], &["durationMs"]])
            .and_then(|text| text.parse().ok()),
        changes: changes::to_column(&modified),
        ..record.event(SOURCE, context, at)
    })
}

/// Two records of one change share their id when two jobs made it.
fn own_id(record: &Record, value: &Value) -> String {
    match (record.text(&["id"]), record.text(&["jobId"])) {
        (Some(id), Some(job)) => format!("{id}/{job}"),
        (Some(id), None) => id,
        (None, _) => event_id::of_record(value),
    }
}

fn outcome(record: &Record) -> Outcome {
    let status = record.text(&["provisioningStatusInfo", "status"]).unwrap_or_default();
    match status.to_ascii_lowercase().as_str() {
        "success" => Outcome::Success,
        "failure" => Outcome::Failure,
        "skipped" => Outcome::Skipped,
        // A warning does not say whether the change was made.
        _ => Outcome::Unknown,
    }
}

fn actor(record: &Record) -> Actor {
    let by = |keys: &[&str]| keys.iter().find_map(|key| record.text(&["initiatedBy", key]));
    Actor {
        id: by(&["id"]),
        kind: by(&["initiatorType", "initiatingType", "type"]).map(|kind| kind.to_lowercase()),
        name: by(&["displayName", "name"]),
    }
}

/// The application that is provisioned: its service principal in Entra.
fn app(record: &Record, context: &Context) -> AppRef {
    let id =
        record.text_any(&[&["servicePrincipal", "id"], &["targetSystem", "details", "ServicePrincipalId"]]);
    let name = record.text_any(&[
        &["servicePrincipal", "displayName"],
        &["servicePrincipal", "name"],
        &["targetSystem", "details", "ServicePrincipalDisplayName"],
    ]);
    AppRef { id: id.or_else(|| context.app.clone()), name }
}

/// The account in the target system. Inbound provisioning, from HR, has Entra itself as
/// target, so that the account is Entra's own.
fn account(record: &Record, app: &AppRef) -> AccountRef {
    let kind = record.text_any(&[&["targetIdentity", "identityType"], &["sourceIdentity", "identityType"]]);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
        return AccountRef::default();
    }
    let target = record.text_any(&[&["targetSystem", "displayName"], &["targetSystem", "name"]]);
    let inbound = target.is_some_and(|name| {
        let name = name.to_lowercase();
        name.contains("azure active directory") || name.contains("microsoft entra id")
    });
    let name = record.text_any(&[
        &["sourceIdentity", "details", "UserPrincipalName"],
        &["targetIdentity", "details", "UserPrincipalName"],
        &["targetIdentity", "details", "userName"],
    ]);
    let own = if inbound { Some(entra::APP.to_owned()) } else { app.id.clone().or(app.name.clone()) };
    AccountRef { app: own, external_id: record.text(&["sourceIdentity", "id"]), ..named(record, name) }
}

fn named(record: &Record, name: Option<String>) -> AccountRef {
    AccountRef { app: None, ..entra::account(record.text(&["targetIdentity", "id"]), name) }
}

fn group(record: &Record) -> EntitlementRef {
    let kind = record.text_any(&[&["targetIdentity", "identityType"], &["sourceIdentity", "identityType"]]);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Group")) {
        return EntitlementRef::default();
    }
    let of = |key: &str| record.text_any(&[&["targetIdentity", key], &["sourceIdentity", key]]);
    EntitlementRef {
        kind: Some(EntitlementKind::Group),
        id: of("id"),
        name: of("displayName").or_else(|| of("name")),
    }
}
