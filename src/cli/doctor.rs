//! `doctor`: whether configuration, disk and sources are fit to rely on.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use clap::Args;

use super::output::Sheet;
use super::{Context, Error, Outcome, times};
use crate::pipeline::chain;
use crate::query::At;

#[derive(Args)]
pub struct Doctor {
    /// Check freshness as of this time [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

impl Doctor {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let now = times::now();
        let as_of = times::parse_or("--as-of", self.as_of.as_deref(), now, &context.zone())?;
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
                |error| chain(&error),
            );
            checks.add("lake", fit, &detail);
            if !fit {
                checks.sheet.print(&context.output)?;
                return Ok(Outcome::Incomplete);
            }
        }
        let engine = context.engine();
        if !engine.rule_folders().is_empty() {
            let rules = engine.company_rules().await?;
            let told =
                format!("{} rules and {} Sigma rules", rules.own.len(), rules.sigma.headings().count());
            checks.add("rules", true, &told);
            for broken in &rules.broken {
                checks.add("rules", false, &broken.says());
            }
        }
        let at = At { as_of, known_at: now };
        let sources = match engine.check_tenant().await {
            Ok(()) => engine.sources(at, &context.config.profile.value).await?,
            Err(_) => Vec::new(),
        };
        for source in &sources {
            let name = [Some(&source.source), source.app_id.as_ref()];
            let name = name.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/");
            let reaches = source.watermark_at.map_or_else(|| "no instant".to_owned(), |at| at.to_string());
            let told = match source.reasons.as_slice() {
                [] => format!("reaches {reaches}, {} quarantined", source.quarantined),
                reasons => reasons.join("; "),
            };
            checks.add(&format!("source {name}"), source.whole(), &told);
        }
        if sources.is_empty() {
            checks.add("sources", false, "nothing has been ingested yet: lychgate ingest PATH");
        }
        checks.sheet.print(&context.output)?;
        Ok(if checks.doubts > 0 { Outcome::Incomplete } else { Outcome::Clean })
    }
}

struct Checks {
    sheet: Sheet<'static>,
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
