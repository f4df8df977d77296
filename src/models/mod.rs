//! The typed face of `models/`: rules, profiles and verb tables as they are shipped.
//!
//! Takes YAML text and gives checked Rust values. It runs nothing: `detect` binds and
//! runs a rule, and `check` only says what is wrong with the text of one.

mod builtin;
pub mod check;
pub mod costs;
pub mod profile;
pub mod risk;
pub mod rule;
pub mod semantics;
pub mod sigma;
pub mod value;
pub mod verbs;

pub use builtin::{builtin_profiles, builtin_rules, builtin_texts, is_built_in, profile};
pub use costs::CostModel;
pub use profile::{Profile, Setting};
pub use risk::{RiskModel, risk_model};
pub use rule::{Rule, parse_rule};
pub use semantics::{Dialect, Semantics};
pub use value::{Interval, Param, Value};

/// What is wrong with a model file, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("cannot read model {file}:{line}: {reason}")]
    Parse { file: String, line: u64, reason: String },
    #[error("model {file}:{line} is not acceptable: {reason}")]
    Invalid { file: String, line: u64, reason: String },
    #[error("cannot find profile \"{id}\"; there are {known}")]
    UnknownProfile { id: String, known: String },
}

/// Reads YAML and turns the reader's complaint into an [`Error`] with file and line.
pub(crate) fn parse_yaml<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| Error::Parse {
        file: file.to_owned(),
        line: error.location().map_or(1, |location| location.line()),
        reason: error.to_string(),
    })
}
