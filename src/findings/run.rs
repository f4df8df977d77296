//! One run as the ledger sees it: when, over what, and which detectors answered for
//! which part of the world. Holds no findings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Change, Step, Transition};
use crate::domain::{UtcMicros, Verdict};

/// A finished run of detectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub run_id: String,
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub profile: String,
    pub started_at: UtcMicros,
    pub finished_at: UtcMicros,
    pub exit_code: u8,
    /// By detector id. A detector that is not named was not asked in this run, and its
    /// findings stay as they are.
    pub coverage: BTreeMap<String, Coverage>,
}

impl Run {
    /// A run in which no detector was asked: only time passes.
    pub(super) fn idle(now: UtcMicros) -> Run {
        Run {
            run_id: String::new(),
            as_of: now,
            known_at: now,
            profile: String::new(),
            started_at: now,
            finished_at: now,
            exit_code: 0,
            coverage: BTreeMap::new(),
        }
    }
}

/// For which part of the world a detector's silence means that a condition is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It ran, and every source that it needs was complete.
    Complete,
    /// It ran, but the sources of these applications were not complete: application id
    /// to reason.
    IncompleteApps(BTreeMap<String, String>),
    /// It ran, but a source that all its answers need was not complete.
    Incomplete(String),
    /// It was due and did not run, or failed.
    NotRun(String),
    /// Its rule is there no more, so nothing can ask for it again.
    Off,
}

/// Whether a run speaks about now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// It is recorded and moves findings.
    Current,
    /// It asked about an instant before the last recorded run, or with the knowledge of
    /// then. Its answer is true of the past and decides nothing now: not recorded.
    Historic,
    /// It asked about an instant that has not come, or with the knowledge of then, so it would
    /// make every later run of today a historic one: not recorded.
    Future,
}

impl RunKind {
    /// Tells by comparing with `last`, the (`as_of`, `known_at`) of the newest recorded run that
    /// is not about what comes after `now`.
    pub fn of(run: &Run, last: Option<(UtcMicros, UtcMicros)>, now: UtcMicros) -> RunKind {
        if run.as_of > now || run.known_at > now {
            return RunKind::Future;
        }
        match last {
            Some((as_of, known_at)) if run.as_of < as_of || run.known_at < known_at => RunKind::Historic,
            _ => RunKind::Current,
        }
    }
}

/// How many findings a run moved, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub opened: u64,
    pub reopened: u64,
    pub still_open: u64,
    pub resolved: u64,
    pub superseded: u64,
    /// Findings of this run or kept from earlier ones whose verdict is now unknown.
    pub unknown: u64,
}

impl Counts {
    /// Counts a transition.
    pub(super) fn add(&mut self, transition: &Transition) {
        match transition.change {
            Change::Opened => self.opened += 1,
            Change::Reopened => self.reopened += 1,
            Change::Resolved => self.resolved += 1,
            Change::Superseded => self.superseded += 1,
            _ => self.still_open += 1,
        }
        let ended = matches!(transition.change, Change::Resolved | Change::Superseded);
        self.unknown += u64::from(!ended && transition.known.finding.verdict == Verdict::Unknown);
    }
}

/// What recording a run changed. `transitions` leaves out findings that merely stayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    pub kind: RunKind,
    pub counts: Counts,
    pub transitions: Vec<Step>,
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    pub run_id: String,
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub profile: String,
    pub started_at: UtcMicros,
    pub finished_at: UtcMicros,
    pub exit_code: u8,
    pub counts: Counts,
}
