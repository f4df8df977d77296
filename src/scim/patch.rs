//! What a PATCH, PUT or POST body changes, whichever dialect it is written in.
//!
//! Takes a JSON body, gives an [`Edit`]: canonical changes, members added and removed, and
//! the deviations met on the way. Reading never fails, because a log line with an odd body
//! is still evidence; what cannot be read is a deviation. Secrets are dropped. Nothing is
//! applied to a resource here.

use serde_json::Value;

use super::Deviation;
use super::attribute::{self, ENTERPRISE};
use super::deviation as code;
use super::members::MemberEdit;
use super::parser::{PatchPath, parse_path};

/// One attribute and its value after the request; absent when it is cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Canonical path: `active`, `name.givenName`, `emails[type eq "work"].value`,
    /// `urn:…:enterprise:2.0:User:department`.
    pub attribute: String,
    pub to: Option<Value>,
}

/// What a body asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    pub changes: Vec<Change>,
    pub members: MemberEdit,
    pub deviations: Vec<Deviation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Add,
    Replace,
    Remove,
}

/// Reads a PATCH body (RFC 7644 §3.5.2) as it is really sent.
pub fn read_patch(body: &Value) -> Edit {
    let mut edit = Edit::default();
    let operations = attribute::get(body, "Operations").and_then(Value::as_array);
    match operations {
        Some(operations) => operations.iter().for_each(|operation| edit.operation(operation)),
        None => edit.note(code::OPERATIONS_MISSING, "no list of Operations"),
    }
    edit
}

/// Reads the body of a PUT or POST: a whole resource. What the service provider alone
/// decides (`id`, `meta`, `groups`) is echoed by honest clients and left out.
pub fn read_resource(body: &Value) -> Edit {
    let mut edit = Edit::default();
    edit.schemas(body);
    for (name, value) in body.as_object().into_iter().flatten() {
        let attribute = attribute::canonical(name);
        match attribute.as_str() {
            "schemas" | "id" | "meta" | "groups" => {}
            "members" => edit.members.apply(Operation::Replace, None, Some(value), &mut edit.deviations),
            _ => edit.set(&attribute, value),
        }
    }
    edit
}

/// Whether the changes make the account active or inactive; the last one wins.
pub fn active_change(changes: &[Change]) -> Option<bool> {
    changes.iter().rev().find(|change| change.attribute == "active")?.to.as_ref()?.as_bool()
}

/// The new text of `attribute`, where the changes set one.
pub fn text_change(changes: &[Change], attribute: &str) -> Option<String> {
    attribute::scalar(changes.iter().rev().find(|change| change.attribute == attribute)?.to.as_ref()?)
}

impl Edit {
    fn note(&mut self, code: &'static str, detail: impl Into<String>) {
        self.deviations.push(Deviation::new(code, detail));
    }

    fn operation(&mut self, operation: &Value) {
        let word = attribute::text(operation, "op").unwrap_or_default();
        let kind = match word.to_ascii_lowercase().as_str() {
            "add" => Operation::Add,
            "replace" => Operation::Replace,
            "remove" => Operation::Remove,
            _ => return self.note(code::OP_UNKNOWN, format!("op \"{word}\"")),
        };
        if word.chars().any(|c| c.is_ascii_uppercase()) {
            self.note(code::OP_CAPITALISED, format!("op \"{word}\""));
        }
        let value = attribute::get(operation, "value");
        match attribute::text(operation, "path") {
            Some(path) => self.at_path(kind, &path, value),
            None => self.pathless(kind, value),
        }
    }

    fn pathless(&mut self, kind: Operation, value: Option<&Value>) {
        self.note(code::PATHLESS, "operation without a path");
        let Some(fields) = value.and_then(Value::as_object) else {
            return self.note(code::PATH_UNREADABLE, "neither a path nor named attributes");
        };
        for (name, value) in fields {
            if attribute::is_urn(name) && !value.is_object() {
                self.note(code::URN_KEY, name);
            } else if name.contains('.') && !attribute::is_urn(name) {
                self.note(code::DOTTED_KEY, name);
            }
            self.at_path(kind, name, Some(value));
        }
    }

    fn at_path(&mut self, kind: Operation, text: &str, value: Option<&Value>) {
        let path = match parse_path(text) {
            Ok(path) => path,
            Err(_) => {
                self.note(code::PATH_UNREADABLE, format!("path \"{text}\""));
                PatchPath { attribute: text.to_string(), filter: None, sub_attribute: None }
            }
        };
        let mut attribute = attribute::canonical(&path.attribute);
        if let Some(colon) = colon_for_dot(&attribute) {
            self.note(code::URN_WITH_DOT, &attribute);
            attribute = colon;
        }
        if attribute == "members" && path.sub_attribute.is_none() {
            return self.members.apply(kind, path.filter.as_ref(), value, &mut self.deviations);
        }
        let first = attribute.split('.').next().unwrap_or_default();
        if matches!(first, "id" | "meta" | "schemas" | "groups") {
            return self.note(code::READ_ONLY, format!("{kind:?} of {attribute}").to_lowercase());
        }
        if let Some(filter) = &path.filter {
            attribute = format!("{attribute}[{filter}]");
        }
        if let Some(sub_attribute) = &path.sub_attribute {
            attribute = format!("{attribute}.{sub_attribute}");
        }
        match (kind, value) {
            (Operation::Remove, value) => {
                if value.is_some_and(|value| !value.is_null()) {
                    self.note(code::REMOVE_WITH_VALUE, format!("remove {attribute} with a value"));
                }
                self.clear(attribute);
            }
            (_, Some(value)) => self.set(&attribute, value),
            (_, None) => self.clear(attribute),
        }
    }

    /// Notes that `attribute` becomes `value`; complex values are opened, so that
    /// `{"name": {"givenName": …}}` and `"name.givenName"` read the same.
    fn set(&mut self, attribute: &str, value: &Value) {
        if attribute::is_secret(attribute) {
            return self.note(code::SECRET_SENT, attribute);
        }
        if attribute == "active" {
            return self.set_active(value);
        }
        if let (Some(name), Value::String(manager)) = (manager_of(attribute), value)
            && !manager.is_empty()
        {
            self.note(code::BARE_MANAGER, name);
            return self.push(format!("{attribute}.value"), Value::String(manager.clone()));
        }
        match value {
            Value::Object(fields) if !attribute.contains('[') => {
                let dot =
                    if attribute::is_urn(attribute) && manager_of(attribute).is_none() { ':' } else { '.' };
                for (name, inner) in fields {
                    self.set(&attribute::canonical(&format!("{attribute}{dot}{name}")), inner);
                }
            }
            Value::Null => self.emptied(attribute),
            Value::String(text) if text.is_empty() => self.emptied(attribute),
            Value::Array(items) if is_single_valued(attribute) => match items.as_slice() {
                [Value::Object(only)] if only.contains_key("value") => {
                    self.note(code::VALUE_WRAPPED, attribute);
                    self.set(attribute, &only["value"]);
                }
                _ => self.push(attribute.to_string(), attribute::without_secrets(value)),
            },
            other => self.push(attribute.to_string(), attribute::without_secrets(other)),
        }
    }

    fn set_active(&mut self, value: &Value) {
        if let Value::Array(items) = value
            && let [only] = items.as_slice()
        {
            self.note(code::VALUE_WRAPPED, "active");
            return self.set_active(attribute::get(only, "value").unwrap_or(only));
        }
        match attribute::boolean(value) {
            Some((active, deviation)) => {
                if let Some(code) = deviation {
                    self.note(code, format!("active {value}"));
                }
                self.push("active".to_string(), Value::Bool(active));
            }
            None if value.is_null() || value.as_str() == Some("") => self.emptied("active"),
            None => self.push("active".to_string(), attribute::without_secrets(value)),
        }
    }

    fn emptied(&mut self, attribute: &str) {
        self.note(code::EMPTY_CLEARS, attribute);
        self.clear(attribute.to_string());
    }

    fn clear(&mut self, attribute: String) {
        self.changes.push(Change { attribute, to: None });
    }

    fn push(&mut self, attribute: String, to: Value) {
        self.changes.push(Change { attribute, to: Some(to) });
    }

    fn schemas(&mut self, body: &Value) {
        let named = attribute::get(body, "schemas").and_then(Value::as_array);
        for uri in named.into_iter().flatten().filter_map(Value::as_str) {
            if !uri.to_ascii_lowercase().starts_with("urn:ietf:params:scim:") {
                self.note(code::SCHEMA_UNKNOWN, uri);
            }
        }
    }
}

/// The attributes of RFC 7643 whose value is one text.
fn is_single_valued(attribute: &str) -> bool {
    matches!(
        attribute,
        "userName" | "displayName" | "externalId" | "nickName" | "title" | "userType" | "locale" | "timezone"
    ) || attribute.starts_with("name.")
}

fn manager_of(attribute: &str) -> Option<&str> {
    let name = attribute::after_urn(attribute, ENTERPRISE).unwrap_or(attribute);
    name.eq_ignore_ascii_case("manager").then_some(name)
}

/// `urn:…:2.0:User.department` with the colon that belongs there.
fn colon_for_dot(attribute: &str) -> Option<String> {
    let name = attribute.get(..ENTERPRISE.len()).filter(|head| head.eq_ignore_ascii_case(ENTERPRISE))?;
    let rest = attribute[name.len()..].strip_prefix('.')?;
    Some(format!("{ENTERPRISE}:{rest}"))
}
