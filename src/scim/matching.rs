//! Whether a JSON resource satisfies a filter.
//!
//! Attribute names ignore case, arrays match when one element does, and a complex element
//! stands for its `value`. Text ignores case except for `id` and `externalId` (RFC 7643
//! §7), RFC 3339 times compare as instants, numbers as numbers. `ne` is the opposite of
//! `eq`, so an absent attribute differs from every value. Cost is linear in the values met.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::attribute;
use super::filter::{CompareOp, Filter, Literal};

/// Whether `resource` satisfies `filter`.
pub fn matches(filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(left, right) => matches(left, resource) && matches(right, resource),
        Filter::Or(left, right) => matches(left, resource) || matches(right, resource),
        Filter::Not(inner) => !matches(inner, resource),
        Filter::Present(path) => values(resource, path).into_iter().any(is_present),
        Filter::ValuePath { path, filter } => {
            values(resource, path).into_iter().any(|element| matches(filter, element))
        }
        Filter::Compare { path, op, value } => compare(&values(resource, path), path, *op, value),
    }
}

fn compare(found: &[&Value], path: &str, op: CompareOp, literal: &Literal) -> bool {
    let letters = letters_of(path);
    match op {
        CompareOp::Equal if *literal == Literal::Null => !found.iter().any(|value| is_present(value)),
        CompareOp::Equal => found.iter().any(|value| order(value, literal, letters) == Some(Ordering::Equal)),
        CompareOp::NotEqual => !compare(found, path, CompareOp::Equal, literal),
        _ => found.iter().any(|value| holds(value, op, literal, letters)),
    }
}

fn holds(value: &Value, op: CompareOp, literal: &Literal, letters: Letters) -> bool {
    if let CompareOp::Contains | CompareOp::StartsWith | CompareOp::EndsWith = op {
        let (Value::String(text), Literal::Text(part)) = (plain(value), literal) else {
            return false;
        };
        let (text, part) = (letters.fold(text), letters.fold(part));
        return match op {
            CompareOp::Contains => text.contains(&part),
            CompareOp::StartsWith => text.starts_with(&part),
            _ => text.ends_with(&part),
        };
    }
    // Booleans have no order (RFC 7644 §3.4.2.2).
    if matches!(literal, Literal::Bool(_) | Literal::Null) {
        return false;
    }
    let Some(order) = order(value, literal, letters) else {
        return false;
    };
    match op {
        CompareOp::Greater => order.is_gt(),
        CompareOp::GreaterOrEqual => order.is_ge(),
        CompareOp::Less => order.is_lt(),
        _ => order.is_le(),
    }
}

/// How `value` stands to `literal`; none where the two cannot be compared.
fn order(value: &Value, literal: &Literal, letters: Letters) -> Option<Ordering> {
    match (plain(value), literal) {
        (Value::String(text), Literal::Text(other)) => Some(match (instant(text), instant(other)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => letters.fold(text).cmp(&letters.fold(other)),
        }),
        (Value::Number(number), Literal::Number(other)) => match (number.as_i64(), other.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => number.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        // An id of digits, sent without quotes.
        (Value::String(text), Literal::Number(number)) => {
            (*text == number.to_string()).then_some(Ordering::Equal)
        }
        (Value::Bool(flag), Literal::Bool(other)) => Some(flag.cmp(other)),
        _ => None,
    }
}

/// The values at `path`; arrays on the way and at the end are opened.
fn values<'a>(resource: &'a Value, path: &str) -> Vec<&'a Value> {
    if let Some(whole) = attribute::get(resource, path) {
        return opened(vec![whole]);
    }
    if !attribute::is_urn(path) {
        return walk(resource, path);
    }
    let extension = resource.as_object().into_iter().flatten().find_map(|(name, inner)| {
        let rest = attribute::after_urn(path, name)?;
        Some(walk(inner, rest))
    });
    // The URN of a core schema names the resource itself.
    extension.unwrap_or_else(|| match attribute::canonical(path) {
        bare if attribute::is_urn(&bare) => Vec::new(),
        bare => walk(resource, &bare),
    })
}

fn walk<'a>(from: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut here = opened(vec![from]);
    for step in path.split('.') {
        let next = here
            .into_iter()
            .filter_map(|value| match value {
                Value::Object(_) => attribute::get(value, step),
                // An element of a plain list is its own `value`.
                Value::Array(_) | Value::Null => None,
                scalar => step.eq_ignore_ascii_case("value").then_some(scalar),
            })
            .collect();
        here = opened(next);
    }
    here
}

fn opened(found: Vec<&Value>) -> Vec<&Value> {
    let mut elements = Vec::with_capacity(found.len());
    for value in found {
        match value {
            Value::Array(items) => elements.extend(items),
            other => elements.push(other),
        }
    }
    elements
}

/// A complex value stands for its `value`.
fn plain(value: &Value) -> &Value {
    if value.is_object() { attribute::get(value, "value").unwrap_or(value) } else { value }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// An RFC 3339 time; without an offset it is UTC, without a time it is midnight. Bare numbers are not taken for
/// epochs here: an employee number is no instant.
fn instant(text: &str) -> Option<Timestamp> {
    if !text.contains('-') {
        return None;
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}

#[derive(Clone, Copy)]
enum Letters {
    Exact,
    CaseFolded,
}

impl Letters {
    fn fold(self, text: &str) -> String {
        match self {
            Letters::Exact => text.to_string(),
            Letters::CaseFolded => text.to_lowercase(),
        }
    }
}

fn letters_of(path: &str) -> Letters {
    let name = attribute::leaf(path);
    if name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("externalId") {
        Letters::Exact
    } else {
        Letters::CaseFolded
    }
}
