//! Texts by number: each distinct text is kept once, and a row of them is four bytes.

use ahash::RandomState;
use arrow::array::{ArrayRef, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use indexmap::IndexSet;

use super::{Error, Rows};

/// The number of an absent text.
pub const NONE: u32 = u32::MAX;

/// So many texts that were seen are looked for by where they are.
const RECENT: usize = 256;

/// The texts that were seen so far, in the order in which they came.
#[derive(Default)]
pub struct Numbered(IndexSet<Box<str>, RandomState>);

impl Numbered {
    pub fn number(&mut self, text: &str) -> u32 {
        let at = self.0.get_index_of(text).unwrap_or_else(|| self.0.insert_full(text.into()).0);
        at as u32
    }

    /// The numbers of a column of `rows`. Texts that were seen shortly before are often alike, and are not looked up again.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn read(&mut self, rows: &Rows<'_>, column: &str) -> Result<Vec<u32>, Error> {
        let column = rows.texts(column)?;
        // Within one column, where a text is tells which it is.
        let mut recent = [(0, NONE); RECENT];
        let numbered = column.iter().zip(column.views()).map(|(text, view)| {
            let Some(text) = text else { return NONE };
            let (known, number) = &mut recent[place(*view)];
            if *number == NONE || known != view {
                (*known, *number) = (*view, self.number(text));
            }
            *number
        });
        Ok(numbered.collect())
    }

    /// The text at a place, in the order in which they came.
    pub fn get(&self, place: usize) -> Option<&str> {
        self.0.get_index(place).map(|text| &**text)
    }

    /// The text of a number; nothing for [`NONE`].
    pub fn text(&self, number: u32) -> &str {
        self.0.get_index(number as usize).map_or("", |text| text)
    }

    /// All texts as one column, of which others are taken.
    pub fn written(&self) -> Written {
        Written(StringViewArray::from_iter_values(&self.0))
    }
}

/// A place among the recent ones.
fn place(view: u128) -> usize {
    /// 2^64 by the golden ratio: spreads what differs in some bits over all of them.
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    let folded = (view as u64) ^ (view >> u64::BITS) as u64;
    (folded.wrapping_mul(SPREAD) >> (u64::BITS - RECENT.ilog2())) as usize
}

/// Texts in the order of their numbers.
pub struct Written(StringViewArray);

impl Written {
    /// A column of the texts of these numbers.
    ///
    /// # Errors
    /// When a number is none of theirs.
    pub fn column(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef, ArrowError> {
        let numbers: UInt32Array = numbers.map(|number| (number != NONE).then_some(number)).collect();
        take(&self.0, &numbers, None)
    }
}
