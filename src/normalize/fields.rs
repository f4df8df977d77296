//! Reads the fields of a JSON record that its format names, and passes over all others from quote
//! to quote. For the busiest sources: `serde_json` takes twice as long (docs/decisions/0015).
//!
//! What is read here is what `serde_json` would read. A record that holds anything unusual (blanks
//! other than spaces, a field twice, a number where text is expected, what is not JSON) is left to
//! it as a whole, so that it alone decides what is an error, and which.

use std::borrow::Cow;

use serde::Deserialize;

use crate::ingest::Quotes;

/// What is kept of a JSON object.
pub trait Fields<'a>: Default {
    /// Takes the value of `key` from `walk`, which stands before it, or passes over it. Gives a bit
    /// of the field's own; none for what may come twice. `None` leaves the record to `serde_json`.
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32>;
}

/// Reads a record.
///
/// # Errors
/// Those of `serde_json`.
pub fn read<'a, T: Fields<'a> + Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    match usual(text) {
        Some(record) => Ok(record),
        None => serde_json::from_str(text),
    }
}

/// Reads a record that has nothing unusual.
pub fn usual<'a, T: Fields<'a>>(text: &'a str) -> Option<T> {
    let mut walk = Walk { text, quotes: Quotes::of(text.as_bytes())?, at: 0, depth: 0 };
    let mut record = T::default();
    walk.object(&mut record)?;
    walk.next_byte();
    (walk.at == text.len()).then_some(record)
}

/// A walk over a JSON text, which stands before a value or behind it. `None` means: unusual.
pub struct Walk<'a> {
    text: &'a str,
    /// Those behind `at`.
    quotes: Quotes,
    at: usize,
    /// Objects that are being read.
    depth: usize,
}

/// Levels that are read, and levels that are passed in one value; a deeper record is unusual. Both
/// together are less than the 128 at which `serde_json` gives up.
const DEPTH_MAX: usize = 60;

impl<'a> Walk<'a> {
    /// Reads an object.
    fn object<T: Fields<'a>>(&mut self, into: &mut T) -> Option<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.fields(into)?;
        self.depth -= 1;
        Some(())
    }

    fn fields<T: Fields<'a>>(&mut self, into: &mut T) -> Option<()> {
        self.pass_byte(b'{')?;
        if self.next_byte() == b'}' {
            self.at += 1;
            return Some(());
        }
        let mut taken = 0;
        loop {
            let (from, to) = self.string()?;
            if self.quotes.escape_in(from, to) {
                return None;
            }
            let key = self.text.get(from..to)?;
            self.pass_byte(b':')?;
            let field = into.take(key, self)?;
            if taken & field != 0 {
                return None;
            }
            taken |= field;
            if self.ends(b'}')? {
                return Some(());
            }
        }
    }

    /// Reads an object into `field`, or null.
    pub fn nested<T: Fields<'a>>(&mut self, field: u32, into: &mut Option<T>) -> Option<u32> {
        if self.next_byte() == b'n' {
            self.word("null")?;
        } else {
            self.object(into.insert(T::default()))?;
        }
        Some(field)
    }

    /// Reads objects in an array into `field`, or null.
    pub fn list<T: Fields<'a>>(&mut self, field: u32, into: &mut Option<Vec<T>>) -> Option<u32> {
        /// Okta names two targets of most events, and four of many.
        const USUAL: usize = 4;
        if self.next_byte() == b'n' {
            self.word("null")?;
            return Some(field);
        }
        self.pass_byte(b'[')?;
        let list = into.insert(Vec::with_capacity(USUAL));
        if self.next_byte() == b']' {
            self.at += 1;
            return Some(field);
        }
        loop {
            let mut item = T::default();
            self.object(&mut item)?;
            list.push(item);
            if self.ends(b']')? {
                return Some(field);
            }
        }
    }

    /// Reads text into `field`, or null.
    pub fn text(&mut self, field: u32, into: &mut Option<Cow<'a, str>>) -> Option<u32> {
        if self.next_byte() == b'n' {
            self.word("null")?;
            *into = None;
            return Some(field);
        }
        let (from, to) = self.string()?;
        *into = Some(if self.quotes.escape_in(from, to) {
            Cow::Owned(serde_json::from_str(self.text.get(from - 1..=to)?).ok()?)
        } else {
            Cow::Borrowed(self.text.get(from..to)?)
        });
        Some(field)
    }

    /// Reads what is rare, by `serde_json`, into `field`.
    pub fn rare<T: Deserialize<'a>>(&mut self, field: u32, into: &mut T) -> Option<u32> {
        let from = self.at;
        self.pass()?;
        *into = serde_json::from_str(self.text.get(from..self.at)?).ok()?;
        Some(field)
    }

    /// Passes over a value, and checks that it is one.
    pub fn pass(&mut self) -> Option<u32> {
        // A bit a level: one in an object, zero in an array.
        let (mut kinds, mut depth) = (0_u64, 0);
        loop {
            let begun = self.next_byte();
            match begun {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
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
                }
                b'n' => self.word("null")?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                _ => self.number()?,
            }
            loop {
                if depth == 0 {
                    return Some(0);
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

    /// Passes a string; where its text begins and ends.
    #[inline]
    fn string(&mut self) -> Option<(usize, usize)> {
        self.next_byte();
        if self.quotes.next()? != self.at {
            return None;
        }
        let (from, to) = (self.at + 1, self.quotes.next()?);
        self.at = to + 1;
        Some((from, to))
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
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(())
    }

    /// Passes a number, as RFC 8259 (section 6) writes it.
    fn number(&mut self) -> Option<()> {
        self.pass_one_of(b"-");
        if !self.pass_one_of(b"0") {
            self.digits()?;
        }
        if self.pass_one_of(b".") {
            self.digits()?;
        }
        if self.pass_one_of(b"eE") {
            self.pass_one_of(b"+-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }

    fn pass_one_of(&mut self, bytes: &[u8]) -> bool {
        let found = bytes.contains(&self.byte());
        self.at += usize::from(found);
        found
    }
}
