//! What a column of a known kind of table is called and what it holds: the form in which
//! the synonyms are kept as data. Takes a header and the column's values, gives how well each
//! agrees with a field. Chooses nothing: `columns` does.

use super::shape::Shape;
use super::words::{core, holds, normal, squashed};

/// A canonical column.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub expects: Expect,
    pub weight: Weight,
    /// Headers that mean this field wherever they stand, best first. A `*` at the end
    /// stands for any further words.
    pub words: &'static [&'static str],
    /// Headers that mean it only when the values agree.
    pub weak: &'static [&'static str],
}

/// How much depends on the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Names the row.
    Key,
    /// A wrong column here would make wrong findings, so doubt is asked about.
    Deciding,
    /// Doubt leaves it out.
    Described,
    /// Deciding, and every column that says it is read.
    Many,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Identifier,
    Login,
    /// An identifier in capitals.
    Code,
    Email,
    Text,
    Instant,
    Flag,
    Standing,
    Zone,
    Number,
}

/// Agreement above which a name alone is a strong claim.
pub const NAME_SURE: f64 = 0.9;
/// A name that only the values can make believable.
pub const NAME_WEAK: f64 = 0.65;
/// A phrase inside a longer header: never taken for a deciding field, only asked about.
pub const NAME_PART: f64 = 0.55;

impl Field {
    pub fn deciding(&self) -> bool {
        self.weight != Weight::Described
    }

    pub fn many(&self) -> bool {
        self.weight == Weight::Many
    }

    /// How well the header names this field, in [0, 1], less a little for later synonyms.
    pub fn names(&self, header: &str) -> f64 {
        let times = self.expects == Expect::Instant;
        let own = normal(self.name);
        let sure = std::iter::once(own.as_str()).chain(self.words.iter().copied());
        let best = sure.enumerate().map(|(rank, word)| strong(header, word, times) - 0.002 * rank as f64);
        let best = best.fold(0.0, f64::max);
        let weak = self.weak.iter().any(|word| equal(header, word, times));
        if weak { best.max(NAME_WEAK + 0.05) } else { best }
    }

    /// How well the values agree, in [0, 1]; none for an empty column.
    pub fn agrees(&self, shape: &Shape) -> Option<f64> {
        if shape.present == 0 {
            return None;
        }
        let some = |count: usize| count as f64 / shape.present as f64;
        Some(match self.expects {
            Expect::Email => some(shape.emails),
            Expect::Instant => some(shape.times),
            Expect::Flag => some(shape.flags),
            // A status of 1 or 0, or of T and F alone, may mean either; under a header such as `active` it does not.
            Expect::Standing if self.name == "active" => some(shape.standings),
            Expect::Standing if shape.bare_truths == shape.present => 0.0,
            Expect::Standing => some(shape.standings.saturating_sub(shape.numbers)),
            Expect::Zone => some(shape.zones),
            Expect::Number => some(shape.numbers),
            Expect::Identifier => some(shape.unbroken.saturating_sub(shape.dates + shape.words_of_status)),
            Expect::Login => some(shape.unbroken.saturating_sub(shape.dates + shape.words_of_status)),
            Expect::Code => some(shape.codes),
            Expect::Text => some(shape.present.saturating_sub(shape.dates)),
        })
    }
}

fn strong(header: &str, word: &str, times: bool) -> f64 {
    if let Some(head) = word.strip_suffix('*') {
        return if header.starts_with(head) { 0.96 } else { 0.0 };
    }
    if header == word {
        return 1.0;
    }
    if equal(header, word, times) {
        return 0.97;
    }
    if holds(header, word) { NAME_PART } else { 0.0 }
}

fn equal(header: &str, word: &str, times: bool) -> bool {
    let (left, right) = (core(header, times), core(word, times));
    !left.is_empty()
        && (left == right || squashed(header) == squashed(word) || squashed(&left) == squashed(&right))
}
