//! Care of the tables: compaction and vacuum change no answer, damage is told, copies come back
//! whole, and lakes of older versions are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datafusion::prelude::{ParquetReadOptions, SessionContext};
use lychgate::domain::UtcMicros;
use lychgate::query::json_rows;
use lychgate::store::{Error, Lake, WriteOptions, backup};

use super::{
    DAY, EVERY_TABLE, File, NOW, Rows, add, events, ingest, listings, opened, parquet_files, query, stored,
};

/// A month of hourly batches, as a busy tenant has them.
async fn hourly(root: &Path) {
    let lake = opened(root).await;
    let [accounts, roster, owners, empty] = &listings();
    for hour in 0..30_u64 {
        let mut batch = lake.ingest(UtcMicros(NOW.0 + hour as i64)).await.unwrap();
        // Each batch repeats the last events of the one before.
        add(&mut batch, &File { name: "hour", ..events("", hour.saturating_sub(2)..hour + 3) }).unwrap();
        batch.commit().await.unwrap();
    }
    let mut batch = lake.ingest(NOW).await.unwrap();
    for file in [accounts, roster, owners, empty] {
        add(&mut batch, file).unwrap();
    }
    batch.commit().await.unwrap();
}

async fn check_answers(root: &Path, before: &Rows) {
    let after = stored(root).await;
    for table in EVERY_TABLE {
        assert_eq!(after[table], before[table], "{table}");
    }
}

/// Else the nightly clean-up would lose events, or show some twice, and old answers would change.
#[tokio::test]
async fn compaction_and_vacuum_change_no_answer() {
    let root = tempfile::tempdir().unwrap();
    hourly(root.path()).await;
    let (before, files) = (stored(root.path()).await, parquet_files(root.path()).len());
    let days = 9;
    let later = UtcMicros(NOW.0 + 100 * DAY);
    {
        let lake = opened(root.path()).await;
        let kept = lake.care(7, &["events".to_owned()], NOW).await.unwrap();
        assert!(kept[0].merged > 20 && kept[0].into <= days && kept[0].removed == 0, "{kept:?}");
        assert_eq!(
            parquet_files(&lake.table_dir("events").unwrap()).len() as u64,
            32 + kept[0].into,
            "{kept:?}"
        );
        check_answers(root.path(), &before).await;
        // Held: nothing goes, however old. Not held: what no version of a week names goes.
        assert_eq!(lake.care(7, &["events".to_owned()], later).await.unwrap()[0].removed, 0);
        let again = lake.care(7, &[], later).await.unwrap();
        assert_eq!((again[0].merged, again[0].into), (0, 0), "nothing is left to merge");
        assert!(again[0].removed >= kept[0].merged, "{again:?}");
        assert!(matches!(lake.care(7, &["evnts".to_owned()], NOW).await, Err(Error::UnknownTable { .. })));
    }
    assert!(parquet_files(root.path()).len() < files / 2);
    check_answers(root.path(), &before).await;
    // What was merged is still known: the same hours again change nothing.
    ingest(root.path(), &[&[&File { name: "hour", ..events("", 0..32) }]]).await;
    assert_eq!(stored(root.path()).await["events"], before["events"]);
    assert!(opened(root.path()).await.verify().await.iter().all(|table| table.problems.is_empty()));
}

/// Else the log would forget after a week which files it let go of, and versions that are to be readable for a month
/// would lose theirs.
#[tokio::test]
async fn what_versions_within_the_days_to_keep_need_stays() {
    const SECONDS: u64 = 24 * 60 * 60;
    let root = tempfile::tempdir().unwrap();
    ingest(root.path(), &[&[&events("a", 0..1)], &[&events("b", 1..2)]]).await;
    let lake = opened(root.path()).await;
    let files = parquet_files(&lake.table_dir("events").unwrap());
    // The library's own clock decides what a log forgets: the files are as old as it wants them.
    let today = fs::metadata(&files[0]).unwrap().modified().unwrap();
    for file in &files {
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(today - Duration::from_secs(60 * SECONDS)).unwrap();
    }
    let micros = today.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
    let merged = lake.care(30, &[], UtcMicros(micros - 10 * DAY)).await.unwrap();
    assert!(merged[0].merged > 1, "{merged:?}");
    for id in 2..22 {
        let mut batch = lake.ingest(NOW).await.unwrap();
        add(&mut batch, &File { name: "later", ..events("", id..id + 1) }).unwrap();
        batch.commit().await.unwrap();
    }
    assert!(root.path().join("lake/acme/events/_delta_log/_last_checkpoint").exists());
    lake.care(30, &[], UtcMicros(micros)).await.unwrap();
    assert!(files.iter().all(|file| file.exists()), "ten days after they were merged");
    lake.care(30, &[], UtcMicros(micros + 21 * DAY)).await.unwrap();
    let left = files.iter().filter(|file| file.exists()).count();
    assert!(left < files.len(), "a month after");
}

/// Else rows of a merged day would come in another order than the table promises, and readers
/// that merge sorted files would answer wrongly.
#[tokio::test]
async fn merged_days_are_sorted() {
    let root = tempfile::tempdir().unwrap();
    hourly(root.path()).await;
    let lake = opened(root.path()).await;
    lake.care(0, &[], UtcMicros(NOW.0 + DAY)).await.unwrap();
    let files = parquet_files(&lake.table_dir("events").unwrap());
    let (session, mut several) = (SessionContext::new(), 0);
    for file in files.iter().filter(|file| !file.to_string_lossy().contains("_delta_log")) {
        let path = file.to_str().unwrap();
        let frame = session.read_parquet(path, ParquetReadOptions::default()).await.unwrap();
        let batches = frame.select_columns(&["occurred_at", "event_id"]).unwrap().collect().await.unwrap();
        let rows: Vec<String> = json_rows(&batches).iter().map(|row| row.to_string()).collect();
        let mut sorted = rows.clone();
        sorted.sort_by_key(|row| row.split("occurred_at").nth(1).unwrap().to_owned());
        assert_eq!(rows, sorted, "{path}");
        several += usize::from(rows.len() > 1);
    }
    assert!(several > 5, "days of several rows");
}

/// Else a disk that lost a block would be found out by an auditor.
#[tokio::test]
async fn damage_is_told_with_its_file() {
    let root = tempfile::tempdir().unwrap();
    hourly(root.path()).await;
    let lake = opened(root.path()).await;
    let problems = |tables: &[lychgate::store::Verified]| -> Vec<(String, String)> {
        let all = tables.iter().flat_map(|table| &table.problems);
        all.map(|problem| (problem.file.clone(), problem.what.clone())).collect()
    };
    assert_eq!(problems(&lake.verify().await), []);
    let files = parquet_files(&lake.table_dir("events").unwrap());
    fs::remove_file(&files[0]).unwrap();
    let mut bytes = fs::read(&files[1]).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&files[1], bytes).unwrap();
    let twin = files[2].with_file_name("part-twin.parquet");
    fs::copy(&files[2], &twin).unwrap();
    let found = problems(&lake.verify().await);
    let told = |path: &Path, what: &str| {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(
            found.iter().any(|(file, told)| file.ends_with(name) && told.contains(what)),
            "{what}: {found:?}"
        );
    };
    told(&files[0], "cannot be opened");
    told(&files[1], "is damaged");
    assert_eq!(found.len(), 2, "a file that no entry names is no part of the table: {found:?}");
}

/// A lake with two events in one file, that file, and the entry that names it.
async fn one_file(root: &Path) -> (PathBuf, PathBuf) {
    ingest(root, &[&[&events("a", 0..2)]]).await;
    let table = root.join("lake/acme/events");
    (parquet_files(&table).remove(0), table.join("_delta_log/00000000000000000001.json"))
}

/// What is wrong with the events.
async fn wrong(root: &Path) -> Vec<String> {
    let verified = Lake::open(root, "acme").await.unwrap().verify().await;
    verified.into_iter().flat_map(|table| table.problems).map(|problem| problem.what).collect()
}

/// The entry with another line about its file.
fn retold(entry: &str, retell: impl Fn(&mut serde_json::Value)) -> String {
    let mut lines: Vec<serde_json::Value> =
        entry.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter_mut().filter_map(|line| line.get_mut("add")).for_each(retell);
    lines.iter().map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
}

/// Else an event that a disk changed into another, and that can still be read, would be evidence.
#[tokio::test]
async fn a_changed_byte_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (file, _) = one_file(root.path()).await;
    let whole = fs::read(&file).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, bytes).unwrap();
        let told = wrong(root.path()).await;
        assert!(told.len() == 1 && told[0].contains("is damaged"), "{at}: {told:?}");
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(wrong(root.path()).await, [""; 0]);
}

/// Else files that were merged, or that the log tells of in a summary, would be looked at less than new ones.
#[tokio::test]
async fn sums_outlast_compaction_and_summaries_of_the_log() {
    let root = tempfile::tempdir().unwrap();
    hourly(root.path()).await;
    opened(root.path()).await.care(0, &[], UtcMicros(NOW.0 + DAY)).await.unwrap();
    let summary = root.path().join("lake/acme/events/_delta_log/_last_checkpoint");
    assert!(summary.exists());
    // Those that the log names: the others were merged, and are there still.
    let live = opened(root.path()).await.verify().await[0].files as usize;
    let files = parquet_files(&root.path().join("lake/acme/events"));
    for file in files.iter().filter(|file| !file.to_string_lossy().contains("_delta_log")) {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 4;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    let told = wrong(root.path()).await;
    assert_eq!(told.iter().filter(|what| what.contains("not those that were written")).count(), live);
}

/// Puts other words into the log's line about a file.
type Retell<'r> = &'r dyn Fn(&mut serde_json::Value);

/// Else pruning by what a damaged log says would pass over events, and `verify` would call the table whole. And a file
/// of an older version, of which no sum was kept, could end the check of all the others.
#[tokio::test]
async fn what_the_log_says_of_a_file_is_compared_with_it() {
    let root = tempfile::tempdir().unwrap();
    let (file, path) = one_file(root.path()).await;
    let entry = fs::read_to_string(&path).unwrap();
    let stats = |add: &mut serde_json::Value, of: &str, column: &str, to: &str| {
        let mut stats: serde_json::Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        stats[of][column] = to.into();
        add["stats"] = stats.to_string().into();
    };
    let later = "2026-09-01T23:00:00Z";
    let cases: [(Retell, &str); 6] = [
        (&|add| add["size"] = 1.into(), "and the log says 1"),
        (
            &|add| add["partitionValues"]["event_date"] = "2026-09-02".into(),
            "the log says it is of 2026-09-02",
        ),
        (&|add| stats(add, "minValues", "occurred_at", later), "has occurred_at of 2026-09-01T12:00:00Z"),
        (&|add| stats(add, "maxValues", "occurred_at", later), "and the log says 2026-09-01T12:00:00Z to"),
        (&|add| stats(add, "maxValues", "ingested_at", later), "has ingested_at of"),
        (&|add| add["tags"]["lychgate.xxh3_128"] = "00".into(), "not those that were written"),
    ];
    for (retell, what) in cases {
        fs::write(&path, retold(&entry, retell)).unwrap();
        let told = wrong(root.path()).await;
        assert!(told.len() == 1 && told[0].contains(what), "{what}: {told:?}");
    }
    fs::write(&path, retold(&entry, |add| add["tags"] = serde_json::Value::Null)).unwrap();
    assert_eq!(wrong(root.path()).await, [""; 0], "no sum was kept");
    let whole = fs::read(&file).unwrap();
    // No byte of it ends the check.
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&file, bytes).unwrap();
        wrong(root.path()).await;
    }
}

/// Else the one copy that is left after a fire would not be a lake.
#[tokio::test]
async fn a_backup_comes_back_whole_or_not_at_all() {
    let (root, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    hourly(root.path()).await;
    let before = stored(root.path()).await;
    let copy = away.path().join("copy");
    let lock = opened(root.path()).await;
    let refused = backup::begin(root.path(), &copy).map(drop);
    assert!(matches!(refused, Err(Error::Locked { .. })), "a writer is at work: {refused:?}");
    drop(lock);
    let copying = backup::begin(root.path(), &copy).unwrap();
    fs::write(copying.place("state.db"), "decisions").unwrap();
    let manifest = copying.finish("now".to_owned()).unwrap();
    assert!(manifest.files.contains_key("state.db") && manifest.files.len() > 30, "{manifest:?}");
    let again = backup::begin(root.path(), &copy).map(drop);
    assert!(matches!(again, Err(Error::NotEmpty { .. })), "{again:?}");

    let restored = away.path().join("restored");
    assert_eq!(backup::restore(&copy, &restored).unwrap(), manifest);
    check_answers(&restored, &before).await;
    assert_eq!(fs::read_to_string(restored.join("state.db")).unwrap(), "decisions");
    assert!(matches!(backup::restore(&copy, &restored), Err(Error::NotEmpty { .. })));

    // Interrupted before the lakes were in their place: what lies there is no lake, and the next restore goes on.
    let halfway = away.path().join("halfway");
    fs::create_dir_all(halfway.join(".restoring/lake/acme/events")).unwrap();
    fs::copy(copy.join("state.db"), halfway.join("state.db")).unwrap();
    assert!(matches!(Lake::as_it_is(halfway.as_path(), "acme").await, Err(Error::UnknownTenant { .. })));
    fs::write(halfway.join("ours"), "kept").unwrap();
    assert!(matches!(backup::restore(&copy, &halfway), Err(Error::NotEmpty { .. })));
    fs::remove_file(halfway.join("ours")).unwrap();
    assert_eq!(backup::restore(&copy, &halfway).unwrap(), manifest);
    check_answers(&halfway, &before).await;
    assert!(!halfway.join(".restoring").exists());

    let victim = parquet_files(&copy).remove(3);
    let mut bytes = fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&victim, bytes).unwrap();
    let error = backup::restore(&copy, &away.path().join("second")).unwrap_err().to_string();
    assert!(error.contains("not the one that was backed up"), "{error}");
    assert!(!away.path().join("second").exists(), "half a lake would look like one");
}

/// Else a lake that was moved to a larger disk would be in no backup, and nobody would know before the fire.
#[tokio::test]
async fn a_backup_holds_a_lake_behind_a_link() {
    let (root, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ingest(root.path(), &[&[&events("a", 0..10)]]).await;
    let before = stored(root.path()).await;
    let (lake, disk) = (root.path().join("lake"), away.path().join("disk"));
    fs::rename(&lake, &disk).unwrap();
    std::os::unix::fs::symlink(&disk, &lake).unwrap();
    let copied =
        |to: &str| backup::begin(root.path(), &away.path().join(to)).unwrap().finish("now".to_owned());
    let manifest = copied("copy").unwrap();
    assert!(
        manifest.files.contains_key("lake/acme/events/_delta_log/00000000000000000001.json"),
        "{manifest:?}"
    );
    let restored = away.path().join("restored");
    backup::restore(&away.path().join("copy"), &restored).unwrap();
    check_answers(&restored, &before).await;

    fs::remove_dir_all(disk.join("acme/events/_delta_log")).unwrap();
    let refused = copied("without a log");
    assert!(
        matches!(&refused, Err(Error::Backup { path, .. }) if path.ends_with("acme/events")),
        "{refused:?}"
    );
    fs::rename(&disk, away.path().join("elsewhere")).unwrap();
    assert!(copied("the disk is not there").is_err());
}

/// The lake that version 0.1.0 wrote (events of table version 1), byte for byte.
pub fn version_1(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lake-v1");
    let mut folders = vec![from.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let target = to.join(path.strip_prefix(&from).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&path, target).unwrap();
        }
    }
}

/// Else an upgrade would cost a company its history, or a reader would find columns missing.
#[tokio::test]
async fn a_lake_of_an_older_version_is_read_and_brought_up() {
    let root = tempfile::tempdir().unwrap();
    version_1(root.path());
    // While somebody writes, a reader cannot bring it up, and says so; the writer has done it.
    let lake = Lake::open(root.path(), "default").await.unwrap();
    let sql = "SELECT event_id, credential_id FROM events";
    let rows = query(&lake, "events", sql).await;
    assert_eq!(rows.len(), 14);
    assert!(rows.iter().all(|row| row.ends_with("credential_id=∅")), "{rows:?}");
    let lake = Lake::open_for_write(root.path(), "default", WriteOptions::default()).await.unwrap();
    let mut batch = lake.ingest(NOW).await.unwrap();
    add(&mut batch, &events("new", 0..3)).unwrap();
    batch.commit().await.unwrap();
    assert_eq!(query(&lake, "events", sql).await.len(), 17);
    lake.care(0, &[], UtcMicros(NOW.0 + 400 * DAY)).await.unwrap();
    assert_eq!(query(&lake, "events", sql).await.len(), 17, "old and new rows in one file");
    for table in EVERY_TABLE {
        let log = fs::read_dir(lake.table_dir(table).unwrap().join("_delta_log")).unwrap();
        let mut log = log.map(|entry| fs::read(entry.unwrap().path()).unwrap());
        assert!(log.any(|entry| String::from_utf8_lossy(&entry).contains("36500 days")), "{table} forgets");
    }
    assert!(lake.verify().await.iter().all(|table| table.problems.is_empty()));
}
