//! A walk over a JSON text from quote to quote: looks at all that stands between strings, and at
//! nothing in them but what is kept.

use std::borrow::Cow;

use serde::Deserialize;

use super::shape::{Notes, Place, Step};
use super::{Fields, LIST_USUAL, Walk};
use crate::ingest::Quotes;

/// Reads a record that has nothing unusual.
pub fn usual<'a, T: Fields<'a>>(text: &'a str) -> Option<T> {
    walk(text, None).map(|(record, _)| record)
}

/// As [`usual`], with notes of what others like it have too.
pub(super) fn noted<'a, T: Fields<'a>>(text: &'a str) -> Option<(T, Notes)> {
    let (record, notes) = walk(text, Some(Notes::default()))?;
    Some((record, notes?))
}

fn walk<'a, T: Fields<'a>>(text: &'a str, notes: Option<Notes>) -> Option<(T, Option<Notes>)> {
    let mut walk = ByQuotes { text, quotes: Quotes::of(text.as_bytes())?, at: 0, depth: 0, notes };
    let mut record = T::default();
    walk.object(&mut record)?;
    walk.next_byte();
    (walk.at == text.len()).then_some((record, walk.notes))
}

struct ByQuotes<'a> {
    text: &'a str,
    /// Those behind `at`.
    quotes: Quotes,
    at: usize,
    /// Objects that are being read.
    depth: usize,
    notes: Option<Notes>,
}

/// Levels that are read, and levels that are passed in one value; a deeper record is unusual. Both
/// together are less than the 128 at which `serde_json` gives up.
const DEPTH_MAX: usize = 60;

impl<'a> Walk<'a> for ByQuotes<'a> {
    fn nested<T: Fields<'a>>(&mut self, into: &mut Option<T>) -> Option<()> {
        if !self.null()? {
            self.object(into.insert(T::default()))?;
        }
        Some(())
    }

    fn list<T: Fields<'a>>(&mut self, into: &mut Option<Vec<T>>) -> Option<()> {
        if self.null()? {
            return Some(());
        }
        self.pass_byte(b'[')?;
        self.note(Step::List);
        let list = into.insert(Vec::with_capacity(LIST_USUAL));
        if self.next_byte() == b']' {
            self.at += 1;
        } else {
            loop {
                let mut item = T::default();
                self.object(&mut item)?;
                list.push(item);
                if self.ends(b']')? {
                    break;
                }
            }
        }
        self.note(Step::End);
        Some(())
    }

    fn text(&mut self, into: &mut Option<Cow<'a, str>>) -> Option<()> {
        self.note(Step::Text);
        let place = if self.next_byte() == b'n' { self.word("null")? } else { self.string()? };
        self.note_token(place, true);
        *into = place.read(self.text)?;
        Some(())
    }

    fn rare<T: Deserialize<'a>>(&mut self, into: &mut T) -> Option<()> {
        if let Some(notes) = &mut self.notes {
            notes.partial = true;
        }
        let from = self.at;
        self.pass()?;
        *into = serde_json::from_str(self.text.get(from..self.at)?).ok()?;
        Some(())
    }
}

impl<'a> ByQuotes<'a> {
    /// Passes over a value, and checks that it is one.
    fn pass(&mut self) -> Option<()> {
        // A bit a level: one in an object, zero in an array.
        let (mut kinds, mut depth) = (0_u64, 0);
        loop {
            let begun = self.next_byte();
            if matches!(begun, b'{' | b'[') {
                self.at += 1;
                // `{` and `[` come two before their ends.
                if self.next_byte() == begun + 2 {
                    self.at += 1;
                } else {
                    let in_object = begun == b'{';
                    (kinds, depth) = (kinds << 1 | u64::from(in_object), depth + 1);
                    if depth > DEPTH_MAX {
                        return None;
                    }
                    if in_object {
                        self.key()?;
                    }
                    continue;
                }
            } else {
                let place = match begun {
                    b'"' => self.string()?,
                    b'n' => self.word("null")?,
                    b't' => self.word("true")?,
                    b'f' => self.word("false")?,
                    _ => self.number()?,
                };
                self.note_token(place, false);
            }
            loop {
                if depth == 0 {
                    return Some(());
                }
                let in_object = kinds & 1 == 1;
                if !self.ends(if in_object { b'}' } else { b']' })? {
                    if in_object {
                        self.key()?;
                    }
                    break;
                }
                (kinds, depth) = (kinds >> 1, depth - 1);
            }
        }
    }

    /// Reads an object.
    fn object<T: Fields<'a>>(&mut self, into: &mut T) -> Option<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.fields(into)?;
        self.note(Step::End);
        self.depth -= 1;
        Some(())
    }

    fn fields<T: Fields<'a>>(&mut self, into: &mut T) -> Option<()> {
        self.note(Step::Object);
        self.pass_byte(b'{')?;
        if self.next_byte() == b'}' {
            self.at += 1;
            return Some(());
        }
        let mut taken = 0_u32;
        loop {
            let place = self.string()?;
            if place.escaped {
                return None;
            }
            let key = self.text.get(place.from + 1..place.to - 1)?;
            self.pass_byte(b':')?;
            if let Some(field) = T::field(key) {
                let bit = 1 << field;
                if taken & bit != 0 && !T::MAY_REPEAT {
                    return None;
                }
                taken |= bit;
                self.note(Step::Field(field));
                into.take(field, self)?;
            } else {
                self.pass()?;
            }
            if self.ends(b'}')? {
                return Some(());
            }
        }
    }

    /// Passes a comma, or the `end` of an object or array: then true.
    #[inline]
    fn ends(&mut self, end: u8) -> Option<bool> {
        let byte = self.next_byte();
        if byte != b',' && byte != end {
            return None;
        }
        self.at += 1;
        Some(byte == end)
    }

    #[inline]
    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.pass_byte(b':')
    }

    #[inline]
    fn string(&mut self) -> Option<Place> {
        self.next_byte();
        let from = self.at;
        if self.quotes.next()? != from {
            return None;
        }
        let end = self.quotes.next()?;
        self.at = end + 1;
        Some(Place { from, to: self.at, escaped: self.quotes.escape_in(from, end) })
    }

    /// The next byte that is no space, which the walk then stands before; zero at the end.
    #[inline]
    fn next_byte(&mut self) -> u8 {
        while self.byte() == b' ' {
            self.at += 1;
        }
        self.byte()
    }

    #[inline]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    #[inline]
    fn pass_byte(&mut self, byte: u8) -> Option<()> {
        let found = self.next_byte() == byte;
        self.at += usize::from(found);
        found.then_some(())
    }

    #[inline]
    fn word(&mut self, word: &str) -> Option<Place> {
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(Place { from, to: self.at, escaped: false })
    }

    fn number(&mut self) -> Option<Place> {
        let from = self.at;
        self.at = number_end(self.text.as_bytes(), from)?;
        Some(Place { from, to: self.at, escaped: false })
    }

    /// Passes null in the place of an object or a list, if it is that.
    fn null(&mut self) -> Option<bool> {
        let is_null = self.next_byte() == b'n';
        if is_null {
            self.word("null")?;
            self.note(Step::Null);
        }
        Some(is_null)
    }

    fn note(&mut self, step: Step) {
        if let Some(notes) = &mut self.notes {
            notes.steps.push(step);
        }
    }

    fn note_token(&mut self, place: Place, kept: bool) {
        if let Some(notes) = &mut self.notes {
            notes.token(place, kept);
        }
    }
}

/// Where the number ends that begins there, as RFC 8259 (section 6) writes it.
pub(super) fn number_end(text: &[u8], mut at: usize) -> Option<usize> {
    let is = |at: usize, bytes: &[u8]| text.get(at).is_some_and(|byte| bytes.contains(byte));
    let digits = |from: usize| {
        let count = text.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    at += usize::from(is(at, b"-"));
    at = if is(at, b"0") { at + 1 } else { digits(at)? };
    if is(at, b".") {
        at = digits(at + 1)?;
    }
    if is(at, b"eE") {
        at = digits(at + 1 + usize::from(is(at + 1, b"+-")))?;
    }
    Some(at)
}
