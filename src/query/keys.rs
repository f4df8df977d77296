//! Which rows are meant, by the texts of two columns or by the number in one.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;
use arrow::array::RecordBatch;
use arrow::buffer::{BooleanBuffer, Buffer};

use super::{Error, Rows};

/// Pairs of texts: all pairs with one first text, or some of them.
#[derive(Clone, Debug, Default)]
pub struct Keys(HashMap<Box<str>, Seconds, RandomState>);

/// The second texts of one first.
#[derive(Clone, Debug)]
pub(super) enum Seconds {
    All,
    Some(HashSet<Box<str>, RandomState>),
}

impl Keys {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the pairs of two columns.
    ///
    /// # Errors
    /// When `batch`, which is of the view `name`, has no such columns.
    pub fn add(&mut self, name: &str, batch: &RecordBatch, [first, second]: [&str; 2]) -> Result<(), Error> {
        let rows = Rows::new(name, batch);
        let (firsts, seconds) = (rows.texts(first)?, rows.texts(second)?);
        for (first, second) in firsts.iter().zip(seconds.iter()) {
            self.add_pair(first.unwrap_or_default(), second.unwrap_or_default());
        }
        Ok(())
    }

    pub fn add_pair(&mut self, first: &str, second: &str) {
        if !self.0.contains_key(first) {
            self.0.insert(first.into(), Seconds::Some(HashSet::default()));
        }
        if let Some(Seconds::Some(seconds)) = self.0.get_mut(first)
            && !seconds.contains(second)
        {
            seconds.insert(second.into());
        }
    }

    /// Adds all pairs with these first texts.
    ///
    /// # Errors
    /// When `batch`, which is of the view `name`, has no such column.
    pub fn add_all(&mut self, name: &str, batch: &RecordBatch, first: &str) -> Result<(), Error> {
        let firsts = Rows::new(name, batch).texts(first)?;
        self.0.extend(firsts.iter().map(|first| (first.unwrap_or_default().into(), Seconds::All)));
        Ok(())
    }

    /// The first texts of the pairs.
    pub fn firsts(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|first| &**first)
    }

    /// Whether it names this pair.
    pub fn has(&self, first: &str, second: &str) -> bool {
        self.of_first(first).is_some_and(|seconds| seconds.has(second))
    }

    pub(super) fn of_first(&self, first: &str) -> Option<&Seconds> {
        self.0.get(first)
    }

    /// What tells of most texts that it has no pair with them.
    pub(super) fn sieve(&self) -> Sieve {
        let some = |seconds: &Seconds| match seconds {
            Seconds::All => 0,
            Seconds::Some(seconds) => seconds.len(),
        };
        let mut sieve = Sieve::for_texts(self.0.values().map(some).sum());
        for seconds in self.0.values() {
            if let Seconds::Some(seconds) = seconds {
                seconds.iter().for_each(|text| sieve.add(text));
            }
        }
        sieve
    }
}

/// One bit for some texts each: of the texts that are added it says so, and of most others that they are not. It is
/// small, and looks at the ends of a text alone: of a million rows hardly any is meant.
pub(super) struct Sieve {
    bits: Vec<u64>,
    /// Bits of a hash that do not count.
    shift: u32,
}

impl Sieve {
    /// Bits for each text that is added.
    const BITS: usize = 16;

    fn for_texts(texts: usize) -> Sieve {
        let words = (texts * Sieve::BITS).next_power_of_two().max(u64::BITS as usize) / u64::BITS as usize;
        Sieve { bits: vec![0; words], shift: u64::BITS - (words * u64::BITS as usize).ilog2() }
    }

    fn add(&mut self, text: &str) {
        let (word, bit) = self.place(text);
        self.bits[word] |= bit;
    }

    /// Whether the text may be one of those that were added.
    pub fn may_have(&self, text: &str) -> bool {
        let (word, bit) = self.place(text);
        self.bits[word] & bit != 0
    }

    fn place(&self, text: &str) -> (usize, u64) {
        /// 2^64 by the golden ratio: spreads what differs in some bits over all of them.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        let bytes = text.as_bytes();
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (0, bytes.iter().fold(0, |all, byte| all << u8::BITS | u64::from(*byte))),
        };
        let hash =
            (first.wrapping_mul(SPREAD) ^ last ^ bytes.len() as u64).wrapping_mul(SPREAD) >> self.shift;
        (hash as usize / u64::BITS as usize, 1 << (hash % u64::from(u64::BITS)))
    }
}

/// Some numbers that were given one after the other: one bit for each number up to the greatest.
#[derive(Clone, Debug, Default)]
pub struct NumberSet(Vec<u64>);

impl NumberSet {
    /// Whether it has no number.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn insert(&mut self, number: u32) {
        let word = number as usize / u64::BITS as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % u64::BITS);
    }

    pub fn has(&self, number: u32) -> bool {
        let word = self.0.get(number as usize / u64::BITS as usize);
        word.is_some_and(|word| word & 1 << (number % u64::BITS) != 0)
    }

    /// Which of `numbers` are among these. Rows come about in the order of their numbers, so that of most of those that lie
    /// together none is.
    pub(super) fn among(&self, numbers: &[u32]) -> BooleanBuffer {
        const TOGETHER: usize = u64::BITS as usize;
        let word = |numbers: &[u32]| {
            if !self.has_near(numbers) {
                return 0;
            }
            numbers.iter().rev().fold(0_u64, |word, number| word << 1 | u64::from(self.has(*number)))
        };
        let words: Vec<u64> = numbers.chunks(TOGETHER).map(word).collect();
        BooleanBuffer::new(Buffer::from_vec(words), 0, numbers.len())
    }

    /// Whether it may have one of `numbers`: those that begin with the same bits are not told apart, and no two that are of
    /// one word.
    fn has_near(&self, numbers: &[u32]) -> bool {
        let Some(first) = numbers.first() else { return false };
        let differ = numbers.iter().fold(u64::BITS - 1, |bits, number| bits | (number ^ first));
        let rest = u32::MAX.unbounded_shr(differ.leading_zeros());
        let word = |number: u32| (number as usize / u64::BITS as usize).min(self.0.len());
        let words = self.0.get(word(first & !rest)..(word(first | rest) + 1).min(self.0.len()));
        words.is_some_and(|words| words.iter().any(|word| *word != 0))
    }

    /// Adds the numbers of a column; a row without one names nothing.
    ///
    /// # Errors
    /// When `batch`, which is of the view `name`, has no such column.
    pub fn add(&mut self, name: &str, batch: &RecordBatch, column: &str) -> Result<(), Error> {
        Rows::new(name, batch).keys(column)?.iter().flatten().for_each(|number| self.insert(number));
        Ok(())
    }
}

impl Extend<u32> for NumberSet {
    fn extend<N: IntoIterator<Item = u32>>(&mut self, numbers: N) {
        numbers.into_iter().for_each(|number| self.insert(number));
    }
}

impl std::ops::SubAssign<&NumberSet> for NumberSet {
    fn sub_assign(&mut self, other: &NumberSet) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }
}

impl std::ops::BitOrAssign<&NumberSet> for NumberSet {
    fn bitor_assign(&mut self, other: &NumberSet) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }
}

impl Seconds {
    pub fn has(&self, second: &str) -> bool {
        match self {
            Seconds::All => true,
            Seconds::Some(seconds) => seconds.contains(second),
        }
    }
}
