//! `doctor`: whether configuration, disk and sources are fit to rely on.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use clap::Args;

use super::output::Sheet;
use super::{Context, Error, Outcome, times};
use crate::query::{At, Rows};

#[derive(Args)]
pub struct Doctor {
    /// Judge freshness at this instant [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

/// Sources older than this many days are pointed out; detectors apply their profile's limits.
const STALE_DAYS: i64 = 7;

impl Doctor {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let now = times::now();
        let as_of = times::parse_or("--as-of", self.as_of.as_deref(), now)?;
        let mut checks = Checks { sheet: Sheet::new("checks", &["check", "status", "detail"]), doubts: 0 };
        for (key, value, origin) in context.config.settings() {
            checks.add(&format!("config {key}"), true, &format!("{value} ({origin})"));
        }
        let data = &context.config.data.value;
        match probe(data) {
            Ok(()) => checks.add("disk", true, &format!("{} can be written and synced", data.display())),
            Err(e) => checks.add("disk", false, &format!("cannot write and sync in {}: {e}", data.display())),
        }
        if let Some(bucket) = &context.bucket {
            let checked = bucket.check_conditional_put().await;
            let fit = checked.is_ok();
            let detail = checked.err().map_or_else(
                || format!("{} answers, and creates an object only where none is", bucket.url()),
                |error| super::chain(&error),
            );
            checks.add("lake", fit, &detail);
            if !fit {
                checks.sheet.print(&context.output)?;
                return Ok(Outcome::Incomplete);
            }
        }
        let session = context.engine().session(At { as_of, known_at: now }).await?;
        const SOURCES: &str = "SELECT source, app_id, watermark_at, complete, quarantined FROM sources_now \
             ORDER BY source, app_id";
        let mut sources = 0;
        for batch in session.collect("sources_now", SOURCES).await? {
            let rows = Rows::new("sources_now", &batch);
            let (source, app, watermark) =
                (rows.texts("source")?, rows.texts("app_id")?, rows.times("watermark_at")?);
            let (complete, quarantined) = (rows.booleans("complete")?, rows.integers("quarantined")?);
            for row in 0..rows.len() {
                sources += 1;
                let reaches = watermark.get(row);
                let days = reaches.map(|at| as_of.since(at).as_hours() / 24);
                let fit = days.is_some_and(|days| days < STALE_DAYS)
                    && complete.value(row)
                    && quarantined.value(row) == 0;
                let name =
                    [source.get(row), app.get(row)].into_iter().flatten().collect::<Vec<_>>().join("/");
                let detail = format!(
                    "reaches {}, {} quarantined{}",
                    reaches.map_or_else(|| "no instant".to_owned(), |at| at.to_string()),
                    quarantined.value(row),
                    if complete.value(row) { "" } else { ", partial" },
                );
                checks.add(&format!("source {name}"), fit, &detail);
            }
        }
        if sources == 0 {
            checks.add("sources", false, "nothing has been ingested yet: lychgate ingest PATH");
        }
        checks.sheet.print(&context.output)?;
        Ok(if checks.doubts > 0 { Outcome::Incomplete } else { Outcome::Clean })
    }
}

struct Checks {
    sheet: Sheet,
    doubts: usize,
}

impl Checks {
    fn add(&mut self, check: &str, fit: bool, detail: &str) {
        let status = if fit { "ok" } else { "look" };
        self.doubts += usize::from(!fit);
        self.sheet.push(
            vec![check.to_owned(), status.to_owned(), detail.to_owned()],
            serde_json::json!({ "check": check, "status": status, "detail": detail }),
        );
    }
}

/// Writes and syncs a small file, as every commit will.
fn probe(data: &Path) -> std::io::Result<()> {
    fs::create_dir_all(data)?;
    let path = data.join(".probe");
    let mut file = File::create(&path)?;
    file.write_all(b"lychgate")?;
    file.sync_all()?;
    fs::remove_file(&path)
}
