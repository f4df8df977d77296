//! `time-to-zero-access`: how long leavers keep what they had.

use clap::Args;

use super::output::Sheet;
use super::times::Clocks;
use super::{Context, Error, Outcome, output, times};
use crate::domain::UtcMicros;
use crate::pipeline::LeaverReport;
use crate::state::leavers::{Clock, Ending, Leaver};

#[derive(Args)]
pub struct TimeToZeroAccess {
    #[command(flatten)]
    clocks: Clocks,
    /// Leave out people who left before this time [default: 365 days before --as-of]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Threshold profile that sets the deadline [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
    /// One line per leaver instead of one per application
    #[arg(long)]
    leavers: bool,
}

impl TimeToZeroAccess {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = self.clocks.at(times::now(), &context.zone())?;
        let year_before = LeaverReport::since_default(at.as_of);
        let since = times::parse_or("--since", self.since.as_deref(), year_before, &context.zone())?;
        let report = context.engine().leavers(at, since, &context.profile(self.profile)).await?;
        let sheet = if self.leavers { of_leavers(&report) } else { of_apps(&report) };
        sheet.print(&context.output)?;
        output::say(&summary(&report));
        for reason in &report.incomplete {
            output::say(&format!("incomplete: {reason}"));
        }
        Ok(if report.incomplete.is_empty() { Outcome::Clean } else { Outcome::Incomplete })
    }
}

fn summary(report: &LeaverReport) -> String {
    let Clock { leavers, open, unknown, late, .. } = report.overall;
    let deadline = &report.deadline;
    let dates = report.leavers.iter().filter(|leaver| leaver.end_date_only).count();
    let allowed = if dates > 0 && deadline.date_only_seconds > deadline.seconds {
        format!(
            "; {dates} of them have an end that is only a date, for which {} are allowed",
            span(deadline.date_only_seconds)
        )
    } else {
        String::new()
    };
    format!(
        "{leavers} left with access since {}: {open} still have some, {unknown} cannot be told, {late} are or were past the {} of profile {} ({}){allowed}",
        report.since,
        span(deadline.seconds),
        deadline.profile,
        deadline.source
    )
}

fn of_apps(report: &LeaverReport) -> Sheet<'static> {
    let columns = ["app", "leavers", "closed", "open", "undated", "unknown", "late", "p50", "p95"];
    let mut sheet = Sheet::new("clocks", &columns);
    let all = std::iter::once(("all", &report.overall));
    for (app, clock) in all.chain(report.apps.iter().map(|(app, clock)| (app.as_str(), clock))) {
        let mut value = serde_json::to_value(clock).unwrap_or_default();
        value["app_id"] = serde_json::json!(app);
        sheet.push(
            vec![
                app.to_owned(),
                clock.leavers.to_string(),
                clock.closed.to_string(),
                clock.open.to_string(),
                clock.undated.to_string(),
                clock.unknown.to_string(),
                clock.late.to_string(),
                percentile(clock.p50_s, clock.p50_at_least),
                percentile(clock.p95_s, clock.p95_at_least),
            ],
            value,
        );
    }
    sheet
}

fn of_leavers(report: &LeaverReport) -> Sheet<'static> {
    let columns =
        ["identity", "left", "identity provider", "applications", "credentials", "zero access", "took"];
    let mut sheet = Sheet::new("leavers", &columns);
    for leaver in &report.leavers {
        let day = |at: Option<UtcMicros>| at.map(|at| at.to_string()).unwrap_or_default();
        let ended = |step: &str, at: Option<UtcMicros>| match (at, worst(leaver, step)) {
            (Some(_), _) => day(at),
            (None, Some(ending)) => ending.as_str().to_owned(),
            (None, None) => "none".to_owned(),
        };
        let took = percentile(leaver.elapsed_s, leaver.state == Ending::Open);
        sheet.push(
            vec![
                leaver.name.clone().unwrap_or_else(|| leaver.identity_id.clone()),
                format!("{}{}", leaver.left_at, if leaver.end_date_only { " (only a date)" } else { "" }),
                ended("identity_provider", leaver.idp_disabled_at),
                ended("application", leaver.apps_disabled_at),
                ended("credential", leaver.credentials_revoked_at),
                day(leaver.zero_access_at),
                if leaver.late { format!("{took} (late)") } else { took },
            ],
            serde_json::to_value(leaver).unwrap_or_default(),
        );
    }
    sheet
}

fn worst(leaver: &Leaver, step: &str) -> Option<Ending> {
    leaver.steps.iter().filter(|each| each.step == step).map(|each| each.state).max()
}

fn percentile(seconds: Option<i64>, at_least: bool) -> String {
    let Some(seconds) = seconds else { return String::new() };
    format!("{}{}", if at_least { "≥ " } else { "" }, span(seconds))
}

/// The two largest units that say something.
fn span(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
