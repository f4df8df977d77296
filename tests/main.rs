//! The one test binary. One file a stage; `flow` goes through all of them.

mod config;
mod faults;
mod findings;
mod flow;
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
mod s3;
mod scim;
mod serve;
mod simulate;
mod state;
mod store;
mod support;
mod tables;
mod tidy;
