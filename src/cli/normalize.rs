//! `normalize`: canonical rows as NDJSON; nothing is stored.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{Format, Output};
use super::reading::{ReadingFlags, Readings};
use super::{Context, Error, Outcome, output};
use crate::domain::{Origin, Rejection, Row};
use crate::ingest;
use crate::pipeline;

#[derive(Args)]
pub struct Normalize {
    /// Files, folders, or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingFlags,
}

impl Normalize {
    pub fn run(self, context: &Context) -> Result<Outcome, Error> {
        let readings = Readings::new(&context.config, &self.reading)?;
        let (mut to, what) = destination(&context.output)?;
        let mut outcome = Outcome::Clean;
        let mut print = |origin: &Origin, row: Result<Row, Rejection>| -> io::Result<()> {
            let line = match row {
                Ok(row) => json!({ "origin": origin, "normalized": row }),
                Err(rejection) => json!({ "origin": origin, "quarantined": rejection }),
            };
            writeln!(to, "{line}")
        };
        for path in ingest::files(&self.paths).map_err(pipeline::Error::from)? {
            let reading = readings.of(&path.to_string_lossy());
            let report = match pipeline::normalize(&path, &reading, &mut print) {
                Err(pipeline::Error::HandOver { source, .. }) => {
                    output::open_pipe(&what, Err(source))?;
                    // Whoever read our output has seen enough.
                    break;
                }
                other => other?,
            };
            if let Some(why) = report.refused {
                output::say(&format!("refused {}: {why}", report.file));
                outcome = Outcome::Incomplete;
            }
            if report.quarantined > 0 {
                outcome = Outcome::Incomplete;
            }
        }
        output::open_pipe(&what, to.flush())?;
        Ok(outcome)
    }
}

/// Where rows go, and what that is called: rows of several kinds fit in no table.
fn destination(outputs: &[Output]) -> Result<(BufWriter<Box<dyn Write>>, String), Error> {
    match outputs {
        [] | [Output { format: Format::Ndjson, path: None }] => {
            Ok((BufWriter::new(Box::new(io::stdout().lock())), "standard output".to_owned()))
        }
        [Output { format: Format::Ndjson, path: Some(path) }] => {
            let what = path.display().to_string();
            match File::create(path) {
                Ok(file) => Ok((BufWriter::new(Box::new(file)), what)),
                Err(source) => Err(Error::Write { what, source }),
            }
        }
        _ => Err(Error::Usage("normalize writes ndjson and nothing else: --output ndjson=FILE".to_owned())),
    }
}
