//! Reads the fields of a JSON record that its format names, and passes over all others. For the
//! busiest sources: `serde_json` takes more than twice as long (docs/decisions/0015 and 0025).
//!
//! A record is read by the shape of one before it, where it differs from that in texts, numbers and
//! words alone ([`Shapes`]); else from quote to quote ([`usual`]). What is read is what `serde_json` would
//! read. A record that holds anything unusual (blanks other than spaces, a field twice, a number
//! where text is expected, what is not JSON) is left to it as a whole, so that it alone decides what
//! is an error, and which.

mod by_quotes;
mod by_shape;
mod shape;
mod shapes;

use std::borrow::Cow;
use std::cell::RefCell;
use std::thread::LocalKey;

use serde::Deserialize;

pub use by_quotes::usual;
pub use shapes::Shapes;

/// Okta names two targets of most events, and four of many.
const LIST_USUAL: usize = 4;

/// What is kept of a JSON object.
pub trait Fields<'a>: Default {
    /// Whether a key may come twice; the last value counts.
    const MAY_REPEAT: bool = false;

    /// The number of the field that `key` means, less than 32; none for one that is passed over.
    fn field(key: &str) -> Option<u8>;

    /// Takes the value of a field from `walk`, which stands before it.
    fn take(&mut self, field: u8, walk: &mut impl Walk<'a>) -> Option<()>;
}

/// A walk over a record, which stands before a value or behind it. `None` means: unusual, and leaves the record
/// to `serde_json`.
pub trait Walk<'a> {
    /// Reads text, or null.
    fn text(&mut self, into: &mut Option<Cow<'a, str>>) -> Option<()>;

    /// Reads an object, or null.
    fn nested<T: Fields<'a>>(&mut self, into: &mut Option<T>) -> Option<()>;

    /// Reads objects in an array, or null.
    fn list<T: Fields<'a>>(&mut self, into: &mut Option<Vec<T>>) -> Option<()>;

    /// Reads what is rare, by `serde_json`.
    fn rare<T: Deserialize<'a>>(&mut self, into: &mut T) -> Option<()>;
}

/// Reads a record. `shapes` are those of its format.
///
/// # Errors
/// Those of `serde_json`.
pub fn read<'a, T: Fields<'a> + Deserialize<'a>>(
    text: &'a str,
    shapes: &'static LocalKey<RefCell<Shapes>>,
) -> serde_json::Result<T> {
    match shapes.with_borrow_mut(|shapes| shapes.read(text)) {
        Some(record) => Ok(record),
        None => serde_json::from_str(text),
    }
}
