//! What several test files share: where the given fixtures are, and lake tables in memory.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use lychgate::domain::{Listing, Rejection, Row, UtcMicros};
use lychgate::normalize::Context;
use lychgate::query::Tables;
use lychgate::store::tables;

/// The folder of real events, when it is there; says so when it is not.
pub fn fixtures() -> Option<PathBuf> {
    let named = std::env::var_os("LYCHGATE_FIXTURES").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no fixtures at {} (set LYCHGATE_FIXTURES)", folder.display());
    None
}

/// Now: a run that knew what comes later is not recorded.
#[expect(clippy::disallowed_methods, reason = "the ledger holds a run against the clock")]
pub fn now() -> UtcMicros {
    UtcMicros(jiff::Timestamp::now().as_microsecond())
}

/// The circumstances of a file of which nothing is known but perhaps the application that a person named.
pub fn context(app: Option<&str>) -> Context {
    let listing = Listing {
        listing_id: String::new(),
        app_id: None,
        listed_at: UtcMicros(0),
        complete: true,
        feed: None,
        has_ends: false,
    };
    let app = app.map(str::to_owned);
    Context { app, app_guessed: false, org: None, zone: jiff::tz::TimeZone::UTC, listing, now: UtcMicros(0) }
}

/// The rows that a format made of a record as JSON, or one `{"rejection": code}`.
pub fn rows_as_json(read: Result<Vec<Row<'_>>, Rejection>) -> Vec<serde_json::Value> {
    match read {
        Ok(rows) => rows.iter().map(|row| serde_json::to_value(row).unwrap()).collect(),
        Err(rejection) => vec![serde_json::json!({ "rejection": rejection.code })],
    }
}

/// Asserts that a row holds at least what is expected of it; a null asks for an absent field.
pub fn includes(row: &serde_json::Value, expected: &serde_json::Value, given: &(impl Display + ?Sized)) {
    for (key, value) in expected.as_object().expect("an object of expectations") {
        match (&row[key], value) {
            (own @ serde_json::Value::Object(_), serde_json::Value::Object(_)) => includes(own, value, given),
            (own, value) => assert_eq!(own, value, "{key} of {row} from {given}"),
        }
    }
}

/// The same of all rows, and of no others.
pub fn holds(rows: &[serde_json::Value], expect: &[serde_json::Value], given: &(impl Display + ?Sized)) {
    assert_eq!(rows.len(), expect.len(), "number of rows from {given}: {rows:#?}");
    rows.iter().zip(expect).for_each(|(row, expected)| includes(row, expected, given));
}

/// The items of an array, or the one value.
pub fn each(expect: &serde_json::Value) -> &[serde_json::Value] {
    expect.as_array().map_or(std::slice::from_ref(expect), Vec::as_slice)
}

/// Runs the program itself over a data folder.
pub fn lychgate(data: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_lychgate");
    Command::new(program).arg("--data").arg(data).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

/// One value of a row under test.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Time(UtcMicros),
    Bool(bool),
    Number(i64),
}

impl Value {
    fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    fn micros(&self) -> Option<i64> {
        if let Value::Time(at) = self { Some(at.0) } else { None }
    }

    fn bool(&self) -> Option<bool> {
        if let Value::Bool(truth) = self { Some(*truth) } else { None }
    }

    fn number(&self) -> Option<i64> {
        if let Value::Number(number) = self { Some(*number) } else { None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<UtcMicros> for Value {
    fn from(at: UtcMicros) -> Value {
        Value::Time(at)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Bool(truth)
    }
}

/// A row by column name; what is not named is null.
pub type Fields = BTreeMap<&'static str, Value>;

/// The lake's tables, held in memory, from rows by table name.
pub fn tables(rows: &BTreeMap<&'static str, Vec<Fields>>) -> Tables {
    let table =
        |name: &'static str| memory_table(name, rows.get(name).map(Vec::as_slice).unwrap_or_default());
    Tables {
        events: table("events"),
        snapshots: table("snapshots"),
        employments: table("employments"),
        registers: table("registers"),
        sources: table("sources"),
        quarantine: table("quarantine"),
        base: None,
    }
}

fn memory_table(name: &str, rows: &[Fields]) -> Arc<dyn TableProvider> {
    let schema = tables::table(name).expect("a table of the lake").file_schema();
    for row in rows {
        for column in row.keys() {
            assert!(schema.column_with_name(column).is_some(), "{name} has no column {column}");
        }
    }
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut arrays: Vec<ArrayRef> = fields.iter().map(|field| array(field, rows)).collect();
    if name == "events" {
        let days = rows.iter().map(|row| match row.get("occurred_at") {
            Some(Value::Time(at)) => Some(at.days()),
            _ => None,
        });
        fields.push(Field::new("event_date", DataType::Date32, true));
        arrays.push(Arc::new(days.collect::<Date32Array>()));
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns fit the schema");
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).expect("a table"))
}

fn array(field: &Field, rows: &[Fields]) -> ArrayRef {
    let column = Column { name: field.name(), rows };
    match field.data_type() {
        DataType::Utf8 => Arc::new(column.values(Value::text).collect::<StringArray>()),
        DataType::Boolean => Arc::new(column.values(Value::bool).collect::<BooleanArray>()),
        DataType::Int64 => Arc::new(column.values(Value::number).collect::<Int64Array>()),
        DataType::Int32 => {
            let number = |value: &Value| value.number().and_then(|number| i32::try_from(number).ok());
            Arc::new(column.values(number).collect::<Int32Array>())
        }
        DataType::Timestamp(_, _) => {
            Arc::new(column.values(Value::micros).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        other => panic!("no values of {other} here"),
    }
}

struct Column<'a> {
    name: &'a str,
    rows: &'a [Fields],
}

impl<'a> Column<'a> {
    /// The values, null where a row names none. One of another type would be a null that no test means.
    fn values<T>(&self, read: impl Fn(&'a Value) -> Option<T>) -> impl Iterator<Item = Option<T>> {
        self.rows.iter().map(move |row| {
            let value = row.get(self.name)?;
            Some(read(value).unwrap_or_else(|| panic!("{} cannot be {value:?}", self.name)))
        })
    }
}

/// `fields!{ "column" => value, … }`
#[macro_export]
macro_rules! fields {
    ($($column:literal => $value:expr),* $(,)?) => {
        std::collections::BTreeMap::from([$(($column, $crate::support::Value::from($value))),*])
    };
}

/// A data folder with a lake in which nothing is.
pub fn begun() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = lychgate::pipeline::Engine::new(folder.path(), "default");
    block_on(async || engine.begin().await).expect("a lake");
    folder
}

/// Runs `body` to its end where stacks are deep: plans of many joins nest deeply, and a test's
/// own thread has little room for them.
pub fn block_on<T: Send>(body: impl AsyncFnOnce() -> T + Send) -> T {
    const STACK_BYTES: usize = 16 << 20;
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).thread_stack_size(STACK_BYTES).enable_all().build();
        runtime.expect("a runtime").block_on(body())
    };
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        match worker.expect("a thread").join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
