//! What people decide about findings, and which decisions are refused. Pure; who may
//! decide at all (roles) is the API's business.

use jiff::SignedDuration;

use super::{Change, Known, Transition};
use crate::domain::finding::Owner;
use crate::domain::{Severity, Status, UtcMicros};

/// A decision about one finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is seen and true; work has not begun.
    Acknowledge,
    /// Someone has it in hand from now on.
    Assign { owner: Owner },
    /// It is done with. A run that still finds it opens it again.
    Resolve,
    /// Back to open, whatever it was.
    Reopen,
    /// The risk is accepted until an instant.
    Waive(Terms),
}

/// On which terms risk is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub approver: String,
    pub until: UtcMicros,
}

/// Who decides, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub actor: String,
    pub reason: String,
    /// Decides only if the finding still has this revision.
    pub if_revision: Option<u64>,
}

impl By {
    pub fn new(actor: impl Into<String>, reason: impl Into<String>) -> By {
        By { actor: actor.into(), reason: reason.into(), if_revision: None }
    }
}

/// Why a decision is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a decision needs an actor")]
    NoActor,
    #[error("a decision needs a reason")]
    NoReason,
    #[error("an assignment needs the id or e-mail address of a person")]
    NoOwner,
    #[error("a waiver needs an approver")]
    NoApprover,
    #[error("a waiver needs an approver other than \"{actor}\", who asks for it")]
    OwnApproval { actor: String },
    #[error("a waiver must end after now, not at {until}")]
    Past { until: UtcMicros },
    #[error("a waiver for {} severity may last {days_max} days at most, until {latest}", severity.as_str())]
    TooLong { severity: Severity, days_max: i64, latest: UtcMicros },
    #[error("it is {}: {remedy}", status.as_str())]
    Status { status: Status, remedy: &'static str },
    #[error("the waiver names no detector or no subject")]
    NoScope,
}

/// The longest waiver in days: 365, for critical findings 180 (detectors reference §4).
pub fn waiver_days_max(severity: Severity) -> i64 {
    if severity == Severity::Critical { 180 } else { 365 }
}

/// Gives the transition that a decision makes.
///
/// # Errors
/// A missing actor, reason or assignee, a waiver without another person's approval or with an end
/// that is past or too far, and a decision that does not fit the finding's status.
pub fn decide(known: &Known, decision: &Decision, by: &By, now: UtcMicros) -> Result<Transition, Refusal> {
    check_by(by)?;
    let from = known.finding.status;
    check_status(from, decision)?;
    let mut next = known.clone();
    next.waived_until = None;
    let (change, to) = match decision {
        Decision::Acknowledge => (Change::Acknowledged, Status::Acknowledged),
        Decision::Assign { owner } => {
            if owner.id.trim().is_empty() {
                return Err(Refusal::NoOwner);
            }
            next.finding.owner = Some(owner.clone());
            next.assigned = true;
            (Change::Assigned, Status::InProgress)
        }
        Decision::Resolve => (Change::Resolved, Status::Resolved),
        Decision::Reopen => (Change::Reopened, Status::Open),
        Decision::Waive(terms) => {
            check_waiver(by, terms, known.finding.severity, now)?;
            next.waived_until = Some(terms.until);
            (Change::Waived, Status::AcceptedRisk)
        }
    };
    next.finding.status = to;
    Ok(Transition { from: Some(from), change, reason: by.reason.trim().to_owned(), known: next })
}

fn check_by(by: &By) -> Result<(), Refusal> {
    if by.actor.trim().is_empty() {
        return Err(Refusal::NoActor);
    }
    if by.reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    Ok(())
}

fn check_status(status: Status, decision: &Decision) -> Result<(), Refusal> {
    let refused = |remedy| Err(Refusal::Status { status, remedy });
    match (decision, status) {
        (Decision::Reopen, Status::Open) => refused("there is nothing to reopen"),
        (Decision::Reopen, _) => Ok(()),
        (_, Status::Resolved | Status::Superseded) => refused("reopen it first"),
        (Decision::Acknowledge, Status::Acknowledged | Status::InProgress) => {
            refused("it needs no acknowledgement")
        }
        (Decision::Acknowledge | Decision::Assign { .. }, Status::AcceptedRisk) => {
            refused("reopen it first, which ends the waiver")
        }
        _ => Ok(()),
    }
}

/// Checks the terms of a waiver for findings up to `severity`.
pub(super) fn check_waiver(
    by: &By,
    terms: &Terms,
    severity: Severity,
    now: UtcMicros,
) -> Result<(), Refusal> {
    check_by(by)?;
    let (approver, until) = (terms.approver.trim(), terms.until);
    if approver.is_empty() {
        return Err(Refusal::NoApprover);
    }
    // Four eyes: accepting one's own risk is what separation of duties forbids.
    if approver.to_lowercase() == by.actor.trim().to_lowercase() {
        return Err(Refusal::OwnApproval { actor: by.actor.trim().to_owned() });
    }
    if until <= now {
        return Err(Refusal::Past { until });
    }
    let days_max = waiver_days_max(severity);
    let latest = now.plus(SignedDuration::from_hours(24 * days_max));
    if until > latest {
        return Err(Refusal::TooLong { severity, days_max, latest });
    }
    Ok(())
}
