//! Entra audit log: changes to the directory, from Azure Monitor, Graph or Microsoft 365.
//!
//! Takes a record's text, gives one event. The verb follows from the name of the
//! activity, and for "Update user" from what it changed: an account switched off is a
//! deactivation whatever the activity is called. Ids come from the target resources,
//! or from the modified properties where only these have them. Provisioning and
//! sign-ins have their own logs and formats.

mod target;

use serde_json::Value;

use self::target::Targets;
use super::changes::{self, Change};
use super::entra::{self, Log, Record};
use super::{Context, JsonFormat, event_id, json};
use crate::domain::{Actor, CredentialRef, Event, Outcome, Rejection, Row, UtcMicros, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Microsoft Entra audit log", recognises, normalize };

pub(super) const LOG: Log = Log { recognises, event };

const SOURCE: &str = "entra_audit";

/// The name under which privileged identity management acts in the core directory.
const PIM: &str = "MS-PIM";

fn recognises(value: &Value) -> bool {
    let record = Record::new(value);
    if record.has("provisioningAction") {
        return false;
    }
    let microsoft_365 = record.outer_text(&["Workload"]).is_some_and(|name| name == "AzureActiveDirectory");
    record.in_category("AuditLogs")
        || (record.has("activityDisplayName") && (record.has("initiatedBy") || record.has("targetResources")))
        || (microsoft_365 && record.has("Operation"))
}

pub(super) fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    entra::rows(raw, context, &LOG)
}

fn event(value: &Value, context: &Context) -> Result<Event, Rejection> {
    let record = Record::new(value);
    let activity = activity(&record)?;
    let at =
        record.occurred_at(&["activityDateTime", "time", "TimeGenerated", "CreationTime", "p_event_time"])?;
    let targets = Targets::of(&record);
    let verb = refined(verbs::verb(SOURCE, &activity).unwrap_or(Verb::OTHER), &targets.changes);
    let outcome = outcome(&record);
    let account = targets.account(&record, &verb);
    // A change that failed left the account with its old name.
    let account = if outcome == Outcome::Success { targets.renamed(account) } else { account };
    let entitlement = targets.entitlement(&verb);
    let limited =
        gives_access(&verb) && (entitlement.kind.is_some() || verb.as_str().starts_with("account."));
    let event = Event {
        event_id: record.text(&["id"]).unwrap_or_else(|| event_id::of_record(value)),
        actor: actor(&record),
        account,
        app: targets.app(&verb),
        entitlement,
        outcome,
        reason_code: reason_code(&record, &activity),
        reason: record.text_any(&[&["resultReason"], &["resultDescription"]]),
        credential: credential(&activity),
        expires_at: limited.then(|| expires_at(&record, &targets.changes)).flatten(),
        changes: changes::to_column(&targets.changes),
        event_type: activity,
        verb,
        ..record.event(SOURCE, context, at)
    };
    let agent = event.user_agent.clone().or_else(|| detail(&record, &["User-Agent"]));
    Ok(Event { user_agent: agent, ..event })
}

/// What kind of secret it is about; Entra names the holder, and the secret only by a hint.
fn credential(activity: &str) -> CredentialRef {
    let activity = activity.to_ascii_lowercase();
    let kind =
        if activity.contains("service principal credentials") || activity.contains("secrets management") {
            Some("client_secret")
        } else if activity.contains("application password") {
            Some("app_password")
        } else {
            None
        };
    CredentialRef { kind, ..CredentialRef::default() }
}

/// What happened. Microsoft 365 ends the same names with a full stop.
fn activity(record: &Record) -> Result<String, Rejection> {
    let name = record.text_any(&[&["activityDisplayName"], &["operationName"], &["Operation"]]);
    let name = name.map(|name| name.trim().trim_end_matches('.').to_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(|| Rejection::new("missing_field", "an Entra audit record without activityDisplayName"))
}

/// What "Update user" was in truth. Switching off weighs more than a rename in the same
/// update; the changes tell of both.
fn refined(verb: Verb, changes: &[Change]) -> Verb {
    let changed = |name: &str| changes.iter().find(|change| change.attribute.eq_ignore_ascii_case(name));
    if verb.as_str() == "token.create" && changed("KeyDescription").is_some_and(loses_secrets) {
        return Verb::new("token.revoke");
    }
    if verb.as_str() != "account.update" {
        return verb;
    }
    let is = |side: &Option<String>, word: &str| side.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(word));
    if let Some(enabled) = changed("AccountEnabled") {
        if is(&enabled.to, "false") && !is(&enabled.from, "false") {
            return Verb::new("account.deactivate");
        }
        if is(&enabled.to, "true") && is(&enabled.from, "false") {
            return Verb::new("account.reactivate");
        }
    }
    let renamed = changed("UserPrincipalName").is_some_and(|name| name.to.is_some() && name.from != name.to);
    if renamed { Verb::new("account.rename") } else { verb }
}

/// Whether an application has fewer secrets than before: Entra calls all that is done to them management, and lists them.
fn loses_secrets(change: &Change) -> bool {
    let secrets = |side: &Option<String>| side.as_deref().unwrap_or("").matches("KeyIdentifier=").count();
    secrets(&change.to) < secrets(&change.from)
}

fn outcome(record: &Record) -> Outcome {
    let result = record.text_any(&[&["result"], &["ResultStatus"], &["resultSignature"]]).unwrap_or_default();
    match result.to_ascii_lowercase().as_str() {
        "success" | "succeeded" => Outcome::Success,
        "failure" | "failed" | "fail" | "timeout" => Outcome::Failure,
        _ => Outcome::Unknown,
    }
}

/// `pim_echo` marks what the core directory logs when privileged identity management ends
/// a role, which its own log tells a few seconds later: one end, told twice.
fn reason_code(record: &Record, activity: &str) -> Option<String> {
    let by_pim = record.text(&["initiatedBy", "app", "displayName"]).is_some_and(|name| name == PIM);
    if by_pim && activity.eq_ignore_ascii_case("Remove member from role") {
        return Some("pim_echo".to_owned());
    }
    record.text(&["resultType"]).filter(|code| code != "0" && !code.eq_ignore_ascii_case("success"))
}

fn actor(record: &Record) -> Actor {
    let of = |kind: &str, ids: &[&[&str]], names: &[&[&str]]| {
        let (id, name) = (record.text_any(ids), record.text_any(names));
        (id.is_some() || name.is_some()).then(|| Actor { id, kind: Some(kind.to_owned()), name })
    };
    let user: &[&[&str]] =
        &[&["initiatedBy", "user", "userPrincipalName"], &["initiatedBy", "user", "displayName"]];
    let app: &[&[&str]] =
        &[&["initiatedBy", "app", "displayName"], &["initiatedBy", "app", "servicePrincipalName"]];
    let app_ids: &[&[&str]] =
        &[&["initiatedBy", "app", "appId"], &["initiatedBy", "app", "servicePrincipalId"]];
    of("user", &[&["initiatedBy", "user", "id"]], user)
        .or_else(|| of("application", app_ids, app))
        .or_else(|| of("user", &[&["UserKey"]], &[&["UserId"]]))
        .unwrap_or_default()
}

fn gives_access(verb: &Verb) -> bool {
    const TAKES: [&str; 7] = ["revoke", "expire", "remove", "unassign", "deactivate", "delete", "denied"];
    !TAKES.iter().any(|word| verb.as_str().contains(word))
}

/// Names under which an end of access is written, in the details or the properties.
const END_KEYS: [&str; 7] = [
    "ExpirationTime",
    "ExpirationDateTime",
    "ExpirationDate",
    "EndDateTime",
    "EndTime",
    "EndDate",
    "AssignmentEndDateTime",
];

fn expires_at(record: &Record, changes: &[Change]) -> Option<UtcMicros> {
    let is_end = |change: &&Change| END_KEYS.iter().any(|key| change.attribute.eq_ignore_ascii_case(key));
    let modified = || changes.iter().find(is_end).and_then(|change| change.to.clone());
    UtcMicros::parse(&detail(record, &END_KEYS).or_else(modified)?)
}

/// The first of `keys` among the additional details, a list of keys and values.
fn detail(record: &Record, keys: &[&str]) -> Option<String> {
    let details = record.items(&["additionalDetails"]);
    let of = |key: &&str| {
        let named =
            |item: &&Value| json::text_ci(item, &["key"]).is_some_and(|k| k.eq_ignore_ascii_case(key));
        json::text_ci(details.iter().find(named)?, &["value"])
    };
    keys.iter().find_map(of)
}
