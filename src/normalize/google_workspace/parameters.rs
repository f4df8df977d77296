//! The parameters of one Google event, whichever way they are written.
//!
//! Google lists them as `{"name", "value" | "intValue" | "boolValue" | "multiValue"}`;
//! log pipelines turn the list into an object. Several values are joined by a blank, as
//! OAuth joins scopes. Nested messages are not read.

use serde_json::Value;

use crate::normalize::json;

pub struct Parameters<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Parameters<'a> {
    pub fn of(event: &'a Value) -> Parameters<'a> {
        match json::ci(event, "parameters") {
            Some(Value::Array(items)) => Parameters(items.iter().filter_map(listed).collect()),
            Some(Value::Object(fields)) => {
                Parameters(fields.iter().map(|(name, value)| (name.as_str(), value)).collect())
            }
            _ => Parameters(Vec::new()),
        }
    }

    /// The first of `names` that has text, whatever its case.
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| joined(self.value(name)?))
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

fn listed(item: &Value) -> Option<(&str, &Value)> {
    const KEYS: [&str; 5] = ["value", "multiValue", "intValue", "multiIntValue", "boolValue"];
    let name = json::ci(item, "name")?.as_str()?;
    Some((name, KEYS.iter().find_map(|key| json::ci(item, key))?))
}

fn joined(value: &Value) -> Option<String> {
    let Value::Array(items) = value else { return json::scalar(value) };
    let texts: Vec<String> = items.iter().filter_map(json::scalar).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}
