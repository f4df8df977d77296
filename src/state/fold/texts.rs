//! Texts by number: each distinct text is kept once, and a row of them is four bytes.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use indexmap::IndexSet;

use crate::query::{Error, Rows};

/// The number of an absent text.
pub const NONE: u32 = u32::MAX;

/// The texts that were seen so far, in the order in which they came.
#[derive(Default)]
pub struct Numbered(IndexSet<Box<str>, RandomState>);

impl Numbered {
    pub fn number(&mut self, text: &str) -> u32 {
        let at = self.0.get_index_of(text).unwrap_or_else(|| self.0.insert_full(text.into()).0);
        at as u32
    }

    /// The numbers of a column of `rows`. Neighbours are often alike, and are looked up once.
    pub fn read(&mut self, rows: &Rows<'_>, column: &str) -> Result<Vec<u32>, Error> {
        let column = rows.texts(column)?;
        let (mut last, mut number) = (None::<&str>, NONE);
        let numbered = column.iter().map(|text| {
            if text != last {
                (last, number) = (text, text.map_or(NONE, |text| self.number(text)));
            }
            number
        });
        Ok(numbered.collect())
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

/// Texts in the order of their numbers.
pub struct Written(StringViewArray);

impl Written {
    /// A column of the texts of these numbers.
    pub fn column(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef, ArrowError> {
        let numbers: UInt32Array = numbers.map(|number| (number != NONE).then_some(number)).collect();
        take(&self.0, &numbers, None)
    }
}

/// A column of one of a few words a row.
pub fn words(words: &[&str], at: impl Iterator<Item = u8>) -> ArrayRef {
    let column: StringViewArray = at.map(|at| words.get(usize::from(at)).copied()).collect();
    Arc::new(column)
}
