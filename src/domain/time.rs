//! Instants as UTC microseconds, and the text forms that sources really write.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMicros(pub i64);

impl UtcMicros {
    pub const MICROS_PER_DAY: i64 = 86_400_000_000;

    /// Reads what event sources write: RFC 3339 with any number of fraction
    /// digits, `YYYY-MM-DD[ T]HH:MM:SS[.f]` without a zone (taken as UTC), a bare date
    /// (midnight UTC), and epoch seconds, milliseconds, microseconds or nanoseconds,
    /// told apart by magnitude.
    pub fn parse(text: &str) -> Option<UtcMicros> {
        Self::parse_in(text, &TimeZone::UTC)
    }

    /// What [`UtcMicros::parse_in`] reads, or a time relative to `now`: `now`, `now-90d`, `now+2h` (`s`, `m`, `h`, `d`, `w`).
    pub fn parse_relative(text: &str, now: UtcMicros, zone: &TimeZone) -> Option<UtcMicros> {
        match text.trim().strip_prefix("now") {
            Some(offset) => offset_from(now, offset.trim()),
            None => Self::parse_in(text, zone),
        }
    }

    /// What [`UtcMicros::parse`] reads, with `zone` for texts that name none.
    pub fn parse_in(text: &str, zone: &TimeZone) -> Option<UtcMicros> {
        let text = text.trim();
        if text.len() < 4 {
            return None;
        }
        if let Some(instant) = parse_usual(text) {
            return Some(instant);
        }
        if let Some(number) = parse_epoch(text) {
            return Some(number);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(UtcMicros(instant.as_microsecond()));
        }
        let trimmed = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT"));
        let zone = if trimmed.is_some() { &TimeZone::UTC } else { zone };
        let civil: civil::DateTime = trimmed.unwrap_or(text).parse().ok()?;
        Self::from_civil(civil, zone)
    }

    /// The instant at which the clocks of `zone` show `civil`. In a gap or a fold the
    /// "compatible" disambiguation of RFC 5545 applies.
    pub fn from_civil(civil: civil::DateTime, zone: &TimeZone) -> Option<UtcMicros> {
        let instant = zone.to_timestamp(civil).ok()?;
        Some(UtcMicros(instant.as_microsecond()))
    }

    /// Midnight at the start of `date` in `zone`.
    pub fn start_of(date: civil::Date, zone: &TimeZone) -> Option<UtcMicros> {
        Self::from_civil(date.to_datetime(civil::Time::midnight()), zone)
    }

    /// Reads an epoch number in seconds, milliseconds, microseconds or nanoseconds.
    pub fn from_epoch(number: i64) -> Option<UtcMicros> {
        let micros = match number.unsigned_abs() {
            0..=99_999_999_999 => number.checked_mul(1_000_000)?,
            100_000_000_000..=99_999_999_999_999 => number.checked_mul(1_000)?,
            100_000_000_000_000..=99_999_999_999_999_999 => number,
            _ => number / 1_000,
        };
        Some(UtcMicros(micros))
    }

    /// Whole days since the epoch, rounded down: the partition `event_date`.
    pub fn days(self) -> i32 {
        self.0.div_euclid(Self::MICROS_PER_DAY) as i32
    }

    /// This instant moved by `duration`, held at the ends of the range.
    pub fn plus(self, duration: SignedDuration) -> UtcMicros {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        UtcMicros(self.0.saturating_add(micros))
    }

    pub fn since(self, earlier: UtcMicros) -> SignedDuration {
        SignedDuration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// `offset` after `now`: nothing, or `-90d`.
fn offset_from(now: UtcMicros, offset: &str) -> Option<UtcMicros> {
    if offset.is_empty() {
        return Some(now);
    }
    let (sign, rest) = match offset.split_at_checked(1)? {
        ("-", rest) => (-1, rest),
        ("+", rest) => (1, rest),
        _ => return None,
    };
    let (digits, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let total = digits.parse::<i64>().ok()?.checked_mul(seconds)?;
    Some(now.plus(SignedDuration::from_secs(sign * total)))
}

/// Reads the form in which nearly every log writes, `2026-03-31T08:15:00.123Z`, which takes a fraction of the
/// time that the library takes to find out which form it is. Whatever is not exactly so is for the library.
fn parse_usual(text: &str) -> Option<UtcMicros> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'))
        })
    };
    let two = |digits: &[u8]| i8::try_from(number(digits)?).ok();
    let (clock, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let nanos = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => {
            number(digits)? * 10_i32.pow(9 - digits.len() as u32)
        }
        _ => return None,
    };
    if [clock[4], clock[7], clock[10], clock[13], clock[16]] != *b"--T::" {
        return None;
    }
    let (year, month, day) = (number(&clock[..4])?, two(&clock[5..7])?, two(&clock[8..10])?);
    let (hour, minute, second) = (two(&clock[11..13])?, two(&clock[14..16])?, two(&clock[17..])?);
    let year = i16::try_from(year).ok()?;
    let civil = civil::DateTime::new(year, month, day, hour, minute, second, nanos).ok()?;
    UtcMicros::from_civil(civil, &TimeZone::UTC)
}

fn parse_epoch(text: &str) -> Option<UtcMicros> {
    // Of a date this is known after its year.
    if !text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if digits.len() < 9 || digits.len() > 19 || !numeric(digits) || !numeric(fraction) {
        return None;
    }
    let base = UtcMicros::from_epoch(whole.parse().ok()?)?;
    if fraction.is_empty() || digits.len() > 11 {
        return Some(base);
    }
    let micros: i64 = format!("{:0<6}", &fraction[..fraction.len().min(6)]).parse().ok()?;
    Some(UtcMicros(base.0 + micros))
}

impl fmt::Display for UtcMicros {
    /// RFC 3339 in UTC, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for UtcMicros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcMicros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        UtcMicros::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("\"{text}\" is not an RFC 3339 time")))
    }
}
