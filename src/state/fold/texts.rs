//! Texts by number: each distinct text is kept once, and a row of them is four bytes.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, StringViewArray, StringViewBuilder, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use indexmap::IndexSet;

use crate::query::Texts;

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

    /// The numbers of a column. Neighbours are often alike, and are looked up once.
    pub fn numbers<'c>(&mut self, column: &'c Texts) -> Vec<u32> {
        let (mut last, mut number) = (None, NONE);
        let numbered = |text: Option<&'c str>| {
            if text != last {
                (last, number) = (text, text.map_or(NONE, |text| self.number(text)));
            }
            number
        };
        column.iter().map(numbered).collect()
    }

    /// The text of a number; nothing for [`NONE`].
    pub fn text(&self, number: u32) -> &str {
        self.0.get_index(number as usize).map_or("", |text| text)
    }

    /// All texts as one column, of which others are taken.
    pub fn written(&self) -> Written {
        let bytes: usize = self.0.iter().map(|text| text.len()).sum();
        // One block: whoever keeps rows of it need not copy what lies in many.
        let block = u32::try_from(bytes.max(1)).unwrap_or(u32::MAX / 2);
        let mut builder = StringViewBuilder::with_capacity(self.0.len()).with_fixed_block_size(block);
        self.0.iter().for_each(|text| builder.append_value(text));
        Written(builder.finish())
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
