//! Events in Keycloak's own log, written as JSON: a message of `key="value"` pairs.
//!
//! Takes a line of the log, gives the event as the REST API would have written it. What the
//! REST API keeps in `details` stands among the other pairs here.

use serde_json::{Map, Value};

use crate::normalize::json;

/// The logger of both kinds of events.
const LOGGER: &str = "org.keycloak.events";

/// Keys that stand at the top of an event; the others are its details.
const TOP: [&str; 11] = [
    "type",
    "realmId",
    "realmName",
    "clientId",
    "userId",
    "sessionId",
    "ipAddress",
    "error",
    "operationType",
    "resourcePath",
    "resourceType",
];

pub fn recognises(value: &Value) -> bool {
    let named = json::text_ci(value, &["loggerName"]).is_some_and(|name| name == LOGGER);
    named && json::text_ci(value, &["message"]).is_some_and(|message| message.contains("realmId="))
}

/// The event inside a line of the log; none where the value is no such line.
pub fn event(value: &Value) -> Option<Value> {
    if !recognises(value) {
        return None;
    }
    let message = json::text_ci(value, &["message"])?;
    let (mut top, mut details) = (Map::new(), Map::new());
    for (key, text) in pairs(&message) {
        let fields = if TOP.contains(&key) { &mut top } else { &mut details };
        fields.insert(key.to_owned(), Value::String(text.to_owned()));
    }
    if top.contains_key("operationType") {
        // Of an admin event these are the administrator's.
        let own = ["userId", "clientId", "ipAddress"].map(|key| (key.to_owned(), top.remove(key)));
        let own = own.into_iter().filter_map(|(key, value)| Some((key, value?)));
        top.insert("authDetails".to_owned(), Value::Object(own.collect()));
    }
    top.insert("details".to_owned(), Value::Object(details));
    let time = json::get_ci(value, &["timestamp"]).cloned().unwrap_or_default();
    top.insert("time".to_owned(), time);
    Some(Value::Object(top))
}

/// The pairs of a message, `key="value"` or `key=value`, without those that are `null`.
fn pairs(message: &str) -> Vec<(&str, &str)> {
    let mut quoted = false;
    let separator = |letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    };
    message.split(separator).filter_map(pair).collect()
}

fn pair(part: &str) -> Option<(&str, &str)> {
    let (key, text) = part.trim().split_once('=')?;
    let text = text.trim_matches('"');
    (text != "null" && !text.is_empty()).then_some((key, text))
}
