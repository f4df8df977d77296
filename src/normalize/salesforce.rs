//! Salesforce: the setup audit trail, and the event log files of sign-ins and the rest.
//!
//! Takes a record's text, or a row of either as a table, with the names of columns as keys;
//! gives one event, or two where a profile replaces another. Accounts are users, by the id
//! of 18 letters: Salesforce writes 15 of them in the trail, and both in event logs. The
//! trail names users in a sentence, and tells only what has been done; a sign-in has a
//! status. The trail as the setup page exports it has no action and no clear date, and is
//! not read.

mod sentence;

use serde_json::Value;

use self::sentence::Sentence;
use super::{Context, JsonFormat, RowFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Salesforce setup audit trail and event logs", recognises, normalize };

/// The same in a table.
pub const ROWS: RowFormat = RowFormat { name: SOURCE, recognises, normalize };

const SOURCE: &str = "salesforce";

/// What the status of a sign-in begins with that was not decided yet.
const CHALLENGE: &str = "LOGIN_CHALLENGE";

fn recognises(value: &Value) -> bool {
    let has = |key: &str| json::get(value, &[key]).is_some();
    let log = has("EVENT_TYPE") && (has("TIMESTAMP") || has("TIMESTAMP_DERIVED"));
    is_trail(value) || log && (has("USER_ID") || has("ORGANIZATION_ID"))
}

fn is_trail(value: &Value) -> bool {
    ["Action", "Section", "Display", "CreatedDate"].iter().all(|key| json::ci(value, key).is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let events = if is_trail(&value) { trail(&value, context)? } else { vec![log(&value, context)?] };
    Ok(draft::rows(events))
}

/// A line of the setup audit trail.
fn trail(value: &Value, context: &Context) -> Result<Vec<Event>, Rejection> {
    let text = |key: &str| json::text_ci(value, &[key]);
    let action = text("Action").ok_or_else(|| draft::missing("Salesforce", "Action"))?;
    let occurred_at = draft::occurred_at(value, &[&["CreatedDate"]], "Salesforce")?;
    let display = text("Display").unwrap_or_default();
    let sentence = Sentence(&display);
    let by = json::text_any_ci(value, &[&["CreatedBy", "Username"], &["CreatedBy.Username"]]);
    let delegate = text("DelegateUser");
    let event = Event {
        event_id: text("Id").unwrap_or_else(|| event_id::of_record(value)),
        // Who signed in for somebody else did it.
        actor: Actor {
            id: delegate.clone().or_else(|| text("CreatedById").map(|id| long(&id))),
            kind: None,
            name: delegate.or(by),
        },
        verb: verbs::verb(SOURCE, &action).unwrap_or(Verb::OTHER),
        account: AccountRef {
            name: None,
            ..draft::account(SOURCE, sentence.user().map(|id| long(&id)), None)
        },
        outcome: Outcome::Success,
        reason: (!display.is_empty()).then(|| display.clone()),
        ..draft::event(SOURCE, context, &action, occurred_at)
    };
    Ok(sentence.events(event))
}

/// A line of an event log file.
fn log(value: &Value, context: &Context) -> Result<Event, Rejection> {
    let text = |key: &str| json::text(value, &[key]);
    let kind = text("EVENT_TYPE").ok_or_else(|| draft::missing("Salesforce", "EVENT_TYPE"))?;
    let times: [&[&str]; 3] = [&["TIMESTAMP_DERIVED"], &["TIMESTAMP"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(value, &times, "Salesforce")?;
    let id = |derived: &str, short: &str| text(derived).or_else(|| text(short)).map(|id| long(&id));
    let user = id("USER_ID_DERIVED", "USER_ID");
    let delegate = id("DELEGATED_USER_ID_DERIVED", "DELEGATED_USER_ID");
    let status = text("LOGIN_STATUS").filter(|status| status != "LOGIN_NO_ERROR");
    Ok(Event {
        // A request may leave several lines, so that its id is not theirs.
        event_id: event_id::of_record(value),
        actor: Actor {
            id: delegate.or_else(|| user.clone()),
            kind: text("USER_TYPE").map(|kind| kind.to_lowercase()),
            name: text("DELEGATED_USER_NAME").or_else(|| text("USER_NAME")),
        },
        verb: verbs::verb(SOURCE, &kind).unwrap_or(Verb::OTHER),
        account: AccountRef { id: user.clone(), ..draft::account(SOURCE, user, text("USER_NAME")) },
        app: AppRef { id: text("CONNECTED_APP_ID"), name: text("CONNECTED_APP_NAME") },
        outcome: outcome(&kind, value),
        reason_code: status,
        correlation_id: text("REQUEST_ID"),
        session_id: text("SESSION_KEY"),
        client_ip: text("SOURCE_IP")
            .or_else(|| text("CLIENT_IP"))
            .filter(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
        user_agent: text("BROWSER_TYPE"),
        http_path: text("URI"),
        ..draft::event(SOURCE, context, &kind, occurred_at)
    })
}

fn outcome(kind: &str, value: &Value) -> Outcome {
    let status = json::text(value, &["LOGIN_STATUS"]);
    match (kind, status.as_deref(), json::text(value, &["REQUEST_STATUS"]).as_deref()) {
        (_, Some("LOGIN_NO_ERROR"), _) | (_, None, Some("S")) => Outcome::Success,
        (_, Some(status), _) if status.starts_with(CHALLENGE) => Outcome::Unknown,
        (_, Some(_), _) | (_, None, Some("F")) => Outcome::Failure,
        // A sign-in has a status; what else is logged has happened.
        ("Login", None, _) => Outcome::Unknown,
        _ => Outcome::Success,
    }
}

/// The id of 18 letters. The last three tell which of the first 15 are capitals, five bits
/// a letter, so that ids can be compared whatever their case.
fn long(id: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    if id.len() != 15 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let check = id.as_bytes().chunks(5).map(|part| {
        let bits = part.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
        let at: usize = bits.map(|(place, _)| 1 << place).sum();
        char::from(LETTERS[at])
    });
    id.chars().chain(check).collect()
}
