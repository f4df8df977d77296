//! All stages in a row: from the files of an organisation to its findings; the same files in
//! any order and number; real events of vendors; two who write at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use datafusion::prelude::SessionContext;
use lychgate::domain::UtcMicros;
use lychgate::findings::{Entry, FindingQuery, RunKind};
use lychgate::pipeline::evaluate::{ClassScore, labels, score};
use lychgate::pipeline::{DetectRequest, Engine, IngestReport, Reading, RunReport, normalize};
use lychgate::query::{At, json_rows};
use lychgate::simulate::{Faults, Noise, Plan, write};
use lychgate::store::Lake;

use crate::support::{block_on, fixtures, now};

/// 2100-01-01: by then everything that was read is known.
const LATER: UtcMicros = UtcMicros(4_102_444_800_000_000);
const TENANT: &str = "acme";

fn plan(people: u32, days: u32) -> Plan {
    let end_at = UtcMicros::parse("2026-06-30T00:00:00Z").unwrap();
    Plan { people, days, seed: 7, end_at, noise: Noise::NONE, faults: Faults::ALL }
}

/// What an organisation hands over, file by file: everything but the truth.
fn handed_over(folder: &Path) -> Vec<PathBuf> {
    let rooms = ["hr", "okta", "entra", "google", "scim", "apps", "registers"];
    let rooms: Vec<PathBuf> =
        rooms.iter().map(|room| folder.join(room)).filter(|room| room.exists()).collect();
    lychgate::ingest::files(&rooms).unwrap()
}

async fn ingest(engine: &Engine, paths: &[PathBuf]) -> IngestReport {
    let report = engine.ingest(paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
    for file in &report.files {
        assert!(file.refused.is_none() && file.quarantined == 0, "{file:?}");
    }
    report
}

async fn detect(engine: &Engine, at: At) -> RunReport {
    let request = DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: true };
    engine.detect(&request).await.unwrap()
}

/// The ledger's findings without the instant of the last look.
async fn recorded(engine: &Engine) -> Vec<Entry> {
    let query = FindingQuery { limit: FindingQuery::LIMIT_MAX, ..FindingQuery::default() };
    let page = engine.ledger().await.unwrap().list(&query).await.unwrap();
    assert!(page.next.is_none(), "more findings than one page holds");
    let mut entries = page.entries;
    for entry in &mut entries {
        assert!(entry.known.finding.last_seen_at.take().is_some(), "{entry:?}");
    }
    entries
}

/// Feeds are clean, so every label gets its verdict, and nothing else gets one; where the only
/// evidence is stale, that verdict is unknown.
fn check(scores: &[ClassScore]) {
    const SURE: [&str; 4] = ["ZMB-01", "ORP-01", "TBA-02", "OVP-06"];
    let poor =
        |score: &&ClassScore| score.precision.min(score.recall) < 0.99 || score.doubted < score.undecidable;
    let poor: Vec<&ClassScore> = scores.iter().filter(poor).collect();
    assert!(poor.is_empty(), "{poor:#?}");
    for code in SURE {
        assert!(scores.iter().any(|score| score.code == code && score.labels > 0), "no labels of {code}");
    }
}

/// If it failed, what was built room by room would not find what it was built to find; or it
/// would tell everybody the same news every day.
#[test]
fn a_simulated_organisation_is_found_out_and_a_second_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, files) = (plan(120, 200), folder.path().join("files"));
    let summary = write(&plan, &files).unwrap();
    let truth = labels(&files.join("labels.csv")).unwrap();
    block_on(async || {
        let engine = Engine::new(&folder.path().join("data"), TENANT);
        let report = ingest(&engine, &handed_over(&files)).await;
        assert!(report.committed.rows >= summary.events, "{:?}", report.committed);

        let at = At { as_of: plan.end_at, known_at: now() };
        let first = detect(&engine, at).await;
        let changes = first.changes.as_ref().expect("a recorded run");
        assert_eq!(changes.kind, RunKind::Current);
        assert_eq!(changes.counts.opened, first.findings.len() as u64);
        let scores = score(&truth, &first.findings);
        for score in &scores {
            println!("{} labels {} found {} right {}", score.code, score.labels, score.found, score.right);
        }
        check(&scores);
        let told = first.findings.to_vec().unwrap();
        let unowned = told.iter().filter(|finding| finding.owner.is_none()).count();
        println!("{} findings, {unowned} without an owner", first.findings.len());

        told.iter().for_each(crate::score::recount);
        let before = recorded(&engine).await;
        before.iter().for_each(|entry| crate::score::recount(&entry.known.finding));
        let second = detect(&engine, at).await;
        let counts = second.changes.as_ref().expect("a recorded run").counts;
        assert_eq!((counts.opened, counts.reopened, counts.resolved, counts.superseded), (0, 0, 0, 0));
        assert_eq!(counts.still_open, before.len() as u64);
        assert_eq!(recorded(&engine).await, before);
    });
}

/// The rows of each table as sorted text, without when and where they were read.
async fn stored(data: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let lake = Lake::open(data, TENANT).await.unwrap();
    let mut stored = BTreeMap::new();
    for table in ["events", "snapshots", "employments", "registers"] {
        let session = SessionContext::new();
        session.register_table(table, lake.provider(table).await.unwrap()).unwrap();
        let frame = session.sql(&format!("SELECT * FROM {table}")).await.unwrap();
        let mut rows: Vec<String> = Vec::new();
        for mut row in json_rows(&frame.collect().await.unwrap()) {
            let fields = row.as_object_mut().expect("an object");
            fields.retain(|name, _| name != "ingested_at" && !name.starts_with("origin_"));
            rows.push(row.to_string());
        }
        rows.sort_unstable();
        stored.insert(table, rows);
    }
    stored
}

/// Copies files, the logs among them with every line twice over.
fn doubled(paths: &[PathBuf], from: &Path, to: &Path) -> Vec<PathBuf> {
    let copy = |path: &PathBuf| {
        let copy = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        let bytes = fs::read(path).unwrap();
        let log = path.extension().is_some_and(|extension| extension == "ndjson");
        fs::write(&copy, if log { bytes.repeat(2) } else { bytes }).unwrap();
        copy
    };
    paths.iter().map(copy).collect()
}

/// If it failed, who had access would depend on how often and in which order a job copied files.
#[test]
fn repeated_reversed_and_doubled_files_leave_the_same_lake() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write(&plan(60, 140), &files).unwrap();
    let paths = handed_over(&files);
    let reversed: Vec<PathBuf> = paths.iter().rev().cloned().collect();
    let doubled = doubled(&paths, &files, &folder.path().join("doubled"));
    let ways: [(&str, &[&[PathBuf]]); 4] = [
        ("once", &[&paths]),
        ("twice", &[&paths, &paths]),
        ("reversed", &[&reversed]),
        ("doubled", &[&doubled]),
    ];
    block_on(async || {
        let mut lakes = BTreeMap::new();
        for (way, batches) in ways {
            let data = folder.path().join(way);
            for batch in batches {
                ingest(&Engine::new(&data, TENANT), batch).await;
            }
            lakes.insert(way, stored(&data).await);
        }
        for (table, once) in &lakes["once"] {
            assert!(once.len() > 100, "hardly anything in {table}");
            for (way, lake) in &lakes {
                let same = once == &lake[table];
                assert!(same, "{table} {way}: {} rows, not {}", lake[table].len(), once.len());
            }
        }
    });
}

/// The records of one vendor's fixture as a file that the vendor could have written.
fn unwrapped(fixture: &Path, to: &Path) -> (PathBuf, u64) {
    let text = fs::read_to_string(fixture).unwrap();
    let record = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["log"].to_string();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(record).collect();
    let path = to.join(fixture.file_name().unwrap());
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    (path, lines.len() as u64)
}

/// If it failed, a vendor's record would be lost without a trace, or bring a whole file down.
#[test]
fn every_real_event_is_a_row_or_quarantined() {
    let Some(fixtures) = fixtures() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut recognised, mut totals) = (BTreeSet::new(), [0; 3]);
    for fixture in lychgate::ingest::files(&[fixtures.join("panther")]).unwrap() {
        if fixture.extension().is_none_or(|extension| extension != "ndjson") {
            continue;
        }
        let vendor = fixture.file_stem().unwrap().to_string_lossy().into_owned();
        let (path, records) = unwrapped(&fixture, folder.path());
        let (mut rows, mut quarantined) = (0, 0);
        let report = normalize(&path, &Reading::default(), &mut |_, row| {
            if row.is_ok() {
                rows += 1
            } else {
                quarantined += 1
            }
            Ok(())
        })
        .unwrap();
        assert_eq!((report.new, report.quarantined), (rows, quarantined), "{vendor}");
        assert_eq!(report.read, records, "{vendor}");
        assert!(rows + quarantined >= records, "{vendor}: {report:?}");
        match &report.refused {
            // Nothing is lost of a vendor that is not known yet, and the question is asked.
            Some(why) => {
                assert!(why.contains("cannot recognise") && why.contains("--source"), "{vendor}: {why}");
                assert_eq!((rows, quarantined), (0, records), "{vendor}");
            }
            None => {
                // OneLogin's records have been shortened until none had its time.
                assert!(rows > 0 || vendor == "onelogin", "{vendor}: {report:?}");
                recognised.insert(vendor);
            }
        }
        for (total, more) in totals.iter_mut().zip([records, rows, quarantined]) {
            *total += more;
        }
    }
    let [records, rows, quarantined] = totals;
    println!("{records} records: {rows} rows, {quarantined} quarantined");
    for vendor in [
        "okta",
        "entra_signin_audit",
        "google_workspace",
        "github",
        "slack",
        "aws_cloudtrail",
        "auth0",
        "gcp_audit",
        "salesforce",
        "m365",
    ] {
        assert!(recognised.contains(vendor), "{vendor} is not recognised: {recognised:?}");
    }
}

/// If it failed, two jobs at once could tear the lake, and the loser would not know why it waits.
#[test]
fn a_second_writer_is_refused_while_the_first_is_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write(&plan(40, 120), &files).unwrap();
    let paths = handed_over(&files);
    let data = folder.path().join("data");
    let (first, second) = (Engine::new(&data, TENANT), Engine::new(&data, TENANT));
    // The first engine tells of a file, and is thus in the middle of its batch.
    let mut refusals: Vec<String> = Vec::new();
    let mut while_at_work = |_: &lychgate::pipeline::FileReport| {
        if refusals.is_empty() {
            let refused = block_on(async || {
                let tried = second.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await;
                tried.map(drop).map_err(|error| error.to_string())
            });
            refusals.push(refused.expect_err("a second writer"));
        }
    };
    block_on(async || {
        first.ingest(&paths, &|_| Reading::default(), &mut while_at_work).await.unwrap();
    });
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    let holder = format!("process {}", std::process::id());
    assert!(refusal.contains("lychgate.lock") && refusal.contains(&holder), "{refusal}");
    // Reading needs no lock, and afterwards the second has its turn.
    block_on(async || {
        let report = ingest(&second, &paths).await;
        assert_eq!(report.committed.rows, 0, "the first has stored it all: {:?}", report.committed);
    });
}

/// If it failed, the run that reads only what is new would find other things than the run that
/// reads everything.
#[test]
fn a_run_that_starts_from_a_checkpoint_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, files) = (Plan { noise: Noise::FULL, ..plan(80, 200) }, folder.path().join("files"));
    write(&plan, &files).unwrap();
    let paths = lychgate::ingest::files(std::slice::from_ref(&files)).unwrap();
    let paths: Vec<PathBuf> =
        paths.into_iter().filter(|path| !path.starts_with(files.join("truth"))).collect();
    let (logs, rest): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    let rest: Vec<PathBuf> = rest.into_iter().filter(|path| !path.ends_with("labels.csv")).collect();
    block_on(async || {
        let engine = Engine::new(&folder.path().join("data"), TENANT);
        let reading = |_: &str| Reading::default();
        engine.ingest(&rest, &reading, &mut |_| {}).await.unwrap();
        let kept = folder.path().join("data/checkpoints").join(TENANT);
        let mut checkpoints = BTreeSet::new();
        // Logs arrive one by one and not in order of their events; the instants move on.
        let days_ago = |days: i64| UtcMicros(plan.end_at.0 - days * UtcMicros::MICROS_PER_DAY);
        for (round, log) in logs.iter().enumerate() {
            engine.ingest(std::slice::from_ref(log), &reading, &mut |_| {}).await.unwrap();
            let as_of = days_ago(logs.len() as i64 - 1 - round as i64);
            let at = At { as_of, known_at: now() };
            let incremental = detect(&engine, at).await.findings;
            checkpoints.extend(fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()));
            if round % 5 == 4 || round + 1 == logs.len() {
                let request =
                    DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: false };
                engine.forget().unwrap();
                let whole = engine.detect(&request).await.unwrap().findings;
                assert_eq!(as_json(&incremental), as_json(&whole), "round {round}");
                engine.detect(&DetectRequest { record: true, ..request }).await.unwrap();
            }
        }
        assert!(checkpoints.len() > 2, "{checkpoints:?}");
    });
}

fn as_json(findings: &lychgate::domain::Findings) -> Vec<String> {
    findings.iter().map(|finding| serde_json::to_string(&finding.unwrap()).unwrap()).collect()
}

/// Else one bad block in a file that could be worked out again would change what is found, or stop all later runs.
#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, files) = (plan(40, 120), folder.path().join("files"));
    write(&plan, &files).unwrap();
    block_on(async || {
        let engine = Engine::new(&folder.path().join("data"), TENANT);
        ingest(&engine, &handed_over(&files)).await;
        let at = At { as_of: plan.end_at, known_at: now() };
        let first = as_json(&detect(&engine, at).await.findings);
        let kept = folder.path().join("data/checkpoints").join(TENANT);
        for table in ["known_changes.arrows", "grant_spans.arrows"] {
            let checkpoint = fs::read_dir(&kept).unwrap().next().expect("a checkpoint").unwrap().path();
            let (path, bytes) = (checkpoint.join(table), fs::read(checkpoint.join(table)).unwrap());
            let mut damaged = bytes.clone();
            damaged[bytes.len() / 2] ^= 0xff;
            fs::write(&path, damaged).unwrap();
            assert_eq!(as_json(&detect(&engine, at).await.findings), first, "{table}");
        }
    });
}

/// Else the next run would read all events, or start from something else than they say.
#[test]
fn what_is_rebuilt_is_there_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, files) = (plan(40, 120), folder.path().join("files"));
    write(&plan, &files).unwrap();
    block_on(async || {
        let engine = Engine::new(&folder.path().join("data"), TENANT);
        engine.begin().await.unwrap();
        assert_eq!(engine.rebuild().await.unwrap(), 0, "an empty lake");
        ingest(&engine, &handed_over(&files)).await;
        assert!(engine.rebuild().await.unwrap() > 1000);
        let kept = folder.path().join("data/checkpoints").join(TENANT);
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
        // Later than the rebuilding, so that it can be started from.
        let request = DetectRequest {
            at: At { as_of: LATER, known_at: LATER },
            profile: "default".to_owned(),
            detectors: Vec::new(),
            record: false,
        };
        let resting = as_json(&engine.detect(&request).await.unwrap().findings);
        engine.forget().unwrap();
        assert_eq!(resting, as_json(&engine.detect(&request).await.unwrap().findings));
    });
}

/// Cuts what the log says of when rows became known to milliseconds, as delta-rs and Spark do when they compact a table.
fn cut_to_milliseconds(log: &Path) {
    let cut = |bound: &mut serde_json::Value| {
        let at = bound["ingested_at"].as_str().unwrap();
        bound["ingested_at"] =
            format!("{}Z", &at[.."2026-03-01T00:00:00.000".len().min(at.len() - 1)]).into();
    };
    for entry in fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        let mut actions = Vec::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let mut action: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(stats) = action["add"]["stats"].as_str() {
                let mut stats: serde_json::Value = serde_json::from_str(stats).unwrap();
                ["minValues", "maxValues"].into_iter().for_each(|bound| cut(&mut stats[bound]));
                action["add"]["stats"] = stats.to_string().into();
            }
            actions.push(action.to_string());
        }
        fs::write(&path, actions.join("\n")).unwrap();
    }
}

/// Else a lake that another writer compacted would count the same uses with each batch that comes.
#[test]
fn a_log_in_milliseconds_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Each batch tells of the same three days.
    let batch = |name: &str| {
        let event = |day: u32| {
            format!(
                "{{\"uuid\":\"{name}{day}\",\"published\":\"2026-03-0{day}T00:00:00Z\",\"eventType\":\"user.session.start\",\
                 \"outcome\":{{\"result\":\"SUCCESS\"}},\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
            )
        };
        let path = folder.path().join(format!("{name}.ndjson"));
        fs::write(&path, (1..4).map(event).collect::<String>()).unwrap();
        [path]
    };
    block_on(async || {
        let engine = Engine::new(&data, TENANT);
        let uses = async || {
            let session = engine.session(At { as_of: LATER, known_at: LATER }).await.unwrap();
            json_rows(&session.select("SELECT sum(uses) AS uses FROM app_uses").await.unwrap())[0].clone()
        };
        ingest(&engine, &batch("a")).await;
        ingest(&engine, &batch("b")).await;
        cut_to_milliseconds(&data.join("lake").join(TENANT).join("events/_delta_log"));
        engine.rebuild().await.unwrap();
        assert_eq!(uses().await["uses"], 6);
        ingest(&engine, &batch("c")).await;
        assert_eq!(uses().await["uses"], 9);
        engine.forget().unwrap();
        assert_eq!(uses().await["uses"], 9, "without a checkpoint");
    });
}

/// Else a lake that was deleted and filled anew would answer with the events of the old one.
#[test]
fn a_checkpoint_of_another_lake_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let files = |name: &str, seed: u64| {
        let to = folder.path().join(name);
        write(&Plan { seed, ..plan(40, 120) }, &to).unwrap();
        handed_over(&to)
    };
    let (old, new) = (files("old", 7), files("new", 8));
    let end_at = plan(40, 120).end_at;
    block_on(async || {
        let engine = Engine::new(&data, TENANT);
        ingest(&engine, &old).await;
        detect(&engine, At { as_of: end_at, known_at: now() }).await;
        assert!(data.join("checkpoints").join(TENANT).is_dir());
        fs::remove_dir_all(data.join("lake")).unwrap();
        ingest(&engine, &new).await;
        let at = At { as_of: end_at, known_at: LATER };
        let request =
            DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: false };
        let beside = as_json(&engine.detect(&request).await.unwrap().findings);
        engine.forget().unwrap();
        assert_eq!(beside, as_json(&engine.detect(&request).await.unwrap().findings));
    });
}

/// Else a lake that lost its last batch with the power, or that an older copy took the place of, would answer with
/// events that it does not hold, and without those that came since.
#[test]
fn a_checkpoint_of_what_a_lake_lost_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = |name: &str, ids: std::ops::Range<u32>| {
        let line = |id: u32| {
            format!(
                "{{\"uuid\":\"c{id}\",\"published\":\"2026-03-01T00:00:{id:02}Z\",\"eventType\":\"user.session.start\",\
                 \"outcome\":{{\"result\":\"SUCCESS\"}},\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
            )
        };
        let path = folder.path().join(name);
        fs::write(&path, ids.map(line).collect::<String>()).unwrap();
        [path]
    };
    let (first, lost, other) = (file("a.ndjson", 0..10), file("b.ndjson", 10..20), file("c.ndjson", 20..25));
    let (events, kept) = (data.join("lake").join(TENANT).join("events"), folder.path().join("kept"));
    block_on(async || {
        let engine = Engine::new(&data, TENANT);
        let uses = async || {
            let session = engine.session(At { as_of: LATER, known_at: LATER }).await.unwrap();
            json_rows(&session.select("SELECT sum(uses) AS uses FROM app_uses").await.unwrap())[0].clone()
        };
        ingest(&engine, &first).await;
        copy_all(&events, &kept);
        ingest(&engine, &lost).await;
        engine.rebuild().await.unwrap();
        assert_eq!(uses().await["uses"], 20);
        fs::remove_dir_all(&events).unwrap();
        copy_all(&kept, &events);
        ingest(&engine, &other).await;
        assert_eq!(uses().await["uses"], 15);
    });
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copy_all(&path, &to) } else { assert!(fs::copy(&path, &to).is_ok()) }
    }
}

/// Else exports that are dropped into a folder at night would wait for somebody to come.
#[test]
fn a_watched_folder_is_read_as_files_come_and_grow() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicBool, Ordering};

    let folder = tempfile::tempdir().unwrap();
    let (data, inbox) = (folder.path().join("data"), folder.path().join("inbox"));
    fs::create_dir(&inbox).unwrap();
    let line = |id: u32| {
        format!(
            "{{\"uuid\":\"w{id}\",\"published\":\"2026-03-01T00:00:0{id}Z\",\"eventType\":\"user.session.start\",\
             \"outcome\":{{\"result\":\"SUCCESS\"}},\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
        )
    };
    fs::write(inbox.join("a.ndjson"), line(1)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lychgate"))
        .arg("--data")
        .arg(&data)
        .args(["-o", "ndjson", "ingest", "--watch", "--every", "0.05"])
        .arg(&inbox)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> (String, u64, u64) {
        let line: serde_json::Value = serde_json::from_str(&told.next().unwrap().unwrap()).unwrap();
        let name = PathBuf::from(line["file"].as_str().unwrap());
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        (name, line["new"].as_u64().unwrap(), line["duplicate"].as_u64().unwrap())
    };
    assert_eq!(next(), ("a.ndjson".to_owned(), 1, 0));
    fs::write(inbox.join("b.ndjson"), line(1) + &line(2)).unwrap();
    assert_eq!(next(), ("b.ndjson".to_owned(), 1, 1));
    fs::write(inbox.join("a.ndjson"), line(1) + &line(2) + &line(3)).unwrap();
    assert_eq!(next(), ("a.ndjson".to_owned(), 1, 2));
    // A log that grows at every look is read while it does, and never with half a line.
    let grown = AtomicBool::new(false);
    let live = inbox.join("live.ndjson");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            use std::io::Write;
            let mut file = fs::File::create(&live).unwrap();
            for _ in 0..6000 {
                if grown.load(Ordering::Relaxed) {
                    return true;
                }
                let text = line(4);
                let (half, rest) = text.split_at(text.len() / 2);
                for part in [half, rest] {
                    file.write_all(part.as_bytes()).unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            false
        });
        assert_eq!(next().0, "live.ndjson");
        grown.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap(), "it was read once it stood still");
    });
    child.kill().unwrap();
    child.wait().unwrap();
}
