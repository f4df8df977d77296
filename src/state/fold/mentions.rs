//! When an account was told of by something that says nothing of its state: as it was used, or got a grant. It was there then.

use super::NEVER;
use super::described::Said;
use crate::query::{NONE, Numbered};

/// The first and the last time.
#[derive(Clone, Copy)]
pub struct Mention {
    first: Said,
    last_at: i64,
}

impl Default for Mention {
    fn default() -> Mention {
        Mention { first: Said { at: NEVER, place: 0, by: NONE }, last_at: NEVER }
    }
}

impl Mention {
    /// Takes `first` and what came up to `last_at`.
    pub fn hear(&mut self, first: Said, last_at: i64, texts: &Numbered) {
        let by = |said: Said| (said.at, texts.text(said.by));
        if !self.is_any() || by(first) < by(self.first) {
            self.first = first;
        }
        self.last_at = self.last_at.max(last_at);
    }

    pub fn is_any(self) -> bool {
        self.first.at != NEVER
    }

    pub fn first(self) -> Said {
        self.first
    }

    pub fn last(self) -> Said {
        Said { at: self.last_at, ..self.first }
    }
}
