//! Web server access logs in the common and combined formats, as far as they tell of SCIM.
//!
//! Takes a line, gives the event of a request to `/Users` or `/Groups`, and nothing for
//! other requests of the same server. There are no bodies, so a deactivation shows as
//! `account.update`. A latency is read where a bare number of seconds follows the user
//! agent, as nginx appends `$request_time`.

use jiff::Timestamp;

use super::scim_http::{Envelope, rows};
use super::{Context, LineFormat, event_id};
use crate::domain::{Rejection, Row, UtcMicros};
use crate::scim::endpoint::{self, Resource};
use crate::scim::exchange::Exchange;

pub const FORMAT: LineFormat =
    LineFormat { name: "access_log", title: "web server access log", recognises, normalize };

/// The fields of one line; a dash is absent.
struct Entry<'a> {
    client: &'a str,
    account: Option<&'a str>,
    time: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
    user_agent: Option<&'a str>,
    seconds: Option<f64>,
}

/// Any line of the format: most lines of a server's log are not about SCIM.
fn recognises(line: &str) -> bool {
    entry(line).is_some()
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let Some(entry) = entry(raw) else {
        return Err(Rejection::new("bad_value", "the line is not in the common or combined log format"));
    };
    if !matches!(endpoint::read(entry.path).resource, Resource::Users | Resource::Groups) {
        return Ok(Vec::new());
    }
    let occurred_at = time(entry.time)
        .ok_or_else(|| Rejection::new("bad_time", format!("\"{}\" is no access log time", entry.time)))?;
    let exchange = Exchange {
        method: entry.method.to_ascii_uppercase(),
        path: entry.path.to_string(),
        status: Some(entry.status),
        ..Exchange::default()
    };
    let envelope = Envelope {
        // Two equal lines in one second are one event: nothing tells a repeated request
        // from a line that was exported twice.
        event_id: event_id::within(context.app.as_deref(), event_id::of_text(raw)),
        occurred_at,
        connection: context.app.clone(),
        org: context.org.clone(),
        actor_id: entry.account.map(str::to_string),
        scim_type: None,
        detail: None,
        correlation_id: None,
        client_ip: Some(entry.client.to_string()),
        user_agent: entry.user_agent.map(str::to_string),
        latency_ms: entry.seconds.map(|seconds| (seconds * 1000.0).round() as u32),
    };
    Ok(rows(&exchange, &envelope))
}

/// `client ident account [time] "METHOD path HTTP/x" status bytes "referrer" "user agent" seconds`;
/// everything from the bytes on may be missing.
fn entry(line: &str) -> Option<Entry<'_>> {
    let (head, rest) = line.trim().split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = quoted(rest)?;
    let mut head = head.split_whitespace();
    let client = head.next()?;
    let account = head.nth(1);
    let mut request = request.split(' ');
    let method = request.next().filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic()))?;
    let path = request.next()?;
    let (status, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    let (user_agent, after) = user_agent(rest);
    Some(Entry {
        client,
        account: account.and_then(present),
        time,
        method,
        path,
        status: status.parse().ok().filter(|status| (100..600).contains(status))?,
        user_agent,
        seconds: after.split_whitespace().next().filter(|word| word.contains('.')).and_then(seconds),
    })
}

/// The second quoted field, and what stands behind it.
fn user_agent(rest: &str) -> (Option<&str>, &str) {
    let quoted_next = |text| -> Option<(&str, &str)> {
        let text: &str = text;
        quoted(text.split_once('"')?.1)
    };
    let Some((_referrer, rest)) = quoted_next(rest) else {
        return (None, "");
    };
    match quoted_next(rest) {
        Some((agent, after)) => (present(agent), after),
        None => (None, ""),
    }
}

/// Text up to the closing quote, and what stands behind it; `\"` does not close.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' && !escaped {
            return Some((&text[..at], &text[at + 1..]));
        }
        escaped = byte == b'\\' && !escaped;
    }
    None
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty() && text != "-").then_some(text)
}

fn seconds(word: &str) -> Option<f64> {
    word.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

/// `10/Oct/2026:13:55:36 -0700`.
fn time(text: &str) -> Option<UtcMicros> {
    let instant = Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    Some(UtcMicros(instant.as_microsecond()))
}
