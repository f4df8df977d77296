//! `detect`: one run of the detectors.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;

use clap::Args;
use serde_json::Value;

use super::output::{self, Sheet, ToMake};
use super::times::Clocks;
use super::{Context, Error, Outcome, times};
use crate::domain::{Finding, Reader, Severity, Status, Verdict};
use crate::findings::{Changes, RunKind};
use crate::pipeline::{Cause, DetectRequest, Difference, RunReport};
use crate::query::At;

#[derive(Args)]
pub struct Detect {
    #[command(flatten)]
    clocks: Clocks,
    /// Threshold profile [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
    /// Detector id or code (repeatable) [default: all that are on by default]
    #[arg(long, value_name = "ID")]
    detector: Vec<String>,
    /// Exit with 1 when a finding that is no accepted risk is at least this severe, also where evidence is incomplete
    /// (4); with 4 when only an unknown one is
    #[arg(long, value_name = "SEVERITY", value_parser = Severity::ALL.map(Severity::as_str))]
    fail_on: Option<String>,
    /// Show what this profile would change, by detector and severity; nothing is recorded
    #[arg(long, value_name = "PROFILE")]
    compare: Option<String>,
    /// Do not record the findings in the ledger
    #[arg(long)]
    no_record: bool,
    /// Print every finding of the run instead of the first of each detector
    #[arg(long)]
    all: bool,
}

impl Detect {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let now = times::now();
        let settled = At { as_of: now, known_at: context.engine().settled_at(now).await? };
        let request = DetectRequest {
            at: self.clocks.or(settled, &context.zone())?,
            profile: context.profile(self.profile),
            detectors: self.detector,
            record: !self.no_record,
        };
        if let Some(other) = &self.compare {
            return compare(context, &request, other).await;
        }
        let report = context.engine().detect(&request).await?;
        let shown = if self.all || !context.output.is_empty() {
            (0..report.findings.len()).collect()
        } else {
            first_of_each(&report, 2)
        };
        let reader = RefCell::new(report.findings.reader());
        let told = |place| FindingLine { reader: &reader, place, decided: &report.decided };
        let shown = sheet(shown.into_iter().map(told));
        shown.print(&context.output)?;
        summarise(&report, shown.len());
        let least = self.fail_on.as_deref().and_then(Severity::parse);
        Ok(match least {
            // What was found is true, whatever else could not be seen.
            Some(least) if report.at_or_above(least) > 0 => Outcome::Findings,
            Some(least) if report.undecided(least) > 0 => Outcome::Incomplete,
            _ if !report.incomplete.is_empty() => Outcome::Incomplete,
            _ => Outcome::Clean,
        })
    }
}

async fn compare(context: &Context, request: &DetectRequest, other: &str) -> Result<Outcome, Error> {
    let told = context.engine().compare(request, other).await?;
    let mut sheet = Sheet::new("differences", &["code", "severity", "detector", "stay", "come", "go"]);
    for ((code, Reverse(severity)), difference) in &told.differences {
        let mut value = serde_json::to_value(difference).unwrap_or_default();
        value["code"] = serde_json::json!(code);
        value["severity"] = serde_json::json!(severity);
        let Difference { title, stay, come, go, .. } = difference;
        let counts = [stay, come, go].map(usize::to_string);
        let named = [code.clone(), severity.as_str().to_owned(), title.clone()];
        sheet.push(named.into_iter().chain(counts).collect(), value);
    }
    sheet.print(&context.output)?;
    let sum = |of: fn(&Difference) -> usize| told.differences.values().map(of).sum::<usize>();
    output::say(&format!(
        "with {} instead of {}: {} unchanged, {} new, {} gone",
        told.other,
        told.profile,
        output::count(sum(|d| d.stay), "finding"),
        sum(|d| d.come),
        sum(|d| d.go)
    ));
    for reason in &told.incomplete {
        output::say(&format!("incomplete evidence: {reason}"));
    }
    Ok(if told.incomplete.is_empty() { Outcome::Clean } else { Outcome::Incomplete })
}

/// Findings as a table; `--output json` gives them whole.
pub fn sheet<'a>(findings: impl Iterator<Item = impl ToMake + 'a>) -> Sheet<'a> {
    let mut sheet = Sheet::new(
        "findings",
        &["severity", "score", "code", "verdict", "subject", "since", "owner", "explanation"],
    );
    findings.for_each(|finding| sheet.push_later(finding));
    sheet
}

/// A finding of a run.
pub struct FindingLine<'a> {
    pub reader: &'a RefCell<Reader<'a>>,
    pub place: usize,
    /// [`RunReport::decided`].
    pub decided: &'a BTreeMap<String, Status>,
}

impl FindingLine<'_> {
    fn finding(&self) -> io::Result<Finding> {
        let mut finding = self.reader.borrow_mut().get(self.place).map_err(io::Error::other)?;
        finding.status = self.decided.get(&finding.finding_id).copied().unwrap_or(finding.status);
        Ok(finding)
    }
}

impl ToMake for FindingLine<'_> {
    fn cells(&self) -> io::Result<Vec<String>> {
        (&self.finding()?).cells()
    }

    fn value(&self) -> io::Result<Value> {
        (&self.finding()?).value()
    }
}

impl ToMake for &Finding {
    fn cells(&self) -> io::Result<Vec<String>> {
        let owner = self.owner.as_ref().map(|owner| owner.email.clone().unwrap_or_else(|| owner.id.clone()));
        Ok(vec![
            self.severity.as_str().to_owned(),
            format!("{:.1}", self.score),
            self.code.clone(),
            self.verdict.as_str().to_owned(),
            self.subject.id.clone(),
            self.since.map(|at| at.to_string().chars().take(10).collect()).unwrap_or_default(),
            owner.unwrap_or_else(|| "no owner on record".to_owned()),
            self.explanation.clone(),
        ])
    }

    fn value(&self) -> io::Result<Value> {
        Ok(serde_json::to_value(self)?)
    }
}

/// The places of the first `most` findings of each detector, in the order of the report.
pub fn first_of_each(report: &RunReport, most: usize) -> Vec<usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for (place, head) in report.findings.heads().iter().enumerate() {
        let count = counts.entry(&head.detector).or_default();
        *count += 1;
        if *count <= most {
            shown.push(place);
        }
    }
    shown
}

const CAUSES_SHOWN: usize = 5;
/// Rules that do not run are named up to this many.
const NOT_RUN_SHOWN: usize = 5;

fn behind(cause: &Cause) -> String {
    let held = if cause.held { ", held" } else { "" };
    let apps = match cause.apps.len() {
        0 | 1 => String::new(),
        several => format!(" in {several} applications"),
    };
    format!("one cause behind {}{apps}{held}: {}", output::count(cause.findings, "finding"), cause.says)
}

/// What the ledger made of the run, or why it took no note.
fn recorded(changes: &Changes) -> String {
    let counts = changes.counts;
    match changes.kind {
        RunKind::Current => format!(
            "ledger: {} opened, {} still open, {} reopened, {} resolved",
            counts.opened, counts.still_open, counts.reopened, counts.resolved
        ),
        RunKind::Historic => {
            "not recorded: a recorded run is of a later instant, or knew more than this one".to_owned()
        }
        RunKind::Future => "not recorded: --as-of or --known-at has not come yet".to_owned(),
    }
}

/// What a person should know about the run, on standard error; incomplete evidence leads.
pub fn summarise(report: &RunReport, shown: usize) {
    for reason in &report.incomplete {
        output::say(&format!("incomplete evidence: {reason}"));
    }
    let mut by_severity: BTreeMap<Severity, usize> = BTreeMap::new();
    let (mut failed, mut unknown) = (0, 0);
    for finding in report.findings.heads() {
        match finding.verdict {
            Verdict::Unknown => unknown += 1,
            _ => {
                failed += 1;
                *by_severity.entry(finding.severity).or_default() += 1;
            }
        }
    }
    let parts: Vec<String> =
        by_severity.iter().rev().map(|(severity, count)| format!("{count} {}", severity.as_str())).collect();
    let total_ms: u64 =
        report.build_ms + report.detectors.values().map(|timing| timing.elapsed_ms).sum::<u64>();
    output::say(&format!(
        "{} ({}), {unknown} unknown, by {} as of {} in {:.1} s",
        output::count(failed, "finding"),
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") },
        output::count(report.detectors.len(), "detector"),
        report.at.as_of,
        total_ms as f64 / 1000.0,
    ));
    if report.accepted() > 0 {
        output::say(&format!("{} of them are accepted risk", report.accepted()));
    }
    if report.sigma.rules > 0 {
        output::say(&format!("{} Sigma rules over {} new events", report.sigma.rules, report.sigma.events));
    }
    report.not_run.iter().take(NOT_RUN_SHOWN).for_each(|what| output::say(what));
    if report.not_run.len() > NOT_RUN_SHOWN {
        let more = report.not_run.len() - NOT_RUN_SHOWN;
        output::say(&format!("{more} more rules do not run; `lychgate sigma check` says why"));
    }
    report.causes.iter().take(CAUSES_SHOWN).for_each(|cause| output::say(&behind(cause)));
    if let Some(changes) = &report.changes {
        output::say(&recorded(changes));
    }
    if shown < report.findings.len() {
        output::say(&format!(
            "showing {shown} of {}; all of them: lychgate findings list, or --all",
            report.findings.len()
        ));
    }
}
