//! `evaluate`: precision and recall per class against `labels.csv`.

use std::path::PathBuf;

use clap::Args;

use super::output::{self, Sheet};
use super::{Context, Error, Outcome, times};
use crate::domain::UtcMicros;
use crate::models::Interval;
use crate::pipeline::evaluate::{self, ClassScore, Delay};
use crate::pipeline::{self, BacktestRequest, DetectRequest};
use crate::query::At;

#[derive(Args)]
pub struct Evaluate {
    /// The labels that `simulate` wrote
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Time as of which the labels are true
    #[arg(long, value_name = "TIME", default_value = "2026-06-30T00:00:00Z")]
    as_of: String,
    /// Replay one run per day from this time on, and report how late each newer fault was found
    #[arg(long, value_name = "TIME")]
    delay_from: Option<String>,
    /// Time between two runs of the replay: 1d, 12h
    #[arg(long, value_name = "INTERVAL", default_value = "1d", requires = "delay_from")]
    every: String,
    /// List the subjects that were missed, wrong or late
    #[arg(long)]
    explain: bool,
}

impl Evaluate {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let zone = context.zone();
        let at = At { as_of: times::parse("--as-of", &self.as_of, &zone)?, known_at: times::now() };
        let labels = evaluate::labels(&self.labels).map_err(|e| match e {
            labels @ pipeline::Error::Labels { .. } => Error::Usage(labels.to_string()),
            other => other.into(),
        })?;
        if let Some(from) = &self.delay_from {
            return self.delay(context, times::parse("--delay-from", from, &zone)?, at).await;
        }
        let profile = context.config.profile.value.clone();
        let request = DetectRequest { at, profile, detectors: Vec::new(), record: false };
        let report = context.engine().detect(&request).await?;
        let scores = evaluate::score(&labels, &report.findings);
        sheet(&scores).print(&context.output)?;
        if self.explain {
            for score in &scores {
                score
                    .missed
                    .iter()
                    .for_each(|subject| output::say(&format!("{} missed {subject}", score.code)));
                score
                    .wrong
                    .iter()
                    .for_each(|subject| output::say(&format!("{} wrong  {subject}", score.code)));
            }
        }
        Ok(Outcome::Clean)
    }

    /// The same labels against a replay: what was read at the end is known at every step, so that only the
    /// order of what happened and of what was listed decides.
    async fn delay(&self, context: &Context, from: UtcMicros, at: At) -> Result<Outcome, Error> {
        let every = Interval::parse(&self.every).ok_or_else(|| {
            Error::Usage(format!("--every \"{}\" is not an interval: write 1d", self.every))
        })?;
        let request = BacktestRequest {
            from,
            to: at.as_of,
            every,
            profile: context.config.profile.value.clone(),
            detectors: Vec::new(),
            known_at: Some(at.known_at),
        };
        if request.steps() < 2 {
            return Err(Error::Usage("a replay needs two runs: --delay-from lies too late".to_owned()));
        }
        let detectable = evaluate::detectable(&self.labels)?;
        let replayed = context.engine().backtest(&request, &mut |_| {}).await?;
        let delays = evaluate::delays(&detectable, &replayed);
        delay_sheet(&delays).print(&context.output)?;
        for delay in delays.iter().filter(|_| self.explain) {
            delay.subjects.iter().for_each(|subject| output::say(&format!("{} late {subject}", delay.code)));
        }
        Ok(Outcome::Clean)
    }
}

fn delay_sheet(delays: &[Delay]) -> Sheet<'static> {
    let mut sheet = Sheet::new("delays", &["code", "began", "in time", "late", "longest hours"]);
    for delay in delays {
        sheet.push(
            vec![
                delay.code.clone(),
                delay.began.to_string(),
                delay.in_time.to_string(),
                delay.late.to_string(),
                format!("{:.1}", delay.longest_hours),
            ],
            serde_json::to_value(delay).unwrap_or_default(),
        );
    }
    sheet
}

/// The scores as a table.
pub fn sheet(scores: &[ClassScore]) -> Sheet<'static> {
    let mut sheet = Sheet::new(
        "classes",
        &["code", "labels", "found", "right", "precision", "recall", "undecidable", "doubted"],
    );
    for score in scores {
        sheet.push(
            vec![
                score.code.clone(),
                score.labels.to_string(),
                score.found.to_string(),
                score.right.to_string(),
                format!("{:.3}", score.precision),
                format!("{:.3}", score.recall),
                score.undecidable.to_string(),
                score.doubted.to_string(),
            ],
            serde_json::to_value(score).unwrap_or_default(),
        );
    }
    sheet
}
