//! `costs`: what unused seats and work by hand cost.

use clap::Args;

use super::output::Sheet;
use super::times::Clocks;
use super::{Context, Error, Outcome, output, times};
use crate::models::costs::{CostModel, Estimate};
use crate::pipeline::{CostReport, LicenceLine, Range};

#[derive(Args)]
pub struct Costs {
    #[command(flatten)]
    clocks: Clocks,
    /// Threshold profile: when a seat counts as idle, and a leaver as late [default: from the configuration]
    #[arg(long)]
    profile: Option<String>,
    /// Show the assumptions and their sources
    #[arg(long, conflicts_with = "manual")]
    assumptions: bool,
    /// Show accounts managed by hand instead of seats
    #[arg(long)]
    manual: bool,
}

impl Costs {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = self.clocks.at(times::now(), &context.zone())?;
        let report = context.engine().costs(at, &context.profile(self.profile)).await?;
        let sheet = match (self.assumptions, self.manual) {
            (true, _) => of_assumptions(&report.assumptions),
            (_, true) => of_manual(&report),
            _ => of_licences(&report),
        };
        sheet.print(&context.output)?;
        summarise(&report);
        for reason in &report.incomplete {
            output::say(&format!("incomplete: {reason}"));
        }
        Ok(if report.incomplete.is_empty() { Outcome::Clean } else { Outcome::Incomplete })
    }
}

fn summarise(report: &CostReport) {
    for (currency, total) in &report.totals {
        output::say(&format!(
            "{} unused seats: {} {currency} a year; reclaimable now {}, at the renewals {} a year, and {} are paid until then",
            total.seats,
            said(total.per_year),
            said(total.reclaimable_now),
            said(total.reclaimable_at_renewal),
            said(total.committed),
        ));
    }
    if report.unpriced > 0 {
        output::say(&format!(
            "{} unused seats have no price that fits, and are not counted",
            report.unpriced
        ));
    }
    let manual = &report.manual;
    output::say(&format!(
        "by hand: {} and {} are {} hours, {} {}; `lychgate costs --assumptions` has the numbers behind it",
        output::count(manual.applications.len(), "application"),
        output::count(manual.gaps, "gap"),
        said(manual.hours),
        said(manual.cost),
        manual.currency,
    ));
}

fn of_licences(report: &CostReport) -> Sheet<'static> {
    let columns = [
        "app",
        "sku",
        "unused",
        "seats",
        "price a year",
        "a year",
        "until renewal",
        "now",
        "committed",
        "at renewal",
        "renewal",
    ];
    let mut sheet = Sheet::new("licences", &columns);
    for line in &report.licences {
        let money =
            |range: Range| format!("{} {}", said(range), line.currency.as_deref().unwrap_or_default());
        let amounts = [
            line.price,
            line.per_year,
            line.value,
            line.reclaimable_now,
            line.committed,
            line.reclaimable_at_renewal,
        ];
        let mut row = vec![
            line.app_id.clone(),
            line.sku.clone().unwrap_or_else(|| "any".to_owned()),
            unused(line),
            line.seats.map(|seats| seats.to_string()).unwrap_or_default(),
        ];
        row.extend(amounts.map(|range| money(range).trim().to_owned()));
        row.push(line.until.clone().unwrap_or_else(|| "none".to_owned()));
        sheet.push(row, serde_json::to_value(line).unwrap_or_default());
    }
    sheet
}

fn unused(line: &LicenceLine) -> String {
    let total: usize = line.unused.values().sum();
    let rules: Vec<String> = line.unused.iter().map(|(rule, seats)| format!("{seats} {rule}")).collect();
    format!("{total} ({})", rules.join(", "))
}

fn of_manual(report: &CostReport) -> Sheet<'static> {
    let mut sheet = Sheet::new("manual", &["applications", "gaps", "hours", "cost", "currency"]);
    let manual = &report.manual;
    sheet.push(
        vec![
            manual.applications.join(", "),
            manual.gaps.to_string(),
            said(manual.hours),
            said(manual.cost),
            manual.currency.clone(),
        ],
        serde_json::to_value(manual).unwrap_or_default(),
    );
    sheet
}

fn of_assumptions(model: &CostModel) -> Sheet<'static> {
    let mut sheet = Sheet::new("assumptions", &["assumption", "low", "mid", "high", "source"]);
    let mut push = |name: &str, [low, mid, high]: [String; 3], source: &str| {
        let value =
            serde_json::json!({ "assumption": name, "low": low, "mid": mid, "high": high, "source": source });
        sheet.push(vec![name.to_owned(), low, mid, high, source.to_owned()], value);
    };
    let three = |low: f64, mid: f64, high: f64| [low, mid, high].map(|number| number.to_string());
    let manual = &model.manual;
    let an_hour = format!("cost of an hour in {}", manual.currency);
    let estimates = [
        ("hours a year for an application without SCIM", &manual.hours_per_application),
        ("hours for a gap", &manual.hours_per_gap),
        (an_hour.as_str(), &manual.hourly_cost),
    ];
    for (name, Estimate { low, mid, high, source }) in estimates {
        push(name, three(*low, *mid, *high), source);
    }
    push("rules whose accounts are gaps", [String::new(), manual.gaps.join(", "), String::new()], "house");
    for unused in &model.licences.unused {
        let name = format!("a seat of {} is not needed", unused.rule);
        push(&name, three(unused.low, unused.mid, unused.high), &unused.source);
    }
    let period = &model.licences.period_default;
    push(
        "a price without a period is for a",
        [String::new(), period.value.as_str().to_owned(), String::new()],
        &period.source,
    );
    let term = &model.licences.term_days;
    push(
        "days counted where no contract ends",
        [String::new(), term.value.to_string(), String::new()],
        &term.source,
    );
    sheet
}

/// The likely amount, with the ends where they differ.
fn said(range: Range) -> String {
    let Range { low, mid, high } = range;
    if low == high { format!("{mid:.2}") } else { format!("{mid:.2} ({low:.2} to {high:.2})") }
}
