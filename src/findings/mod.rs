//! The findings ledger: what cannot be recomputed. It takes a run's findings and the
//! decisions of people, and gives the transitions that follow, the list of findings,
//! their history, the waivers, the runs, the API tokens, the audit of reads, what became of
//! batches whose sender did not wait, and rules of a company's own as they were last read.
//!
//! [`reconcile`] and [`decide`] are pure; [`Ledger`] keeps their outcome in one SQLite
//! file (write-ahead log, `synchronous=FULL`: what was acknowledged survives power
//! loss) and is the only home of sqlx. Times and randomness are arguments. It runs no
//! detector, reads no lake, and prints nothing.

mod audit;
mod batch;
mod columns;
mod deadlines;
mod decide;
mod filter;
mod finding_text;
mod known;
mod ledger;
mod predicate;
mod read;
mod reconcile;
mod record;
mod rules;
mod run;
mod token;
mod unresolved;
mod write;

use std::path::PathBuf;

pub use audit::Read;
pub use batch::{Batch, Load};
pub use deadlines::Overdue;
pub use decide::{By, Decision, Refusal, Terms, decide, waiver_days_max};
pub use filter::{Column, Cursor, Filter, FindingQuery, Op, Order, Page, Sort, Value};
pub use known::{Change, Entry, FindingEvent, Known, Step, Transition, Waiver, WaiverScope, fingerprint};
pub use ledger::Ledger;
pub use reconcile::{RunFindings, reconcile};
pub use rules::{Evaluated, RuleFile};
pub use run::{Changes, Counts, Coverage, Run, RunKind, RunRecord};
pub use token::{Scope, Token};

use crate::domain::PackError;

/// What went wrong in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open ledger \"{}\"", path.display())]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("cannot bring ledger \"{}\" to version {known}", path.display())]
    Migrate { path: PathBuf, known: i64, source: sqlx::migrate::MigrateError },
    #[error(
        "ledger \"{}\" has version {found}, newer than version {known} which this program knows: use the newer program",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("cannot {attempt} in the ledger")]
    Query { attempt: &'static str, source: sqlx::Error },
    #[error("cannot read or write {what} as JSON in the ledger")]
    Json { what: String, source: serde_json::Error },
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error("finding \"{finding_id}\" has a score that is not a finite number")]
    Score { finding_id: String },
    #[error("cannot read {what} \"{value}\" in the ledger")]
    Stored { what: &'static str, value: String },
    #[error("run \"{run_id}\" is recorded already")]
    RunRepeated { run_id: String },
    #[error("there is no finding \"{finding_id}\"")]
    NoFinding { finding_id: String },
    #[error("finding \"{finding_id}\" has revision {found}, not {expected}: someone else changed it")]
    Revision { finding_id: String, expected: u64, found: u64 },
    #[error("cannot decide on {on}")]
    Refused { on: String, source: Refusal },
    #[error("cannot filter findings: {reason}")]
    Filter { reason: String },
    #[error("the cursor belongs to another sort order")]
    Cursor,
    #[error("a token labelled \"{label}\" exists already")]
    TokenRepeated { label: String },
    #[error("token \"{label}\" must have a label and expire in the future")]
    TokenTerms { label: String },
}

impl Error {
    /// Whether another process holds the ledger longer than one waits for it.
    pub fn is_busy(&self) -> bool {
        // SQLITE_BUSY and SQLITE_LOCKED; the bits above the first eight say more closely why.
        let busy = |code: i32| [5, 6].contains(&(code & 0xff));
        match self {
            Error::Query { source: sqlx::Error::PoolTimedOut, .. } => true,
            Error::Query { source: sqlx::Error::Database(source), .. } => {
                source.code().and_then(|code| code.parse().ok()).is_some_and(busy)
            }
            _ => false,
        }
    }
}
