//! Tables that were cared for: after replay of quarantine, compaction, vacuum and new columns in an
//! old table, Polars, DuckDB and `deltalake` for Python see the rows that `lychgate sql` sees.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use lychgate::simulate::{Faults, Noise, Plan, write};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{at, check, from_root, python};
use crate::faults::{events_file, lychgate};
use crate::store::care::version_1;

/// What is compared: the table, its name in a session, and columns of every type; `true` for instants.
type Compared = (&'static str, &'static str, &'static [(&'static str, bool)]);

const TABLES: [Compared; 6] = [
    (
        "events",
        "events",
        &[
            ("event_id", false),
            ("source", false),
            ("verb", false),
            ("occurred_at", true),
            ("ingested_at", true),
            ("http_status", false),
            ("credential_id", false),
            ("raw", false),
            ("origin_line", false),
            ("event_date", false),
        ],
    ),
    (
        "snapshots",
        "snapshots",
        &[
            ("listing_id", false),
            ("row_kind", false),
            ("account_id", false),
            ("entitlement_id", false),
            ("active", false),
            ("listed_at", true),
        ],
    ),
    (
        "employments",
        "employments_raw",
        &[("employee_id", false), ("start_at", true), ("on_leave", false), ("raw", false)],
    ),
    ("registers", "registers", &[("kind", false), ("key", false), ("attributes", false)]),
    (
        "sources",
        "sources",
        &[("load_id", false), ("kind", false), ("rows_new", false), ("watermark_at", true)],
    ),
    (
        "quarantine",
        "quarantine",
        &[("load_id", false), ("origin_line", false), ("code", false), ("excerpt", false)],
    ),
];

/// Rows in order, each value as text.
type Rows = Vec<Vec<Option<String>>>;

/// What `lychgate sql` says of a table.
fn ours(data: &Path, (_, view, columns): Compared) -> Rows {
    let asked: Vec<String> = columns
        .iter()
        .map(|(name, instant)| {
            let kind = if *instant { "BIGINT" } else { "VARCHAR" };
            format!("CAST({name} AS {kind}) AS {name}")
        })
        .collect();
    let statement = format!("SELECT {} FROM {view}", asked.join(", "));
    let printed = run(data, &["sql", &statement], 0);
    let cell = |row: &Value, name: &str| match &row[name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let mut rows: Rows = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|row: Value| columns.iter().map(|(name, _)| cell(&row, name)).collect())
        .collect();
    rows.sort_by_key(|row| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect::<Vec<_>>());
    rows
}

/// Compares every table; gives the rows of each, for a look at what was compared.
fn compare(python: &Path, data: &Path, when: &str) -> BTreeMap<&'static str, Rows> {
    let names = |columns: &[(&str, bool)]| columns.iter().map(|(name, _)| json!(name)).collect::<Vec<_>>();
    let asked: Value = TABLES.iter().map(|(table, _, columns)| (*table, names(columns))).collect();
    let mut reader = Command::new(python)
        .arg(from_root("tests/python/read_tables.py"))
        .arg(data.join("lake/default"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    reader.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let printed = check(&reader.wait_with_output().unwrap());
    let answers: BTreeMap<String, BTreeMap<String, Rows>> = serde_json::from_str(&printed).unwrap();
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["deltalake", "duckdb", "polars"]);
    let mut all = BTreeMap::new();
    for compared in TABLES {
        let (table, ..) = compared;
        let ours = ours(data, compared);
        for (reader, tables) in &answers {
            let theirs = &tables[table];
            assert_eq!(theirs.len(), ours.len(), "{when}: rows of {table} by {reader}");
            if let Some((theirs, ours)) = theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours) {
                panic!("{when}: a row of {table} is {theirs:?} by {reader}, and {ours:?} by us");
            }
        }
        all.insert(table, ours);
    }
    all
}

/// Runs the program, which must end with `code`; what it printed.
fn run(data: &Path, arguments: &[&str], code: i32) -> String {
    let output = lychgate(data).args(["-o", "ndjson"]).args(arguments).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Merges small files, then removes what they were; fails when there was nothing of `tables` to merge.
fn compact(data: &Path, tables: &[&str]) {
    // What a merge replaces is younger than it; the next one removes that.
    let [merged, removed] = ["merged", "removed"].map(|what| {
        let printed = run(data, &["compact", "--keep-days", "0"], 0);
        let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |table: &str| lines.iter().find(|line| line["table"] == table).unwrap()[what].as_u64();
        tables.iter().map(|table| of(table).unwrap()).collect::<Vec<u64>>()
    });
    assert!(merged.iter().all(|files| *files > 1), "{tables:?}: {merged:?} files were merged");
    assert!(removed.iter().zip(&merged).all(|(gone, old)| gone >= old), "{tables:?}: {removed:?} are gone");
}

/// Else whoever reads the lake with their own tools would miss what was merged, or see twice what a
/// merge has replaced.
#[test]
fn other_readers_see_the_same_rows_after_compaction_and_replay() {
    let Some(python) = python() else { return };
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let files = folder.path().join("files");
    let plan =
        Plan { people: 60, days: 150, seed: 7, end_at: at().as_of, noise: Noise::NONE, faults: Faults::ALL };
    write(&plan, &files).unwrap();
    for part in ["hr", "okta", "apps", "registers", "scim", "entra"].map(|part| files.join(part)) {
        run(&data, &["ingest", part.to_str().unwrap()], 0);
    }
    for hour in 0..4 {
        let file = events_file(folder.path(), &format!("hour-{hour}.ndjson"), hour * 20..hour * 20 + 30);
        run(&data, &["ingest", file.to_str().unwrap()], 0);
    }
    // A file that was read while it was being written: its last line is torn.
    let late = events_file(folder.path(), "late.ndjson", 200..210);
    let whole = fs::read_to_string(&late).unwrap();
    fs::write(&late, &whole[..whole.len() - 50]).unwrap();
    run(&data, &["ingest", late.to_str().unwrap()], 4);
    let torn = compare(&python, &data, "with a torn line");
    assert_eq!(torn["quarantine"].len(), 1);
    fs::write(&late, &whole).unwrap();
    run(&data, &["quarantine", "replay"], 0);

    let first = compare(&python, &data, "replayed");
    assert_eq!(first["events"].len(), torn["events"].len() + 1, "the torn record was read");
    assert!(first.values().filter(|rows| rows.len() > 1).count() >= 5, "{:?}", sizes(&first));
    compact(&data, &["events", "sources"]);
    assert_eq!(compare(&python, &data, "compacted"), first);
}

fn sizes(tables: &BTreeMap<&'static str, Rows>) -> BTreeMap<&'static str, usize> {
    tables.iter().map(|(table, rows)| (*table, rows.len())).collect()
}

/// Else an upgrade would leave a lake that only we can read: files of two sets of columns side by
/// side, then both in one.
#[test]
fn other_readers_see_the_same_rows_of_a_lake_that_was_brought_up() {
    let Some(python) = python() else { return };
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    version_1(&data);
    let before = TABLES.map(|compared| (compared.0, ours(&data, compared).len()));
    // A credential is a column that the old table lacks.
    let file = folder.path().join("keys.ndjson");
    let line = |id: u32, day: u32| {
        json!({ "uuid": format!("key-{id}"), "published": format!("2026-05-0{day}T10:00:00.000Z"),
            "eventType": "system.api_token.create", "outcome": { "result": "SUCCESS" },
            "actor": { "id": "00a", "type": "User" },
            "target": [{ "id": format!("00T{id}"), "type": "Token", "displayName": "sync" }] })
        .to_string()
    };
    let lines: Vec<String> = (1..=9).map(|day| line(day, day)).collect();
    fs::write(&file, format!("{}\n{{torn\n", lines.join("\n"))).unwrap();
    run(&data, &["ingest", file.to_str().unwrap()], 4);

    let mixed = compare(&python, &data, "old files and new");
    let of = |table: &str| before.iter().find(|(name, _)| *name == table).unwrap().1;
    assert_eq!((mixed["events"].len(), mixed["quarantine"].len()), (of("events") + 9, of("quarantine") + 1));
    let known = mixed["events"].iter().filter(|row| row[6].is_some()).count();
    assert_eq!(known, 9, "credentials of the new rows only");
    compact(&data, &["events", "quarantine", "sources"]);
    assert_eq!(compare(&python, &data, "old and new in one file"), mixed);
}
