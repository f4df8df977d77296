//! `sigma check`: a folder of Sigma rules against what is stored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{self, Sheet};
use super::times::Clocks;
use super::{Context, Error, Outcome, times};
use crate::detect::sigma::Names;
use crate::pipeline::{SigmaReport, SigmaRequest};

#[derive(Subcommand)]
pub enum Sigma {
    /// Report whether each rule compiles, whether it can match stored events, and how often it does
    Check(Check),
}

#[derive(Args)]
pub struct Check {
    /// Folder of Sigma rules, with its sub-folders [default: from the configuration]
    dir: Option<PathBuf>,
    /// Only events since this day [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    clocks: Clocks,
    /// Use field names as written, without alias tables
    #[arg(long)]
    as_written: bool,
    /// Value of a placeholder %NAME%, instead of the configuration's (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = placeholder)]
    placeholder: Vec<(String, String)>,
}

/// Before all events.
const ALWAYS: &str = "0001-01-01";

impl Sigma {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        match self {
            Sigma::Check(check) => check.run(context).await,
        }
    }
}

impl Check {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let folders = self.dir.map_or_else(|| context.config.rules.sigma.clone(), |dir| vec![dir]);
        if folders.is_empty() {
            let what = "name a folder of Sigma rules, or `rules = { sigma = [\"…\"] }` in the configuration";
            return Err(Error::Usage(what.to_owned()));
        }
        if let Some(folder) = folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Error::Usage(format!("{} is not a folder", folder.display())));
        }
        let now = times::now();
        let since = match &self.since {
            Some(text) => {
                let since = times::parse("--since", text, &context.zone())?;
                since.to_string().chars().take(10).collect()
            }
            None => ALWAYS.to_owned(),
        };
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in self.placeholder {
            given.entry(name).or_default().push(value);
        }
        let mut placeholders = context.config.rules.placeholders.clone();
        placeholders.extend(given);
        let request = SigmaRequest {
            folders,
            at: self.clocks.at(now, &context.zone())?,
            since,
            names: if self.as_written { Names::AsWritten } else { Names::Folded },
            placeholders,
        };
        let report = context.engine().sigma(&request).await?;
        sheet(&report).print(&context.output)?;
        summarise(&report);
        let broken = report.rules.iter().any(|rule| !rule.compiles) || !report.unreadable.is_empty();
        Ok(if broken || !report.without_raw.is_empty() { Outcome::Incomplete } else { Outcome::Clean })
    }
}

fn sheet(report: &SigmaReport) -> Sheet<'static> {
    let mut sheet = Sheet::new("rules", &["rule", "level", "compiles", "can match", "matched", "because"]);
    let yes = |truth: bool| if truth { "yes" } else { "no" }.to_owned();
    for rule in &report.rules {
        sheet.push(
            vec![
                rule.file.display().to_string(),
                rule.level.unwrap_or("-").to_owned(),
                yes(rule.compiles),
                yes(rule.can_match),
                rule.matched.to_string(),
                rule.because.clone().unwrap_or_default(),
            ],
            serde_json::to_value(rule).unwrap_or_default(),
        );
    }
    sheet
}

fn summarise(report: &SigmaReport) {
    let count =
        |what: fn(&crate::pipeline::SigmaRule) -> bool| report.rules.iter().filter(|rule| what(rule)).count();
    output::say(&format!(
        "{} rules: {} compile, {} can match, {} match; {} events looked at",
        report.rules.len(),
        count(|rule| rule.compiles),
        count(|rule| rule.can_match),
        count(|rule| rule.matched > 0),
        report.events,
    ));
    for (file, reason) in &report.unreadable {
        output::say(&format!("{}: {reason}", file.display()));
    }
    for (source, events) in &report.without_raw {
        output::say(&format!(
            "{source}: {events} events are stored without their raw record, and no rule sees their fields"
        ));
    }
    if report.no_json > 0 {
        output::say(&format!("{} raw records are not JSON, and rules do not see them", report.no_json));
    }
}

fn placeholder(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}
