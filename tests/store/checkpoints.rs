//! Checkpoints that come and go (`src/store/checkpoint.rs`).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use lychgate::domain::UtcMicros;
use lychgate::store::checkpoint::{self, Checkpoint, Growing, MadeFrom, Reach};
use lychgate::store::{Bucket, Home, Lake, Log, LogMark};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use url::Url;

use super::{NOW, add, events, ingest};

fn reach(at: i64) -> Reach {
    let at = UtcMicros(at);
    Reach { as_of: at, known_at: at, listings_known_at: at, people_known_at: at }
}

fn logs() -> MadeFrom {
    let log = |table: &str| LogMark { table_id: table.to_owned(), version: 7, entry_hash: "of 7".to_owned() };
    ["events", "listings", "rosters"].map(log)
}

fn newest(folder: &Path, wanted: &Reach) -> Option<Checkpoint> {
    checkpoint::newest(folder, wanted, |made_from| *made_from == logs())
}

fn numbers(from: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 1000));
    RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap()
}

fn grow(folder: &Path, at: i64) {
    let mut growing = Growing::begin(folder, reach(at), logs()).unwrap();
    let header = RecordBatch::new_empty(numbers(0).schema());
    growing.hold("numbers", [header, numbers(at), numbers(at + 1)].into_iter().map(Ok)).unwrap();
    growing.finish().unwrap();
}

fn columns(checkpoint: &Checkpoint) -> Vec<Result<ArrayRef, String>> {
    let table = &checkpoint.tables["numbers"];
    let read = |unit: &lychgate::store::checkpoint::HeldRows| {
        assert_eq!((unit.rows, unit.columns.len()), (1000, 1));
        let read = unit.columns[0].read().map_err(|error| error.to_string())?;
        assert_eq!(read.len(), 1);
        Ok(Arc::clone(&read[0]))
    };
    table.units.iter().map(read).collect()
}

/// A run that starts from a damaged column says so, and no later one starts from it: else nothing but a hand that
/// removes files would bring answers back.
#[test]
fn a_damaged_column_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path(), 10);
    let checkpoint = newest(folder.path(), &reach(10)).expect("the checkpoint");
    assert_eq!(columns(&checkpoint)[1].as_ref().unwrap(), numbers(11).column(0));
    let place = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path().join("numbers.arrows");
    let mut bytes = fs::read(&place).unwrap();
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    fs::write(&place, bytes).unwrap();
    let checkpoint = newest(folder.path(), &reach(10)).expect("what is not read is not looked at");
    let read = columns(&checkpoint);
    assert_eq!(read[0].as_ref().unwrap(), numbers(10).column(0), "the other column is whole");
    let error = read[1].as_ref().unwrap_err();
    assert!(error.contains("numbers.arrows") && error.contains("run the same again"), "{error}");
    assert!(newest(folder.path(), &reach(10)).is_none());
}

/// It lies in a file: what is not there any more must not be looked for.
#[test]
fn one_that_is_cut_short_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path(), 10);
    let place = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path().join("numbers.arrows");
    let whole = fs::read(&place).unwrap();
    for (left, whole_columns) in [(whole.len() - 1, 1), (whole.len() / 2, 0), (1, 0), (0, 0)] {
        fs::remove_dir_all(folder.path()).unwrap();
        grow(folder.path(), 10);
        fs::write(&place, &whole[..left]).unwrap();
        let read = newest(folder.path(), &reach(10)).map_or(Vec::new(), |checkpoint| columns(&checkpoint));
        assert_eq!(read.iter().filter(|column| column.is_ok()).count(), whole_columns, "{left}");
        assert!(read.is_empty() || newest(folder.path(), &reach(10)).is_none(), "{left}");
    }
}

/// A later run removes what a session stands on: the server answers from it all the same.
#[test]
fn one_that_goes_is_there_for_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path(), 10);
    let checkpoint = newest(folder.path(), &reach(10)).expect("the checkpoint");
    [20, 30].into_iter().for_each(|at| grow(folder.path(), at));
    assert!(newest(folder.path(), &reach(19)).is_none());
    let read = columns(&checkpoint);
    assert_eq!(read[0].as_ref().unwrap(), numbers(10).column(0));
    assert_eq!(read[1].as_ref().unwrap(), numbers(11).column(0));
}

/// One that says it knows more than it does would leave out what came in between.
#[test]
fn a_damaged_manifest_is_none() {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path(), 10);
    let place = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path().join("manifest.json");
    let whole = fs::read_to_string(&place).unwrap();
    let other = whole.replacen("00.00001Z", "00.000019Z", 1);
    assert_ne!(whole, other);
    fs::write(&place, other).unwrap();
    assert!(newest(folder.path(), &reach(20)).is_none());
    fs::write(&place, whole).unwrap();
    assert!(newest(folder.path(), &reach(20)).is_some());
}

/// A disk that is full would stay so.
#[test]
fn one_that_is_not_finished_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut growing = Growing::begin(folder.path(), reach(10), logs()).unwrap();
    growing.hold("numbers", [numbers(1)].into_iter().map(Ok)).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    drop(growing);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Two stay: the newest, and one for questions a little further back. What another version left, or what was damaged,
/// would lie there for ever.
#[test]
fn old_checkpoints_go() {
    let folder = tempfile::tempdir().unwrap();
    for left in ["1-1-1", "2-2-2"] {
        fs::create_dir(folder.path().join(left)).unwrap();
    }
    fs::write(
        folder.path().join("2-2-2/manifest.json"),
        r#"{"version": 4, "tables": {"links.parquet": "00"}}"#,
    )
    .unwrap();
    for at in [10, 20, 30] {
        grow(folder.path(), at);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(newest(folder.path(), &reach(40)).unwrap().reach.as_of, UtcMicros(30));
    assert_eq!(newest(folder.path(), &reach(29)).unwrap().reach.as_of, UtcMicros(20));
    assert!(newest(folder.path(), &reach(19)).is_none(), "one that knows too much");
    let known = |known: bool| checkpoint::newest(folder.path(), &reach(40), |_| known).is_some();
    assert_eq!((known(false), known(true)), (false, true), "of other logs");
}

async fn log(home: impl Into<Home>) -> Log {
    Lake::open(home, "acme").await.unwrap().read("events").await.unwrap().log
}

/// Else answers would be those of events that a lake lost with its last batch, and would lack those that came in their
/// place, though its newest entry is as new as any.
#[tokio::test]
async fn a_log_that_lost_its_end_and_went_on_is_another() {
    let (root, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ingest(root.path(), &[&[&events("a", 0..3)]]).await;
    let entries = root.path().join("lake/acme/events/_delta_log");
    let early = log(root.path()).await.mark().unwrap();
    ingest(root.path(), &[&[&events("b", 3..6)]]).await;
    let late = log(root.path()).await.mark().unwrap();
    assert_eq!((early.version, late.version), (1, 2));
    let goes_on = async || {
        let log = log(root.path()).await;
        (log.goes_on_from(&early), log.goes_on_from(&late))
    };
    assert_eq!(goes_on().await, (true, true));
    fs::rename(entries.join("00000000000000000002.json"), away.path().join("2.json")).unwrap();
    assert_eq!(goes_on().await, (true, false), "lost");
    ingest(root.path(), &[&[&events("c", 3..6)]]).await;
    assert_eq!(goes_on().await, (true, false), "lost, and gone on");
    ingest(root.path(), &[&[&events("d", 6..9)]]).await;
    assert_eq!(goes_on().await, (true, false), "and on");
    let elsewhere = LogMark { table_id: "another".to_owned(), ..early.clone() };
    assert!(!log(root.path()).await.goes_on_from(&elsewhere));
}

/// Else no run over a bucket would start from a checkpoint, or every one from any.
#[tokio::test]
async fn a_log_in_a_bucket_is_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let home = || {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let url = Url::parse("s3://lakes/of/ours/").unwrap();
        let bucket = Bucket::over(url, Arc::clone(&store), store).unwrap();
        Home { data: folder.path().to_owned(), bucket: Some(bucket) }
    };
    let (ours, other) = (home(), home());
    let (mark, other) = (log(ours.clone()).await.mark().unwrap(), log(other).await.mark().unwrap());
    {
        let lake = Lake::open_for_write(ours.clone(), "acme", Default::default()).await.unwrap();
        let mut batch = lake.ingest(NOW).await.unwrap();
        add(&mut batch, &events("a", 0..3)).unwrap();
        batch.commit().await.unwrap();
    }
    let log = log(ours).await;
    assert!(log.goes_on_from(&mark) && log.goes_on_from(&log.mark().unwrap()));
    assert!(!log.goes_on_from(&LogMark { entry_hash: other.entry_hash, ..mark }));
}
