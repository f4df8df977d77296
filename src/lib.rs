//! Lychgate: who has access that they should not have, since when, who must act.
//!
//! The rooms and their floors are drawn in `docs/architecture.md`; imports point down only.

pub mod cli;
pub mod detect;
pub mod domain;
pub mod findings;
pub mod ingest;
pub mod models;
pub mod normalize;
pub mod notify;
pub mod pipeline;
pub mod query;
pub mod scim;
pub mod serve;
pub mod simulate;
pub mod state;
pub mod store;
