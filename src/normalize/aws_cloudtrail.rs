//! AWS CloudTrail: IAM, IAM Identity Center and its SCIM endpoint, sign-in and STS; the
//! calls of other services as use of the key that signed them, or as `other`.
//!
//! Takes a record's text, bare or as EventBridge delivers it; gives one event, or two where
//! a SCIM request states more than one thing. The event type is `eventSource:eventName`.
//! A call succeeded unless it has an error code; a sign-in has its own result. Values that
//! AWS hides are absent here. Accounts are told apart in `access` and `parties`.

mod access;
mod parties;

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "AWS CloudTrail", recognises, normalize };

const SOURCE: &str = "aws_cloudtrail";

/// What AWS writes in place of a value that may be personal or secret.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

fn recognises(value: &Value) -> bool {
    let record = Record::new(value);
    let own = ["userIdentity", "awsRegion", "eventVersion", "recipientAccountId"];
    record.text(&["eventName"]).is_some()
        && record.text(&["eventSource"]).is_some_and(|source| source.ends_with(".amazonaws.com"))
        && own.iter().any(|key| json::ci(record.0, key).is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let record = Record::new(&value);
    let service = record.text(&["eventSource"]).ok_or_else(|| draft::missing("CloudTrail", "eventSource"))?;
    let name = record.text(&["eventName"]).ok_or_else(|| draft::missing("CloudTrail", "eventName"))?;
    let occurred_at = draft::occurred_at(record.0, &[&["eventTime"], &["p_event_time"]], "CloudTrail")?;
    let event_type = format!("{service}:{name}");
    let verb = refined(&record, verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER), &name);
    let event = Event {
        event_id: record.text(&["eventID"]).unwrap_or_else(|| event_id::of_record(record.0)),
        actor: parties::actor(&record),
        account: parties::account(&record, &service, &verb),
        app: app(&record),
        entitlement: access::entitlement(&record, &verb),
        credential: access::credential(&record, &verb),
        outcome: outcome(&record),
        reason_code: record.text(&["errorCode"]),
        reason: record.text(&["errorMessage"]),
        correlation_id: record.text(&["requestID"]),
        // Temporary keys are given for one session.
        session_id: record.text(&["userIdentity", "accessKeyId"]).filter(|key| key.starts_with("ASIA")),
        client_ip: record.text(&["sourceIPAddress"]).filter(|text| is_address(text)),
        user_agent: record.text(&["userAgent"]),
        changes: changes::to_column(&changes_of(&record, &verb)),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(with_state(&record, event)))
}

/// A record, out of the envelope in which EventBridge delivers it.
struct Record<'a>(&'a Value);

impl<'a> Record<'a> {
    fn new(value: &'a Value) -> Record<'a> {
        let detail = json::ci(value, "detail").filter(|detail| json::ci(detail, "eventName").is_some());
        Record(detail.unwrap_or(value))
    }

    /// The text at `path`; absent where AWS hides it.
    fn text(&self, path: &[&str]) -> Option<String> {
        json::text_ci(self.0, path).filter(|text| text != HIDDEN)
    }

    fn request(&self, key: &str) -> Option<String> {
        self.text(&["requestParameters", key])
    }

    /// The AWS account in which it happened.
    fn place(&self) -> Option<String> {
        self.text(&["recipientAccountId"]).or_else(|| self.text(&["userIdentity", "accountId"]))
    }
}

/// What the parameters make of a verb.
fn refined(record: &Record, verb: Verb, name: &str) -> Verb {
    let request = |key: &str| record.request(key);
    match name {
        "UpdateUser" if request("newUserName").is_some() => Verb::new("account.rename"),
        // A key that is made active again can be used from then on.
        "UpdateAccessKey" if request("status").is_some_and(|status| status == "Active") => {
            Verb::new("token.issue")
        }
        "CreateAccountAssignment" if to_group(record) => Verb::new("role.grant.group"),
        "DeleteAccountAssignment" if to_group(record) => Verb::new("role.revoke.group"),
        "PutUser" if scim_active(record) == Some(false) => Verb::new("account.deactivate"),
        _ if verb == Verb::OTHER && parties::signed_with_own_key(record) => Verb::new("token.use"),
        _ => verb,
    }
}

fn to_group(record: &Record) -> bool {
    record.request("principalType").is_some_and(|kind| kind == "GROUP")
}

/// What a SCIM request says about the account's state. A PATCH says it too, but hidden.
fn scim_active(record: &Record) -> Option<bool> {
    match record.text(&["requestParameters", "httpBody", "active"])?.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The event, and what else a SCIM request says: an account that is created disabled, or
/// replaced as an active one.
fn with_state(record: &Record, event: Event) -> Vec<Event> {
    let more = match (event.event_type.rsplit(':').next(), scim_active(record)) {
        (Some("CreateUser"), Some(false)) => "account.deactivate",
        (Some("PutUser"), Some(true)) => "account.reactivate",
        _ => return vec![event],
    };
    let stated = Event { verb: Verb::new(more), ..event.clone() };
    vec![event, stated]
}

/// The application at Identity Center, or the AWS account that access was given to.
fn app(record: &Record) -> AppRef {
    let paths: [&[&str]; 4] = [
        &["requestParameters", "targetId"],
        &["serviceEventDetails", "account_id"],
        &["requestParameters", "applicationArn"],
        &["requestParameters", "instanceArn"],
    ];
    AppRef { id: paths.iter().find_map(|path| record.text(path)), name: None }
}

fn outcome(record: &Record) -> Outcome {
    if record.text(&["errorCode"]).is_some() {
        return Outcome::Failure;
    }
    // `ConsoleLogin`, `PasswordUpdated` and their like have a result under their own name;
    // an assignment that could not be made says so in its status.
    let answers = ["responseElements", "serviceEventDetails"].map(|key| json::ci(record.0, key));
    let failed = |text: &Value| text.as_str().is_some_and(|text| text.eq_ignore_ascii_case("failure"));
    let mut fields = answers.into_iter().flatten().filter_map(Value::as_object).flat_map(|own| own.values());
    let status = |answer: &Value| json::text_ci(answer, &["status"]).is_some_and(|status| status == "FAILED");
    if fields.any(|answer| failed(answer) || status(answer)) { Outcome::Failure } else { Outcome::Success }
}

/// Calls that a service makes have its name in place of an address.
fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

fn changes_of(record: &Record, verb: &Verb) -> Vec<Change> {
    let change = |attribute: &str, from, to: Option<String>| {
        to.map(|to| Change { attribute: attribute.to_owned(), from, to: Some(to) })
    };
    if verb.as_str() == "account.rename" {
        let renamed = change("userName", record.request("userName"), record.request("newUserName"));
        return renamed.into_iter().collect();
    }
    change("status", None, record.request("status")).into_iter().collect()
}
