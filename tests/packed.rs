//! Tables that are held small (`src/query/packed.rs`): what goes in comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{cast, concat_batches, filter_record_batch, not};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use lychgate::domain::UtcMicros;
use lychgate::query::{
    At, Elsewhere, Keys, NONE, NumberSet, Numbered, PackedTable, Packer, Rows, Session, json_rows,
};
use lychgate::store::LogMark;
use lychgate::store::checkpoint::{Growing, Held, Reach, newest};
use proptest::prelude::*;

use crate::support::{block_on, tables};

/// How the texts of a column repeat.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Absent,
    Constant,
    /// Of this many texts, some longer than a view holds.
    Few(usize),
    Unique,
}

#[derive(Clone, Debug)]
struct Given {
    shapes: [Shape; 3],
    /// Every n-th cell is absent; 0 for none.
    gaps: [usize; 8],
    batches: Vec<usize>,
    projection: Vec<usize>,
    partitions: usize,
}

fn schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    let fields = [
        ("a", DataType::Utf8View),
        ("b", DataType::Utf8View),
        ("c", DataType::Utf8View),
        ("d", DataType::Boolean),
        ("e", DataType::Int64),
        ("f", instant),
        ("g", DataType::Utf8),
        ("h", list),
    ];
    let mut fields: Vec<Field> =
        fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect();
    fields.push(Field::new("i", DataType::Float64, false));
    Arc::new(Schema::new(fields))
}

fn text(shape: Shape, row: usize) -> Option<String> {
    let mixed = row.wrapping_mul(2_654_435_761) % 4_294_967_291;
    match shape {
        Shape::Absent => None,
        Shape::Constant => Some("an application with a long name".to_owned()),
        Shape::Few(few) => Some(match mixed % few {
            0 => String::new(),
            n if n % 3 == 0 => format!("{n}"),
            n if n % 3 == 1 => format!("twelve{n:06}"),
            n => format!("ändert sich erst am Ende {n}"),
        }),
        Shape::Unique => Some(format!("{mixed}-{row}")),
    }
}

fn batch(given: &Given, from: usize, rows: usize) -> RecordBatch {
    let rows = from..from + rows;
    let there =
        |column: usize, row: usize| given.gaps[column] == 0 || !row.is_multiple_of(given.gaps[column]);
    let texts = |column: usize| {
        let shape = given.shapes[column];
        let cells = rows.clone().map(|row| text(shape, row).filter(|_| there(column, row)));
        Arc::new(StringViewArray::from_iter(cells)) as ArrayRef
    };
    let list = rows.clone().map(|row| there(7, row).then(|| (0..row % 3).map(|n| Some(n as i64))));
    let instants = rows.clone().map(|row| there(5, row).then_some(row as i64 * 1_000_003));
    let columns: Vec<ArrayRef> = vec![
        texts(0),
        texts(1),
        texts(2),
        Arc::new(rows.clone().map(|row| there(3, row).then_some(row % 5 == 0)).collect::<BooleanArray>()),
        Arc::new(rows.clone().map(|row| there(4, row).then_some(row as i64)).collect::<Int64Array>()),
        Arc::new(instants.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(
            rows.clone()
                .map(|row| text(Shape::Few(9), row).filter(|_| there(6, row)))
                .collect::<StringArray>(),
        ),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(list)),
        Arc::new(rows.map(|row| row as f64 / 7.0).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// The table as a checkpoint gives it back.
fn kept(table: &PackedTable) -> PackedTable {
    let (folder, at) = (tempfile::tempdir().unwrap(), UtcMicros(0));
    let reach = Reach { as_of: at, known_at: at, listings_known_at: at, people_known_at: at };
    let log = || LogMark { table_id: String::new(), version: 0, entry_hash: String::new() };
    let mut growing = Growing::begin(folder.path(), reach.clone(), [log(), log(), log()]).unwrap();
    growing.hold("t", table.held()).unwrap();
    growing.finish().unwrap();
    let mut checkpoint = newest(folder.path(), &reach, |_| true).expect("the checkpoint");
    let Held { schema, units } = checkpoint.tables.remove("t").expect("the table");
    let column = |column| Box::new(column) as Box<dyn Elsewhere>;
    let units = units.into_iter().map(|unit| (unit.rows, unit.columns.into_iter().map(column).collect()));
    PackedTable::elsewhere(schema, units)
}

/// The same rows under the columns of a table: one that was held says of no column that nothing is ever absent.
fn as_held(table: &PackedTable, rows: &RecordBatch) -> RecordBatch {
    RecordBatch::try_new(table.schema(), rows.columns().to_vec()).unwrap()
}

async fn rows_of(table: &PackedTable) -> RecordBatch {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let frame = context.read_table(Arc::new(table.clone())).unwrap();
    concat_batches(&schema(), &frame.collect().await.unwrap()).unwrap()
}

/// Rows by the texts of two columns, and the others, beside what a look at each row gives; and some of others that nobody
/// asked for, twice.
async fn check_parts(table: &PackedTable, rows: &RecordBatch) {
    for columns in [["a", "b"], ["c", "g"], ["b", "a"]] {
        check_part(table, rows, columns, 997).await;
        let ([_, others], is_named) = cut(table, rows, columns, 997);
        let left = filter_record_batch(rows, &not(&is_named).unwrap()).unwrap();
        for _ in 0..2 {
            check_part(&others, &left, columns, 1013).await;
        }
        let ([_, fewer], is_named) = cut(&others, &left, columns, 1013);
        let left = filter_record_batch(&left, &not(&is_named).unwrap()).unwrap();
        check_conditions(&fewer, &as_held(&fewer, &left)).await;
    }
}

async fn check_part(table: &PackedTable, rows: &RecordBatch, columns: [&str; 2], one_of: usize) {
    let ([named, others], is_named) = cut(table, rows, columns, one_of);
    assert_eq!(rows_of(&named).await, filter_record_batch(rows, &is_named).unwrap());
    assert_eq!(rows_of(&others).await, filter_record_batch(rows, &not(&is_named).unwrap()).unwrap());
    assert_eq!(named.joined(&others).unwrap().rows(), rows.num_rows());
}

/// Cuts off the rows that are named as one of so many is; and which these are.
fn cut(
    table: &PackedTable,
    rows: &RecordBatch,
    columns: [&str; 2],
    one_of: usize,
) -> ([PackedTable; 2], BooleanArray) {
    let texts = columns.map(|name| cast(rows.column_by_name(name).unwrap(), &DataType::Utf8View).unwrap());
    let text = |column: usize, row: usize| {
        let texts = texts[column].as_string_view();
        if texts.is_valid(row) { texts.value(row) } else { "" }
    };
    let mut keys = Keys::default();
    let mut wanted = BTreeSet::new();
    for row in (0..rows.num_rows()).step_by(one_of) {
        keys.add_pair(text(0, row), text(1, row));
        wanted.insert([text(0, row), text(1, row)]);
    }
    let is_named = (0..rows.num_rows()).map(|row| Some(wanted.contains(&[text(0, row), text(1, row)])));
    (table.parted(columns, &keys).unwrap(), is_named.collect())
}

/// Rows by conditions on columns, beside what the library gives of the same rows as they are.
async fn check_conditions(table: &PackedTable, rows: &RecordBatch) {
    const CONDITIONS: [&str; 12] = [
        "a = 'twelve000001'",
        "a IS NULL",
        "b IS NOT NULL AND c > 'b'",
        "d",
        "NOT d",
        "e % 3 = 0 AND f IS NOT NULL",
        "f < '1970-01-01T00:00:01Z'",
        "coalesce(c, 'none') = 'none'",
        "b IN ('3', '', 'twelve000004')",
        "c LIKE 'ändert%' AND i < 1000.0",
        "g = a",
        "h IS NULL OR e > 5",
    ];
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    context.register_table("packed", Arc::new(table.clone())).unwrap();
    let plain = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
    context.register_table("plain", Arc::new(plain)).unwrap();
    for condition in CONDITIONS {
        let mut found = Vec::new();
        for name in ["packed", "plain"] {
            let sql = format!("SELECT i, a, c, f FROM {name} WHERE {condition}");
            let frame = context.sql(&sql).await.unwrap();
            let schema = Arc::clone(frame.schema().inner());
            found.push(concat_batches(&schema, &frame.collect().await.unwrap()).unwrap());
        }
        assert_eq!(found[0], found[1], "{condition}");
    }
}

async fn check(given: &Given) {
    let (mut packer, mut batches, mut from) = (Packer::new(schema()), Vec::new(), 0);
    for rows in &given.batches {
        // A slice, as operators give them.
        let batch = batch(given, from, rows + 7).slice(3, *rows);
        packer.push(batch.clone()).unwrap();
        batches.push(batch);
        from += rows;
    }
    let expected = concat_batches(&schema(), &batches).unwrap().project(&given.projection).unwrap();
    let table = Packer::table(schema(), vec![packer]).unwrap();
    assert_eq!(table.rows(), from);
    let rows = concat_batches(&schema(), &batches).unwrap();
    check_parts(&table, &rows).await;
    check_conditions(&table, &rows).await;
    let held = kept(&table);
    check_parts(&held, &rows).await;
    check_conditions(&held, &as_held(&held, &rows)).await;
    let table: Arc<dyn TableProvider> = Arc::new(kept(&table));
    let config = SessionConfig::new().with_target_partitions(given.partitions);
    let frame = SessionContext::new_with_config(config).read_table(table).unwrap();
    assert_eq!(frame.clone().count().await.unwrap(), from);
    let names: Vec<&str> =
        given.projection.iter().map(|at| ["a", "b", "c", "d", "e", "f", "g", "h", "i"][*at]).collect();
    let mut found = Vec::new();
    for part in frame.select_columns(&names).unwrap().collect_partitioned().await.unwrap() {
        found.extend(part);
    }
    assert_eq!(concat_batches(&expected.schema(), &found).unwrap(), expected);
}

fn given() -> impl Strategy<Value = Given> {
    let shape = prop_oneof![
        1 => Just(Shape::Absent),
        1 => Just(Shape::Constant),
        3 => prop_oneof![2..9_usize, 250..260_usize, 3_000..6_000_usize].prop_map(Shape::Few),
        2 => Just(Shape::Unique),
    ];
    let gap = prop_oneof![2 => Just(0_usize), 1 => Just(1), 3 => 2..40_usize];
    let rows = prop_oneof![3 => 0..40_usize, 3 => 4_000..9_000_usize, 1 => 60_000..70_000_usize];
    (
        prop::array::uniform3(shape),
        prop::array::uniform8(gap),
        prop::collection::vec(rows, 1..6),
        prop::sample::subsequence((0..9).collect::<Vec<usize>>(), 1..=9).prop_shuffle(),
        1..4_usize,
    )
        .prop_map(|(shapes, gaps, batches, projection, partitions)| Given {
            shapes,
            gaps,
            batches,
            projection,
            partitions,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A cell that comes back as another is an account that holds what somebody else was given.
    #[test]
    fn rows_come_back_as_they_were(given in given()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&given));
    }
}

/// A register that nobody keeps is a table without rows; read as damaged, no checkpoint would ever be started from.
#[tokio::test]
async fn a_table_without_rows_is_kept() {
    let empty = PackedTable::empty(schema());
    let table = kept(&empty);
    assert_eq!((table.rows(), table.schema().fields().len()), (0, schema().fields().len()));
}

/// A rule that joins accounts with what is known of them took 24 GiB for a million rows: every batch of its last
/// join named the texts of all batches of those before (docs/decisions/0017).
#[test]
fn joined_rows_name_their_own_texts() {
    const ROWS: i64 = 50_000;
    const QUERY: &str = "SELECT a.name, e.name AS last FROM t AS a JOIN t AS b ON b.id = a.id JOIN t AS c ON c.id = b.id \
                         JOIN t AS d ON d.id = c.id JOIN t AS e ON e.id = d.id";
    let at = UtcMicros::parse("2026-01-01").unwrap();
    let (joined, named) = block_on(async || {
        let session = Session::over(tables(&BTreeMap::new()), At { as_of: at, known_at: at }).unwrap();
        let name = |id: i64| format!("account number {id}, which is no short name");
        let columns: [(&str, ArrayRef); 2] = [
            ("id", Arc::new((0..ROWS).map(|id| Some(name(id))).collect::<StringViewArray>())),
            ("name", Arc::new((0..ROWS).map(|id| Some(name(id))).collect::<StringViewArray>())),
        ];
        session.hold("t", vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
        let batches = session.collect("joined", QUERY).await.unwrap();
        let named = |batch: &RecordBatch| batch.column(0).as_string_view().data_buffers().len();
        for batch in &batches {
            assert_eq!(batch.column(0), batch.column(1));
        }
        (batches.iter().map(RecordBatch::num_rows).sum::<usize>(), batches.iter().map(named).max())
    });
    assert_eq!(joined as i64, ROWS);
    assert!(named.unwrap() <= 16, "a batch names {named:?} texts");
}

/// The library answered a question that leaves a count out with that count, of nothing: an auditor would read that nobody
/// has what was not even asked about.
#[test]
fn a_count_that_is_left_out_is_not_told_of_as_nothing() {
    let at = UtcMicros::parse("2026-01-01").unwrap();
    let questions = [
        "SELECT * FROM (SELECT 'all' AS kind, count(*) AS n FROM t \
         UNION ALL SELECT 'some', count(*) FROM t WHERE id > 4) WHERE kind <> 'all'",
        "SELECT count(*) AS n FROM t HAVING 1 = 2",
        "SELECT id > 4 AS late, count(*) AS n FROM t GROUP BY GROUPING SETS ((), (id > 4)) HAVING 1 = 2",
    ];
    let answers = block_on(async || {
        let session = Session::over(tables(&BTreeMap::new()), At { as_of: at, known_at: at }).unwrap();
        let ids: ArrayRef = Arc::new((0..7).map(Some).collect::<Int64Array>());
        session.hold("t", vec![RecordBatch::try_from_iter([("id", ids)]).unwrap()]).unwrap();
        let mut answers = Vec::new();
        for question in questions {
            answers.push(json_rows(&session.select(question).await.unwrap()));
        }
        answers
    });
    assert_eq!(answers, [vec![serde_json::json!({ "kind": "some", "n": 2 })], Vec::new(), Vec::new()]);
}

/// Texts are looked for by where they were seen before they are looked up: one that is taken for another would make one
/// account of two.
#[test]
fn each_text_has_a_number_of_its_own() {
    let text = |row: usize| {
        (!row.is_multiple_of(7)).then(|| format!("account {}, which has a long name", row * 7919 % 10_007))
    };
    let texts: Vec<Option<String>> = (0..50_000).map(text).collect();
    let column: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>());
    let batch = RecordBatch::try_from_iter([("name", column)]).unwrap();
    let (mut numbered, mut by_text) = (Numbered::default(), BTreeMap::new());
    // Coded as a file has them, the same texts are at the same places.
    let coded = cast(batch.column(0), &DataType::Dictionary(DataType::UInt16.into(), DataType::Utf8.into()));
    let coded = cast(&coded.unwrap(), &DataType::Utf8View).unwrap();
    for batch in [batch.clone(), RecordBatch::try_from_iter([("name", coded)]).unwrap(), batch] {
        let rows = Rows::new("t", &batch);
        // What is not looked up is none of the others, nor in their way.
        let is_fresh = |row: usize| row.is_multiple_of(3);
        let fresh = numbered.read_unless(&rows, "name", is_fresh).unwrap();
        let numbers = numbered.read(&rows, "name").unwrap();
        for (row, text) in texts.iter().enumerate() {
            for number in [fresh[row], numbers[row]] {
                assert_eq!(numbered.text(number), text.as_deref().unwrap_or_default());
                assert_eq!(number == NONE, text.is_none());
            }
            assert_eq!(*by_text.entry(text).or_insert(numbers[row]), numbers[row], "{text:?}");
            assert_eq!(fresh[row] == numbers[row], !is_fresh(row) || text.is_none(), "{text:?}");
        }
    }
}

/// Of rows that lie together most are passed over at once: one that is passed over too many is an account that keeps what
/// was true of it before.
#[tokio::test]
async fn rows_are_cut_by_their_numbers() {
    const ROWS: u32 = 150_000;
    // About in order, with some from far away, and some without.
    let number = |row: u32| match row % 101 {
        0 => row.wrapping_mul(2_654_435_761) % ROWS,
        1 => u32::MAX - row % 7,
        _ => row ^ (row.wrapping_mul(40_503) % 32),
    };
    let numbers: UInt32Array = (0..ROWS).map(|row| (!row.is_multiple_of(13)).then(|| number(row))).collect();
    let rows = RecordBatch::try_from_iter([("n", Arc::new(numbers.clone()) as ArrayRef)]).unwrap();
    let mut packer = Packer::new(rows.schema());
    packer.push(rows.clone()).unwrap();
    let table = Packer::table(rows.schema(), [packer]).unwrap();
    let of_table = async |table: &PackedTable| {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let frame = context.read_table(Arc::new(table.clone())).unwrap();
        concat_batches(&rows.schema(), &frame.collect().await.unwrap()).unwrap()
    };
    for step in [1, 97, 5_003, ROWS - 1] {
        let wanted: BTreeSet<u32> = (step / 2..ROWS).step_by(step as usize).collect();
        let mut set = NumberSet::default();
        set.extend(wanted.iter().copied());
        let is_wanted: BooleanArray = numbers
            .iter()
            .map(|number| Some(number.is_some_and(|number| wanted.contains(&number))))
            .collect();
        let [these, others] = table.parted_by("n", &set).unwrap();
        assert_eq!(of_table(&these).await, filter_record_batch(&rows, &is_wanted).unwrap(), "{step}");
        let is_other = not(&is_wanted).unwrap();
        assert_eq!(of_table(&others).await, filter_record_batch(&rows, &is_other).unwrap(), "{step}");
    }
}
