//! What many findings have in common: one dead token, one job in quarantine, one feed that shrank,
//! one log that nobody sends.
//!
//! Takes the findings of a run and the rules' word for what may cause them, gives each its `cause`,
//! and the causes with how much hangs on each. A finding that a suspected bad feed may have made up
//! is held: it stays in the list and says why, and nobody is sent after it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Finding, Severity, UtcMicros, Verdict};
use crate::models::Rule;

/// Clocks of two systems differ, and a job fails before it is put in quarantine.
const SLACK_MICROS: i64 = 3_600_000_000;
/// What a bad listing makes up comes up with it or by the next day's.
const FEED_MICROS: i64 = UtcMicros::MICROS_PER_DAY;

/// One cause, and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub says: String,
    pub findings: usize,
    pub apps: BTreeSet<String>,
    /// Of the gravest finding.
    pub severity: Severity,
    pub held: bool,
}

/// A finding that may explain others.
struct Root {
    rule: String,
    app: Option<String>,
    since: UtcMicros,
    says: String,
}

/// Gives findings their causes; those behind two findings or more, the widest first.
pub fn roll_up(findings: &mut [Finding], rules: &[Rule]) -> Vec<Cause> {
    let rules: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let roots = roots(findings, &rules);
    let mut causes: BTreeMap<String, Cause> = BTreeMap::new();
    for finding in findings {
        if let Some(rule) = rules.get(finding.detector.as_str()) {
            explain(finding, rule, &roots);
        }
        let Some(says) = &finding.cause else { continue };
        let cause = causes.entry(says.clone()).or_insert_with(|| Cause {
            says: says.clone(),
            findings: 0,
            apps: BTreeSet::new(),
            severity: finding.severity,
            held: finding.held_because.is_some(),
        });
        cause.findings += 1;
        cause.severity = cause.severity.max(finding.severity);
        cause.apps.extend(finding.app.as_ref().map(|app| app.id.clone()));
    }
    let mut causes: Vec<Cause> = causes.into_values().filter(|cause| cause.findings > 1).collect();
    causes.sort_by(|a, b| b.findings.cmp(&a.findings).then_with(|| a.says.cmp(&b.says)));
    causes
}

fn roots(findings: &[Finding], rules: &BTreeMap<&str, &Rule>) -> Vec<Root> {
    let named: BTreeSet<&String> =
        rules.values().flat_map(|rule| rule.caused_by.iter().chain(&rule.held_by)).collect();
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let roots = failed.filter(|finding| named.contains(&finding.detector)).filter_map(|finding| {
        let subject = finding.subject.name.as_ref().unwrap_or(&finding.subject.id);
        Some(Root {
            rule: finding.detector.clone(),
            app: finding.app.as_ref().map(|app| app.id.clone()),
            since: finding.since?,
            says: format!("{} {subject}: {}", finding.code, finding.title),
        })
    });
    roots.collect()
}

/// A feed that is under suspicion first, then what the rule itself saw, then a broken connection.
fn explain(finding: &mut Finding, rule: &Rule, roots: &[Root]) {
    if finding.verdict == Verdict::Unknown {
        finding.cause = finding.unknown_because.clone();
        return;
    }
    let Some(since) = finding.since else { return };
    let app = finding.app.as_ref().map(|app| app.id.as_str());
    let found = |rules: &[String], fits: &dyn Fn(i64) -> bool| {
        let about = |root: &&Root| root.app.is_none() || root.app.as_deref() == app;
        let in_time = |root: &&Root| fits(since.0.saturating_sub(root.since.0));
        rules.iter().find_map(|rule| {
            roots.iter().filter(about).filter(in_time).find(|root| root.rule == *rule).map(|root| &root.says)
        })
    };
    if let Some(says) = found(&rule.held_by, &|later| (-SLACK_MICROS..=FEED_MICROS).contains(&later)) {
        finding.held_because = Some(format!("held until somebody has looked at {says}"));
        finding.cause = Some(says.clone());
        return;
    }
    // A connection stays broken, so that whatever comes after its beginning may be its doing.
    if finding.cause.is_none() {
        finding.cause = found(&rule.caused_by, &|later| later >= -SLACK_MICROS).cloned();
    }
}
