//! The routes, one resource a file.

mod access;
pub mod accounts;
pub mod costs;
pub mod detectors;
pub mod events;
pub mod findings;
pub mod health;
pub mod identities;
pub mod leavers;
pub mod list;
pub mod rules;
pub mod runs;
pub mod sources;
