//! A part of a time, as the modifiers `minute` to `year` name it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rsigma_parser::Modifier;

/// Which part; all of them in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    /// Of the ISO year.
    Week,
    Month,
    Year,
}

/// Numbers above this count milliseconds since 1970, others seconds.
const SECONDS_MAX: i64 = 1_000_000_000_000;

impl TimePart {
    pub fn of(modifier: Modifier) -> Option<TimePart> {
        Some(match modifier {
            Modifier::Minute => TimePart::Minute,
            Modifier::Hour => TimePart::Hour,
            Modifier::Day => TimePart::Day,
            Modifier::Week => TimePart::Week,
            Modifier::Month => TimePart::Month,
            Modifier::Year => TimePart::Year,
            _ => return None,
        })
    }

    /// The part of a time written as RFC 3339, without an offset (then UTC), or as a number.
    pub fn read(self, text: &str) -> Option<i64> {
        let time = moment(text)?;
        Some(match self {
            TimePart::Minute => i64::from(time.minute()),
            TimePart::Hour => i64::from(time.hour()),
            TimePart::Day => i64::from(time.day()),
            TimePart::Week => i64::from(time.date().iso_week_date().week()),
            TimePart::Month => i64::from(time.month()),
            TimePart::Year => i64::from(time.year()),
        })
    }
}

fn moment(text: &str) -> Option<DateTime> {
    if let Ok(number) = text.parse::<i64>() {
        let seconds = if number > SECONDS_MAX { number / 1000 } else { number };
        return Some(TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).ok()?));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(TimeZone::UTC.to_datetime(at));
    }
    text.parse().ok()
}
