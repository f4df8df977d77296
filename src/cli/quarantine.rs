//! `quarantine`: what could not be read, and reading it again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{self, Sheet};
use super::reading::{ReadingFlags, Readings};
use super::{Context, Error, Outcome, ingest};
use crate::pipeline::Quarantined;

#[derive(Subcommand)]
pub enum Quarantine {
    /// List records that have not become events since
    List(List),
    /// Read the files of such records again, with the current formats, mappings and flags
    Replay(Box<Replay>),
}

#[derive(Args)]
pub struct List {
    /// Show at most this many records
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Args)]
pub struct Replay {
    /// Only files of this source
    #[arg(long = "of", value_name = "SOURCE")]
    of: Option<String>,
    #[command(flatten)]
    reading: ReadingFlags,
}

impl Quarantine {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        match self {
            Quarantine::List(list) => list.run(context).await,
            Quarantine::Replay(replay) => replay.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let open = context.engine().quarantined().await?;
        let mut sheet = Sheet::new("quarantine", &["file", "line", "source", "code", "reason"]);
        for record in open.iter().take(self.limit) {
            sheet.push(
                vec![
                    record.file.clone(),
                    record.line.to_string(),
                    record.source.clone(),
                    record.code.clone(),
                    record.reason.clone(),
                ],
                serde_json::to_value(record).unwrap_or_default(),
            );
        }
        sheet.print(&context.output)?;
        if open.len() > self.limit {
            output::say(&format!("{} more; --limit shows them", open.len() - self.limit));
        }
        Ok(Outcome::Clean)
    }
}

impl Replay {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let readings = Readings::new(&context.config, &self.reading)?;
        let engine = context.engine();
        let open = engine.quarantined().await?;
        let wanted = |record: &&Quarantined| self.of.as_ref().is_none_or(|source| *source == record.source);
        let mut files: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for record in open.iter().filter(wanted) {
            *files.entry(PathBuf::from(&record.file)).or_default() += 1;
        }
        let (there, gone): (Vec<_>, Vec<_>) = files.into_iter().partition(|(file, _)| file.is_file());
        for (file, records) in &gone {
            output::say(&format!("{} is gone; {records} records stay in quarantine", file.display()));
        }
        if !there.is_empty() {
            let paths: Vec<PathBuf> = there.into_iter().map(|(file, _)| file).collect();
            let report = engine.ingest(&paths, &|name| readings.of(name), &mut |_| {}).await?;
            ingest::sheet(&report).print(&context.output)?;
            ingest::complain(&report);
        }
        let left = engine.quarantined().await?.len();
        output::say(&format!(
            "{} of {} records left quarantine",
            open.len().saturating_sub(left),
            open.len()
        ));
        Ok(if left == 0 { Outcome::Clean } else { Outcome::Incomplete })
    }
}
