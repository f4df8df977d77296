//! SCIM request logs: one JSON object a request (`docs/formats/scim_request_log.md`).
//!
//! Takes a record with method, path and status, gives the events of that exchange: one for
//! most requests, one a member for a change of members. Field names ignore case and may be
//! nested as logging libraries and the Elastic Common Schema nest them. What the exchange
//! means is decided in `scim::exchange`.

use serde_json::Value;

use super::{Context, JsonFormat, event_id, json};
use crate::domain::{Rejection, Row, UtcMicros};
use crate::scim::attribute;
use crate::scim::exchange::Exchange;

mod rows;

pub(super) use rows::{Envelope, NAME, column, rows};

pub const FORMAT: JsonFormat =
    JsonFormat { name: NAME, title: "SCIM request log (NDJSON)", recognises, normalize };

type Paths = &'static [&'static [&'static str]];

const METHOD: Paths = &[
    &["method"],
    &["http_method"],
    &["request_method"],
    &["request", "method"],
    &["req", "method"],
    &["http", "request", "method"],
];
const PATH: Paths = &[
    &["path"],
    &["uri"],
    &["url"],
    &["request_uri"],
    &["http_path"],
    &["raw_path"],
    &["request", "url"],
    &["request", "path"],
    &["req", "url"],
    &["url", "original"],
    &["url", "path"],
];
const STATUS: Paths = &[
    &["status"],
    &["status_code"],
    &["statusCode"],
    &["http_status"],
    &["response_status"],
    &["response", "status"],
    &["response", "status_code"],
    &["res", "statusCode"],
    &["res", "status"],
    &["http", "response", "status_code"],
];
const TIME: [&str; 9] =
    ["time", "timestamp", "@timestamp", "ts", "occurred_at", "datetime", "date", "start_time", "logged_at"];
const CONNECTION: Paths = &[
    &["connection"],
    &["connection_id"],
    &["connectionId"],
    &["app"],
    &["app_id"],
    &["application"],
    &["application_id"],
];
const ORG: Paths = &[&["org"], &["organization"], &["organization_id"], &["tenant"], &["tenant_id"]];
const REQUEST: Paths = &[
    &["request_body"],
    &["requestBody"],
    &["request", "body"],
    &["req", "body"],
    &["http", "request", "body", "content"],
    &["request"],
    &["body"],
];
const RESPONSE: Paths = &[
    &["response_body"],
    &["responseBody"],
    &["response", "body"],
    &["res", "body"],
    &["http", "response", "body", "content"],
    &["response"],
];
const LATENCY_MS: Paths = &[
    &["latency_ms"],
    &["duration_ms"],
    &["elapsed_ms"],
    &["response_time_ms"],
    &["took_ms"],
    &["responseTime"],
];
const CLIENT_IP: Paths = &[
    &["client_ip"],
    &["clientIp"],
    &["ip"],
    &["remote_addr"],
    &["remote_ip"],
    &["source_ip"],
    &["client", "ip"],
    &["source", "ip"],
];
const USER_AGENT: Paths = &[
    &["user_agent"],
    &["userAgent"],
    &["ua"],
    &["http_user_agent"],
    &["user_agent", "original"],
    &["request", "headers", "user-agent"],
    &["req", "headers", "user-agent"],
];
const SCIM_TYPE: Paths = &[&["scim_type"], &["scimType"]];
const DETAIL: Paths = &[&["detail"], &["error", "message"], &["error"], &["error_message"]];
const REQUEST_ID: Paths =
    &[&["request_id"], &["requestId"], &["req_id"], &["trace_id"], &["correlation_id"], &["trace", "id"]];
const RESOURCE_ID: Paths = &[&["resource_id"], &["resourceId"], &["target_id"]];
/// Ids only: a field that could hold the token itself is not read.
const CLIENT_ID: Paths = &[&["token_id"], &["client_id"], &["credential_id"], &["actor_id"]];

/// A method, a path and a status, in a record that says when.
fn recognises(value: &Value) -> bool {
    let method = json::text_any_ci(value, METHOD);
    method.is_some_and(|method| is_method(&method))
        && json::text_any_ci(value, PATH).is_some()
        && json::text_any_ci(value, STATUS).is_some()
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    if !value.is_object() {
        return Err(Rejection::new("not_an_object", "a SCIM request log record is a JSON object"));
    }
    let missing = |name: &str| Rejection::new("missing_field", format!("the record has no {name}"));
    let method = json::text_any_ci(&value, METHOD).ok_or_else(|| missing("method"))?.to_ascii_uppercase();
    if !is_method(&method) {
        return Err(Rejection::new("bad_value", format!("\"{method}\" is no HTTP method")));
    }
    let exchange = Exchange {
        method,
        path: json::text_any_ci(&value, PATH).ok_or_else(|| missing("path"))?,
        status: status(&value)?,
        request: body(&value, REQUEST),
        response: body(&value, RESPONSE).or_else(|| page(&value)),
        resource_id: json::text_any_ci(&value, RESOURCE_ID),
    };
    let named = json::text_any_ci(&value, CONNECTION);
    let given = context.app.clone().filter(|_| named.is_none() || !context.app_guessed);
    let envelope = Envelope {
        event_id: event_id::within(given.as_deref().filter(|_| given != named), event_id::of_record(&value)),
        occurred_at: occurred_at(&value)?,
        connection: given.or(named),
        org: context.org.clone().or_else(|| json::text_any_ci(&value, ORG)),
        actor_id: json::text_any_ci(&value, CLIENT_ID),
        scim_type: json::text_any_ci(&value, SCIM_TYPE),
        detail: json::text_any_ci(&value, DETAIL),
        correlation_id: json::text_any_ci(&value, REQUEST_ID),
        client_ip: json::text_any_ci(&value, CLIENT_IP),
        user_agent: json::text_any_ci(&value, USER_AGENT),
        latency_ms: latency_ms(&value),
    };
    Ok(rows(&exchange, &envelope))
}

/// The body at the first of `paths`: JSON, or text that holds JSON. A body that a log cut
/// off is absent, and so is a wrapper that holds headers where a body was looked for.
fn body(value: &Value, paths: Paths) -> Option<Value> {
    paths.iter().find_map(|path| match json::get_ci(value, path)? {
        Value::String(text) => serde_json::from_str(text).ok().filter(|inner: &Value| !inner.is_null()),
        Value::Object(_) => json::get_ci(value, path).filter(|inner| !is_wrapper(inner)).cloned(),
        _ => None,
    })
}

/// An answer that is a list or a page of a website, which no SCIM answer is.
fn page(value: &Value) -> Option<Value> {
    RESPONSE.iter().find_map(|path| match json::get_ci(value, path)? {
        Value::String(text) if text.trim_start().starts_with('<') => Some(Value::String(text.clone())),
        list @ Value::Array(_) => Some(list.clone()),
        _ => None,
    })
}

fn is_wrapper(value: &Value) -> bool {
    attribute::get(value, "headers").is_some() || attribute::get(value, "method").is_some()
}

fn status(value: &Value) -> Result<Option<u16>, Rejection> {
    let Some(text) = json::text_any_ci(value, STATUS) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|status| (100..600).contains(status));
    number.map(Some).ok_or_else(|| Rejection::new("bad_value", format!("\"{text}\" is no HTTP status")))
}

fn occurred_at(value: &Value) -> Result<UtcMicros, Rejection> {
    let Some(name) = TIME.iter().find(|name| json::text_ci(value, &[name]).is_some()) else {
        return Err(Rejection::new("missing_field", "the record has no time"));
    };
    json::time_ci(value, &[name])
        .ok_or_else(|| Rejection::new("bad_time", format!("{name} is no time that can be read")))
}

fn latency_ms(value: &Value) -> Option<u32> {
    let number: f64 = json::text_any_ci(value, LATENCY_MS)?.parse().ok()?;
    // A cast holds at the ends of the range, which no latency reaches.
    (number.is_finite() && number >= 0.0).then(|| number.round() as u32)
}

fn is_method(text: &str) -> bool {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    METHODS.iter().any(|method| method.eq_ignore_ascii_case(text))
}
