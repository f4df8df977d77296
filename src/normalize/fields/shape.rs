//! The shape of a record: all of it but its texts, numbers and words. Records of one kind from one source
//! have the same keys in the same order, and most of their bytes in common.

use std::borrow::Cow;

use super::by_quotes::number_end;
use crate::ingest::string_end;

/// A record that was read, by which others like it are read.
pub(super) struct Shape {
    text: Box<str>,
    pub notes: Notes,
    /// The tokens that were seen to differ from record to record, in their order. What stands between them is looked at
    /// as a whole.
    varying: Vec<Token>,
}

/// What is noted of a record while it is walked.
#[derive(Default)]
pub(super) struct Notes {
    /// In their order.
    tokens: Vec<Token>,
    pub steps: Vec<Step>,
    /// Whether something was read of which no note is taken.
    pub partial: bool,
}

/// A value that is no object and no list, which may be another in the next record: where a field has it, a text
/// or null; else any.
#[derive(Clone, Copy)]
struct Token {
    place: Place,
    kept: bool,
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub from: usize,
    pub to: usize,
    /// Whether there may be escapes in it.
    pub escaped: bool,
}

/// What a walk did for a field.
pub(super) enum Step {
    /// Came to the field of this number.
    Field(u8),
    /// Read a text, or null.
    Text,
    /// Read null in the place of an object or a list.
    Null,
    Object,
    List,
    /// Came to the end of an object or a list.
    End,
}

impl Place {
    /// The text that stands there, if it is not null.
    #[inline]
    pub fn read<'a>(&self, text: &'a str) -> Option<Option<Cow<'a, str>>> {
        let value = text.get(self.from..self.to)?;
        if self.escaped {
            return serde_json::from_str(value).ok().map(|text| Some(Cow::Owned(text)));
        }
        let [b'"', .., b'"'] = value.as_bytes() else { return Some(None) };
        Some(value.get(1..value.len() - 1).map(Cow::Borrowed))
    }
}

impl Notes {
    pub fn token(&mut self, place: Place, kept: bool) {
        self.tokens.push(Token { place, kept });
    }
}

impl Shape {
    pub fn new(text: &str, notes: Notes) -> Shape {
        let varying = notes.tokens.iter().copied().filter(|token| token.kept).collect();
        Shape { text: text.into(), notes, varying }
    }

    /// Finds the texts that are kept in `text`, in their order. None where it is of another shape, or no JSON:
    /// what it has in common with this one is JSON, and the rest is looked at here.
    pub fn find(&mut self, text: &str, places: &mut Vec<Place>) -> Option<()> {
        loop {
            places.clear();
            match self.find_where_varying(text.as_bytes(), places)? {
                None => return Some(()),
                Some(differs) => self.vary(differs)?,
            }
        }
    }

    /// Where this one differs, if a text is not the same between the tokens that vary.
    fn find_where_varying(&self, text: &[u8], places: &mut Vec<Place>) -> Option<Option<usize>> {
        let own = self.text.as_bytes();
        // Where we are in each.
        let (mut here, mut there) = (0, 0);
        for token in &self.varying {
            let same = own.get(here..token.place.from)?;
            let rest = text.get(there..)?;
            if !rest.starts_with(same) {
                return Some(Some(here + in_common(same, rest)));
            }
            let place = self.value(*token, text, there + same.len())?;
            (here, there) = (token.place.to, place.to);
            if token.kept {
                places.push(place);
            }
        }
        let (same, rest) = (own.get(here..)?, text.get(there..)?);
        Some((same != rest).then(|| here + in_common(same, rest)))
    }

    /// Lets the token vary in which a record differs from this one. None where that is no token.
    fn vary(&mut self, differs: usize) -> Option<()> {
        let token = self.notes.tokens.iter().find(|token| differs <= token.place.to)?;
        let place = self.varying.partition_point(|other| other.place.from < token.place.from);
        let is_new = self.varying.get(place).is_none_or(|other| other.place.from != token.place.from);
        (is_new && token.place.from <= differs).then(|| self.varying.insert(place, *token))
    }

    /// The value in the place of a token, which begins at `from`.
    #[inline]
    fn value(&self, token: Token, text: &[u8], from: usize) -> Option<Place> {
        let rest = text.get(from..)?;
        let word = |word: &[u8]| rest.starts_with(word).then_some((from + word.len(), false));
        let (to, escaped) = match *rest.first()? {
            // Texts with many escapes are often those of the record before.
            b'"' if token.place.escaped && rest.starts_with(self.own(token)?) => {
                (from + self.own(token)?.len(), true)
            }
            b'"' => string_end(text, from + 1).map(|(at, escaped)| (at + 1, escaped))?,
            b'n' => word(b"null")?,
            _ if token.kept => return None,
            b't' => word(b"true")?,
            b'f' => word(b"false")?,
            _ => (number_end(text, from)?, false),
        };
        Some(Place { from, to, escaped })
    }

    fn own(&self, token: Token) -> Option<&[u8]> {
        self.text.as_bytes().get(token.place.from..token.place.to)
    }
}

/// How many bytes both begin with.
fn in_common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
