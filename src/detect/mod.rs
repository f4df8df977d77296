//! Runs detectors over one session and turns their rows into findings.
//!
//! Takes a declared rule, a profile of thresholds and a session at (`as_of`, `known_at`);
//! gives findings in order of their subjects, and weighs those of a run together. It keeps no memory between runs (the ledger
//! does), decides no owner, and sends nothing.

mod bind;
pub mod causes;
mod cells;
mod finding;
mod gate;
pub mod learned;
mod listing;
mod omitted;
mod remediation;
mod rule;
pub mod rule_test;
pub mod score;
pub mod sigma;
mod sources;
mod suppress;
mod template;
pub mod view_schema;
mod weigh;

pub use gate::{Reach, reach};
pub use rule::{Answer, Run, ask, run_rule};
pub use sources::{Feed, Sources};
pub use suppress::Exceptions;
pub use weigh::{Weigher, weigh};

/// What can go wrong while a detector runs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot plan rule \"{rule}\"")]
    Plan { rule: String, source: Box<datafusion::error::DataFusionError> },
    #[error("cannot run rule \"{rule}\"")]
    Query { rule: String, source: Box<datafusion::error::DataFusionError> },
    #[error("cannot read column \"{column}\" of rule \"{rule}\"")]
    Column { rule: String, column: String, source: arrow::error::ArrowError },
    #[error("rule \"{rule}\" gives no \"{column}\" for a subject")]
    MissingColumn { rule: String, column: &'static str },
    #[error("rule \"{rule}\" gives \"{value}\" as {column}")]
    BadValue { rule: String, column: &'static str, value: String },
    #[error("profile \"{profile}\" has no threshold \"{key}\" for rule \"{rule}\"")]
    MissingThreshold { rule: String, profile: String, key: String },
    #[error("cannot read how applications behave for rule \"{rule}\"")]
    Model { rule: String, source: crate::models::Error },
    #[error("cannot look up what severity and score depend on")]
    Weigh { source: Box<datafusion::error::DataFusionError> },
    #[error("cannot lay out test \"{test}\" of rule \"{rule}\": {reason}")]
    Test { rule: String, test: String, reason: String },
}
