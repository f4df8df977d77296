//! An event before its format has filled it in, and the parts that formats make alike.
//!
//! Takes what every event has (source, type, instant), gives an event that says nothing
//! else. An account without id and name, and an entitlement without either, are absent
//! altogether, so that no row names an application in which nobody is meant.

use serde_json::Value;

use super::{Context, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, EntitlementKind, EntitlementRef, Event, Outcome, Rejection,
    Row, UtcMicros, Verb,
};

/// An event of `source` of which only its type and its instant are known.
pub fn event(source: &'static str, context: &Context, event_type: &str, occurred_at: UtcMicros) -> Event {
    Event {
        event_id: String::new(),
        source,
        org: context.org.clone(),
        event_type: event_type.to_owned(),
        verb: Verb::OTHER,
        occurred_at,
        actor: Actor::default(),
        account: AccountRef::default(),
        app: AppRef::default(),
        entitlement: EntitlementRef::default(),
        credential: CredentialRef::default(),
        outcome: Outcome::Unknown,
        reason_code: None,
        reason: None,
        correlation_id: None,
        session_id: None,
        client_ip: None,
        user_agent: None,
        http_method: None,
        http_path: None,
        http_status: None,
        latency_ms: None,
        changes: None,
        expires_at: None,
    }
}

/// The account of `id` in `app`; its e-mail address is its name, where that is one.
pub fn account(app: &str, id: Option<String>, name: Option<String>) -> AccountRef {
    if id.is_none() && name.is_none() {
        return AccountRef::default();
    }
    let email = name.clone().filter(|name| name.contains('@'));
    AccountRef { app: Some(app.to_owned()), id: id.or(name.clone()), name, email, external_id: None }
}

/// What was given or taken, known by its name where it has no id.
pub fn entitlement(kind: EntitlementKind, id: Option<String>, name: Option<String>) -> EntitlementRef {
    let found = id.is_some() || name.is_some();
    EntitlementRef { kind: found.then_some(kind), id: id.or(name.clone()), name }
}

/// When it happened: the first of `paths` that holds anything, whatever the case of keys.
///
/// # Errors
/// `missing_field` where none does, `bad_time` where it is no time.
pub fn occurred_at(value: &Value, paths: &[&[&str]], vendor: &str) -> Result<UtcMicros, Rejection> {
    let held = paths.iter().find(|path| json::text_ci(value, path).is_some());
    let path = held.ok_or_else(|| missing(vendor, &paths[0].join(".")))?;
    let text = json::text_ci(value, path).unwrap_or_default();
    json::time_ci(value, path)
        .ok_or_else(|| Rejection::new("bad_time", format!("{} is \"{text}\"", path.join("."))))
}

/// The rejection of a record of `vendor` that lacks `field`.
pub fn missing(vendor: &str, field: &str) -> Rejection {
    Rejection::new("missing_field", format!("a {vendor} record without {field}"))
}

/// The rows of one record's events: the first keeps the record's id, further ones have
/// `/1`, `/2` … behind it.
pub fn rows(events: Vec<Event>) -> Vec<Row<'static>> {
    let numbered = |(at, event): (usize, Event)| {
        let event_id = if at == 0 { event.event_id } else { format!("{}/{at}", event.event_id) };
        Row::from(Event { event_id, ..event })
    };
    events.into_iter().enumerate().map(numbered).collect()
}
