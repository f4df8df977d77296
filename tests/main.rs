//! The one test binary. One file a stage; `flow` goes through all of them.

mod backtest;
mod completeness;
mod config;
mod costs;
mod faults;
mod findings;
mod flow;
mod golden_cases;
mod ingest;
mod learned;
mod leavers;
mod link;
mod misconfiguration;
mod models;
mod normalize_audit;
mod normalize_baton;
mod normalize_idp;
mod normalize_scim;
mod profiles;
mod readers;
mod recognise;
mod registers;

mod rules;
mod s3;
mod scim;
mod score;
mod semantics;
mod serve;
mod sigma;
mod simulate;
mod state;
mod store;
mod support;
mod tables;
mod tidy;
