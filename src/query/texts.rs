//! Texts by number: a row of them is four bytes.

use ahash::RandomState;
use arrow::array::{ArrayRef, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use compact_str::CompactString;
use hashbrown::HashTable;

use super::{Error, Rows};

/// The number of an absent text.
pub const NONE: u32 = u32::MAX;

/// The texts that were seen so far, in the order in which they came; of those that come once, as ids of events do, one may
/// have several numbers.
#[derive(Default)]
pub struct Numbered {
    seen: HashTable<Seen>,
    hasher: RandomState,
    /// The same end to end, and where each ends.
    texts: String,
    ends: Vec<usize>,
    recent: Recent<u32>,
}

/// A text beside its number: to look one up touches one place in memory, where the texts are short.
struct Seen {
    text: CompactString,
    number: u32,
}

impl Numbered {
    pub fn number(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        if let Some(seen) = self.seen.find(hash, |seen| seen.text == text) {
            return seen.number;
        }
        let number = self.add(text);
        let hash_of = |seen: &Seen| self.hasher.hash_one(seen.text.as_str());
        self.seen.insert_unique(hash, Seen { text: text.into(), number }, hash_of);
        number
    }

    fn add(&mut self, text: &str) -> u32 {
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        (self.ends.len() - 1) as u32
    }

    /// The numbers of a column of `rows`. Texts that were seen shortly before are often alike, and are not looked up again.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn read(&mut self, rows: &Rows<'_>, column: &str) -> Result<Vec<u32>, Error> {
        self.read_unless(rows, column, |_| false)
    }

    /// The same, but that the text of a row that is `fresh` is not looked up: it gets a number of its own, by which nothing
    /// but its text is found.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn read_unless(
        &mut self,
        rows: &Rows<'_>,
        column: &str,
        fresh: impl Fn(usize) -> bool,
    ) -> Result<Vec<u32>, Error> {
        let column = rows.texts(column)?;
        self.recent.begin();
        let mut number = |row: usize, text: Option<&str>, view: u128| {
            let Some(text) = text else { return NONE };
            if fresh(row) {
                return self.add(text);
            }
            if let Some(number) = self.recent.get(view) {
                return number;
            }
            let number = self.number(text);
            self.recent.put(view, number);
            number
        };
        let texts = column.iter().zip(column.views()).enumerate();
        Ok(texts.map(|(row, (text, view))| number(row, text, *view)).collect())
    }

    /// The text at a place, in the order in which they came.
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.texts.get(start..end)
    }

    /// The text of a number; nothing for [`NONE`].
    pub fn text(&self, number: u32) -> &str {
        self.get(number as usize).unwrap_or_default()
    }

    /// All texts as one column, of which others are taken.
    pub fn written(&self) -> Written {
        Written(StringViewArray::from_iter_values((0..self.ends.len()).filter_map(|place| self.get(place))))
    }
}

/// Which texts came shortly before, by their views: within one column, where a text is tells which it is.
#[derive(Default)]
pub(super) struct Recent<N> {
    /// So many columns were begun; a view of an earlier one tells nothing.
    columns: u32,
    /// By some bits of a view: the column, the view and what was put there.
    places: Vec<(u32, u128, N)>,
}

impl<N: Copy + Default> Recent<N> {
    const PLACES: usize = 4096;

    /// Begins with another column.
    pub fn begin(&mut self) {
        self.columns += 1;
        self.places.resize(Self::PLACES, (0, 0, N::default()));
    }

    pub fn get(&self, view: u128) -> Option<N> {
        let (column, at, found) = self.places[Self::place(view)];
        (column == self.columns && at == view).then_some(found)
    }

    pub fn put(&mut self, view: u128, found: N) {
        self.places[Self::place(view)] = (self.columns, view, found);
    }

    fn place(view: u128) -> usize {
        /// 2^64 by the golden ratio: spreads what differs in some bits over all of them.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let folded = (view as u64) ^ (view >> u64::BITS) as u64;
        (folded.wrapping_mul(SPREAD) >> (u64::BITS - Self::PLACES.ilog2())) as usize
    }
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
