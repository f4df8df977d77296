//! Checkpoints that come and go (`src/store/checkpoint.rs`).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use lychgate::domain::UtcMicros;
use lychgate::store::checkpoint::{Checkpoint, Growing, Reach, newest};

fn reach(at: i64) -> Reach {
    let at = UtcMicros(at);
    Reach {
        as_of: at,
        known_at: at,
        listings_known_at: at,
        people_known_at: at,
        made_from: ["events", "listings", "rosters"].map(str::to_owned),
    }
}

fn numbers(from: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 1000));
    RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap()
}

fn grow(folder: &Path, at: i64) {
    let mut growing = Growing::begin(folder, reach(at)).unwrap();
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
    let mut growing = Growing::begin(folder.path(), reach(10)).unwrap();
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
    let elsewhere = Reach { made_from: ["events", "listings", "others"].map(str::to_owned), ..reach(40) };
    assert!(newest(folder.path(), &elsewhere).is_none());
}
