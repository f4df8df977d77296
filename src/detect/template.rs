//! Sentences of a rule with its rows' values in them.
//!
//! `{column}` is a value as it is, `{column|day}` a date, `{column|last_day}` the last
//! day before it, `{column|ago}` the time from then
//! to `as_of`, `{column|percent}` a share, `{$param}` a parameter.

use std::collections::BTreeMap;

use super::cells::{Cell, Cells};
use crate::domain::UtcMicros;
use crate::models::{Interval, Setting};

/// What a sentence may quote.
pub struct Quotable<'a> {
    pub cells: &'a Cells,
    pub settings: &'a BTreeMap<String, Setting>,
    pub as_of: UtcMicros,
}

impl Quotable<'_> {
    /// The sentence with every placeholder replaced; what has no value reads `unknown`.
    pub fn fill(&self, template: &str) -> String {
        self.replace(template, |value| Some(value.unwrap_or_else(|| "unknown".to_owned())))
            .unwrap_or_default()
    }

    /// The same, or none when a placeholder has no value: for keys.
    pub fn fill_all(&self, template: &str) -> Option<String> {
        self.replace(template, |value| value)
    }

    /// The instant in the column that a template such as `{since}` names.
    pub fn time(&self, template: &str) -> Option<UtcMicros> {
        self.cells.time(template.trim().trim_matches(['{', '}']))
    }

    fn replace(
        &self,
        template: &str,
        otherwise: impl Fn(Option<String>) -> Option<String>,
    ) -> Option<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template.trim();
        while let Some((before, tail)) = rest.split_once('{') {
            let (placeholder, after) = tail.split_once('}').unwrap_or((tail, ""));
            text.push_str(before);
            text.push_str(&otherwise(self.value(placeholder))?);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    fn value(&self, placeholder: &str) -> Option<String> {
        if let Some(name) = placeholder.strip_prefix('$') {
            return self.settings.get(name).map(|setting| setting.value.to_string());
        }
        let (column, form) = placeholder.split_once('|').unwrap_or((placeholder, ""));
        match (form, self.cells.get(column)?) {
            ("day", Cell::Time(instant)) => Some(instant.to_string().chars().take(10).collect()),
            ("last_day", Cell::Time(end)) => {
                let last_at = self.before(end);
                Some(last_at.to_string().chars().take(10).collect())
            }
            ("ago", Cell::Time(instant)) => Some(elapsed(instant, self.as_of)),
            ("percent", Cell::Number(share)) => Some(format!("{:.1} %", share * 100.0)),
            _ => self.cells.text(column),
        }
    }

    /// An instant of the day that ends then: 24:00 belongs to it. An end that is a date ends where the person
    /// works, which UTC may call the next day already, or the same one still.
    fn before(&self, end: UtcMicros) -> UtcMicros {
        let micros = if self.cells.truth("end_date_only") { LAST_HOURS_MICROS } else { 1 };
        UtcMicros(end.0 - micros)
    }
}

/// Before 24:00 of a day the same day where the clocks are less than 11 hours behind UTC and at most 13 ahead of it.
const LAST_HOURS_MICROS: i64 = 11 * 3_600_000_000;

/// Whole days, or whole hours below two days, from one instant to another.
pub fn elapsed(from: UtcMicros, to: UtcMicros) -> String {
    let minutes = (to.0 - from.0).max(0) / 60_000_000;
    let (days, hours) = (minutes / 1_440, minutes / 60);
    let interval = match (days, hours) {
        (2.., _) => Interval { days: i32::try_from(days).unwrap_or(i32::MAX), ..Interval::default() },
        (_, 1..) => Interval { micros: hours * 3_600_000_000, ..Interval::default() },
        _ => Interval { micros: minutes * 60_000_000, ..Interval::default() },
    };
    interval.to_string()
}
