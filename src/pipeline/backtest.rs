//! History once more: what detectors would have found at each of many instants.
//!
//! Each step asks the rules as a run of that instant would have, with what was known then, and the
//! ledger's own reconciliation says what opened and what closed. Nothing is recorded.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deadlines;
use super::detect::{Answers, chosen};
use super::{Engine, Error};
use crate::detect::learned;
use crate::domain::{Finding, Severity, Status, UtcMicros, Verdict};
use crate::findings::{Change, Coverage, Known, Run, RunFindings, reconcile};
use crate::models::{self, Interval};
use crate::query::At;

/// What is to be replayed.
#[derive(Clone, Debug)]
pub struct BacktestRequest {
    pub from: UtcMicros,
    /// The last instant, where the steps meet it.
    pub to: UtcMicros,
    /// The length of a step: at least a microsecond.
    pub every: Interval,
    pub profile: String,
    /// Detector ids or codes; empty for every rule that is on by default.
    pub detectors: Vec<String>,
    /// As we knew it when; at each step what was known then, where it is absent.
    pub known_at: Option<UtcMicros>,
}

impl BacktestRequest {
    /// How many instants there are.
    pub fn steps(&self) -> u64 {
        let length = self.every.micros_about();
        let whole = self.to.0.saturating_sub(self.from.0);
        if length < 1 || whole < 0 { 0 } else { (whole / length) as u64 + 1 }
    }

    fn instants(&self) -> impl Iterator<Item = UtcMicros> {
        let (from, length) = (self.from.0, self.every.micros_about());
        (0..self.steps()).map(move |step| UtcMicros(from + length * step as i64))
    }
}

/// One instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub at: UtcMicros,
    pub known_at: UtcMicros,
    /// Findings with verdict fail.
    pub found: usize,
    pub unknown: usize,
    /// Failed now, and not at the step before.
    pub opened: usize,
    /// Gone since the step before, and the sources reach far enough to say so.
    pub closed: usize,
    /// Open after this step, those in doubt included.
    pub open: usize,
    /// Found, by severity.
    pub severities: BTreeMap<&'static str, usize>,
    /// Why some verdicts are unknown, or some findings may be missing.
    pub incomplete: Vec<String>,
}

/// One finding over the whole time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sighting {
    pub finding_id: String,
    pub detector: String,
    pub code: String,
    pub subject: String,
    /// The gravest that it had.
    pub severity: Severity,
    /// The first step at which it failed.
    pub first_seen_at: UtcMicros,
    /// The last one.
    pub last_seen_at: UtcMicros,
    /// When the condition began, as the last of them told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UtcMicros>,
    /// The step at which it closed for good; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<UtcMicros>,
    /// How often it opened.
    pub times_opened: usize,
}

/// What a replay gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backtest {
    pub profile: String,
    /// Ids of the detectors.
    pub detectors: Vec<String>,
    pub steps: Vec<Step>,
    /// By first sight, then by code and subject.
    pub findings: Vec<Sighting>,
    /// Findings by the gravest severity that each had.
    pub severities: BTreeMap<&'static str, usize>,
}

impl Engine {
    /// Replays history. Costs a session and a run of the rules at each step.
    ///
    /// # Errors
    /// When a detector or the profile is not known, or a session or a rule fails.
    pub async fn backtest(
        &self,
        request: &BacktestRequest,
        progress: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<Backtest, Error> {
        let rules = chosen(&request.detectors, &self.company_rules().await?)?;
        let profile = models::profile(&request.profile)?;
        let peers = rules.iter().any(|rule| rule.sql.contains(learned::TABLE));
        let mut replay = Replay::default();
        let mut steps = Vec::new();
        for as_of in request.instants() {
            let at = At { as_of, known_at: request.known_at.unwrap_or(as_of) };
            let session = self.session(at).await?;
            if peers {
                learned::score(&session).await?;
            }
            deadlines::hold(&session, &[])?;
            let answers = self.answers(&session, &rules, &profile).await?;
            let step = replay.step(at, &profile.id, answers)?;
            progress(&step);
            steps.push(step);
        }
        let mut findings: Vec<Sighting> = replay.sightings.into_values().collect();
        findings.sort_by(|a, b| {
            (a.first_seen_at, &a.code, &a.subject, &a.finding_id).cmp(&(
                b.first_seen_at,
                &b.code,
                &b.subject,
                &b.finding_id,
            ))
        });
        Ok(Backtest {
            profile: profile.id,
            detectors: rules.into_iter().map(|rule| rule.id).collect(),
            steps,
            severities: counted(findings.iter().map(|finding| finding.severity)),
            findings,
        })
    }
}

/// A ledger in memory, and what was seen.
#[derive(Default)]
struct Replay {
    known: BTreeMap<String, Known>,
    sightings: BTreeMap<String, Sighting>,
}

impl Replay {
    fn step(&mut self, at: At, profile: &str, answers: Answers) -> Result<Step, Error> {
        let run = run(at, profile, answers.coverage);
        let before: Vec<Known> = self.known.values().cloned().collect();
        let found = answers.findings.to_vec()?;
        let findings = RunFindings { run: &run, findings: &found, waivers: &[] };
        let failed: Vec<&Finding> = found.iter().filter(|finding| finding.verdict == Verdict::Fail).collect();
        let mut closed = 0;
        for transition in reconcile(&before, &findings, at.as_of) {
            let finding_id = transition.known.finding.finding_id.clone();
            if transition.change == Change::Resolved {
                // One that was never more than a doubt does not close.
                if let Some(seen) = self.sightings.get_mut(&finding_id) {
                    closed += usize::from(seen.closed_at.is_none());
                    seen.closed_at.get_or_insert(at.as_of);
                }
            }
            self.known.insert(finding_id, transition.known);
        }
        let opened = failed.iter().filter(|finding| self.see(finding, at.as_of)).count();
        Ok(Step {
            at: at.as_of,
            known_at: at.known_at,
            found: failed.len(),
            unknown: found.iter().filter(|f| f.verdict == Verdict::Unknown).count(),
            opened,
            closed,
            open: self.known.values().filter(|known| known.finding.status == Status::Open).count(),
            severities: counted(failed.iter().map(|finding| finding.severity)),
            incomplete: answers.incomplete,
        })
    }

    /// Takes note of a finding that fails; true when it opens.
    fn see(&mut self, finding: &Finding, at: UtcMicros) -> bool {
        let seen = self.sightings.entry(finding.finding_id.clone()).or_insert_with(|| Sighting {
            finding_id: finding.finding_id.clone(),
            detector: finding.detector.clone(),
            code: finding.code.clone(),
            subject: finding.subject.id.clone(),
            severity: finding.severity,
            first_seen_at: at,
            last_seen_at: at,
            since: finding.since,
            closed_at: None,
            times_opened: 0,
        });
        let opens = seen.times_opened == 0 || seen.closed_at.is_some();
        seen.times_opened += usize::from(opens);
        seen.closed_at = None;
        seen.last_seen_at = at;
        seen.severity = seen.severity.max(finding.severity);
        seen.since = finding.since;
        opens
    }
}

fn run(at: At, profile: &str, coverage: BTreeMap<String, Coverage>) -> Run {
    Run {
        run_id: String::new(),
        as_of: at.as_of,
        known_at: at.known_at,
        profile: profile.to_owned(),
        started_at: at.as_of,
        finished_at: at.as_of,
        exit_code: 0,
        coverage,
    }
}

fn counted(severities: impl Iterator<Item = Severity>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    severities.for_each(|severity| *counts.entry(severity.as_str()).or_default() += 1);
    counts
}
