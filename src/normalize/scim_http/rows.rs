//! From one exchange and what its log line adds, to events. Shared by the request log and
//! the access log, which differ only in how much they know.

use serde_json::Value;

use super::super::changes::{self, Change};
use crate::domain::{AccountRef, Actor, AppRef, CredentialRef, Event, Outcome, Row, UtcMicros, Verb};
use crate::scim::exchange::{self, Act, Exchange};
use crate::scim::{Deviation, patch};

pub(in crate::normalize) const NAME: &str = "scim_http";

/// What a log line says about an exchange beside the exchange itself.
pub(in crate::normalize) struct Envelope {
    pub event_id: String,
    pub occurred_at: UtcMicros,
    pub connection: Option<String>,
    pub org: Option<String>,
    pub actor_id: Option<String>,
    pub scim_type: Option<String>,
    pub detail: Option<String>,
    pub correlation_id: Option<String>,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub latency_ms: Option<u32>,
}

/// The events of an exchange, at least one. The first has the record's id, the others the
/// id with their number behind it.
pub(in crate::normalize) fn rows(exchange: &Exchange, envelope: &Envelope) -> Vec<Row<'static>> {
    let reading = exchange::read(exchange);
    let oddities = codes(&reading.deviations);
    let acts = reading.acts.into_iter().enumerate();
    acts.map(|(at, act)| Row::from(event(act, at, exchange, envelope, &oddities))).collect()
}

/// Canonical changes in the form of the `changes` column.
pub(in crate::normalize) fn column(changes: &[patch::Change]) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let told: Vec<Change> = changes
        .iter()
        .map(|change| Change {
            attribute: change.attribute.clone(),
            from: None,
            to: change.to.as_ref().map(text),
        })
        .collect();
    changes::to_column(&told)
}

fn event(act: Act, at: usize, exchange: &Exchange, envelope: &Envelope, oddities: &str) -> Event {
    let failed = act.outcome == Outcome::Failure;
    let event_id = &envelope.event_id;
    Event {
        event_id: if at == 0 { event_id.clone() } else { format!("{event_id}/{at}") },
        source: NAME,
        org: envelope.org.clone(),
        event_type: act.event_type,
        verb: Verb::new(act.verb),
        occurred_at: envelope.occurred_at,
        actor: Actor {
            id: envelope.actor_id.clone(),
            kind: envelope.actor_id.is_some().then(|| "application".to_string()),
            name: None,
        },
        account: AccountRef { app: envelope.connection.clone(), ..act.account },
        app: AppRef { id: envelope.connection.clone(), name: None },
        entitlement: act.entitlement,
        outcome: act.outcome,
        reason_code: envelope.scim_type.clone().filter(|_| failed).or(act.reason_code),
        reason: reason(envelope.detail.clone().or(act.reason), act.status, oddities, &act.notes),
        correlation_id: envelope.correlation_id.clone(),
        session_id: None,
        client_ip: envelope.client_ip.clone(),
        user_agent: envelope.user_agent.clone(),
        http_method: Some(exchange.method.clone()),
        http_path: Some(exchange.path.clone()),
        http_status: act.status,
        latency_ms: envelope.latency_ms,
        changes: column(&act.changes),
        expires_at: None,
        credential: CredentialRef::default(),
    }
}

/// The receiver's own words. Where the body can be why it was refused, or crashed the
/// receiver, also how the request was odd; a throttled or unauthorised one has other causes.
/// Of a success, what its answer shows.
fn reason(detail: Option<String>, status: Option<u16>, oddities: &str, notes: &[String]) -> Option<String> {
    let aside = if !notes.is_empty() {
        format!("answer: {}", notes.join(", "))
    } else if !oddities.is_empty() && matches!(status, Some(400 | 422 | 500 | 501)) {
        format!("request: {oddities}")
    } else {
        return detail;
    };
    Some(match detail {
        Some(detail) => format!("{detail} ({aside})"),
        None => aside,
    })
}

fn codes(deviations: &[Deviation]) -> String {
    let mut codes: Vec<&str> = deviations.iter().map(|deviation| deviation.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.join(", ")
}
