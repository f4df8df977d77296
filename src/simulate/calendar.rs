//! Dates where people work, and the instants that they mean. Pure arithmetic, no clock.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::domain::UtcMicros;

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The instant at which the clocks of `zone` show `hour`:00 on `date`.
pub fn instant(date: Date, hour: i8, zone: &TimeZone) -> UtcMicros {
    let time = Time::new(hour, 0, 0, 0).unwrap_or(Time::midnight());
    UtcMicros::from_civil(date.to_datetime(time), zone).unwrap_or(UtcMicros(0))
}

/// Where a date-only end leads: 24:00 on that day in `zone` (detectors reference §1.0).
pub fn end_of(date: Date, zone: &TimeZone) -> UtcMicros {
    instant(plus_days(date, 1), 0, zone)
}

/// `date` moved by whole days, held at the ends of the calendar.
pub fn plus_days(date: Date, days: i64) -> Date {
    date.saturating_add(Span::new().days(days))
}

/// The UTC date of an instant.
pub fn date_of(at: UtcMicros) -> Date {
    Timestamp::from_microsecond(at.0).map_or(Date::ZERO, |t| TimeZone::UTC.to_datetime(t).date())
}

/// Midnight UTC at the start of `date`.
pub fn midnight(date: Date) -> UtcMicros {
    instant(date, 0, &TimeZone::UTC)
}

/// RFC 3339 in UTC with milliseconds, as log sources write it.
pub fn millis(at: UtcMicros) -> String {
    format_with(at, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// `YYYY-MM-DD HH:MM:SS` in UTC without a zone, as many exports write it.
pub fn plain(at: UtcMicros) -> String {
    format_with(at, "%Y-%m-%d %H:%M:%S")
}

/// RFC 3339 in UTC to the second.
pub fn seconds(at: UtcMicros) -> String {
    format_with(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// `YYYY-MM`, for files that hold a month.
pub fn month(at: UtcMicros) -> String {
    format_with(at, "%Y-%m")
}

fn format_with(at: UtcMicros, pattern: &str) -> String {
    Timestamp::from_microsecond(at.0).map_or_else(|_| String::new(), |t| t.strftime(pattern).to_string())
}
