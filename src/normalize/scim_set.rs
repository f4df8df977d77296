//! Security Event Tokens (RFC 8417): SCIM events (RFC 9967), CAEP and RISC.
//!
//! Takes the claims of a token as JSON, a compact JWS, or a poll response that holds several
//! (RFC 8936), gives one event for each entry of `events`, and one a member where a SCIM
//! event changes members. **Signatures are not checked here**: whoever receives a token
//! verifies it, and what arrives is taken at its word.

use serde_json::Value;

use super::changes::{self, Change};
use super::scim_http::column;
use super::{Context, JsonFormat, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, Event, Outcome, Rejection, Row, UtcMicros, Verb,
};
use crate::models::verbs;
use crate::scim::exchange::{self, Act, Exchange};

mod jws;
mod subject;

use subject::Subject;

pub const FORMAT: JsonFormat =
    JsonFormat { name: NAME, title: "Security Event Tokens (SCIM, CAEP, RISC)", recognises, normalize };

const NAME: &str = "scim_set";
const SCIM_EVENT: &str = "urn:ietf:params:scim:event:";

/// Claims with `iss`, `jti` and a map of `events` named by URIs, or a token in text.
fn recognises(value: &Value) -> bool {
    match value {
        Value::String(token) => jws::is_compact(token),
        _ if value.get("sets").is_some_and(Value::is_object) => true,
        _ => {
            let claims = claims_in(value);
            let events = json::ci(claims, "events").and_then(Value::as_object);
            json::text(claims, &["jti"]).is_some()
                && events.is_some_and(|events| events.keys().any(|name| name.contains(':')))
        }
    }
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let raw = raw.trim();
    let value = if jws::is_compact(raw) { Value::String(raw.to_string()) } else { json::parse(raw)? };
    let Some(sets) = value.get("sets").and_then(Value::as_object) else {
        return token(&value, context);
    };
    let mut rows = Vec::with_capacity(sets.len());
    for set in sets.values() {
        rows.extend(token(set, context)?);
    }
    Ok(rows)
}

/// The rows of one token, which is a compact JWS or its claims.
fn token(value: &Value, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    match value {
        Value::String(token) => claims(&jws::payload(token)?, context),
        Value::Object(_) => claims(claims_in(value), context),
        _ => Err(Rejection::new("not_an_object", "a security event token is a JSON object or a compact JWS")),
    }
}

/// Receivers store the claims bare or under `set`.
fn claims_in(value: &Value) -> &Value {
    value.get("set").filter(|inner| inner.is_object()).unwrap_or(value)
}

fn claims(claims: &Value, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let missing = |name: &str| Rejection::new("missing_field", format!("the token has no {name}"));
    let jti = json::text(claims, &["jti"]).ok_or_else(|| missing("jti"))?;
    let events = json::ci(claims, "events").and_then(Value::as_object).ok_or_else(|| missing("events"))?;
    let mut rows = Vec::with_capacity(events.len());
    for (name, detail) in events {
        for event in SecurityEvent::read(claims, name, detail, context)?.events() {
            let at = rows.len();
            let event_id = if at == 0 { jti.clone() } else { format!("{jti}/{at}") };
            rows.push(Row::from(Event { event_id, ..event }));
        }
    }
    if rows.is_empty() { Err(missing("event in `events`")) } else { Ok(rows) }
}

/// One entry of `events`, with the claims around it.
struct SecurityEvent<'a> {
    claims: &'a Value,
    name: &'a str,
    detail: &'a Value,
    occurred_at: UtcMicros,
    subject: Subject,
    org: Option<String>,
    app: Option<String>,
}

impl<'a> SecurityEvent<'a> {
    fn read(
        claims: &'a Value,
        name: &'a str,
        detail: &'a Value,
        context: &Context,
    ) -> Result<SecurityEvent<'a>, Rejection> {
        // The event's own time, else the time of the event claim, else of the token.
        let at = [(detail, "event_timestamp"), (claims, "toe"), (claims, "iat")]
            .into_iter()
            .find(|(value, name)| json::get(value, &[name]).is_some_and(|at| !at.is_null()));
        let (value, field) = at.ok_or_else(|| Rejection::new("missing_field", "the token has no iat"))?;
        let occurred_at = json::time(value, &[field])
            .ok_or_else(|| Rejection::new("bad_time", format!("{field} is no time that can be read")))?;
        let subject = Subject::of(claims, detail);
        let issuer = json::text(claims, &["iss"]);
        Ok(SecurityEvent {
            claims,
            name,
            detail,
            occurred_at,
            org: context.org.clone().or_else(|| subject.tenant.clone()),
            app: context.app.clone().or_else(|| issuer.as_deref().map(subject::app_of_issuer)),
            subject,
        })
    }

    /// A SCIM event with a method's data reads as the exchange that it reports; the others
    /// are one event each.
    fn events(&self) -> Vec<Event> {
        if let Some(exchange) = self.exchange() {
            let acts = exchange::read(&exchange).acts;
            return acts.into_iter().map(|act| self.event_of(act)).collect();
        }
        vec![self.plain()]
    }

    /// The request behind `prov:create`, `prov:patch`, `prov:put` and `prov:delete`.
    fn exchange(&self) -> Option<Exchange> {
        let rest = self.name.strip_prefix(SCIM_EVENT)?.strip_prefix("prov:")?;
        let method = match rest.split(':').next()? {
            "create" => "POST",
            "patch" => "PATCH",
            "put" => "PUT",
            "delete" => "DELETE",
            _ => return None,
        };
        Some(Exchange {
            method: method.to_string(),
            path: self.subject.uri.clone()?,
            status: Some(200),
            request: json::ci(self.detail, "data").cloned(),
            ..Exchange::default()
        })
    }

    fn event_of(&self, act: Act) -> Event {
        let mut event = self.plain();
        // Only the standard's create, patch, put and delete come here, and they are read
        // as finely as a request is: a patch of `active` is a deactivation.
        event.verb = Verb::new(act.verb);
        event.account = AccountRef {
            app: self.app.clone(),
            id: act.account.id,
            name: act.account.name,
            email: act.account.email,
            external_id: act.account.external_id,
        };
        if act.entitlement.kind.is_none() {
            event.account.external_id =
                event.account.external_id.or_else(|| self.subject.external_id.clone());
        }
        event.entitlement = act.entitlement;
        event.changes = column(&act.changes).or_else(|| self.changes());
        event
    }

    fn plain(&self) -> Event {
        let text = |name: &str| json::text(self.detail, &[name]);
        let status: Option<u16> = text("status").and_then(|status| status.parse().ok());
        let asynchronous = self.name.ends_with(":misc:asyncresp");
        Event {
            event_id: String::new(),
            source: NAME,
            org: self.org.clone(),
            event_type: self.name.to_string(),
            verb: self.verb(),
            occurred_at: self.occurred_at,
            actor: Actor {
                id: None,
                kind: text("initiating_entity").map(|kind| kind.to_lowercase()),
                name: json::text(self.claims, &["iss"]),
            },
            account: self.subject.account(self.app.clone()),
            app: AppRef { id: self.audience(), name: None },
            entitlement: self.subject.entitlement(),
            outcome: match status {
                Some(400..) if asynchronous => Outcome::Failure,
                _ => Outcome::Success,
            },
            reason_code: text("reason").filter(|_| !asynchronous),
            reason: self.reason(),
            correlation_id: json::text(self.claims, &["txn"]),
            session_id: self.subject.session_id.clone(),
            client_ip: json::text_any(self.detail, &[&["ip_address"], &["current_ip_address"]]),
            user_agent: None,
            http_method: text("method").filter(|_| asynchronous),
            http_path: self.subject.uri.clone().filter(|_| asynchronous),
            http_status: status.filter(|_| asynchronous),
            latency_ms: None,
            changes: self.changes(),
            expires_at: None,
            credential: CredentialRef::default(),
        }
    }

    /// By the tables for SCIM events and for shared signals. On a Group's URI the verbs of
    /// an account are those of a group.
    fn verb(&self) -> Verb {
        let known = verbs::verb("scim_set", self.name).or_else(|| verbs::verb("ssf", self.name));
        let verb = known.unwrap_or(Verb::OTHER);
        match (self.subject.is_group, verb.as_str()) {
            (true, "account.create") => Verb::new("group.create"),
            (true, "account.update") => Verb::new("group.update"),
            (true, "account.delete") => Verb::new("group.delete"),
            _ => verb,
        }
    }

    fn audience(&self) -> Option<String> {
        json::text_any(self.claims, &[&["aud"], &["aud", "0"]])
    }

    /// The reason for administrators, in English where there is a choice.
    fn reason(&self) -> Option<String> {
        let reason = json::get(self.detail, &["reason_admin"])?;
        json::scalar(reason)
            .or_else(|| json::text(reason, &["en"]))
            .or_else(|| reason.as_object()?.values().find_map(json::scalar))
    }

    /// What CAEP and RISC say of before and after: `previous_x` and `current_x`, changed
    /// claims, a new identifier; and the attributes that a SCIM notice names.
    fn changes(&self) -> Option<String> {
        let text = |name: &str| json::text(self.detail, &[name]);
        let mut told = Vec::new();
        for (name, value) in self.detail.as_object().into_iter().flatten() {
            if let Some(attribute) = name.strip_prefix("current_") {
                let from = text(&format!("previous_{attribute}"));
                told.push(Change { attribute: attribute.to_string(), from, to: json::scalar(value) });
            }
        }
        for (name, value) in
            json::get(self.detail, &["claims"]).and_then(Value::as_object).into_iter().flatten()
        {
            told.push(Change { attribute: name.clone(), from: None, to: json::scalar(value) });
        }
        if let Some(to) = text("new-value").or_else(|| text("new_value")) {
            let (attribute, from) = self.subject.identifier();
            told.push(Change { attribute, from, to: Some(to) });
        }
        if let Some(kind) = text("credential_type") {
            // Not under a name of a credential, whose values are never told.
            told.push(Change { attribute: "factor".to_string(), from: None, to: Some(kind) });
        }
        let named = json::get(self.detail, &["attributes"]).and_then(Value::as_array);
        for attribute in named.into_iter().flatten().filter_map(json::scalar) {
            told.push(Change { attribute, from: None, to: None });
        }
        changes::to_column(&told)
    }
}
