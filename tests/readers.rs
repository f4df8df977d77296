//! Readers that are not ours: Polars, DuckDB and `deltalake` see in the lake what we see, also after
//! care of its tables (`cared`), and the notebook runs from first cell to last. Needs Python with
//! `tests/python/requirements.txt` (env `LYCHGATE_PYTHON`, else `python3`); says why and returns when
//! there is none.

mod cared;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lychgate::domain::UtcMicros;
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::{At, Rows};
use lychgate::simulate::{Faults, Noise, Plan, write};
use tempfile::TempDir;

use crate::support::block_on;

const END: &str = "2026-06-30T00:00:00Z";
const TENANT: &str = "acme";

fn at() -> At {
    // 2100-01-01: by then everything that was read is known.
    At { as_of: UtcMicros::parse(END).unwrap(), known_at: UtcMicros(4_102_444_800_000_000) }
}

/// The Python to ask, when it has the libraries; says so when it has not.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("LYCHGATE_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let tried = Command::new(&python).args(["-c", "import polars, deltalake, duckdb, matplotlib"]).output();
    let reason = match tried {
        Ok(output) if output.status.success() => return Some(python),
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("skipped: {} cannot read the lake ({reason}); set LYCHGATE_PYTHON", python.display());
    None
}

/// A small organisation, ingested under `folder`.
async fn ingested(folder: &Path) -> Engine {
    let files = folder.join("files");
    let plan =
        Plan { people: 60, days: 150, seed: 7, end_at: at().as_of, noise: Noise::NONE, faults: Faults::ALL };
    write(&plan, &files).unwrap();
    let rooms = ["hr", "okta", "entra", "google", "scim", "apps", "registers"].map(|room| files.join(room));
    let rooms: Vec<PathBuf> = rooms.into_iter().filter(|room| room.exists()).collect();
    let engine = Engine::new(&folder.join("data"), TENANT);
    engine.ingest(&rooms, &|_| Reading::default(), &mut |_| {}).await.unwrap();
    engine
}

fn from_root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the script printed; fails with what it complained of.
fn check(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// If this failed, the promise of an open lake would be void: an auditor who counts with their
/// own tools would see other events than the findings rest on.
#[test]
fn other_readers_count_the_same_events() {
    let Some(python) = python() else { return };
    let folder = TempDir::new().unwrap();
    let (ours, data) = block_on(async || {
        let engine = ingested(folder.path()).await;
        let session = engine.session(at()).await.unwrap();
        let batches = session.select("SELECT count(*) AS events FROM events").await.unwrap();
        (Rows::new("count", &batches[0]).integers("events").unwrap().value(0), engine.data().to_owned())
    });
    assert!(ours > 1_000, "only {ours} events, which proves little");

    let table = data.join("lake").join(TENANT).join("events");
    let output = Command::new(python).arg(from_root("tests/python/read_lake.py")).arg(table).output();
    let counts: serde_json::Value = serde_json::from_str(&check(&output.unwrap())).unwrap();
    assert_eq!(counts, serde_json::json!({ "polars": ours, "duckdb": ours }));
}

/// If this failed, whoever opens the notebook on their own lake would meet an error in a cell.
#[test]
fn the_notebook_runs_on_a_lake_and_its_findings() {
    let Some(python) = python() else { return };
    let folder = TempDir::new().unwrap();
    let (report, data) = block_on(async || {
        let engine = ingested(folder.path()).await;
        let request =
            DetectRequest { at: at(), profile: "default".to_owned(), detectors: Vec::new(), record: false };
        (engine.detect(&request).await.unwrap(), engine.data().to_owned())
    });
    let lines: Vec<String> =
        report.findings.iter().map(|f| serde_json::to_string(&f.unwrap()).unwrap()).collect();
    let findings = folder.path().join("findings.ndjson");
    std::fs::write(&findings, lines.join("\n")).unwrap();

    let output = Command::new(python)
        .arg(from_root("tests/python/run_notebook.py"))
        .arg(from_root("notebooks/01_findings_over_time.ipynb"))
        .env("LYCHGATE_DATA", data)
        .env("LYCHGATE_TENANT", TENANT)
        .env("LYCHGATE_FINDINGS", findings)
        .output();
    let said = check(&output.unwrap());
    assert!(said.contains(&format!("{} findings as of 2026-06-30", report.findings.len())), "{said}");
}
