//! What the logs of Microsoft Entra have in common, whichever way they were exported.
//!
//! A diagnostic setting sends several logs as one stream, so each record is read by the log that
//! it is of, whichever one its file was taken for.
//! One record comes in several envelopes: Azure Monitor puts it under `properties`
//! (sometimes as a JSON string), Graph gives it bare, Log Analytics bare with capitals.
//! [`Record`] looks through the envelope and ignores the case of keys. It decides no
//! verb and no outcome: the three formats do.

use std::borrow::Cow;

use serde_json::Value;

use super::changes::Change;
use super::{Context, entra_audit, entra_provisioning, entra_signin, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, EntitlementRef, Event, Outcome, Rejection, Row, UtcMicros, Verb,
};

/// The name of Entra as an application that has accounts.
pub const APP: &str = "entra";

/// The logs, the narrower of two first.
const LOGS: [Log; 3] = [entra_provisioning::LOG, entra_signin::LOG, entra_audit::LOG];

/// One log of Entra.
pub struct Log {
    pub recognises: fn(&Value) -> bool,
    pub event: fn(&Value, &Context) -> Result<Event, Rejection>,
}

/// One record of a file that was taken for `log`.
pub fn rows(raw: &str, context: &Context, log: &Log) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let own = LOGS.iter().find(|log| (log.recognises)(&value));
    let foreign =
        Record::new(&value).category().filter(|_| own.is_none() && json::ci(&value, "properties").is_some());
    match foreign {
        Some(category) => Err(Rejection::new(
            "unknown_format",
            format!("no log of Entra that is read has the category {category}"),
        )),
        None => Ok(vec![Row::from((own.unwrap_or(log).event)(&value, context)?)]),
    }
}

/// A record with its envelope.
pub struct Record<'a> {
    outer: &'a Value,
    inner: Cow<'a, Value>,
}

impl<'a> Record<'a> {
    pub fn new(outer: &'a Value) -> Record<'a> {
        let inner = match json::ci(outer, "properties") {
            Some(properties @ Value::Object(_)) => Cow::Borrowed(properties),
            Some(Value::String(text)) => match json::parse(text) {
                Ok(properties) if properties.is_object() => Cow::Owned(properties),
                _ => Cow::Borrowed(outer),
            },
            _ => Cow::Borrowed(outer),
        };
        Record { outer, inner }
    }

    /// The text at `path` inside the envelope, else beside it.
    pub fn text(&self, path: &[&str]) -> Option<String> {
        json::text_ci(&self.inner, path).or_else(|| json::text_ci(self.outer, path))
    }

    /// The first of `paths` that holds text.
    pub fn text_any(&self, paths: &[&[&str]]) -> Option<String> {
        paths.iter().find_map(|path| self.text(path))
    }

    /// The text at `path` on the envelope itself.
    pub fn outer_text(&self, path: &[&str]) -> Option<String> {
        json::text_ci(self.outer, path)
    }

    /// The value at `path`, for objects and arrays. Log Analytics holds these as JSON in a
    /// string, so the value may be one that was parsed here.
    pub fn value(&self, path: &[&str]) -> Option<Cow<'_, Value>> {
        let found = json::get_ci(&self.inner, path).or_else(|| json::get_ci(self.outer, path))?;
        match found {
            Value::String(text) => json::parse(text).ok().map(Cow::Owned),
            other => Some(Cow::Borrowed(other)),
        }
    }

    /// The elements of the array at `path`; none where there is no array.
    pub fn items(&self, path: &[&str]) -> Vec<Value> {
        match self.value(path).map(Cow::into_owned) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    pub fn has(&self, key: &str) -> bool {
        json::ci(&self.inner, key).is_some_and(|value| !value.is_null())
    }

    /// The category of the log, such as `AuditLogs`: Azure Monitor's, or the table's name.
    pub fn category(&self) -> Option<String> {
        let category = self.outer_text(&["category"]).or_else(|| self.outer_text(&["Type"]))?;
        Some(category.strip_prefix("AAD").unwrap_or(&category).to_owned())
    }

    pub fn in_category(&self, name: &str) -> bool {
        self.category().is_some_and(|category| category.eq_ignore_ascii_case(name))
    }

    /// When it happened: the first of `keys` that is there, inside the envelope or beside it.
    pub fn occurred_at(&self, keys: &[&str]) -> Result<UtcMicros, Rejection> {
        let written = keys.iter().find_map(|key| self.text(&[key]));
        let text = written.ok_or_else(|| {
            Rejection::new("missing_field", format!("an Entra record without {}", keys.join(" or ")))
        })?;
        UtcMicros::parse(&text)
            .ok_or_else(|| Rejection::new("bad_time", format!("\"{text}\" is not a time that Entra writes")))
    }

    /// An event with what every Entra record has; the format fills in the rest.
    pub fn event(&self, source: &'static str, context: &Context, occurred_at: UtcMicros) -> Event {
        Event {
            event_id: String::new(),
            source,
            org: context.org.clone(),
            event_type: String::new(),
            verb: Verb::OTHER,
            occurred_at,
            actor: Actor::default(),
            account: AccountRef::default(),
            app: AppRef::default(),
            entitlement: EntitlementRef::default(),
            outcome: Outcome::Unknown,
            reason_code: None,
            reason: None,
            correlation_id: self.text(&["correlationId"]),
            session_id: None,
            client_ip: self.text_any(&[
                &["ipAddress"],
                &["initiatedBy", "user", "ipAddress"],
                &["callerIpAddress"],
                &["ClientIP"],
                &["ActorIpAddress"],
            ]),
            user_agent: self.text(&["userAgent"]),
            http_method: None,
            http_path: None,
            http_status: None,
            latency_ms: None,
            changes: None,
            expires_at: None,
            credential: CredentialRef::default(),
        }
    }
}

/// The account of `id` in Entra, with its principal name.
pub fn account(id: Option<String>, principal_name: Option<String>) -> AccountRef {
    let name = principal_name.map(|name| without_deletion_mark(name, id.as_deref()));
    // The principal name of a guest holds its home address, but is not one itself.
    let email = name.clone().filter(|name| name.contains('@') && !name.contains("#EXT#"));
    let app = (id.is_some() || name.is_some()).then(|| APP.to_owned());
    AccountRef { app, id, name, email, external_id: None }
}

/// A soft-deleted user's principal name starts with the user's id without its dashes.
fn without_deletion_mark(name: String, id: Option<&str>) -> String {
    let mark: String = id.unwrap_or_default().replace('-', "");
    match name.strip_prefix(&mark) {
        Some(rest) if mark.len() == 32 && rest.contains('@') => rest.to_owned(),
        _ => name,
    }
}

/// The changed attributes of one `modifiedProperties` array.
pub fn changes(properties: &Value) -> Vec<Change> {
    let one = |property: &Value| {
        let text = |keys: &[&str]| keys.iter().find_map(|key| json::text_ci(property, &[key]));
        let side = |key: &str| json::text_ci(property, &[key]).and_then(|text| unwrapped(&text));
        Some(Change {
            attribute: text(&["displayName", "Name"])?,
            from: side("oldValue"),
            to: side("newValue"),
        })
    };
    properties.as_array().into_iter().flatten().filter_map(one).collect()
}

/// The text inside a value that Entra writes as JSON in a string: `"\"x\""`, `"[true]"`.
/// Longer lists and objects stay as they are written.
fn unwrapped(text: &str) -> Option<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) if items.is_empty() => None,
        Ok(Value::Array(items)) if items.len() == 1 => json::scalar(&items[0]).or(Some(text.to_owned())),
        Ok(value @ (Value::String(_) | Value::Null)) => json::scalar(&value),
        _ => Some(text.to_owned()),
    }
}
