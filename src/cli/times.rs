//! Times on the command line, RFC 3339, a date, or relative to now (`now-90d`), and the two clocks of a question. Those
//! that name no zone are of the organisation's.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Error;
use crate::domain::UtcMicros;
use crate::query::At;

#[derive(Args)]
pub struct Clocks {
    /// State as of this time: RFC 3339, now-90d, or a date or time of the configuration's zone [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Use only what was known at this time [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
}

impl Clocks {
    /// The instant that a question is about; `now` for a clock that was not set, `zone` for a time that names none.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub fn at(&self, now: UtcMicros, zone: &TimeZone) -> Result<At, Error> {
        self.or(At { as_of: now, known_at: now }, zone)
    }

    /// The same, with a clock of `default` where it was not set.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub fn or(&self, default: At, zone: &TimeZone) -> Result<At, Error> {
        Ok(At {
            as_of: parse_or("--as-of", self.as_of.as_deref(), default.as_of, zone)?,
            known_at: parse_or("--known-at", self.known_at.as_deref(), default.known_at, zone)?,
        })
    }
}

/// The current instant.
#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub fn now() -> UtcMicros {
    UtcMicros(Timestamp::now().as_microsecond())
}

/// Reads the time that the flag `name` gave, with `zone` for one that names none.
pub fn parse(name: &str, text: &str, zone: &TimeZone) -> Result<UtcMicros, Error> {
    UtcMicros::parse_relative(text, now(), zone).ok_or_else(|| {
        Error::Usage(format!(
            "{name} \"{text}\" is not a time: write 2026-01-31T00:00:00Z, 2026-01-31 or now-90d"
        ))
    })
}

/// The same for a flag that may be missing.
pub fn parse_or(
    name: &str,
    text: Option<&str>,
    default: UtcMicros,
    zone: &TimeZone,
) -> Result<UtcMicros, Error> {
    text.map_or(Ok(default), |text| parse(name, text, zone))
}
