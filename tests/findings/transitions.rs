//! Every transition that a run can cause, as data.

use std::collections::BTreeMap;

use lychgate::domain::{Finding, Severity, Status, UtcMicros, Verdict};
use lychgate::findings::{
    By, Change, Coverage, Decision, Known, Ledger, RunFindings, Terms, Transition, Waiver, WaiverScope,
    fingerprint, reconcile,
};

use super::{day, evidence, finding, held, run};

/// What the run of day 10 says about the one finding.
#[derive(Clone, Copy)]
enum Says {
    Same,
    NewEvidence,
    Graver,
    Unknown,
    Pass,
    Nothing,
}

fn known(status: Status, verdict: Verdict, waived_until: Option<UtcMicros>) -> Known {
    let mut finding = finding("dormant", "crm", "a", "r1");
    let fingerprint = fingerprint(&finding);
    finding.status = status;
    finding.verdict = verdict;
    finding.first_seen_at = Some(day(1));
    finding.last_seen_at = Some(day(9));
    Known { finding, fingerprint, waived_until, assigned: false }
}

fn said(says: Says) -> Vec<Finding> {
    let mut finding = finding("dormant", "crm", "a", "r1");
    match says {
        Says::Same => {}
        Says::NewEvidence => finding.evidence = vec![evidence("r2")],
        Says::Graver => finding.severity = Severity::High,
        Says::Unknown => {
            finding.verdict = Verdict::Unknown;
            finding.evidence.clear();
        }
        Says::Pass => finding.verdict = Verdict::Pass,
        Says::Nothing => return Vec::new(),
    }
    vec![finding]
}

fn step(known: &[Known], coverage: Option<Coverage>, findings: &[Finding]) -> Vec<Transition> {
    let coverage: Vec<_> = coverage.into_iter().map(|coverage| ("dormant", coverage)).collect();
    let run = run(day(10), &coverage);
    reconcile(known, &RunFindings { run: &run, findings, waivers: &[] }, day(10))
}

fn stale(app: &str) -> Option<Coverage> {
    Some(Coverage::IncompleteApps(BTreeMap::from([(app.to_owned(), format!("{app} is stale"))])))
}

fn check(given: (Option<Known>, Option<Coverage>, Says), expect: Option<(Change, Status, Verdict, &str)>) {
    let (known, coverage, says) = given;
    let what = format!("{:?} {coverage:?}", known.as_ref().map(|k| (k.finding.status, k.waived_until)));
    let steps = step(&known.into_iter().collect::<Vec<_>>(), coverage, &said(says));
    let got =
        steps.first().map(|t| (t.change, t.known.finding.status, t.known.finding.verdict, t.reason.as_str()));
    assert_eq!(got, expect, "{what}");
}

/// A wrong cell is a finding that vanishes without cause, or one that nags for ever.
#[test]
fn each_state_meets_each_answer() {
    use Change::{Confirmed, Doubted, Opened, Reopened, Resolved, StillOpen, Superseded};
    use Status::{AcceptedRisk, Acknowledged, InProgress, Open};
    use Verdict::{Fail, Pass, Unknown};
    let complete = || Some(Coverage::Complete);
    let broken = || Some(Coverage::Incomplete("roster is stale".to_owned()));
    let not_run = || Some(Coverage::NotRun("it failed".to_owned()));
    let off = || Some(Coverage::Off);
    let fails = |status| Some(known(status, Fail, None));
    let waived = |until| Some(known(AcceptedRisk, Fail, Some(day(until))));

    // New subjects.
    check((None, complete(), Says::Same), Some((Opened, Open, Fail, "condition_holds")));
    check((None, broken(), Says::Unknown), Some((Opened, Open, Unknown, "verdict_unknown")));
    check((None, complete(), Says::Pass), None);
    check((None, off(), Says::Same), None);

    // Still there.
    for status in [Open, Acknowledged, InProgress] {
        check((fails(status), complete(), Says::Same), Some((StillOpen, status, Fail, "condition_holds")));
        check((fails(status), broken(), Says::Unknown), Some((Doubted, status, Unknown, "verdict_unknown")));
        check(
            (Some(known(status, Unknown, None)), complete(), Says::Same),
            Some((Confirmed, status, Fail, "condition_holds")),
        );
    }
    check((waived(20), complete(), Says::Same), Some((StillOpen, AcceptedRisk, Fail, "condition_holds")));

    // Evidence changed: what was decided on is no longer what there is.
    for says in [Says::NewEvidence, Says::Graver] {
        check((fails(Open), complete(), says), Some((StillOpen, Open, Fail, "condition_holds")));
        check((fails(InProgress), complete(), says), Some((StillOpen, InProgress, Fail, "condition_holds")));
        check((fails(Acknowledged), complete(), says), Some((Reopened, Open, Fail, "evidence_changed")));
        check((waived(20), complete(), says), Some((Reopened, Open, Fail, "evidence_changed")));
    }

    // Waivers end: exactly at their end, whether or not the detector speaks.
    check((waived(10), complete(), Says::Same), Some((Reopened, Open, Fail, "waiver_expired")));
    check((waived(10), None, Says::Nothing), Some((Reopened, Open, Fail, "waiver_expired")));
    check((waived(10), broken(), Says::Nothing), Some((Reopened, Open, Unknown, "waiver_expired")));
    check(
        (waived(10), complete(), Says::Nothing),
        Some((Resolved, Status::Resolved, Pass, "condition_cleared")),
    );
    check((fails(AcceptedRisk), complete(), Says::Same), Some((Reopened, Open, Fail, "waiver_expired")));
    check((waived(11), None, Says::Nothing), None);

    // Gone: resolved only where silence is an answer.
    let cleared = Some((Resolved, Status::Resolved, Pass, "condition_cleared"));
    let doubted = |status| Some((Doubted, status, Unknown, "verdict_unknown"));
    for status in [Open, Acknowledged, InProgress] {
        for says in [Says::Nothing, Says::Pass] {
            check((fails(status), complete(), says), cleared);
            check((fails(status), stale("erp"), says), cleared);
            check((fails(status), stale("crm"), says), doubted(status));
            check((fails(status), broken(), says), doubted(status));
            check((fails(status), not_run(), says), doubted(status));
            check((fails(status), None, says), None);
        }
        check(
            (fails(status), off(), Says::Same),
            Some((Superseded, Status::Superseded, Fail, "detector_off")),
        );
    }

    // Back again.
    for says in [Says::Same, Says::NewEvidence] {
        check(
            (Some(known(Status::Resolved, Pass, None)), complete(), says),
            Some((Reopened, Open, Fail, "condition_returned")),
        );
        check((fails(Status::Superseded), complete(), says), Some((Reopened, Open, Fail, "detector_on")));
    }
    check((fails(Status::Resolved), complete(), Says::Nothing), None);
    check((fails(Status::Superseded), off(), Says::Nothing), None);
}

/// Where its evidence names the listings, one of another application that nobody exports would keep it open for ever.
#[test]
fn a_finding_without_an_application_rests_on_the_listings_of_its_evidence() {
    let mut known = known(Status::Open, Verdict::Fail, None);
    known.finding.app = None;
    known.finding.account = None;
    known.finding.evidence = vec![evidence("crm/a/r1")];
    let change = |app| step(std::slice::from_ref(&known), stale(app), &[])[0].change;
    assert_eq!(change("crm"), Change::Doubted);
    assert_eq!(change("wiki"), Change::Resolved);
}

/// A finding about a person names no application: if any application is stale, its
/// silence would end, for example, a leaver's finding that rests on that application.
#[test]
fn a_finding_without_an_application_is_doubted_when_any_is_stale() {
    let mut known = known(Status::Open, Verdict::Fail, None);
    known.finding.app = None;
    known.finding.account = None;
    let steps = step(&[known], stale("erp"), &[]);
    assert_eq!(steps[0].change, Change::Doubted);
    assert_eq!(steps[0].known.finding.unknown_because.as_deref(), Some("erp is stale"));
}

/// Running twice would move deadlines, forget when a finding began or drop its owner.
#[test]
fn a_second_run_moves_only_the_last_seen_time() {
    let mut before = known(Status::Acknowledged, Verdict::Fail, None);
    before.finding.due_at = Some(day(3));
    let first = step(&[before.clone()], Some(Coverage::Complete), &said(Says::Same));
    let mut expect = before.clone();
    expect.finding.last_seen_at = Some(day(10));
    assert_eq!(first[0].known, expect);
    let again = step(&[first[0].known.clone()], Some(Coverage::Complete), &said(Says::Same));
    assert_eq!(again[0].change, Change::StillOpen);
    assert_eq!(again[0].known, expect);
}

/// A detector that answers twice must not let the milder answer win by its place.
#[test]
fn of_two_answers_about_one_subject_the_graver_counts() {
    let mut answers = [said(Says::Unknown), said(Says::Graver), said(Says::Same)].concat();
    for _ in 0..3 {
        answers.rotate_left(1);
        let steps = step(&[], Some(Coverage::Complete), &answers);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].known.finding.severity, Severity::High);
    }
}

/// A waiver on a subject covers findings to come, but a critical one never for a year.
#[test]
fn a_waiver_on_a_subject_meets_findings_to_come() {
    let check = |severity: Severity, at: i64, expect: Option<UtcMicros>| {
        let mut finding = finding("dormant", "crm", "a", "r1");
        finding.severity = severity;
        let scope = WaiverScope::Subject { detector: "dormant".to_owned(), subject_id: "crm/a".to_owned() };
        let (reason, actor, approver) = ("migration".to_owned(), "ada".to_owned(), "bo".to_owned());
        let waiver = Waiver { scope, reason, actor, approver, created_at: day(0), until: day(300) };
        let run = run(day(at), &[("dormant", Coverage::Complete)]);
        let steps =
            reconcile(&[], &RunFindings { run: &run, findings: &[finding], waivers: &[waiver] }, day(at));
        assert_eq!(steps[0].known.waived_until, expect);
        let status = if expect.is_some() { Status::AcceptedRisk } else { Status::Open };
        assert_eq!(steps[0].known.finding.status, status);
    };
    check(Severity::High, 10, Some(day(300)));
    check(Severity::High, 300, None);
    check(Severity::Critical, 10, Some(day(180)));
    check(Severity::Critical, 180, None);
}

/// If wording or order counted as evidence, every acknowledgement would end overnight.
#[test]
fn the_fingerprint_sees_facts_and_not_words() {
    let base = finding("dormant", "crm", "a", "r1");
    let check = |change: &dyn Fn(&mut Finding), same: bool| {
        let mut other = base.clone();
        other.evidence.push(evidence("r2"));
        let before = fingerprint(&other);
        change(&mut other);
        assert_eq!(fingerprint(&other) == before, same);
    };
    check(&|f| f.evidence.reverse(), true);
    check(&|f| f.explanation = "Unused for 31 days.".to_owned(), true);
    check(&|f| f.evidence[0].says = "31 days".to_owned(), true);
    check(&|f| f.score = 51.0, true);
    check(&|f| f.evidence[0].event_id = Some("e1".to_owned()), false);
    check(&|f| f.evidence[0].key = "r3".to_owned(), false);
    check(&|f| f.severity = Severity::Critical, false);
    check(&|f| f.evidence.truncate(1), false);
}

/// Else a match would be closed by the next run that does not see its event, come back with every copy of
/// it, or stay for ever where nobody decides.
#[tokio::test]
async fn an_occurrence_ends_by_decision_or_age_and_never_opens_twice() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("state.db"), "acme").await.unwrap();
    let occurrence =
        |event: &str| Finding { ages_out_at: Some(day(90)), ..finding("sigma/one", "okta", event, event) };
    let events = ["left", "decided", "done", "waived"];
    let found = events.map(occurrence);
    let at = |n: i64| run(day(n), &[("sigma/one", Coverage::Complete)]);
    assert_eq!(ledger.record_run(&at(1), &held(&found), day(1)).await.unwrap().counts.opened, 4);
    let by = By::new("ada", "looked at it");
    let terms = Terms { approver: "bo".to_owned(), until: day(100) };
    for (event, decision) in
        [("decided", Decision::Acknowledge), ("done", Decision::Resolve), ("waived", Decision::Waive(terms))]
    {
        ledger.decide(&occurrence(event).finding_id, &decision, &by, day(2)).await.unwrap();
    }
    let standing = async || {
        let ids = events.map(|event| occurrence(event).finding_id);
        let known = ledger.statuses(&ids.each_ref().map(String::as_str)).await.unwrap();
        ids.map(|id| known[&id])
    };
    use Status::{AcceptedRisk, Acknowledged, Open, Resolved, Superseded};
    // Neither silence, nor the same events with other evidence, nor a detector that is off moves one.
    let again = events.map(|event| Finding { evidence: vec![evidence("other")], ..occurrence(event) });
    let off = run(day(5), &[("sigma/one", Coverage::Off)]);
    for (run, found) in [(at(3), &[][..]), (at(4), &again[..]), (off, &[][..]), (at(89), &found[..])] {
        let changes = ledger.record_run(&run, &held(found), run.as_of).await.unwrap();
        assert_eq!(changes.transitions, [], "{}", run.run_id);
        assert_eq!(standing().await, [Open, Acknowledged, Resolved, AcceptedRisk]);
    }
    // To the day: what nobody decided on ends, and not as if it had passed.
    ledger.record_run(&at(90), &held(&found), day(90)).await.unwrap();
    assert_eq!(standing().await, [Superseded, Acknowledged, Resolved, AcceptedRisk]);
    let aged = ledger.events(&occurrence("left").finding_id).await.unwrap();
    assert_eq!(
        aged.last().map(|event| (event.reason.as_str(), event.verdict)),
        Some(("aged_out", Verdict::Fail))
    );
    // A waiver ends when it was said to, and the event is a person's again.
    ledger.record_run(&at(100), &held(&found), day(100)).await.unwrap();
    assert_eq!(standing().await, [Superseded, Acknowledged, Resolved, Open]);
}
