//! Sigma rules over stored events: parsed by `rsigma-parser` (whose only home this is), compiled
//! to DataFusion expressions, many in one pass.
//!
//! [`RuleSet`] reads folders, [`Program`] holds the rules of one logsource and runs them over
//! batches of raw records. A record is read once, into the distinct values of the fields that
//! some rule names; an expression is evaluated once a distinct value; a rule is an expression
//! over the facts so found. Three decisions: `null` means missing or null, so `not` of a
//! comparison holds for a missing field; a field holds as soon as any element of an array does;
//! a number is equal to its text. [`correlate`] counts matches within a time; [`RuleSet::footing`] says what a
//! correlation rests on. It knows no clock and stores nothing.

mod columns;
mod condition;
mod correlate;
mod correlation;
mod encoding;
mod facts;
mod footing;
mod heading;
mod item;
mod modifiers;
mod network;
mod occurrence;
mod paths;
mod program;
mod reader;
mod rules;
mod scope;
mod time_part;

use std::path::PathBuf;

pub use correlate::{Fired, Hit, correlate};
pub use correlation::Correlation;
pub use footing::Footing;
pub use heading::Heading;
pub use occurrence::{Match, Telling};
pub use paths::Names;
pub use program::{Pass, Program};
pub use rules::{Question, Rule, RuleSet};
pub use scope::{Placeholders, Reading};

/// What can go wrong with Sigma rules, beside a rule that does not compile.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read Sigma rules in \"{}\"", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot lay out the conditions of Sigma rules: {0}")]
    Condition(String),
    #[error("cannot run Sigma rules")]
    Run { source: Box<datafusion::error::DataFusionError> },
    #[error("correlations look at each other in a circle: {0}")]
    Circle(String),
    #[error("cannot lay out the values of records")]
    Values(#[from] arrow::error::ArrowError),
}
