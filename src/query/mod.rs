//! One DataFusion session at an instant (`as_of`) and a state of knowledge (`known_at`),
//! with the base tables of the lake and the views that every question starts from.
//!
//! Takes table providers, gives named views and record batches. It does not know what an
//! account is: spans are made one floor up, in `state`.

mod changes;
mod compact;
pub mod feeds;
mod guard;
mod json;
mod keys;
mod on_demand;
mod opening;
mod packed;
mod packed_codes;
mod packed_column;
mod packed_filter;
mod packed_later;
mod packed_scan;
mod packed_table;
mod parts;
mod registers;
mod rows;
mod session;
mod texts;
pub mod trust;
mod uses;
mod whole_counts;

pub use json::json_rows;
pub use keys::{Keys, NumberSet};
pub use opening::{ALL_DAYS, Base, CHANGES, KEPT, STANDING_EXCEPTIONS, Tables};
pub use packed_later::Elsewhere;
pub use packed_table::{PackedTable, Packer, times};
pub use parts::{PART_ROWS, Parts, failed, parts};
pub use rows::{Rows, Texts, Times};
pub use session::{At, Session};
pub use texts::{NONE, Numbered, Written};

/// What can go wrong while asking.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot plan {name}")]
    Plan { name: String, source: Box<datafusion::error::DataFusionError> },
    #[error("cannot run query \"{name}\"")]
    Run { name: String, source: Box<datafusion::error::DataFusionError> },
    #[error("the answer has two columns \"{column}\": give one an alias, as in {column} AS other_{column}")]
    RepeatedColumn { column: String },
    #[error("column \"{column}\" is missing from \"{name}\"")]
    MissingColumn { name: String, column: String },
    #[error("cannot read column \"{column}\" as {wanted}")]
    ColumnType { column: String, wanted: &'static str, source: arrow::error::ArrowError },
    #[error("cannot read line \"{key}\" of register \"{register}\"")]
    RegisterLine { register: &'static str, key: String, source: serde_json::Error },
    #[error("cannot read \"{text}\" in column \"{column}\" of register \"{register}\"")]
    RegisterCell { register: &'static str, column: &'static str, text: String },
}
