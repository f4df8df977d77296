//! The modifiers of a field, checked: one way to match, and what happens to values before.

use datafusion::logical_expr::{Expr, col};
use rsigma_parser::{DetectionItem, Modifier};

use super::columns::folded;
use super::time_part::TimePart;

/// How values are compared with the field's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Regex,
    Cidr,
    Compare(Compare),
    TimePart(TimePart),
    Exists,
    FieldRef,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What the modifiers of one item say.
#[derive(Clone, Debug)]
pub struct Modifiers {
    pub matching: Match,
    /// Every value must fit instead of any.
    pub all: bool,
    /// Letters of either case differ.
    pub letters_differ: bool,
    pub not_equal: bool,
    /// Values have placeholders.
    pub expand: bool,
    /// Encodings of the values, in the order in which they are applied.
    pub encodings: Vec<Modifier>,
    /// Flags of a regular expression: `i`, `m`, `s`.
    pub flags: String,
}

impl Modifiers {
    /// # Errors
    /// A sentence about modifiers that do not go together.
    pub fn read(item: &DetectionItem) -> Result<Modifiers, String> {
        // A keyword is looked for within a text, a field's value is the whole of it.
        let default = if item.field.is_keyword() { Match::Contains } else { Match::Equal };
        let mut read = Modifiers {
            matching: default,
            all: false,
            letters_differ: false,
            not_equal: false,
            expand: false,
            encodings: Vec::new(),
            flags: String::new(),
        };
        let mut ways = 0;
        for modifier in &item.field.modifiers {
            match way(*modifier) {
                Some(matching) => {
                    read.matching = matching;
                    ways += 1;
                }
                None => read.note(*modifier),
            }
        }
        if ways > 1 {
            return Err("more than one way to match is asked for".to_owned());
        }
        read.check(item)?;
        Ok(read)
    }

    /// The form of a field's values that texts are compared with.
    pub fn column(&self) -> Expr {
        col(if self.letters_differ { "text" } else { "folded" })
    }

    /// The text in that form.
    pub fn cased(&self, text: &str) -> String {
        if self.letters_differ { text.to_owned() } else { folded(text) }
    }

    fn note(&mut self, modifier: Modifier) {
        match modifier {
            Modifier::All => self.all = true,
            Modifier::Cased => self.letters_differ = true,
            Modifier::Neq => self.not_equal = true,
            Modifier::Expand => self.expand = true,
            Modifier::IgnoreCase => self.flags.push('i'),
            Modifier::Multiline => self.flags.push('m'),
            Modifier::DotAll => self.flags.push('s'),
            other => self.encodings.push(other),
        }
    }

    fn check(&self, item: &DetectionItem) -> Result<(), String> {
        let on_texts =
            matches!(self.matching, Match::Equal | Match::Contains | Match::StartsWith | Match::EndsWith);
        if !on_texts && (self.expand || !self.encodings.is_empty()) {
            return Err("values are transformed, but not matched as texts".to_owned());
        }
        if self.matching != Match::Regex && !self.flags.is_empty() {
            return Err("flags of a regular expression without one".to_owned());
        }
        if self.all && item.values.len() < 2 {
            return Err("\"all\" asks for more than one value".to_owned());
        }
        if item.field.is_keyword() && matches!(self.matching, Match::Exists | Match::FieldRef) {
            return Err("keywords cannot be compared so".to_owned());
        }
        Ok(())
    }
}

fn way(modifier: Modifier) -> Option<Match> {
    Some(match modifier {
        Modifier::Contains => Match::Contains,
        Modifier::StartsWith => Match::StartsWith,
        Modifier::EndsWith => Match::EndsWith,
        Modifier::Re => Match::Regex,
        Modifier::Cidr => Match::Cidr,
        Modifier::Exists => Match::Exists,
        Modifier::FieldRef => Match::FieldRef,
        Modifier::Lt => Match::Compare(Compare::Less),
        Modifier::Lte => Match::Compare(Compare::LessOrEqual),
        Modifier::Gt => Match::Compare(Compare::Greater),
        Modifier::Gte => Match::Compare(Compare::GreaterOrEqual),
        other => Match::TimePart(TimePart::of(other)?),
    })
}
