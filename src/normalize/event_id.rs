//! The id of a record whose source gives it none: a hash of its content.
//!
//! Takes a parsed record or a line of text, gives 32 lower-case hex digits. Two
//! exports that hold the same record, with its keys in another order or spaced
//! otherwise, give the same id, which is what makes re-ingesting change nothing.
//! It does not decide which sources have an id of their own: their formats do.

use std::fmt::Write;

use serde_json::Value;

use crate::domain::digest;

/// The id of a JSON record: the hash of its canonical text.
pub fn of_record(value: &Value) -> String {
    let mut canonical = String::with_capacity(1024);
    write_canonical(value, &mut canonical);
    of_text(&canonical)
}

/// The id of a record that is a line of text, as it stands but for blanks at its ends.
pub fn of_text(text: &str) -> String {
    digest::id_of(text.trim())
}

/// The id of a record that does not say of which application it is: two may have the same line.
pub fn within(app: Option<&str>, id: String) -> String {
    match app {
        Some(app) => of_text(&format!("{app}\u{1f}{id}")),
        None => id,
    }
}

/// Writes `value` without blanks and with sorted keys. The keys are sorted here, not
/// left to `serde_json::Map`, whose order a feature of any dependency can change; an id
/// that changed with a dependency would make every old record look new.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_scalar(&Value::String(key.clone()), out);
                out.push(':');
                write_canonical(&fields[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_scalar(scalar: &Value, out: &mut String) {
    // `Value` displays as compact JSON, and writing into a String cannot fail.
    let _ = write!(out, "{scalar}");
}
