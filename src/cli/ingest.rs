//! `ingest`: files into the lake.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::output::{self, Sheet};
use super::reading::{ReadingFlags, Readings};
use super::{Context, Error, Outcome, watch};
use crate::pipeline::{FileReport, IngestReport};

#[derive(Args)]
pub struct Ingest {
    /// Files, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Keep running: ingest new and changed files until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Seconds between two checks for new files
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, requires = "watch")]
    every: f64,
    /// Explain how the columns of each table were interpreted
    #[arg(long)]
    explain: bool,
    /// Threads, 0 for one a core [default: from the configuration]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Keep the columns only, without the raw records
    #[arg(long)]
    no_raw: bool,
    #[command(flatten)]
    reading: ReadingFlags,
}

impl Ingest {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let readings = Readings::new(&context.config, &self.reading)?;
        if !self.watch && crate::ingest::files(&self.paths).map_err(crate::pipeline::Error::from)?.is_empty()
        {
            let named: Vec<String> =
                self.paths.iter().map(|path| format!("\"{}\"", path.display())).collect();
            return Err(Error::Usage(format!("there is no file to read in {}", named.join(", "))));
        }
        let bar = progress_bar();
        let mut heard = |file: &FileReport| {
            bar.set_message(file.file.clone());
            bar.inc(1);
        };
        let threads = self.threads.unwrap_or(context.config.threads.value);
        let engine = context.engine_writing(threads, context.config.keep_raw.value && !self.no_raw);
        let tell = |report: &IngestReport| {
            let explained = report.files.iter().filter(|_| self.explain);
            for (file, explanation) in
                explained.filter_map(|file| Some((&file.file, file.explanation.as_ref()?)))
            {
                output::say(&format!("{file}\n{explanation}\n"));
            }
            sheet(report).print(&context.output)?;
            complain(report);
            Ok(())
        };
        if self.watch {
            if self.paths.iter().any(|path| path == Path::new("-")) {
                return Err(Error::Usage(
                    "standard input cannot be watched: name a file or a folder".to_owned(),
                ));
            }
            let every = Duration::try_from_secs_f64(self.every)
                .map_err(|_| Error::Usage(format!("--every {} is not a number of seconds", self.every)))?;
            watch::watch(&engine, &self.paths, &|name| readings.of(name), every, &tell).await?;
            return Ok(Outcome::Clean);
        }
        let report = engine.ingest(&self.paths, &|name| readings.of(name), &mut heard).await?;
        bar.finish_and_clear();
        tell(&report)?;
        Ok(if report.incomplete() { Outcome::Incomplete } else { Outcome::Clean })
    }
}

/// A spinner for people; nothing where nobody looks.
pub fn progress_bar() -> ProgressBar {
    if !output::interactive() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} files  {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One line a file, and their sum.
pub fn sheet(report: &IngestReport) -> Sheet<'static> {
    let mut sheet =
        Sheet::new("files", &["file", "source", "app", "read", "new", "duplicate", "quarantined"]);
    for file in &report.files {
        sheet.push(
            vec![
                file.file.clone(),
                if file.refused.is_some() { "refused".to_owned() } else { file.source.clone() },
                file.app_id.clone().unwrap_or_default(),
                file.read.to_string(),
                file.new.to_string(),
                file.duplicate.to_string(),
                file.quarantined.to_string(),
            ],
            serde_json::to_value(file).unwrap_or_default(),
        );
    }
    sheet
}

/// Refused files and the reasons for quarantine, on standard error.
pub fn complain(report: &IngestReport) {
    for file in &report.files {
        if let Some(why) = &file.refused {
            output::say(&format!("refused {}: {why}", file.file));
            if file.quarantined > 0 {
                output::say(&format!(
                    "  its {} records wait in quarantine; quarantine replay reads them once a format does",
                    file.quarantined
                ));
            }
        }
        for (reason, count) in &file.reasons {
            output::say(&format!("quarantined {count} of {}: {reason}", file.file));
        }
    }
}
