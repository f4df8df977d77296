//! Parameter values as model files write them: intervals, numbers and text.
//!
//! `90d`, `24h`, `60m`, `2y` and compounds such as `1d12h` are intervals; every other text
//! stays text. A parameter may instead name a profile's threshold.

use std::fmt;

use serde::Deserialize;

use crate::domain::UtcMicros;

/// A length of time in the three parts that SQL keeps apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

impl Interval {
    const DAYS_PER_MONTH: i64 = 30;

    /// Reads `<number><unit>` one or more times, units `y mo w d h m s us`; none for other text.
    pub fn parse(text: &str) -> Option<Interval> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return None;
        }
        let mut sum = Interval::default();
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
            let (unit, tail) = tail.split_at(letters);
            sum.add(number.parse().ok()?, unit)?;
            rest = tail;
        }
        Some(sum)
    }

    fn add(&mut self, number: i32, unit: &str) -> Option<()> {
        let seconds = |factor: i64| i64::from(number).checked_mul(factor * 1_000_000);
        match unit {
            "y" => self.months = self.months.checked_add(number.checked_mul(12)?)?,
            "mo" => self.months = self.months.checked_add(number)?,
            "w" => self.days = self.days.checked_add(number.checked_mul(7)?)?,
            "d" => self.days = self.days.checked_add(number)?,
            "h" => self.micros = self.micros.checked_add(seconds(3_600)?)?,
            "m" => self.micros = self.micros.checked_add(seconds(60)?)?,
            "s" => self.micros = self.micros.checked_add(seconds(1)?)?,
            "us" => self.micros = self.micros.checked_add(i64::from(number))?,
            _ => return None,
        }
        Some(())
    }

    /// Length in microseconds, a month taken as 30 days. Rules that count months exactly do
    /// so in SQL; this is for staleness limits and deadlines, which are hours or days.
    pub fn micros_about(self) -> i64 {
        let days = i64::from(self.months) * Self::DAYS_PER_MONTH + i64::from(self.days);
        days.saturating_mul(UtcMicros::MICROS_PER_DAY).saturating_add(self.micros)
    }

    pub fn after(self, instant: UtcMicros) -> UtcMicros {
        UtcMicros(instant.0.saturating_add(self.micros_about()))
    }

    pub fn before(self, instant: UtcMicros) -> UtcMicros {
        UtcMicros(instant.0.saturating_sub(self.micros_about()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.micros / 1_000_000;
        let parts = [
            (i64::from(self.months / 12), "year"),
            (i64::from(self.months % 12), "month"),
            (i64::from(self.days), "day"),
            (seconds / 3_600, "hour"),
            (seconds % 3_600 / 60, "minute"),
            (seconds % 60, "second"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number != 0)
            .map(|(number, unit)| format!("{number} {unit}{}", if *number == 1 { "" } else { "s" }))
            .collect();
        f.write_str(if said.is_empty() { "no time".to_owned() } else { said.join(" ") }.as_str())
    }
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Interval(Interval),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Interval(interval) => interval.fmt(f),
            Value::Integer(number) => number.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// As YAML gives it, before an interval is told from other text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Integer(i64),
    Number(f64),
    Text(String),
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Value {
        match scalar {
            Scalar::Integer(number) => Value::Integer(number),
            Scalar::Number(number) => Value::Number(number),
            Scalar::Text(text) => Interval::parse(&text).map_or(Value::Text(text), Value::Interval),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer).map(Value::from)
    }
}

/// Where a rule takes a value from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Param {
    /// `{ profile: dormant_human }`.
    Profile(ProfileKey),
    Fixed(Value),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileKey {
    pub profile: String,
}
