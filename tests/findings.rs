//! The ledger (`src/findings`) and the owner rules (`src/notify/owner.rs`).

#[path = "findings/causes.rs"]
mod causes;
#[path = "findings/decisions.rs"]
mod decisions;
#[path = "findings/finding_text.rs"]
mod finding_text;
#[path = "findings/held.rs"]
mod held;
#[path = "findings/ledger.rs"]
mod ledger;
#[path = "findings/listing.rs"]
mod listing;
#[path = "findings/model.rs"]
mod model;
#[path = "findings/owner.rs"]
mod owner;
#[path = "findings/transitions.rs"]
mod transitions;

use std::collections::BTreeMap;

use lychgate::domain::finding::{FindingAccount, NamedRef, Subject};
use lychgate::domain::{Evidence, Finding, Findings, Severity, Status, UtcMicros, Verdict};
use lychgate::findings::{Coverage, Run};

const DAY: i64 = UtcMicros::MICROS_PER_DAY;

/// Findings as a run gives them.
pub fn held(findings: &[Finding]) -> Findings {
    Findings::of(findings).unwrap()
}

/// Midnight of day `n` of a made-up history.
pub fn day(n: i64) -> UtcMicros {
    UtcMicros(1_760_000_000_000_000 + n * DAY)
}

/// A finding of `detector` about an account of `app`, resting on row `row`.
pub fn finding(detector: &str, app: &str, account: &str, row: &str) -> Finding {
    Finding {
        finding_id: format!("{detector}-{app}-{account}"),
        detector: detector.to_owned(),
        code: "DOR-01".to_owned(),
        title: "Enabled account that nobody uses".to_owned(),
        verdict: Verdict::Fail,
        severity: Severity::Medium,
        severity_base: None,
        severity_steps: Vec::new(),
        score: 50.0,
        score_terms: Vec::new(),
        status: Status::Open,
        subject: Subject { kind: "account".to_owned(), id: format!("{app}/{account}"), name: None },
        identity: None,
        account: Some(FindingAccount {
            app: app.to_owned(),
            id: account.to_owned(),
            name: None,
            email: None,
            external_id: None,
        }),
        app: Some(NamedRef { id: app.to_owned(), name: None }),
        entitlement: None,
        org: None,
        owner: None,
        as_of: day(0),
        known_at: day(0),
        since: Some(day(-30)),
        first_seen_at: None,
        last_seen_at: None,
        due_at: Some(day(5)),
        explanation: "Unused for 30 days.".to_owned(),
        evidence: vec![evidence(row)],
        threshold: None,
        profile: "default".to_owned(),
        link: None,
        controls: Vec::new(),
        remediation: None,
        cause: None,
        ages_out_at: None,
        held_because: None,
        unknown_because: None,
    }
}

fn evidence(row: &str) -> Evidence {
    Evidence {
        table: "accounts".to_owned(),
        key: row.to_owned(),
        event_id: None,
        at: None,
        says: format!("row {row}"),
    }
}

/// A run at `at` in which the named detectors answered as told.
pub fn run(at: UtcMicros, coverage: &[(&str, Coverage)]) -> Run {
    let coverage: BTreeMap<_, _> =
        coverage.iter().map(|(detector, coverage)| ((*detector).to_owned(), coverage.clone())).collect();
    Run {
        run_id: format!("run-{}", at.0),
        as_of: at,
        known_at: at,
        profile: "default".to_owned(),
        started_at: at,
        finished_at: at,
        exit_code: 0,
        coverage,
    }
}
