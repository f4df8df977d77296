//! One lake under two regimes, from files to what would change.

use std::cmp::Reverse;
use std::fs;

use lychgate::domain::{Severity, UtcMicros};
use lychgate::pipeline::{Comparison, DetectRequest, Engine, Reading};
use lychgate::query::At;

use crate::support::block_on;

const ROSTER: &str = "\
Employee ID,Full Name,Work Email,Department,Job Title,Hire Date,Termination Date
E100,Ada Park,ada@example.com,Engineering,Engineer,2020-01-15,
E101,Ben Ortiz,ben@example.com,Finance,Analyst,2021-03-01,
E102,Cleo Wang,cleo@example.com,Finance,Lead,2019-09-16,
";
/// Idle for 10, 41 and 181 days at the end of June.
const ACCOUNTS: &str = "\
User ID,Username,Full Name,Email,Status,Created Date,Last Login
u1,ada,Ada Park,ada@example.com,Active,2020-01-16,2026-06-20
u2,ben,Ben Ortiz,ben@example.com,Active,2021-03-02,2026-05-20
u3,cleo,Cleo Wang,cleo@example.com,Active,2019-09-17,2025-12-31
";

fn compared(profile: &str, other: &str) -> Comparison {
    block_on(async || {
        let folder = tempfile::tempdir().unwrap();
        let (roster, accounts) = (folder.path().join("roster.csv"), folder.path().join("accounts.csv"));
        fs::write(&roster, ROSTER).unwrap();
        fs::write(&accounts, ACCOUNTS).unwrap();
        let engine = Engine::new(&folder.path().join("data"), "acme");
        let reading = |name: &str| Reading {
            app: name.ends_with("accounts.csv").then(|| "crm".to_owned()),
            listed_at: UtcMicros::parse("2026-06-30T00:00:00Z"),
            ..Reading::default()
        };
        engine.ingest(&[roster, accounts], &reading, &mut |_| {}).await.unwrap();
        let as_of = UtcMicros::parse("2026-06-30T06:00:00Z").unwrap();
        let known_at = UtcMicros::parse("2100-01-01").unwrap();
        let request = DetectRequest {
            at: At { as_of, known_at },
            profile: profile.to_owned(),
            detectors: vec!["DOR-01".to_owned()],
            record: true,
        };
        let told = engine.compare(&request, other).await.unwrap();
        assert!(engine.ledger().await.unwrap().runs(1).await.unwrap().is_empty(), "nothing is recorded");
        told
    })
}

/// If it failed, a company that moves to another regime would not know what awaits it.
#[test]
fn a_comparison_counts_what_stays_comes_and_goes() {
    let check = |profile: &str, other: &str, expect: (usize, usize, usize)| {
        let told = compared(profile, other);
        let found = &told.differences[&("DOR-01".to_owned(), Reverse(Severity::Medium))];
        assert_eq!((found.stay, found.come, found.go), expect, "{profile} and {other}: {told:?}");
        assert_eq!((told.differences.len(), found.detector.as_str()), (1, "dormant_account"));
    };
    check("default", "stig", (1, 1, 0));
    check("stig", "default", (1, 0, 1));
    check("stig", "stig", (2, 0, 0));
}
