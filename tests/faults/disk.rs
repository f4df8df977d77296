//! Disks that are full or read-only, and files that are not what they were.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use datafusion::prelude::SessionContext;

use super::{State, events_file, ids, lychgate};
use crate::support::block_on;

/// A file system of its own, in memory; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    /// None, with the reason printed, where mounting is not allowed.
    fn of(size: &str, at: &Path) -> Option<Disk> {
        fs::create_dir_all(at).unwrap();
        let option = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Disk(at.to_owned())),
            Ok(output) => {
                eprintln!("skipped: no disk of {size}: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped: no mount: {error}");
                None
            }
        }
    }

    fn remount(&self, options: &str) {
        let option = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

fn state(data: &Path) -> State {
    block_on(async || State::of(data).await)
}

/// Else a full disk would leave half an export, or the next run would trip over what it left.
#[test]
fn a_full_disk_is_told_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of("2m", &folder.path().join("disk")) else { return };
    let data = disk.0.join("data");
    // Large enough to be written in the middle of the file, while others still read and work.
    const MANY: u32 = 250_000;
    let small = events_file(folder.path(), "small.ndjson", 0..50);
    assert_eq!(run(lychgate(&data).arg("ingest").arg(&small)).0, Some(0));
    let large = events_file(folder.path(), "large.ndjson", 0..MANY);
    let (code, said) = run(lychgate(&data).arg("ingest").arg(&large));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("part-") || said.contains("events"), "it says on what: {said}");
    disk.remount("size=256m");
    state(&data).check(&ids(0..50), &ids(0..50), "after the disk was full");
    assert_eq!(run(lychgate(&data).arg("ingest").arg(&large)).0, Some(0));
    state(&data).check(&ids(0..MANY), &ids(0..MANY), "after it had room again");
}

/// Else a disk that the kernel made read-only would look like a lake without news.
#[test]
fn a_read_only_disk_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::of("64m", &folder.path().join("disk")) else { return };
    let data = disk.0.join("data");
    let file = events_file(folder.path(), "a.ndjson", 0..50);
    assert_eq!(run(lychgate(&data).arg("ingest").arg(&file)).0, Some(0));
    disk.remount("ro");
    let more = events_file(folder.path(), "b.ndjson", 50..80);
    let (code, said) = run(lychgate(&data).arg("ingest").arg(&more));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    disk.remount("rw");
    state(&data).check(&ids(0..50), &ids(0..50), "after the disk was read-only");
}

/// Else a damaged entry in the middle of a log would be passed over, with all that it added.
#[test]
fn a_damaged_log_is_refused_and_a_backup_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    for (name, numbers) in [("a", 0..30), ("b", 30..60), ("c", 60..90)] {
        let file = events_file(folder.path(), name, numbers);
        assert_eq!(run(lychgate(&data).arg("ingest").arg(file)).0, Some(0));
    }
    assert_eq!(run(lychgate(&data).arg("backup").arg(&copy)).0, Some(0));
    let log = data.join("lake/default/events/_delta_log/00000000000000000002.json");
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() / 2]).unwrap();
    let more = events_file(folder.path(), "d", 90..120);
    let (code, said) = run(lychgate(&data).arg("ingest").arg(&more));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("events"), "it names the table: {said}");
    let restored = folder.path().join("restored");
    assert_eq!(run(lychgate(&restored).arg("restore").arg(&copy)).0, Some(0));
    assert_eq!(run(lychgate(&restored).arg("ingest").arg(&more)).0, Some(0));
    state(&restored).check(&ids(0..120), &ids(0..120), "restored and gone on with");
}

/// Else a backup would replace and remove what somebody keeps beside it.
#[test]
fn a_backup_leaves_files_beside_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let (beside, file) = (folder.path().join("copy.ledger"), events_file(folder.path(), "a", 0..10));
    fs::write(&beside, "ours").unwrap();
    assert_eq!(run(lychgate(&data).arg("ingest").arg(file)).0, Some(0));
    let (code, said) = run(lychgate(&data).arg("backup").arg(&copy));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::read_to_string(&beside).unwrap(), "ours");
    let held: BTreeSet<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(held, ["lake", "manifest.json", "state.db"].map(Into::into).into());
}

/// Else a file that lost its end would be answered from as if nothing were missing.
#[test]
fn a_damaged_file_is_told_by_verify_and_fails_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = events_file(folder.path(), "a.ndjson", 0..200);
    assert_eq!(run(lychgate(&data).arg("ingest").arg(file)).0, Some(0));
    assert_eq!(run(lychgate(&data).arg("verify")).0, Some(0));
    let day = fs::read_dir(data.join("lake/default/events/event_date=2026-03-02")).unwrap().next().unwrap();
    let path = day.unwrap().path();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let (code, said) = run(lychgate(&data).arg("verify"));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("event_date=2026-03-02") && said.contains("damaged"), "{said}");
    let (code, said) = run(lychgate(&data).args(["sql", "SELECT count(DISTINCT account_id) FROM events"]));
    assert_eq!(code, Some(3), "{said}");
}

/// Else decisions would be found lost when an auditor asks for them.
#[test]
fn a_damaged_ledger_is_told_by_verify() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = events_file(folder.path(), "a.ndjson", 0..20);
    assert_eq!(run(lychgate(&data).arg("ingest").arg(file)).0, Some(0));
    assert_eq!(run(lychgate(&data).args(["findings", "list"])).0, Some(0));
    assert_eq!(run(lychgate(&data).arg("verify")).0, Some(0));
    let ledger = data.join("state.db");
    // What was written last lies beside it until somebody who ends has the time to put it in.
    let settled = || fs::metadata(&ledger).is_ok_and(|ledger| ledger.len() > 3 * 4096);
    for _ in 0..20 {
        if !settled() {
            assert_eq!(run(lychgate(&data).args(["findings", "list"])).0, Some(0));
        }
    }
    assert!(settled());
    // It would hide the damage.
    for beside in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(data.join(beside));
    }
    let mut bytes = fs::read(&ledger).unwrap();
    bytes.chunks_mut(4096).skip(2).for_each(|page| page[..100].fill(0xa5));
    fs::write(&ledger, bytes).unwrap();
    let (code, said) = run(lychgate(&data).arg("verify"));
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("ledger state.db"), "{said}");
}

/// Else records that arrive while a clock is wrong would be lost, or come twice.
#[test]
fn a_clock_that_jumps_back_loses_nothing() {
    use lychgate::domain::UtcMicros;
    use lychgate::store::{Lake, WriteOptions};
    let folder = tempfile::tempdir().unwrap();
    block_on(async || {
        let lake = Lake::open_for_write(folder.path(), "default", WriteOptions::default()).await.unwrap();
        for (hour, numbers) in [(5, 0..20), (1, 10..30), (9, 25..40), (0, 0..40)] {
            let mut batch =
                lake.ingest(UtcMicros(1_790_000_000_000_000 + hour * 3_600_000_000)).await.unwrap();
            let file = crate::store::File { name: "clock", ..crate::store::events("", numbers) };
            crate::store::add(&mut batch, &file).unwrap();
            batch.commit().await.unwrap();
        }
    });
    let stored = state(folder.path()).stored;
    let distinct: BTreeSet<&String> = stored.iter().collect();
    assert_eq!((stored.len(), distinct.len()), (40, 40));
    // What was known at an instant came before all else: the batches as they came, and not as the clock had them.
    let added = block_on(async || {
        let lake = Lake::open_for_write(folder.path(), "default", WriteOptions::default()).await.unwrap();
        let session = SessionContext::new();
        session.register_table("events", lake.provider("events").await.unwrap()).unwrap();
        let added = "SELECT count(*) AS added FROM events GROUP BY ingested_at ORDER BY ingested_at";
        let rows = session.sql(added).await.unwrap().collect().await.unwrap();
        lychgate::query::json_rows(&rows).iter().map(|row| row["added"].as_u64().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(added, [20, 10, 10]);
}
