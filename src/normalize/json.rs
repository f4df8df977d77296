//! Reading fields out of a parsed JSON record.
//!
//! A path is a list of keys; a step that is a number also picks an element of an
//! array. Numbers and booleans come out as text, because sources write ids both ways;
//! null, the empty string and blanks are absent. The functions ending in `_ci` ignore
//! the case of keys, for rows that a log pipeline has lower-cased. Nothing here
//! knows a source.

use serde_json::Value;

use crate::domain::{Rejection, UtcMicros};

/// The record as a JSON value.
///
/// # Errors
/// `too_deep` past 128 levels, `truncated` where the text ends inside a value, and
/// `not_json` for anything else that does not parse.
pub fn parse(raw: &str) -> Result<Value, Rejection> {
    serde_json::from_str(raw).map_err(|error| rejection(&error, raw))
}

/// What a failed parse of `raw` is in quarantine; also for formats that parse into types.
pub fn rejection(error: &serde_json::Error, raw: &str) -> Rejection {
    use serde_json::error::Category;
    let code = match error.classify() {
        // serde_json has no category of its own for its recursion limit.
        Category::Syntax if error.to_string().starts_with("recursion limit") => "too_deep",
        Category::Eof if !raw.trim().is_empty() => "truncated",
        Category::Data => "bad_value",
        _ => "not_json",
    };
    Rejection::new(code, format!("the record does not parse as JSON: {error}"))
}

/// The value at `path`, null included.
pub fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, step| match at {
        Value::Object(fields) => fields.get(*step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The value at `path`, whatever the case of the keys.
pub fn get_ci<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, step| match at {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => ci(at, step),
    })
}

/// The field `key` of an object, whatever its case; an exact match comes first.
pub fn ci<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields
        .get(key)
        .or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, found)| found))
}

/// The text at `path`; absent for null, for blanks, and for objects and arrays.
pub fn text(value: &Value, path: &[&str]) -> Option<String> {
    scalar(get(value, path)?)
}

/// The text at `path`, whatever the case of the keys.
pub fn text_ci(value: &Value, path: &[&str]) -> Option<String> {
    scalar(get_ci(value, path)?)
}

/// The first of `paths` that holds text.
pub fn text_any(value: &Value, paths: &[&[&str]]) -> Option<String> {
    paths.iter().find_map(|path| text(value, path))
}

/// The first of `paths` that holds text, whatever the case of the keys.
pub fn text_any_ci(value: &Value, paths: &[&[&str]]) -> Option<String> {
    paths.iter().find_map(|path| text_ci(value, path))
}

/// The instant at `path`: text in any form of [`UtcMicros::parse`], or an epoch number.
pub fn time(value: &Value, path: &[&str]) -> Option<UtcMicros> {
    instant(get(value, path)?)
}

/// The instant at `path`, whatever the case of the keys.
pub fn time_ci(value: &Value, path: &[&str]) -> Option<UtcMicros> {
    instant(get_ci(value, path)?)
}

/// One value as text, by the rules of this module.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn instant(value: &Value) -> Option<UtcMicros> {
    match value {
        Value::String(text) => UtcMicros::parse(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => UtcMicros::from_epoch(whole),
            // Seconds with a fraction, as some exporters write; the text keeps the digits.
            None => UtcMicros::parse(&number.to_string()),
        },
        _ => None,
    }
}
