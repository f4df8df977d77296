//! Watching folders: files are ingested when they are new or changed, and no longer growing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Error;
use super::output;
use crate::pipeline::{Engine, IngestReport, Reading};

/// By what a change is noticed: size and time of modification.
type Stamp = (u64, Option<SystemTime>);

/// Looks every so often until Ctrl-C, and hands what it ingested to `tell`. A look that fails, as
/// when another process writes, is told and made up for by the next one.
///
/// # Errors
/// Those of `tell`.
pub async fn watch(
    engine: &Engine,
    paths: &[PathBuf],
    reading: &(dyn Fn(&str) -> Reading + Sync),
    every: Duration,
    tell: &(dyn Fn(&IngestReport) -> Result<(), Error> + Sync),
    mut known: HashMap<PathBuf, Stamp>,
) -> Result<(), Error> {
    let mut growing: HashMap<PathBuf, Stamp> = HashMap::new();
    output::say(&format!("watching {} files and what comes; Ctrl-C stops", known.len()));
    loop {
        tokio::select! {
            // Without a signal handler the default action stops the process all the same.
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
        let seen = stamps(paths);
        let changed: HashMap<PathBuf, Stamp> =
            seen.into_iter().filter(|(path, stamp)| known.get(path) != Some(stamp)).collect();
        // Half a file would be quarantined in its last line, and half a listing believed.
        let mut still: Vec<PathBuf> = changed
            .iter()
            .filter(|(path, stamp)| growing.get(*path) == Some(stamp))
            .map(|(path, _)| path.clone())
            .collect();
        still.sort();
        if !still.is_empty() {
            match engine.ingest(&still, reading, &mut |_| {}).await {
                Ok(report) => {
                    tell(&report)?;
                    known.extend(still.iter().filter_map(|path| Some((path.clone(), *changed.get(path)?))));
                }
                Err(error) => output::say(&format!("{error}; the next look tries again")),
            }
        }
        growing = changed;
    }
}

/// The files below `paths` as they are now; one that goes while it is looked at is left out.
pub fn stamps(paths: &[PathBuf]) -> HashMap<PathBuf, Stamp> {
    let files = crate::ingest::files(paths).unwrap_or_default();
    let stamp = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some((path, (metadata.len(), metadata.modified().ok())))
    };
    files.into_iter().filter_map(stamp).collect()
}
