//! What people may decide, as data.

use lychgate::domain::finding::Owner;
use lychgate::domain::{Severity, Status, Verdict};
use lychgate::findings::{By, Change, Decision, Known, Refusal, Terms, decide, fingerprint};

use super::{day, finding};

fn known(status: Status, severity: Severity) -> Known {
    let mut finding = finding("dormant", "crm", "a", "r1");
    finding.status = status;
    finding.severity = severity;
    let fingerprint = fingerprint(&finding);
    let waived_until = (status == Status::AcceptedRisk).then(|| day(90));
    Known { finding, fingerprint, waived_until, assigned: false }
}

fn owner() -> Owner {
    Owner { id: "p7".to_owned(), name: None, email: None, decided_by: "assigned by ada".to_owned() }
}

fn waive(approver: &str, days: i64) -> Decision {
    Decision::Waive(Terms { approver: approver.to_owned(), until: day(days) })
}

/// A wrong cell lets somebody close what is not theirs to close, or blocks the right move.
#[test]
fn each_decision_fits_some_states() {
    use Status::{AcceptedRisk, Acknowledged, InProgress, Open, Resolved, Superseded};
    let check = |decision: &Decision, expect: [Option<Status>; 6]| {
        let states = [Open, Acknowledged, InProgress, AcceptedRisk, Resolved, Superseded];
        for (status, expect) in states.into_iter().zip(expect) {
            let by = By::new("ada", "seen in review");
            let got = decide(&known(status, Severity::Medium), decision, &by, day(0));
            assert_eq!(got.ok().map(|t| t.known.finding.status), expect, "{decision:?} on {status:?}");
        }
    };
    let to = Some;
    check(&Decision::Acknowledge, [to(Acknowledged), None, None, None, None, None]);
    let assign = Decision::Assign { owner: owner() };
    check(&assign, [to(InProgress), to(InProgress), to(InProgress), None, None, None]);
    let nobody = Decision::Assign { owner: Owner { id: " ".to_owned(), ..owner() } };
    check(&nobody, [None; 6]);
    check(&Decision::Resolve, [to(Resolved), to(Resolved), to(Resolved), to(Resolved), None, None]);
    check(&Decision::Reopen, [None, to(Open), to(Open), to(Open), to(Open), to(Open)]);
    let risk = to(AcceptedRisk);
    check(&waive("bo", 30), [risk, risk, risk, risk, None, None]);
}

/// Risk accepted by oneself, for ever or without a reason is what auditors look for first.
#[test]
fn a_waiver_needs_reason_another_approver_and_an_end() {
    let check = |severity: Severity, by: (&str, &str), decision: Decision, expect: Result<(), Refusal>| {
        let got = decide(&known(Status::Open, severity), &decision, &By::new(by.0, by.1), day(0));
        assert_eq!(got.map(|_| ()), expect);
    };
    let why = ("ada", "migration");
    let own = || Err(Refusal::OwnApproval { actor: "ada".to_owned() });
    check(Severity::High, why, waive("bo", 365), Ok(()));
    check(Severity::High, why, waive("bo", 0), Err(Refusal::Past { until: day(0) }));
    check(Severity::High, why, waive(" ", 30), Err(Refusal::NoApprover));
    check(Severity::High, why, waive("ada", 30), own());
    check(Severity::High, why, waive(" ADA ", 30), own());
    check(Severity::High, ("ada", "  "), waive("bo", 30), Err(Refusal::NoReason));
    check(Severity::High, ("", "migration"), waive("bo", 30), Err(Refusal::NoActor));
    check(Severity::Low, ("ada", ""), Decision::Resolve, Err(Refusal::NoReason));
    let long = |severity, days_max| Err(Refusal::TooLong { severity, days_max, latest: day(days_max) });
    check(Severity::High, why, waive("bo", 366), long(Severity::High, 365));
    check(Severity::Critical, why, waive("bo", 180), Ok(()));
    check(Severity::Critical, why, waive("bo", 181), long(Severity::Critical, 180));
}

/// An assignment that the next run undoes would send work back to the wrong desk.
#[test]
fn an_assigned_owner_is_kept_and_a_waiver_ends_with_any_other_decision() {
    let by = By::new("ada", " handed over ");
    let assigned =
        decide(&known(Status::Open, Severity::Low), &Decision::Assign { owner: owner() }, &by, day(0))
            .unwrap();
    assert!(assigned.known.assigned);
    assert_eq!(assigned.known.finding.owner, Some(owner()));
    assert_eq!((assigned.change, assigned.reason.as_str()), (Change::Assigned, "handed over"));
    let waived = known(Status::AcceptedRisk, Severity::Low);
    for decision in [Decision::Resolve, Decision::Reopen] {
        let after = decide(&waived, &decision, &by, day(0)).unwrap();
        assert_eq!(after.known.waived_until, None);
        assert_eq!(after.known.finding.verdict, Verdict::Fail);
    }
}
