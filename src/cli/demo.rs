//! `demo`: from nothing to findings in one command.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::output;
use super::{Context, Error, Outcome, detect, evaluate, ingest, serve, times};
use crate::pipeline::{DetectRequest, Engine, Reading, evaluate as grading};
use crate::query::At;
use crate::simulate::{self, Faults, Noise, Plan};

#[derive(Args)]
pub struct Demo {
    /// People who work or worked there
    #[arg(long, default_value_t = 1_000)]
    people: u32,
    /// Days of history
    #[arg(long, default_value_t = 730)]
    days: u32,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Add every kind of noise: late, duplicate and torn data
    #[arg(long)]
    noise: bool,
    /// Stop after the findings instead of serving the API
    #[arg(long)]
    no_serve: bool,
}

/// In every folder that a demonstration made, and so may remove.
const MARKER: &str = "made-by-lychgate-demo";
const MARKED: &str = "The next lychgate demo removes this folder.\n";

const UNTIL: &str = "2026-06-30T00:00:00Z";

impl Demo {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let folder = self.folder(context)?;
        let files = folder.join("files");
        let plan = Plan {
            people: self.people,
            days: self.days,
            seed: self.seed,
            end_at: times::parse("until", UNTIL, &context.zone())?,
            noise: if self.noise { Noise::FULL } else { Noise::NONE },
            faults: Faults::ALL,
        };
        output::say(&format!("1/4 simulating {} people over {} days", self.people, self.days));
        let summary = simulate::write(&plan, &files)?;
        output::say(&format!(
            "    {} events, {} accounts in {}",
            summary.events,
            summary.accounts,
            files.display()
        ));

        output::say("2/4 ingesting: formats and columns are found by themselves");
        let engine = Engine::new(&folder.join("data"), "demo");
        let report = ingest_all(&engine, &files).await?;
        let rows: u64 = report.files.iter().map(|file| file.new).sum();
        output::say(&format!("    {} files, {rows} rows", report.files.len()));
        ingest::complain(&report);

        output::say("3/4 detecting");
        let at = At { as_of: plan.end_at, known_at: times::now() };
        let request =
            DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: true };
        let run = engine.detect(&request).await?;
        let shown = detect::first_of_each(&run, 1);
        let reader = RefCell::new(run.findings.reader());
        let told = shown.iter().map(|place| detect::FindingLine {
            reader: &reader,
            place: *place,
            decided: &run.decided,
        });
        detect::sheet(told).print(&context.output)?;
        detect::summarise(&run, shown.len());

        output::say("\n4/4 against the truth that the simulation knows");
        let labels = grading::labels(&files.join("labels.csv"))?;
        let scores = evaluate::sheet(&grading::score(&labels, &run.findings));
        match context.output.is_empty() {
            true => scores.print(&[])?,
            // Whoever asked for a format reads one document.
            false => output::say(&scores.text()?),
        }
        let data = engine.data().display().to_string();
        output::say(&format!(
            "\nLook at it yourself:\n  \
             lychgate --data {data} --tenant demo findings list --filter 'severity eq \"critical\"'\n  \
             lychgate --data {data} --tenant demo access --app salesforce --as-of {UNTIL}\n  \
             lychgate --data {data} --tenant demo sql --as-of {UNTIL} \"SELECT app_id, count(*) FROM accounts_now GROUP BY app_id\""
        ));
        if self.no_serve {
            return Ok(Outcome::Clean);
        }
        serve::listen(&engine, &context.config.listen.value, context.config.events_wait()).await
    }

    /// An empty folder for the demonstration: it never touches data of yours.
    fn folder(&self, context: &Context) -> Result<PathBuf, Error> {
        let folder = context.config.data.value.join("demo");
        let failed = |source| Error::Write { what: folder.display().to_string(), source };
        if folder.join(MARKER).is_file() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        fs::create_dir_all(&folder).map_err(failed)?;
        if fs::read_dir(&folder).map_err(failed)?.next().is_some() {
            return Err(Error::Usage(format!(
                "\"{}\" was not made by a demonstration: move it away, or name another folder with --data",
                folder.display()
            )));
        }
        fs::write(folder.join(MARKER), MARKED).map_err(failed)?;
        Ok(folder)
    }
}

/// Ingests what the simulation wrote, without the truth about it.
async fn ingest_all(
    engine: &Engine,
    files: &std::path::Path,
) -> Result<crate::pipeline::IngestReport, Error> {
    let paths = ["hr", "okta", "entra", "google", "scim", "apps", "registers"].map(|name| files.join(name));
    let paths: Vec<PathBuf> = paths.into_iter().filter(|path| path.exists()).collect();
    let bar = ingest::progress_bar();
    let report = engine
        .ingest(&paths, &|_| Reading::default(), &mut |file| {
            bar.set_message(file.file.clone());
            bar.inc(1);
        })
        .await?;
    bar.finish_and_clear();
    Ok(report)
}
