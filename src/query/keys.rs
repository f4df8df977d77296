//! Which rows are meant, by the texts of two columns.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;
use arrow::array::RecordBatch;

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

    /// Adds what `other` names.
    pub fn extend(&mut self, other: &Keys) {
        for (first, seconds) in &other.0 {
            match seconds {
                Seconds::All => drop(self.0.insert(first.clone(), Seconds::All)),
                Seconds::Some(seconds) => seconds.iter().for_each(|second| self.add_pair(first, second)),
            }
        }
    }

    /// What it names with one of these first texts.
    pub fn of_firsts(&self, firsts: &[&str]) -> Keys {
        let named = self.0.iter().filter(|(first, _)| firsts.contains(&&***first));
        Keys(named.map(|(first, seconds)| (first.clone(), seconds.clone())).collect())
    }

    /// Whether it names this pair.
    pub fn has(&self, first: &str, second: &str) -> bool {
        self.of_first(first).is_some_and(|seconds| seconds.has(second))
    }

    /// Whether it names a pair with this second text.
    pub fn has_second(&self, second: &str) -> bool {
        self.0.values().any(|seconds| seconds.has(second))
    }

    pub(super) fn of_first(&self, first: &str) -> Option<&Seconds> {
        self.0.get(first)
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
