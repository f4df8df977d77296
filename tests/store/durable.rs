//! All or nothing, one writer, and repair: what holds when a disk, a process or the
//! power fails.

use std::fs;
use std::path::Path;

use lychgate::domain::{Listing, Origin, Row, UtcMicros};
use lychgate::store::{Committed, Error, Lake, WriteOptions};

use super::{
    EVERY_TABLE, File, NOON, NOW, add, event, events, ingest, listings, opened, parquet_files, stored,
};

/// Else a power cut during the nightly run would leave rows twice, or a source that
/// claims what was never stored.
#[tokio::test]
async fn a_crash_between_tables_is_completed_by_ingesting_again() {
    let log = events("a.ndjson", 0..40);
    let [accounts, roster, owners, empty] = &listings();
    let all = [&log, accounts, roster, owners, empty];
    for broken in ["snapshots", "sources"] {
        let (root, clean) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        commit_that_fails_at(root.path(), broken, &all).await;
        let after = stored(root.path()).await;
        assert_eq!(after["events"].len(), 40, "events come before {broken}");
        assert!(after[broken].is_empty() && after["sources"].is_empty(), "{broken}");
        ingest(root.path(), &[&all]).await;
        ingest(clean.path(), &[&all]).await;
        let (again, clean) = (stored(root.path()).await, stored(clean.path()).await);
        for table in EVERY_TABLE.iter().filter(|table| **table != "sources") {
            assert_eq!(again[table], clean[table], "{table} after {broken}");
        }
        assert_eq!(again["sources"].len(), 5);
    }
}

async fn commit_that_fails_at(root: &Path, table: &str, files: &[&File]) {
    let lake = opened(root).await;
    let mut batch = lake.ingest(NOW).await.unwrap();
    for file in files {
        add(&mut batch, file).unwrap();
    }
    let (log, away) =
        (lake.table_dir(table).unwrap().join("_delta_log"), lake.table_dir(table).unwrap().join("away"));
    fs::rename(&log, &away).unwrap();
    fs::write(&log, "a file where the log should be").unwrap();
    let message = batch.commit().await.unwrap_err().to_string();
    assert_eq!(message, format!("cannot commit to table \"{table}\""));
    fs::remove_file(&log).unwrap();
    fs::rename(&away, &log).unwrap();
}

/// Else a full disk would show half an export, and everyone missing from it as vanished.
/// Permission bits do not bind root, so a file stands where a folder is needed.
#[tokio::test]
async fn a_write_that_fails_shows_nothing() {
    let root = tempfile::tempdir().unwrap();
    let lake = opened(root.path()).await;
    fs::write(lake.table_dir("events").unwrap().join("event_date=2026-09-02"), "in the way").unwrap();
    let mut batch = lake.ingest(NOW).await.unwrap();
    let log = events("a.ndjson", 0..40);
    let [accounts, ..] = &listings();
    add(&mut batch, &log).unwrap();
    add(&mut batch, accounts).unwrap();
    let error = batch.commit().await.unwrap_err();
    assert!(error.to_string().contains("event_date=2026-09-02"), "{error}");
    drop(lake);
    assert!(stored(root.path()).await.values().all(Vec::is_empty));
    assert_eq!(parquet_files(root.path()).len(), 0, "nothing is left behind");
}

/// Else an aborted run would leave files that fill the disk.
#[tokio::test]
async fn a_dropped_batch_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let lake = opened(root.path()).await;
    let mut batch = lake.ingest(NOW).await.unwrap();
    let filler = "x".repeat(1 << 20);
    let listing = Listing {
        listing_id: String::new(),
        app_id: None,
        listed_at: NOON,
        complete: false,
        feed: None,
        has_ends: false,
    };
    let loading = batch.begin("okta", &listing).unwrap();
    for id in 0..140 {
        let origin = Origin { file: "big".into(), line: id };
        let mut stage = loading.stage(1);
        stage.add(&origin, &filler, &Row::from(event(id, NOON))).unwrap();
        batch.merge(stage).unwrap();
    }
    assert_eq!(parquet_files(root.path()).len(), 1, "memory is bounded by files");
    assert!(matches!(batch.begin("okta", &listing), Err(Error::OpenLoad { .. })));
    assert!(matches!(batch.commit().await, Err(Error::OpenLoad { .. })));
    assert_eq!(parquet_files(root.path()).len(), 0);
    assert!(stored(root.path()).await["events"].is_empty());
}

/// Else two processes would each believe an event new, and store it twice.
#[tokio::test]
async fn a_second_writer_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let first = opened(root.path()).await;
    let error = Lake::open_for_write(root.path(), "other", WriteOptions::default())
        .await
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("lychgate.lock"), "{error}");
    let reader = Lake::open(root.path(), "acme").await.unwrap();
    assert!(matches!(reader.ingest(NOW).await.map(drop), Err(Error::ReadOnly)));
    let batch = first.ingest(NOW).await.unwrap();
    drop(first);
    let again = Lake::open_for_write(root.path(), "acme", WriteOptions::default()).await;
    assert!(again.is_err(), "a batch keeps the lock");
    drop(batch);
    opened(root.path()).await;
}

/// Else a power cut while a log entry was being linked would make the tenant unreadable.
#[tokio::test]
async fn a_torn_log_entry_is_repaired() {
    for torn in ["", "{\"commitInfo\":{\"times"] {
        let root = tempfile::tempdir().unwrap();
        let (early, late) = (events("a.ndjson", 0..30), events("b.ndjson", 20..50));
        ingest(root.path(), &[&[&early]]).await;
        let log = root.path().join("lake/acme/events/_delta_log");
        fs::write(log.join("00000000000000000002.json"), torn).unwrap();
        fs::write(log.join("00000000000000000001.checkpoint.parquet"), torn).unwrap();
        fs::write(log.join("_last_checkpoint"), torn).unwrap();
        ingest(root.path(), &[&[&late]]).await;
        assert_eq!(stored(root.path()).await["events"].len(), 50);
    }
}

/// Else one flipped bit in the newest entry would take back a batch that was acknowledged, and nobody would know; or a
/// power cut would leave a tenant that nobody can write to.
#[tokio::test]
async fn only_a_torn_log_entry_is_set_aside() {
    let at = |whole: &[u8], byte: u8| whole.iter().rposition(|found| *found == byte).unwrap();
    let flipped = |whole: &[u8], at: usize| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    // Of each: the entry as it is found, and whether a power loss leaves it so.
    let found = |whole: &[u8]| {
        let (last, line) = (whole.len() - 1, at(whole, b'\n'));
        let zeros = |keep: usize| [&whole[..keep], &vec![0; whole.len() - keep][..]].concat();
        vec![
            (Vec::new(), true),
            (whole[..1].to_vec(), true),
            (whole[..last].to_vec(), true),
            (whole[..line + 2].to_vec(), true),
            (zeros(0), true),
            (zeros(line), true),
            (zeros(last), true),
            ([&whole[..line], b"\n{\"txn\":{\"lastUpdated\":-"].concat(), true),
            (flipped(whole, 0), false),
            (flipped(whole, line), false),
            (flipped(whole, last), false),
            ([&whole[..line / 2], &[0; 8][..], &whole[line / 2..]].concat(), false),
            ([&whole[..last], b"\n"].concat(), false),
            (b"something else".to_vec(), false),
        ]
    };
    let root = tempfile::tempdir().unwrap();
    ingest(root.path(), &[&[&events("a.ndjson", 0..30)], &[&events("b.ndjson", 30..40)]]).await;
    let entry = root.path().join("lake/acme/events/_delta_log/00000000000000000002.json");
    let whole = fs::read(&entry).unwrap();
    for (number, (bytes, is_torn)) in found(&whole).into_iter().enumerate() {
        fs::write(&entry, &bytes).unwrap();
        let opened = Lake::open_for_write(root.path(), "acme", WriteOptions::default()).await.map(drop);
        if is_torn {
            opened.unwrap();
            assert!(!entry.exists(), "{number}");
            assert_eq!(stored(root.path()).await["events"].len(), 30, "{number}");
        } else {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains("00000000000000000002.json"), "{number}: {error}");
            assert_eq!(fs::read(&entry).unwrap(), bytes, "{number}");
        }
    }
    let aside = fs::read_dir(entry.parent().unwrap()).unwrap();
    let aside = aside.filter(|entry| entry.as_ref().unwrap().path().to_string_lossy().contains("torn"));
    assert_eq!(aside.count(), 8, "nothing is thrown away");
    fs::write(&entry, &whole).unwrap();
    assert_eq!(stored(root.path()).await["events"].len(), 40);
}

/// Else a table whose log is gone would be one without rows, all whole, and the next compaction would remove its files.
#[tokio::test]
async fn a_table_without_its_log_is_not_begun_anew() {
    let root = tempfile::tempdir().unwrap();
    ingest(root.path(), &[&[&events("a.ndjson", 0..30)]]).await;
    let table = root.path().join("lake/acme/events");
    let (log, files) = (table.join("_delta_log"), parquet_files(&table).len());
    let gone = async || {
        let reader = Lake::open(root.path(), "acme").await.map(drop);
        let writer = Lake::open_for_write(root.path(), "acme", WriteOptions::default()).await.map(drop);
        for refused in [reader, writer] {
            let error = refused.unwrap_err();
            assert!(matches!(&error, Error::LogGone { path } if path.contains("acme/events")), "{error}");
        }
        assert!(!log.join("00000000000000000000.json").exists());
        assert_eq!(parquet_files(&table).len(), files);
    };
    fs::rename(&log, table.join("away")).unwrap();
    gone().await;
    fs::create_dir(&log).unwrap();
    gone().await;
    fs::remove_dir(&log).unwrap();
    fs::rename(table.join("away"), &log).unwrap();
    assert_eq!(stored(root.path()).await["events"].len(), 30);
}

/// Else whoever mistypes a tenant would be told that all its files are whole.
#[tokio::test]
async fn a_tenant_that_is_not_there_is_not_begun_by_a_look() {
    let root = tempfile::tempdir().unwrap();
    ingest(root.path(), &[&[&events("a.ndjson", 0..3)]]).await;
    assert!(Lake::open_known(root.path(), "acme").await.is_ok());
    let unknown = Lake::open_known(root.path(), "amce").await.map(drop);
    assert!(matches!(unknown, Err(Error::UnknownTenant { .. })), "{unknown:?}");
    assert!(!root.path().join("lake/amce").exists());
}

/// Else a year of hourly runs would make the log slow to open, or lose it in a checkpoint.
#[tokio::test]
async fn many_batches_stay_readable_past_a_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    let lake = opened(root.path()).await;
    for id in 0..25 {
        let mut batch = lake.ingest(UtcMicros(NOW.0 + id as i64)).await.unwrap();
        add(&mut batch, &File { name: "hour", ..events("", id..id + 1) }).unwrap();
        let Committed { rows, .. } = batch.commit().await.unwrap();
        assert_eq!(rows, 1 + u64::from(id == 0));
    }
    drop(lake);
    assert!(root.path().join("lake/acme/events/_delta_log/_last_checkpoint").exists());
    ingest(root.path(), &[&[&events("all", 0..25)]]).await;
    assert_eq!(stored(root.path()).await["events"].len(), 25);
}
