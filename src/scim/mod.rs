//! SCIM as it is really spoken: filters, PATCH bodies, resources and whole exchanges,
//! read tolerantly, with every deviation from the standard noted.
//!
//! Takes JSON values, paths and status codes; gives canonical changes, members and acts in
//! the words of `domain`, and the requests that would undo a finding. It does no I/O,
//! sends nothing, and does not know how a log is laid out: that is `normalize`.

pub mod answer;
pub mod attribute;
pub mod deviation;
pub mod endpoint;
pub mod exchange;
pub mod filter;
mod matching;
pub mod members;
mod parser;
pub mod patch;
pub mod request;
pub mod resource;

pub use deviation::Deviation;
pub use exchange::{Act, Exchange};
pub use filter::Filter;

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("cannot read filter: expected {expected} at character {position}, found {found}")]
    FilterSyntax { position: usize, expected: &'static str, found: String },
    #[error("cannot read filter: it has {length} bytes, and at most {} are read", filter::LENGTH_MAX)]
    FilterTooLong { length: usize },
    #[error("cannot read filter: nested deeper than {} at character {position}", filter::DEPTH_MAX)]
    FilterTooDeep { position: usize },
}
