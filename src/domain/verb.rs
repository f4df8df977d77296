//! What happened, in one word that means the same in every source.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// A verb such as `account.deactivate`. The families that change state are constants
/// here; the rest come from the verb tables in `models/verbs/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verb(Cow<'static, str>);

impl Verb {
    /// An event type that no table knows: kept, and of no effect on state.
    pub const OTHER: Verb = Verb::new("other");

    pub const fn new(text: &'static str) -> Verb {
        Verb(Cow::Borrowed(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Verb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
