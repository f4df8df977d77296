//! Watching folders: files are ingested when they are new or changed, and no longer growing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Error;
use super::output;
use crate::pipeline::{Engine, IngestReport, Reading};

/// By what a change is noticed: size and time of modification.
type Stamp = (u64, Option<SystemTime>);

/// A file that changed at so many looks in a row is read as far as it has whole lines: a live log never stands still.
const CHANGING_LOOKS: u32 = 6;

/// Looks every so often until Ctrl-C, and hands what it ingested to `tell`. A look that fails, as
/// when another process writes, is told and made up for by the next one.
///
/// # Errors
/// A path that does not exist at the beginning; those of `tell`.
pub async fn watch(
    engine: &Engine,
    paths: &[PathBuf],
    reading: &(dyn Fn(&str) -> Reading + Sync),
    every: Duration,
    tell: &(dyn Fn(&IngestReport) -> Result<(), Error> + Sync),
) -> Result<(), Error> {
    let there = crate::ingest::files(paths).map_err(crate::pipeline::Error::from)?.len();
    output::say(&format!("watching {there} files and what comes; Ctrl-C stops"));
    let growing_reading = |name: &str| Reading { growing: true, ..reading(name) };
    let mut known: HashMap<PathBuf, Stamp> = HashMap::new();
    // Files that are new or changed, and for how many looks they have been changing.
    let mut changing: HashMap<PathBuf, (Stamp, u32)> =
        stamps(paths).into_iter().map(|(path, stamp)| (path, (stamp, 0))).collect();
    loop {
        tokio::select! {
            // Without a signal handler the default action stops the process all the same.
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
        let (mut still, mut growing, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
        for (path, stamp) in stamps(paths).into_iter().filter(|(path, stamp)| known.get(path) != Some(stamp))
        {
            let looks = match changing.get(&path) {
                // Half a file would be quarantined in its last line, and half a listing believed.
                Some((before, _)) if *before == stamp => {
                    still.push(path.clone());
                    0
                }
                Some((_, looks)) => looks + 1,
                None => 0,
            };
            if looks > 0 && looks % CHANGING_LOOKS == 0 {
                growing.push(path.clone());
            }
            seen.insert(path, (stamp, looks));
        }
        changing = seen;
        still.sort();
        if !still.is_empty() {
            match engine.ingest(&still, reading, &mut |_| {}).await {
                Ok(report) => {
                    tell(&report)?;
                    let read =
                        still.into_iter().filter_map(|path| changing.get(&path).map(|(at, _)| (path, *at)));
                    known.extend(read);
                }
                Err(error) => output::say(&format!("{error}; the next look tries again")),
            }
        }
        if !growing.is_empty() {
            match engine.ingest(&growing, &growing_reading, &mut |_| {}).await {
                // Of what is being written, some is no log: it is told of when it stands still.
                Ok(mut report) => {
                    report.files.retain(|file| file.new > 0);
                    if !report.files.is_empty() {
                        tell(&report)?;
                    }
                }
                Err(error) => output::say(&format!("{error}; the next look tries again")),
            }
        }
    }
}

/// The files below `paths` as they are now; one that goes while it is looked at is left out.
fn stamps(paths: &[PathBuf]) -> HashMap<PathBuf, Stamp> {
    let files = crate::ingest::files(paths).unwrap_or_default();
    let stamp = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some((path, (metadata.len(), metadata.modified().ok())))
    };
    files.into_iter().filter_map(stamp).collect()
}
