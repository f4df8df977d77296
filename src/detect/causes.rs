//! What many findings have in common: one dead token, one job in quarantine, one feed that shrank,
//! one log that nobody sends.
//!
//! Takes the findings of a run and the rules' word for what may cause them, gives each its `cause`,
//! and the causes with how much hangs on each. A finding that a suspected bad feed may have made up
//! is held: it stays in the list and says why, and nobody is sent after it. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{Findings, Head, PackError, Severity, UtcMicros, Verdict};
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

/// Gives findings their causes, as far as they do not say one; those behind two findings or more, the
/// widest first.
///
/// # Errors
/// When a finding is damaged.
pub fn roll_up(findings: &mut Findings, rules: &[Rule]) -> Result<Vec<Cause>, PackError> {
    let rules: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let roots = roots(findings, &rules)?;
    let mut causes: BTreeMap<Arc<str>, Cause> = BTreeMap::new();
    for place in 0..findings.len() {
        let head = &findings.heads()[place];
        let explained = rules.get(&*head.detector).and_then(|rule| explain(head, rule, &roots));
        if let Some(Explained { says, held }) = explained {
            findings.change(place, |finding| {
                finding.held_because = held.then(|| format!("held until somebody has looked at {says}"));
                finding.cause = Some(says.to_owned());
            })?;
        }
        let head = &findings.heads()[place];
        let Some(says) = &head.cause else { continue };
        let cause = causes.entry(Arc::clone(says)).or_insert_with(|| Cause {
            says: says.to_string(),
            findings: 0,
            apps: BTreeSet::new(),
            severity: head.severity,
            held: head.held,
        });
        cause.findings += 1;
        cause.severity = cause.severity.max(head.severity);
        cause.apps.extend(head.app_id.as_ref().map(|app| app.to_string()));
    }
    let mut causes: Vec<Cause> = causes.into_values().filter(|cause| cause.findings > 1).collect();
    causes.sort_by(|a, b| b.findings.cmp(&a.findings).then_with(|| a.says.cmp(&b.says)));
    Ok(causes)
}

fn roots(findings: &Findings, rules: &BTreeMap<&str, &Rule>) -> Result<Vec<Root>, PackError> {
    let named: BTreeSet<&str> = rules
        .values()
        .flat_map(|rule| rule.caused_by.iter().chain(&rule.held_by))
        .map(String::as_str)
        .collect();
    let heads = findings.heads().iter().enumerate();
    let failed = heads.filter(|(_, head)| head.verdict == Verdict::Fail && named.contains(&*head.detector));
    let places: Vec<usize> = failed.map(|(place, _)| place).collect();
    let roots = findings.at(&places)?.into_iter().filter_map(|finding| {
        let subject = finding.subject.name.as_ref().unwrap_or(&finding.subject.id);
        Some(Root {
            says: format!("{} {subject}: {}", finding.code, finding.title),
            rule: finding.detector,
            app: finding.app.map(|app| app.id),
            since: finding.since?,
        })
    });
    Ok(roots.collect())
}

struct Explained<'a> {
    says: &'a str,
    held: bool,
}

/// A feed that is under suspicion first, then what the rule itself saw, then a broken connection. What
/// is in doubt says why already.
fn explain<'a>(head: &Head, rule: &Rule, roots: &'a [Root]) -> Option<Explained<'a>> {
    if head.verdict == Verdict::Unknown {
        return None;
    }
    let since = head.since?;
    let found = |rules: &[String], fits: &dyn Fn(i64) -> bool| {
        let about = |root: &&Root| root.app.is_none() || root.app.as_deref() == head.app_id.as_deref();
        let in_time = |root: &&Root| fits(since.0.saturating_sub(root.since.0));
        rules.iter().find_map(|rule| {
            roots
                .iter()
                .filter(about)
                .filter(in_time)
                .find(|root| root.rule == *rule)
                .map(|root| root.says.as_str())
        })
    };
    if let Some(says) = found(&rule.held_by, &|later| (-SLACK_MICROS..=FEED_MICROS).contains(&later)) {
        return Some(Explained { says, held: true });
    }
    if head.cause.is_some() {
        return None;
    }
    // A connection stays broken, so that whatever comes after its beginning may be its doing.
    Some(Explained { says: found(&rule.caused_by, &|later| later >= -SLACK_MICROS)?, held: false })
}
