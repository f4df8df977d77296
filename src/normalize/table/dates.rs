//! The order of day and month in a table, decided over the whole sample. Takes the columns
//! that hold times, gives the order, or the question that a person must answer: a table is
//! never read with an order that its values do not prove.

use jiff::civil::Time;

use super::columns::{Match, Sampled};
use super::field::{Expect, Field};
use super::moment::{DateOrder, Moment, disputed_pair, read};

/// What the sample proves.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// No date depends on the order.
    Unneeded,
    Decided(DateOrder),
    /// Dates whose order nothing decides; one of them.
    Undecided(String),
    /// Some dates prove one order and some the other; one of each.
    Contradictory(String, String),
}

/// The columns that the match reads as times.
pub fn columns(fields: &[Field], found: &Match) -> Vec<(&'static str, usize)> {
    let times = fields.iter().filter(|field| field.expects == Expect::Instant && !aside(field.name));
    let pairs = times.flat_map(|field| {
        let columns = found.of_field.get(field.name).into_iter().flatten();
        columns.map(|column| (field.name, *column))
    });
    pairs.collect()
}

/// Fields that are recognised and not read.
pub fn aside(field: &str) -> bool {
    matches!(field, "born_on" | "noted_on" | "noted_at" | "left_on_leave")
}

/// Decides the order over all values of `columns`.
pub fn order(columns: &[(&'static str, usize)], sampled: &Sampled) -> Proof {
    let (mut day, mut month, mut open) = (None, None, None);
    for text in columns.iter().flat_map(|(_, column)| values(*column, sampled)) {
        match disputed_pair(text) {
            Some((first, _)) if first > 12 => day = Some(text.to_string()),
            Some((_, second)) if second > 12 => month = Some(text.to_string()),
            Some((first, second)) if first != second => open = Some(text.to_string()),
            _ => {}
        }
    }
    match (day, month, open) {
        (Some(day), Some(month), _) => Proof::Contradictory(day, month),
        (Some(_), None, _) => Proof::Decided(DateOrder::DayFirst),
        (None, Some(_), _) => Proof::Decided(DateOrder::MonthFirst),
        (None, None, Some(open)) => Proof::Undecided(open),
        (None, None, None) => Proof::Unneeded,
    }
}

/// The values of one column in the sample.
pub fn values<'a>(column: usize, sampled: &'a Sampled) -> impl Iterator<Item = &'a str> {
    sampled.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
}

/// Whether every sampled time of the column is a local midnight, and there is one.
pub fn midnights_only(column: usize, sampled: &Sampled, order: Option<DateOrder>) -> bool {
    let mut seen = false;
    for text in values(column, sampled) {
        match read(text, order) {
            Ok(Some(Moment::Local(civil))) if civil.time() == Time::midnight() => seen = true,
            Ok(None) => {}
            _ => return false,
        }
    }
    seen
}
