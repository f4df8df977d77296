//! `sources`: how far every source reaches, and what speaks against resting on it.

use clap::Args;

use super::output::Sheet;
use super::times::Clocks;
use super::{Context, Error, Outcome, output, times};
use crate::pipeline::SourceReport;

#[derive(Args)]
pub struct Sources {
    #[command(flatten)]
    clocks: Clocks,
    /// Threshold profile that sets the limits [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
}

impl Sources {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = self.clocks.at(times::now(), &context.zone())?;
        let profile = context.profile(self.profile);
        let reports = context.engine().sources(at, &profile).await?;
        sheet(&reports).print(&context.output)?;
        if reports.is_empty() {
            output::say("nothing has been ingested yet: lychgate ingest PATH");
            return Ok(Outcome::Incomplete);
        }
        for reason in reports.iter().flat_map(|report| &report.reasons) {
            output::say(&format!("incomplete evidence: {reason}"));
        }
        let whole = reports.iter().filter(|report| report.whole()).count();
        output::say(&format!("{whole} of {} sources are complete as of {}", reports.len(), at.as_of));
        Ok(if whole == reports.len() { Outcome::Clean } else { Outcome::Incomplete })
    }
}

fn sheet(reports: &[SourceReport]) -> Sheet<'static> {
    let columns = [
        "source",
        "kind",
        "app",
        "feed",
        "state",
        "rows",
        "control",
        "unreadable",
        "data until",
        "max age",
        "typical interval",
        "gaps",
    ];
    let mut sheet = Sheet::new("sources", &columns);
    for report in reports {
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        sheet.push(
            vec![
                report.source.clone(),
                report.kind.clone(),
                report.app_id.clone().unwrap_or_default(),
                report.feed.clone().unwrap_or_default(),
                report.state.to_owned(),
                report.rows.to_string(),
                number(report.control_rows),
                report.quarantined.to_string(),
                report.watermark_at.map(|at| at.to_string()).unwrap_or_default(),
                report.may_be_old.clone().unwrap_or_default(),
                report.cadence.clone().unwrap_or_default(),
                report.gaps.len().to_string(),
            ],
            serde_json::to_value(report).unwrap_or_default(),
        );
    }
    sheet
}
