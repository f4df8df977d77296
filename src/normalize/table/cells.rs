//! One row of a table seen through its canonical columns. Takes the fields as the file has
//! them and the table's reading (columns, date order, zone), gives texts, flags and moments,
//! or a `Rejection` that names header and value. Knows no kind of table.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::cell::{self, present};
use super::moment::{DateOrder, Moment, read};
use super::words::says_utc;
use crate::domain::{Rejection, UtcMicros};

/// Which columns hold which canonical field.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Headers as written.
    pub written: Vec<String>,
    /// Headers as words.
    pub words: Vec<String>,
    pub of_field: BTreeMap<&'static str, Vec<usize>>,
    /// Fields whose sampled times are all at midnight: dates that a database wrote as times.
    pub midnights: BTreeSet<&'static str>,
}

impl Columns {
    pub fn of(&self, field: &str) -> &[usize] {
        self.of_field.get(field).map_or(&[], Vec::as_slice)
    }

    pub fn has(&self, field: &str) -> bool {
        !self.of(field).is_empty()
    }

    /// The header of the field's first column, as written.
    pub fn header(&self, field: &str) -> Option<&str> {
        self.of(field).first().map(|&at| self.written[at].as_str())
    }
}

/// One row.
pub struct Cells<'a> {
    pub fields: &'a [String],
    pub columns: &'a Columns,
    pub order: Option<DateOrder>,
    pub zone: TimeZone,
    pub now: UtcMicros,
}

impl<'a> Cells<'a> {
    pub fn has(&self, field: &str) -> bool {
        self.columns.has(field)
    }

    pub fn text(&self, field: &str) -> Option<&'a str> {
        self.texts(field).next()
    }

    pub fn owned(&self, field: &str) -> Option<String> {
        self.text(field).map(str::to_string)
    }

    /// All present values of the field, in column order.
    pub fn texts(&self, field: &str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields;
        self.columns.of(field).iter().filter_map(move |&at| fields.get(at).and_then(|text| present(text)))
    }

    /// The value of the one column of the field whose header is `words`.
    pub fn named(&self, field: &str, words: &str) -> Option<&'a str> {
        let at = self.columns.of(field).iter().find(|&&at| self.columns.words[at] == words)?;
        self.fields.get(*at).and_then(|text| present(text))
    }

    pub fn flag(&self, field: &str) -> Option<bool> {
        self.text(field).and_then(cell::flag)
    }

    /// The time in the field's column.
    ///
    /// # Errors
    /// `bad_time` for a text that cannot be read without guessing.
    pub fn moment(&self, field: &str) -> Result<Option<Moment>, Rejection> {
        Ok(self.moments(field)?.into_iter().next())
    }

    /// The times in all columns of the field.
    ///
    /// # Errors
    /// As [`Cells::moment`].
    pub fn moments(&self, field: &str) -> Result<Vec<Moment>, Rejection> {
        let mut moments = Vec::new();
        for &at in self.columns.of(field) {
            let text = self.fields.get(at).map_or("", String::as_str);
            let moment = read(text, self.order).map_err(|why| {
                let reason = format!("column \"{}\" holds \"{text}\": {why}", self.columns.written[at]);
                Rejection::new("bad_time", reason)
            })?;
            moments.extend(moment.map(|moment| self.in_header_zone(at, moment)));
        }
        Ok(moments)
    }

    /// A header such as `Last login (UTC)` names the zone of its times.
    fn in_header_zone(&self, at: usize, moment: Moment) -> Moment {
        match moment {
            Moment::Local(civil) if says_utc(&self.columns.words[at]) => {
                UtcMicros::from_civil(civil, &TimeZone::UTC).map_or(moment, Moment::Instant)
            }
            other => other,
        }
    }

    /// Midnights of a column that has nothing else are dates.
    pub fn date_if_midnights(&self, field: &str, moment: Moment) -> Moment {
        match moment {
            Moment::Local(civil)
                if civil.time() == Time::midnight() && self.columns.midnights.contains(field) =>
            {
                Moment::Date(civil.date())
            }
            other => other,
        }
    }

    /// First and last name with a blank between them.
    pub fn joined_name(&self) -> Option<String> {
        match (self.text("first_name"), self.text("last_name")) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (first, last) => first.or(last).map(str::to_string),
        }
    }

    /// The rejection of a row that lacks `field`.
    pub fn missing(&self, field: &'static str) -> Rejection {
        let place =
            self.columns.header(field).map_or_else(String::new, |header| format!(" in column \"{header}\""));
        Rejection::new("missing_field", format!("row has no {field}{place}"))
    }
}
