//! `backtest`: what detectors would have found, instant after instant.

use clap::Args;

use super::output::{self, Sheet};
use super::{Context, Error, Outcome, times};
use crate::domain::Severity;
use crate::models::Interval;
use crate::pipeline::{Backtest as Replayed, BacktestRequest, Step};

/// Each step is a whole run, so that more of them are a slip.
const STEPS_MAX: u64 = 10_000;

#[derive(Args)]
pub struct Backtest {
    /// The first instant
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The last instant [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Length of a step: 1d, 12h, 1w
    #[arg(long, value_name = "INTERVAL", default_value = "1d")]
    every: String,
    /// Detector id or code (repeatable) [default: all that are on by default]
    #[arg(long, value_name = "ID")]
    detector: Vec<String>,
    /// Threshold profile [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
    /// Use what was known at this time, at every step; for a history ingested at once [default: the step's time]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// One line per finding, with the step at which it was first seen, instead of one per step
    #[arg(long)]
    findings: bool,
}

impl Backtest {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let zone = context.zone();
        let known_at = self.known_at.as_deref();
        let request = BacktestRequest {
            from: times::parse("--from", &self.from, &zone)?,
            to: times::parse_or("--to", self.to.as_deref(), times::now(), &zone)?,
            every: Interval::parse(&self.every).ok_or_else(|| {
                Error::Usage(format!("--every \"{}\" is not an interval: write 1d, 12h or 1w", self.every))
            })?,
            profile: context.profile(self.profile),
            detectors: self.detector,
            known_at: known_at.map(|text| times::parse("--known-at", text, &zone)).transpose()?,
        };
        match request.steps() {
            0 => {
                return Err(Error::Usage(
                    "there is no step: --from must not be after --to, nor --every nothing".to_owned(),
                ));
            }
            1..=STEPS_MAX => {}
            steps => {
                return Err(Error::Usage(format!(
                    "{steps} steps are more than {STEPS_MAX}: take a longer --every or a shorter time"
                )));
            }
        }
        let tell = output::interactive();
        let mut progress = |step: &Step| {
            if tell {
                output::say(&format!("{}: {} found", step.at, step.found));
            }
        };
        let replayed = context.engine().backtest(&request, &mut progress).await?;
        let sheet = if self.findings { of_findings(&replayed) } else { of_steps(&replayed) };
        sheet.print(&context.output)?;
        output::say(&summary(&replayed));
        let doubtful = replayed.steps.iter().filter(|step| !step.incomplete.is_empty()).count();
        if doubtful > 0 {
            let reason = replayed.steps.iter().flat_map(|step| step.incomplete.first()).next();
            let reason = reason.map(String::as_str).unwrap_or_default();
            output::say(&format!(
                "incomplete: at {doubtful} of {} steps; first: {reason}",
                replayed.steps.len()
            ));
        }
        Ok(if doubtful > 0 { Outcome::Incomplete } else { Outcome::Clean })
    }
}

fn summary(replayed: &Replayed) -> String {
    let closed: usize = replayed.steps.iter().map(|step| step.closed).sum();
    let open = replayed.steps.last().map_or(0, |step| step.open);
    let most = replayed.steps.iter().rev().max_by_key(|step| step.found);
    let severities = severities().filter_map(|severity| {
        let number = replayed.severities.get(severity)?;
        Some(format!("{number} {severity}"))
    });
    let severities: Vec<String> = severities.collect();
    format!(
        "{} under profile {}: {} ({}), {closed} closings, {open} open at the end; most at once {} at {}",
        output::count(replayed.steps.len(), "step"),
        replayed.profile,
        output::count(replayed.findings.len(), "finding"),
        if severities.is_empty() { "none".to_owned() } else { severities.join(", ") },
        most.map_or(0, |step| step.found),
        most.map(|step| step.at.to_string()).unwrap_or_default(),
    )
}

/// The gravest first.
fn severities() -> impl Iterator<Item = &'static str> {
    Severity::ALL.into_iter().rev().map(Severity::as_str)
}

fn of_steps(replayed: &Replayed) -> Sheet<'static> {
    let columns = ["at", "found", "unknown", "opened", "closed", "open"];
    let mut sheet = Sheet::new("steps", &columns.into_iter().chain(severities()).collect::<Vec<_>>());
    for step in &replayed.steps {
        let numbers = [step.found, step.unknown, step.opened, step.closed, step.open];
        let severities = severities().map(|severity| step.severities.get(severity).copied().unwrap_or(0));
        let numbers = numbers.into_iter().chain(severities).map(|number| number.to_string());
        sheet.push(
            std::iter::once(step.at.to_string()).chain(numbers).collect(),
            serde_json::to_value(step).unwrap_or_default(),
        );
    }
    sheet
}

fn of_findings(replayed: &Replayed) -> Sheet<'static> {
    let columns = ["severity", "code", "subject", "since", "first seen", "last seen", "closed", "times"];
    let mut sheet = Sheet::new("findings", &columns);
    for seen in &replayed.findings {
        sheet.push(
            vec![
                seen.severity.as_str().to_owned(),
                seen.code.clone(),
                seen.subject.clone(),
                seen.since.map(|at| at.to_string()).unwrap_or_default(),
                seen.first_seen_at.to_string(),
                seen.last_seen_at.to_string(),
                seen.closed_at.map_or_else(|| "open".to_owned(), |at| at.to_string()),
                seen.times_opened.to_string(),
            ],
            serde_json::to_value(seen).unwrap_or_default(),
        );
    }
    sheet
}
