//! Lychgate: who has access that they should not have, since when, who must act.

pub mod domain;
pub mod query;
pub mod state;
