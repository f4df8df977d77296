//! Who is told about a finding. Holds the owner rules; sends nothing itself.

pub mod owner;

pub use owner::{Directory, OwnerLine, Person, Question, Sponsor};
