//! What many findings have in common.

use lychgate::detect::causes::{Cause, roll_up};
use lychgate::domain::{Finding, UtcMicros, Verdict};
use lychgate::models::builtin_rules;

use super::{day, finding, held};

fn at(detector: &str, app: &str, account: &str, since: UtcMicros) -> Finding {
    Finding { since: Some(since), ..finding(detector, app, account, "row") }
}

fn unknown(account: &str, because: &str) -> Finding {
    Finding {
        verdict: Verdict::Unknown,
        unknown_because: Some(because.to_owned()),
        cause: Some(because.to_owned()),
        ..finding("dormant_account", "crm", account, "row")
    }
}

/// The causes, and for each finding whether it has one and whether it is held.
fn check(given: Vec<Finding>, causes: &[(&str, usize)], findings: &[(bool, bool)]) {
    let mut given = held(&given);
    let rolled = roll_up(&mut given, &builtin_rules().unwrap()).unwrap();
    let told: Vec<(&str, usize)> =
        rolled.iter().map(|Cause { says, findings, .. }| (says.as_str(), *findings)).collect();
    assert_eq!(told, causes);
    let given: Vec<Finding> = given.iter().map(Result::unwrap).collect();
    let found: Vec<(bool, bool)> =
        given.iter().map(|finding| (finding.cause.is_some(), finding.held_because.is_some())).collect();
    assert_eq!(found, findings, "{given:?}");
}

const ROOT: &str = "DOR-01 crm/app: Enabled account that nobody uses";
const HOUR: i64 = 3_600_000_000;

/// If it failed, one dead token would be four hundred findings, each sent to somebody.
#[test]
fn what_a_broken_connection_leaves_undone_has_one_cause() {
    let job = || at("job_quarantined", "crm", "app", day(0));
    let failed = |account: &str, app: &str, since: UtcMicros| at("deprovision_failed", app, account, since);
    check(
        vec![job(), failed("a1", "crm", day(3)), failed("a2", "crm", day(40))],
        &[(ROOT, 2)],
        &[(false, false), (true, false), (true, false)],
    );
    // Another application, or long before the job broke: another cause. An hour is slack.
    let (slack, before) = (UtcMicros(day(0).0 - HOUR), UtcMicros(day(0).0 - HOUR - 1));
    check(
        vec![job(), failed("a1", "erp", day(3)), failed("a2", "crm", slack), failed("a3", "crm", before)],
        &[],
        &[(false, false), (false, false), (true, false), (false, false)],
    );
    // What is not decided causes nothing, and a rule that has nothing to do with jobs is not caused.
    let doubtful = Finding { verdict: Verdict::Unknown, ..job() };
    check(vec![doubtful, failed("a1", "crm", day(3))], &[], &[(false, false), (false, false)]);
    check(vec![job(), at("no_sponsor", "crm", "a1", day(3))], &[], &[(false, false), (false, false)]);
}

/// If it failed, a truncated export would send people after accounts that were never deleted.
#[test]
fn what_a_suspected_feed_may_have_made_up_is_held() {
    let feed = || at("mass_change", "crm", "app", day(0));
    let gone = |account: &str, since: UtcMicros| at("hard_delete", "crm", account, since);
    check(
        vec![feed(), gone("a1", day(0)), gone("a2", day(1)), gone("a3", UtcMicros(day(1).0 + 1))],
        &[(ROOT, 2)],
        &[(false, false), (true, true), (true, true), (false, false)],
    );
    // A roster is of no application, and concerns them all.
    let roster = Finding { app: None, ..feed() };
    check(vec![roster, gone("a1", day(0))], &[], &[(false, false), (true, true)]);
}

/// If it failed, a missing log would be told once for every account there is.
#[test]
fn evidence_that_is_missing_is_one_cause() {
    let because = "no source reports sign-ins to this application";
    check(
        vec![unknown("a1", because), unknown("a2", because), unknown("a3", "the roster is old")],
        &[(because, 2)],
        &[(true, false), (true, false), (true, false)],
    );
}
