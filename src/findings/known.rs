//! What the ledger knows of a finding, the transitions it goes through, and the waivers
//! that cover it. Plain values: how they change is in `reconcile` and `decide`, how they
//! are stored in `write` and `read`.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::digest;
use crate::domain::{Finding, Status, UtcMicros, Verdict};

/// A finding as the ledger holds it; its status is in `finding.status`.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub finding: Finding,
    /// The evidence when the finding last failed (see [`fingerprint`]).
    pub fingerprint: String,
    /// Set while the status is `accepted_risk`.
    pub waived_until: Option<UtcMicros>,
    /// A person named the owner, so owner rules no longer replace them.
    pub assigned: bool,
}

/// A finding with the number of transitions it has gone through.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub known: Known,
    /// Grows with every transition; two readers that see one revision see one status.
    pub revision: u64,
}

/// One step of a finding, and what it is afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub from: Option<Status>,
    pub change: Change,
    /// A stable word for steps of a run (`condition_cleared`), a sentence for decisions.
    pub reason: String,
    pub known: Known,
}

/// One step that a run made.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub finding_id: String,
    pub subject_id: String,
    pub from: Option<Status>,
    pub change: Change,
    /// A stable word, as in [`Transition`].
    pub reason: String,
}

impl Step {
    pub(super) fn of(transition: &Transition) -> Step {
        let Transition { from, change, reason, known } = transition;
        Step {
            finding_id: known.finding.finding_id.clone(),
            subject_id: known.finding.subject.id.clone(),
            from: *from,
            change: *change,
            reason: reason.clone(),
        }
    }
}

/// What kind of step it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Opened,
    /// Seen again, or still not answerable: no event, nothing to tell anybody.
    StillOpen,
    Reopened,
    Resolved,
    Superseded,
    /// Failed before, cannot be answered now; it stays open.
    Doubted,
    /// Could not be answered before, fails now.
    Confirmed,
    Acknowledged,
    Assigned,
    Waived,
}

impl Change {
    const WORDS: [(Change, &'static str); 10] = [
        (Change::Opened, "opened"),
        (Change::StillOpen, "still_open"),
        (Change::Reopened, "reopened"),
        (Change::Resolved, "resolved"),
        (Change::Superseded, "superseded"),
        (Change::Doubted, "doubted"),
        (Change::Confirmed, "confirmed"),
        (Change::Acknowledged, "acknowledged"),
        (Change::Assigned, "assigned"),
        (Change::Waived, "waived"),
    ];

    pub fn as_str(self) -> &'static str {
        Change::WORDS.iter().find(|(change, _)| *change == self).map_or("", |(_, word)| word)
    }

    pub fn parse(text: &str) -> Option<Change> {
        Change::WORDS.iter().find(|(_, word)| *word == text).map(|(change, _)| *change)
    }
}

/// A transition as history shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingEvent {
    pub seq: i64,
    pub finding_id: String,
    pub at: UtcMicros,
    pub change: Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Status>,
    pub to: Status,
    pub verdict: Verdict,
    pub reason: String,
    /// A person, or `lychgate` for what a run did.
    pub actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Who has it in hand from then on; absent of other steps, and of those of older ledgers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

/// Accepted risk with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiver {
    pub scope: WaiverScope,
    pub reason: String,
    pub actor: String,
    pub approver: String,
    pub created_at: UtcMicros,
    pub until: UtcMicros,
}

/// What a waiver covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "scope")]
pub enum WaiverScope {
    Finding {
        finding_id: String,
    },
    /// Every finding of one detector about one subject, those to come included.
    Subject {
        detector: String,
        subject_id: String,
    },
}

impl WaiverScope {
    pub fn covers(&self, finding: &Finding) -> bool {
        match self {
            WaiverScope::Finding { finding_id } => *finding_id == finding.finding_id,
            WaiverScope::Subject { detector, subject_id } => {
                *detector == finding.detector && *subject_id == finding.subject.id
            }
        }
    }
}

/// Identifies what a finding rests on: the severity and the rows (table, key, event) of
/// its evidence in any order, as 32 hex digits. Wording, ages and times are left out,
/// because they move from run to run while the facts stand still.
pub fn fingerprint(finding: &Finding) -> String {
    let mut rows: Vec<_> =
        finding.evidence.iter().map(|e| (&e.table, &e.key, e.event_id.as_deref().unwrap_or(""))).collect();
    rows.sort();
    rows.dedup();
    let mut hash = Sha256::new();
    hash.update(finding.severity.as_str());
    for (table, key, event_id) in rows {
        for part in [table.as_str(), key.as_str(), event_id] {
            digest::add(&mut hash, part);
        }
    }
    digest::id(hash)
}

/// The application that a finding is about, where it is about one.
pub(super) fn app_id(finding: &Finding) -> Option<&str> {
    let account = finding.account.as_ref().map(|account| &account.app);
    finding.app.as_ref().map(|app| &app.id).or(account).map(String::as_str)
}
