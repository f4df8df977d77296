//! What a successful answer shows, beside what the request asked for.
//!
//! Takes an exchange with its answer's body, gives notes in a fixed order: codes of what is wrong
//! with the answer by itself (`number_as_text`), then facts that mean something only beside
//! other requests (`active=true`, `members=0`, `total=250`). Whether they are faults is for
//! detectors to say. An answer without a body gives no notes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::attribute;
use super::endpoint::{self, Endpoint, Resource};
use super::exchange::Exchange;
use super::resource;

/// `meta.location` on a host that only the application's own network knows, or without TLS.
pub const LOCATION_INTERNAL: &str = "location_internal";
/// A listing that is no ListResponse (RFC 7644 §3.4.2): a bare array, a page, other names.
pub const NO_LIST: &str = "no_list";
/// `"startIndex": "1"` where the schema says integer.
pub const NUMBER_AS_TEXT: &str = "number_as_text";

/// The counts of a ListResponse.
const COUNTS: [&str; 3] = ["totalResults", "startIndex", "itemsPerPage"];

/// Multi-valued attributes of which a change of one value has been seen to change others.
const TYPED: [&str; 3] = ["addresses", "emails", "phoneNumbers"];

/// The notes on a successful answer; none where it failed, has no body or one that says nothing.
pub fn notes(exchange: &Exchange, endpoint: &Endpoint) -> Vec<String> {
    let success = exchange.status.is_some_and(|status| (200..300).contains(&status));
    let Some(answer) = exchange.response.as_ref().filter(|_| success) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    let reads = matches!(exchange.method.as_str(), "GET" | "POST");
    match (endpoint.resource, &endpoint.id) {
        (Resource::Users | Resource::Groups, None) if exchange.method == "GET" => {
            listing(exchange, answer, &mut notes);
        }
        (Resource::Search, _) if reads => listing(exchange, answer, &mut notes),
        (Resource::Users, _) => {
            located(exchange, answer, &mut notes);
            user(answer, &mut notes);
        }
        (Resource::Groups, _) => {
            located(exchange, answer, &mut notes);
            group(exchange, answer, &mut notes);
        }
        _ => {}
    }
    notes
}

fn listing(exchange: &Exchange, answer: &Value, notes: &mut Vec<String>) {
    let counted = COUNTS.iter().any(|name| attribute::get(answer, name).is_some());
    let Some(listed) = resource::listed(answer) else {
        // An empty ListResponse may leave its resources out; a wrapper of a log says nothing.
        if !counted && judged(answer) {
            notes.push(NO_LIST.to_string());
        }
        return;
    };
    if let Some(first) = listed.first() {
        located(exchange, first, notes);
    }
    if COUNTS.iter().any(|name| attribute::get(answer, name).is_some_and(Value::is_string)) {
        notes.push(NUMBER_AS_TEXT.to_string());
    }
    // A filter looks for one; only a sweep has pages that must fit together.
    if endpoint::parameter(&exchange.path, "filter").is_none() {
        page(exchange, answer, listed, notes);
    }
}

/// Where the page was meant to begin and end, what it says of itself, and what it holds.
fn page(exchange: &Exchange, answer: &Value, listed: &[Value], notes: &mut Vec<String>) {
    let asked = |name| endpoint::parameter(&exchange.path, name)?.parse::<i64>().ok();
    let stated = |name| attribute::text(answer, name)?.parse::<i64>().ok();
    let id = |resource: Option<&Value>| attribute::text(resource?, "id").map(|id| endpoint::encoded(&id));
    let facts = [
        // RFC 7644 §3.4.2.4: a value below one counts as one.
        ("start", Some(asked("startIndex").unwrap_or(1).max(1).to_string())),
        ("count", asked("count").map(|count| count.to_string())),
        ("total", stated("totalResults").map(|total| total.to_string())),
        ("per_page", stated("itemsPerPage").map(|per_page| per_page.to_string())),
        ("given", Some(listed.len().to_string())),
        ("first", id(listed.first())),
        ("last", id(listed.last())),
    ];
    notes.extend(facts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))));
}

fn user(answer: &Value, notes: &mut Vec<String>) {
    if let Some(active) = resource::user(answer).active {
        notes.push(format!("active={active}"));
    }
    for name in TYPED {
        let Some(items) = attribute::get(answer, name).and_then(Value::as_array) else {
            continue;
        };
        let mut types: BTreeMap<String, usize> = BTreeMap::new();
        for item in items {
            let stated = attribute::text(item, "type").unwrap_or_default();
            let word: String = stated.chars().filter(char::is_ascii_alphanumeric).collect();
            *types.entry(word.to_ascii_lowercase()).or_default() += 1;
        }
        let told: Vec<String> = types.iter().map(|(word, times)| format!("{word}:{times}")).collect();
        notes.push(format!("{name}={}", told.join("+")));
    }
}

/// How many members the group has, unless the request asked not to be told.
fn group(exchange: &Exchange, answer: &Value, notes: &mut Vec<String>) {
    let asked = |name| endpoint::parameter(&exchange.path, name);
    if asked("attributes").is_some() || asked("excludedAttributes").is_some() {
        return;
    }
    let group = resource::group(answer);
    if group.id.is_some() || group.name.is_some() {
        notes.push(format!("members={}", group.members.len()));
    }
}

fn located(exchange: &Exchange, resource: &Value, notes: &mut Vec<String>) {
    let location = attribute::get(resource, "meta").and_then(|meta| attribute::text(meta, "location"));
    let Some((scheme, host)) = location.as_deref().and_then(origin) else {
        return;
    };
    // What the client itself asked for is what it can reach.
    if origin(&exchange.path).is_some_and(|asked| asked == (scheme, host)) {
        return;
    }
    if scheme.eq_ignore_ascii_case("http") || is_internal(host) {
        notes.push(LOCATION_INTERNAL.to_string());
    }
}

/// Scheme and host of a whole URL.
fn origin(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    Some((scheme, rest.split(['/', '?', '#']).next().unwrap_or(rest)))
}

/// Names without a dot, names of private zones, and addresses of RFC 1918 and of the machine itself.
fn is_internal(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name).to_ascii_lowercase();
    let zones = [".internal", ".local", ".localdomain", ".lan", ".svc", ".intranet"];
    match name.parse::<std::net::Ipv4Addr>() {
        Ok(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Err(_) => !name.contains('.') || zones.iter().any(|zone| name.ends_with(zone)),
    }
}

/// Whether this is an answer at all: a log may keep headers or sizes where the body would stand.
fn judged(answer: &Value) -> bool {
    match answer {
        Value::Object(fields) => fields.values().any(|value| value.is_array() || value.is_object()),
        _ => true,
    }
}
