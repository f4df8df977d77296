//! Profiles: the thresholds of a regime, each with the clause it comes from or `house`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Error, Interval, Param, Value};

/// Thresholds by name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub id: String,
    pub title: String,
    /// Another profile whose thresholds hold where this one says nothing.
    #[serde(default)]
    pub extends: Option<String>,
    pub thresholds: BTreeMap<String, Setting>,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub value: Value,
    /// The regime's clause, or `house` when no regime states a number.
    pub source: String,
}

impl Profile {
    /// Reads a profile's text; `file` is for messages.
    ///
    /// # Errors
    /// [`Error::Parse`] with the line.
    pub fn parse(file: &str, text: &str) -> Result<Profile, Error> {
        super::parse_yaml(file, text)
    }

    /// The value that a parameter stands for, and where it comes from.
    pub fn resolve(&self, param: &Param) -> Option<Setting> {
        match param {
            Param::Fixed(value) => Some(Setting { value: value.clone(), source: "house".to_owned() }),
            Param::Profile(key) => self.thresholds.get(&key.profile).cloned(),
        }
    }

    pub fn interval(&self, key: &str) -> Option<Interval> {
        match self.thresholds.get(key)?.value {
            Value::Interval(interval) => Some(interval),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.thresholds.get(key)?.value {
            Value::Number(number) => Some(number),
            Value::Integer(number) => Some(number as f64),
            _ => None,
        }
    }

    /// Takes over what `base` says and this profile does not.
    pub(super) fn laid_over(mut self, base: &Profile) -> Profile {
        for (key, setting) in &base.thresholds {
            self.thresholds.entry(key.clone()).or_insert_with(|| setting.clone());
        }
        self
    }
}
