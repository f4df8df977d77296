//! `evaluate`: precision and recall per class against `labels.csv`.

use std::path::PathBuf;

use clap::Args;

use super::output::{self, Sheet};
use super::{Context, Error, Outcome, times};
use crate::pipeline::evaluate::{self, ClassScore};
use crate::pipeline::{self, DetectRequest};
use crate::query::At;

#[derive(Args)]
pub struct Evaluate {
    /// The labels that `simulate` wrote
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Instant that the labels are true at
    #[arg(long, value_name = "TIME", default_value = "2026-06-30T00:00:00Z")]
    as_of: String,
    /// Name the subjects that were missed and those that were wrong
    #[arg(long)]
    explain: bool,
}

impl Evaluate {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = At { as_of: times::parse("--as-of", &self.as_of)?, known_at: times::now() };
        let labels = evaluate::labels(&self.labels).map_err(|e| match e {
            labels @ pipeline::Error::Labels { .. } => Error::Usage(labels.to_string()),
            other => other.into(),
        })?;
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
