//! Service accounts and keys: made, disabled, deleted and used.

use serde_json::Value;

use super::{APP, Entry};
use crate::domain::{AccountRef, CredentialRef, Event, UtcMicros, Verb};
use crate::normalize::{draft, json};

/// 2900-01-01: later ends stand for none. A key without one ends with the year 9999.
const NO_END: UtcMicros = UtcMicros(29_348_006_400_000_000);

/// The event with the service account and the key that it is about, or that signed it.
pub fn event(entry: &Entry, event: Event) -> Event {
    let of = |family: &str| event.verb.as_str().starts_with(family);
    if of("token.") {
        let key = key(entry);
        let ends = json::get_ci(entry.payload, &["response", "valid_before_time", "seconds"]);
        // Not by `json::time`, which takes seconds of so late a year for milliseconds.
        let ends =
            ends.and_then(Value::as_i64).and_then(|seconds| seconds.checked_mul(1_000_000)).map(UtcMicros);
        return Event {
            account: account(entry),
            credential: CredentialRef { kind: key.is_some().then_some("api_token"), id: key, name: None },
            expires_at: ends.filter(|end| *end < NO_END),
            ..event
        };
    }
    if of("account.") || of("impersonate") {
        return Event { account: account(entry), ..event };
    }
    match signer(entry) {
        Some((account, id)) if event.verb == Verb::OTHER => Event {
            verb: Verb::new("token.use"),
            account,
            credential: CredentialRef { kind: Some("api_token"), id: Some(id), name: None },
            ..event
        },
        _ => event,
    }
}

/// The service account in the answer, the labels or the name of the resource, which may
/// hold its number.
fn account(entry: &Entry) -> AccountRef {
    let email = |name: &str| {
        let (_, rest) = name.split_once("/serviceAccounts/")?;
        rest.split('/').next().filter(|part| part.contains('@')).map(str::to_owned)
    };
    let named = |path: &[&str]| entry.text(path).and_then(|name| email(&name));
    let found = entry
        .text(&["response", "email"])
        .or_else(|| entry.label("email_id"))
        .or_else(|| named(&["response", "name"]))
        .or_else(|| named(&["resourceName"]))
        .or_else(|| named(&["request", "name"]));
    draft::account(APP, found.clone(), found)
}

/// The key that is made or ended: the last part of its name.
fn key(entry: &Entry) -> Option<String> {
    let names =
        [entry.text(&["response", "name"]), entry.text(&["request", "name"]), entry.text(&["resourceName"])];
    names.into_iter().flatten().find_map(|name| tail(&name))
}

fn tail(name: &str) -> Option<String> {
    name.split_once("/keys/").map(|(_, key)| key.to_owned())
}

/// The service account whose key signed the call, and that key.
fn signer(entry: &Entry) -> Option<(AccountRef, String)> {
    let key = tail(&entry.text(&["authenticationInfo", "serviceAccountKeyName"])?)?;
    let email = entry.text(&["authenticationInfo", "principalEmail"])?;
    Some((draft::account(APP, Some(email.clone()), Some(email)), key))
}
