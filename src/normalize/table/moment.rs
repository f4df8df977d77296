//! Dates and times as exports write them: ISO, day or month first, month names, epochs,
//! Windows file times. Takes one cell and the table's date order, gives a date, a local time
//! or an instant. A two-digit year and an undecided order are errors, never guesses.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::cell::present;
use super::words::normal;
use crate::domain::UtcMicros;
use crate::domain::month::month_number;

/// Which number of `03/04/2024` is the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    YearFirst,
    DayFirst,
    MonthFirst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Date(Date),
    /// A time on the clocks of a zone that the text does not name.
    Local(DateTime),
    Instant(UtcMicros),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    #[error("its year has two digits")]
    TwoDigitYear,
    #[error("day and month cannot be told apart")]
    Undecided,
    #[error("it contradicts the date order of this table")]
    Contradicts,
    #[error("it is not a date or time")]
    NotATime,
}

impl Moment {
    /// The instant that this names; a bare date is its first instant in `zone`.
    pub fn starts_at(self, zone: &TimeZone) -> Option<UtcMicros> {
        match self {
            Moment::Date(date) => UtcMicros::start_of(date, zone),
            Moment::Local(civil) => UtcMicros::from_civil(civil, zone),
            Moment::Instant(instant) => Some(instant),
        }
    }

    /// The same, but a bare date counts until 24:00 of that day.
    pub fn ends_at(self, zone: &TimeZone) -> Option<UtcMicros> {
        match self {
            Moment::Date(date) => UtcMicros::start_of(date.tomorrow().ok()?, zone),
            other => other.starts_at(zone),
        }
    }
}

/// Reads a cell; `None` where it stands for no time: `Never`, `9999-12-31`, `0001-01-01`, epoch 0.
///
/// # Errors
/// [`Unread`] says why the text cannot be read without guessing.
pub fn read(text: &str, order: Option<DateOrder>) -> Result<Option<Moment>, Unread> {
    let Some(text) = present(text) else { return Ok(None) };
    if text.to_ascii_lowercase().starts_with("never") {
        return Ok(None);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.matches('.').count() < 2 {
        return digits(text);
    }
    let (dates, clock) = sections(text);
    let zoned_date = clock.is_none() && dates.len() == 1 && dates[0].len() > 10;
    let date_text = if zoned_date { cut_zone(dates[0]) } else { dates.join(" ") };
    let Some(date) = date(&date_text, order)? else { return Ok(None) };
    let Some((time, offset)) = clock else { return Ok(Some(Moment::Date(date))) };
    let civil = date.to_datetime(time);
    match offset {
        None => Ok(Some(Moment::Local(civil))),
        Some(seconds) => {
            let utc = UtcMicros::from_civil(civil, &TimeZone::UTC).ok_or(Unread::NotATime)?;
            let at = UtcMicros(utc.0 - i64::from(seconds) * 1_000_000);
            Ok((at.0 != 0).then_some(Moment::Instant(at)))
        }
    }
}

/// The first two numbers of a date like `03/04/2024`, whose order is the question.
pub fn disputed_pair(text: &str) -> Option<(u32, u32)> {
    let text = present(text)?;
    let (dates, _) = sections(text);
    let parts: Vec<&str> = dates.first()?.split(['/', '-']).collect();
    let [a, b, year] = parts.as_slice() else { return None };
    let short = |s: &&str| s.len() <= 2 && s.bytes().all(|c| c.is_ascii_digit());
    if !(short(a) && short(b) && year.len() == 4) {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?))
}

fn digits(text: &str) -> Result<Option<Moment>, Unread> {
    let whole = text.split('.').next().unwrap_or("");
    let number: i64 = whole.parse().map_err(|_| Unread::NotATime)?;
    match whole.len() {
        // Largest 64-bit number: "never" in directory services.
        19 if number == i64::MAX => Ok(None),
        1 if number == 0 => Ok(None),
        8 => Ok(compact_date(whole)?.map(Moment::Date)),
        14 => {
            let Some(date) = compact_date(&whole[..8])? else { return Ok(None) };
            let clock = (part(&whole[8..10])?, part(&whole[10..12])?, part(&whole[12..])?);
            let time = Time::new(clock.0, clock.1, clock.2, 0).map_err(|_| Unread::NotATime)?;
            Ok(Some(Moment::Local(date.to_datetime(time))))
        }
        // Windows file time: 100 ns since 1601.
        18 => Ok(Some(Moment::Instant(UtcMicros(number / 10 - 11_644_473_600_000_000)))),
        10 | 13 | 16 | 19 => {
            UtcMicros::parse(text).map(|at| Some(Moment::Instant(at))).ok_or(Unread::NotATime)
        }
        _ => Err(Unread::NotATime),
    }
}

fn compact_date(text: &str) -> Result<Option<Date>, Unread> {
    let year: i16 = text[..4].parse().map_err(|_| Unread::NotATime)?;
    checked(year, part(&text[4..6])?, part(&text[6..])?)
}

fn part(text: &str) -> Result<i8, Unread> {
    text.parse().map_err(|_| Unread::NotATime)
}

/// A real date, or none where the year says "no date" or "no end".
fn checked(year: i16, month: i8, day: i8) -> Result<Option<Date>, Unread> {
    if year == 0 && month == 0 {
        return Ok(None);
    }
    let date = Date::new(year, month, day).map_err(|_| Unread::NotATime)?;
    // 4712 is the end of time of one large HR suite, 1900 the beginning of another's.
    Ok((year > 1900 && year < 2900).then_some(date))
}

type Clock = (Time, Option<i32>);

/// Splits a text into its date words and its clock with the offset from UTC in seconds.
fn sections(text: &str) -> (Vec<&str>, Option<Clock>) {
    let mut dates = Vec::new();
    let mut clock: Option<Clock> = None;
    for word in
        text.split([' ', ',', '\u{202f}', '\u{a0}', '\n']).flat_map(cut_at_t).filter(|w| !w.is_empty())
    {
        let lower = word.to_ascii_lowercase();
        match (&mut clock, lower.as_str()) {
            (_, "at" | "um" | "of") => {}
            (Some((_, offset)), "utc" | "gmt" | "z") => *offset = Some(0),
            (Some((time, _)), "am" | "pm" | "a.m." | "p.m.") => {
                *time = twelve_hours(*time, lower.starts_with('p'))
            }
            (Some((_, offset)), _) if offset_seconds(word).is_some() => *offset = offset_seconds(word),
            (None, _) if looks_like_clock(word) => match clock_of(word) {
                Some(read) => clock = Some(read),
                None => dates.push(word),
            },
            _ => dates.push(word),
        }
    }
    (dates, clock)
}

fn looks_like_clock(word: &str) -> bool {
    word.find(':').is_some_and(|at| at <= 2)
}

fn cut_at_t(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let cut = (1..bytes.len().saturating_sub(1))
        .find(|&i| bytes[i] == b'T' && bytes[i - 1].is_ascii_digit() && bytes[i + 1].is_ascii_digit());
    match cut {
        Some(at) => vec![&word[..at], &word[at + 1..]],
        None => vec![word],
    }
}

fn twelve_hours(time: Time, afternoon: bool) -> Time {
    let hour = time.hour() % 12 + if afternoon { 12 } else { 0 };
    time.with().hour(hour).build().unwrap_or(time)
}

/// Reads `03:04`, `03:04:05.123Z`, `3:04PM` and `03:04:05+0200`.
fn clock_of(word: &str) -> Option<Clock> {
    let end = word.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(word.len());
    let mut parts = word[..end].split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next()?.parse().ok()?;
    let (second, fraction) = parts.next().map_or(("0", ""), |s| s.split_once('.').unwrap_or((s, "")));
    let nanos: i32 = format!("{:0<9}", fraction.get(..fraction.len().min(9))?).parse().ok()?;
    let time = Time::new(hour, minute, second.parse::<i8>().ok()?.min(59), nanos).ok()?;
    match word[end..].to_ascii_lowercase().as_str() {
        "" => Some((time, None)),
        "z" | "utc" | "gmt" => Some((time, Some(0))),
        "am" => Some((twelve_hours(time, false), None)),
        "pm" => Some((twelve_hours(time, true), None)),
        tail => Some((time, Some(offset_seconds(tail)?))),
    }
}

/// `+02:00`, `-0700`, `+01`, `UTC+2`, `(UTC)`.
fn offset_seconds(word: &str) -> Option<i32> {
    let word = word.trim_matches(['(', ')']).trim_start_matches("UTC").trim_start_matches("GMT");
    if word.is_empty() {
        return Some(0);
    }
    let sign = if word.starts_with('-') { -1 } else { 1 };
    let number = word.strip_prefix(['+', '-'])?.replace(':', "");
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match number.len() {
        1 | 2 => (number.parse().ok()?, 0),
        4 => (number[..2].parse().ok()?, number[2..].parse().ok()?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `2024-03-31-07:00` and `2024-03-31Z`, dates with a zone of XML Schema: the date is what counts.
fn cut_zone(word: &str) -> String {
    let iso = word.get(..10).filter(|head| head.as_bytes()[4] == b'-' && head.as_bytes()[7] == b'-');
    let tail = word.get(10..).unwrap_or("");
    match iso {
        Some(head) if tail == "Z" || offset_seconds(tail).is_some() => head.to_string(),
        _ => word.to_string(),
    }
}

fn date(text: &str, order: Option<DateOrder>) -> Result<Option<Date>, Unread> {
    let dotted = text.contains('.') && !text.contains(['/', '-']);
    let parts: Vec<&str> = text.split(['/', '-', '.', ' ']).filter(|p| !p.is_empty()).collect();
    let parts = if parts.len() == 4 { &parts[1..] } else { &parts[..] };
    let [a, b, c] = parts else { return Err(Unread::NotATime) };
    if let Some(named) = with_month_name(a, b, c) {
        return named;
    }
    let number = |s: &str| s.parse::<i16>().map_err(|_| Unread::NotATime);
    let (x, y, z) = (number(a)?, number(b)?, number(c)?);
    let small = |n: i16| i8::try_from(n).map_err(|_| Unread::NotATime);
    match (a.len(), c.len()) {
        (4, 1..=2) => checked(x, small(y)?, small(z)?),
        (1..=2, 4) => {
            let (day, month) = day_and_month(x, y, if dotted { Some(DateOrder::DayFirst) } else { order })?;
            checked(z, small(month)?, small(day)?)
        }
        (1..=2, 1..=2) => Err(Unread::TwoDigitYear),
        _ => Err(Unread::NotATime),
    }
}

/// Dots put the day first in every locale that uses them; otherwise the table's order
/// decides, or a number above 12.
fn day_and_month(x: i16, y: i16, order: Option<DateOrder>) -> Result<(i16, i16), Unread> {
    match order {
        Some(DateOrder::DayFirst) if y > 12 => Err(Unread::Contradicts),
        Some(DateOrder::MonthFirst) if x > 12 => Err(Unread::Contradicts),
        Some(DateOrder::DayFirst) => Ok((x, y)),
        Some(DateOrder::MonthFirst) => Ok((y, x)),
        _ if x > 12 => Ok((x, y)),
        _ if y > 12 => Ok((y, x)),
        _ if x == y => Ok((x, y)),
        _ => Err(Unread::Undecided),
    }
}

/// `2-Jan-2024`, `January 2 2024`, `2024 Jan 2`; none when no part is the name of a month.
fn with_month_name(a: &str, b: &str, c: &str) -> Option<Result<Option<Date>, Unread>> {
    let (month, first, second) = match (month_number(&normal(a)), month_number(&normal(b))) {
        (Some(month), _) => (month, b, c),
        (_, Some(month)) => (month, a, c),
        _ => return None,
    };
    let (year, day) = if first.len() == 4 { (first, second) } else { (second, first) };
    if year.len() != 4 {
        return Some(Err(Unread::TwoDigitYear));
    }
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match (year.parse(), day.parse()) {
        (Ok(year), Ok(day)) => Some(checked(year, month, day)),
        _ => Some(Err(Unread::NotATime)),
    }
}
