//! What the sampled values of one column look like, whatever its header says. Takes the
//! values, gives counts. Absent values are left out of all counts.

use std::collections::BTreeSet;

use super::cell::{email_shaped, flag, list, present};
use super::moment::{Unread, read};
use super::standing::standing;
use super::zones::zone;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    pub present: usize,
    pub distinct: usize,
    pub emails: usize,
    /// Dates, times and epochs.
    pub times: usize,
    /// Times with a separator: what no identifier looks like.
    pub dates: usize,
    pub flags: usize,
    pub standings: usize,
    /// Status words that are no bare letter or number, as a code would be.
    pub words_of_status: usize,
    pub zones: usize,
    pub numbers: usize,
    /// `T` and `F`: true and false, or terminated and something else.
    pub bare_truths: usize,
    /// Values without a blank.
    pub unbroken: usize,
    /// Values of capitals, digits and signs, without a blank.
    pub codes: usize,
    pub lists: usize,
    /// Whole numbers that a spreadsheet would show as dates of 1982–2064.
    pub serials: usize,
    pub two_digit_years: usize,
    /// One value to show in a question.
    pub example: String,
}

impl Shape {
    pub fn of<'a>(values: impl Iterator<Item = &'a str>) -> Shape {
        let mut shape = Shape::default();
        let mut seen = BTreeSet::new();
        for value in values.filter_map(present) {
            shape.count(value);
            seen.insert(value);
        }
        shape.distinct = seen.len();
        shape
    }

    fn count(&mut self, value: &str) {
        if self.present == 0 {
            self.example = value.chars().take(40).collect();
        }
        self.present += 1;
        self.emails += usize::from(email_shaped(value));
        self.flags += usize::from(flag(value).is_some());
        let known = standing(value).is_some();
        self.standings += usize::from(known);
        self.words_of_status += usize::from(known && value.chars().count() > 2);
        self.bare_truths += usize::from(matches!(value, "T" | "t" | "F" | "f"));
        self.zones += usize::from(zone(value).is_some());
        self.numbers += usize::from(value.parse::<f64>().is_ok());
        self.unbroken += usize::from(!value.contains(char::is_whitespace) && value.len() <= 256);
        let small = value.chars().any(|c| c.is_lowercase() || c.is_whitespace());
        self.codes += usize::from(!small && value.chars().any(|c| c.is_alphabetic()));
        self.lists += usize::from(list(value).len() > 1);
        let serial = value.split('.').next().and_then(|whole| whole.parse::<u32>().ok());
        self.serials +=
            usize::from(value.len() >= 5 && serial.is_some_and(|n| (30_000..=60_000).contains(&n)));
        let time = read(value, None);
        let timely = matches!(time, Ok(_) | Err(Unread::Undecided | Unread::TwoDigitYear));
        self.times += usize::from(timely);
        self.dates += usize::from(timely && value.contains(['-', '/', '.', ':', ' ']));
        self.two_digit_years += usize::from(time == Err(Unread::TwoDigitYear));
    }
}
