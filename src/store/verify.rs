//! Whether a table is what its log says: every file there, with the bytes that were written, as many
//! rows, of the same time, and each row in its day. Reads every file twice, and every page of it.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::TimestampMicrosecondType;
use deltalake::DeltaTable;
use deltalake::kernel::LogicalFileView;

use super::durable::LOG_DIR;
use super::part::{INGESTED_AT, day_text};
use super::place::Place;
use super::stored::{EventKeys, folder};
use super::tables::Table;
use super::{Error, durable, sum};
use crate::domain::UtcMicros;
use crate::domain::chain::chain;

/// What was looked at in one table, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    pub table: &'static str,
    pub files: u64,
    pub rows: u64,
    pub problems: Vec<Problem>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub file: String,
    pub what: String,
}

/// What the log says of a file.
struct Logged {
    key: String,
    size_bytes: u64,
    rows: Option<u64>,
    /// Absent of files of older versions and of other writers.
    sum: Option<String>,
    /// The day of its partition.
    day: Option<String>,
    times: Times,
}

/// The first and last instant of columns that tell time.
type Times = BTreeMap<&'static str, [UtcMicros; 2]>;

/// What is in a file.
#[derive(Default)]
struct Found {
    rows: u64,
    times: Times,
}

/// Checks the table that lives at `place`. What is wrong with it is told, so that the others are looked at, too.
pub async fn verify(table: &'static Table, place: &Place) -> Verified {
    let problem = match lost_log(place) {
        Ok(None) => match place.load(table).await.and_then(|delta| check(table, place, &delta)) {
            Ok(verified) => return verified,
            Err(error) => Problem { file: LOG_DIR.to_owned(), what: chain(&error) },
        },
        Ok(Some(problem)) => problem,
        Err(error) => Problem { file: LOG_DIR.to_owned(), what: chain(&error) },
    };
    Verified { table: table.name, problems: vec![problem], ..Verified::default() }
}

/// What is wrong with a log before it is read; of a bucket that is not asked.
fn lost_log(place: &Place) -> Result<Option<Problem>, Error> {
    let Some(dir) = place.folder() else { return Ok(None) };
    if !dir.is_dir() {
        return Ok(Some(Problem { file: dir.display().to_string(), what: "the table is absent".to_owned() }));
    }
    if !durable::has_log(dir)? {
        return Ok(Some(Problem { file: LOG_DIR.to_owned(), what: "the log is absent".to_owned() }));
    }
    let damaged = durable::damaged_entry(dir)?;
    Ok(damaged.map(|path| Problem {
        file: path.display().to_string(),
        what: "is damaged, and with it the log of the table".to_owned(),
    }))
}

fn check(table: &'static Table, place: &Place, delta: &DeltaTable) -> Result<Verified, Error> {
    let snapshot = delta.snapshot().map_err(Error::delta("verify", table.name))?;
    let mut verified = Verified { table: table.name, ..Verified::default() };
    let mut days: Vec<String> = Vec::new();
    for file in snapshot.log_data().iter() {
        let told = Logged::of(table, &file);
        verified.files += 1;
        let what = match caught(|| check_file(table, place, &told)) {
            Ok(found) => {
                verified.rows += found.rows;
                days.push(told.key.clone());
                told.differs(&found)
            }
            Err(what) => Some(what),
        };
        verified.problems.extend(what.map(|what| Problem { file: told.key, what }));
    }
    if table.layout.is_some() {
        verified.problems.extend(repeated(place, days)?);
    }
    Ok(verified)
}

/// A library may give up on damage that it did not think of.
fn caught<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let read = catch_unwind(AssertUnwindSafe(read));
    read.unwrap_or_else(|_| Err("is damaged: what is in it cannot be made sense of".to_owned()))
}

/// Reads a whole file; gives what is in it, or what is wrong.
fn check_file(table: &'static Table, place: &Place, told: &Logged) -> Result<Found, String> {
    let wrong = |error: Error| match error {
        Error::Io { source, .. } => format!("cannot be opened: {source}"),
        Error::Object { source, .. } => format!("cannot be opened: {source}"),
        Error::Parquet { source, .. } => format!("is damaged: {source}"),
        other => other.to_string(),
    };
    let (size_bytes, sum) = place.sum(&told.key).map_err(wrong)?;
    if told.sum.as_ref().is_some_and(|told| *told != sum) {
        return Err("is damaged: its bytes are not those that were written".to_owned());
    }
    let mut found = Found::default();
    for batch in place.scan(&told.key, &[]).map_err(wrong)? {
        let batch = batch.map_err(wrong)?;
        found.rows += batch.num_rows() as u64;
        found.widen(table, &batch);
        check_day(table, &batch, told)?;
    }
    if size_bytes != told.size_bytes {
        return Err(format!("has {size_bytes} bytes, and the log says {}", told.size_bytes));
    }
    Ok(found)
}

/// Columns of a table for which the log says from when to when they tell.
fn time_columns(table: &'static Table) -> impl Iterator<Item = &'static str> {
    table.layout.iter().map(|layout| layout.time_column).chain([INGESTED_AT])
}

impl Logged {
    fn of(table: &'static Table, file: &LogicalFileView) -> Logged {
        let stats = file.stats().and_then(|stats| serde_json::from_str(&stats).ok());
        let stats: serde_json::Value = stats.unwrap_or_default();
        let bound = |of: &str, column: &str| UtcMicros::parse(stats[of][column].as_str()?);
        let times = |column| Some((column, [bound("minValues", column)?, bound("maxValues", column)?]));
        let day = table.layout.as_ref();
        let day = day.and_then(|layout| file.partition_values_map().remove(layout.partition_column)?);
        Logged {
            key: file.object_store_path().to_string(),
            size_bytes: file.size().unsigned_abs(),
            rows: file.num_records().map(|rows| rows as u64),
            sum: sum_of(file),
            day,
            times: time_columns(table).filter_map(times).collect(),
        }
    }

    /// What the log says otherwise than the file.
    fn differs(&self, found: &Found) -> Option<String> {
        if let Some(told) = self.rows.filter(|told| *told != found.rows) {
            return Some(format!("the file has {} rows, and the log says {told}", found.rows));
        }
        let mut times = self.times.iter().filter_map(|(column, told)| {
            let found = found.times.get(column)?;
            Some((column, told, found)).filter(|_| !told.iter().zip(found).all(|(told, at)| says(*told, *at)))
        });
        times.next().map(|(column, told, found)| {
            let [[first, last], [told_first, told_last]] = [found, told];
            format!("has {column} of {first} to {last}, and the log says {told_first} to {told_last}")
        })
    }
}

/// Whether a bound in the log is that of a file: other writers cut them to milliseconds.
fn says(told: UtcMicros, at: UtcMicros) -> bool {
    told == at || told.0 == at.0 - at.0.rem_euclid(1_000)
}

#[expect(deprecated, reason = "nothing else gives the tags of a file")]
fn sum_of(file: &LogicalFileView) -> Option<String> {
    file.add_action().tags?.remove(sum::TAG)?
}

impl Found {
    fn widen(&mut self, table: &'static Table, batch: &RecordBatch) {
        for column in time_columns(table) {
            let Some(times) = batch.column_by_name(column) else { continue };
            let Some(times) = times.as_primitive_opt::<TimestampMicrosecondType>() else { continue };
            let (Some(first), Some(last)) = (min(times), max(times)) else { continue };
            let [first, last] = [first, last].map(UtcMicros);
            let known = self.times.entry(column).or_insert([first, last]);
            *known = [known[0].min(first), known[1].max(last)];
        }
    }
}

fn check_day(table: &Table, batch: &RecordBatch, told: &Logged) -> Result<(), String> {
    let Some(layout) = &table.layout else { return Ok(()) };
    let Some(times) = batch.column_by_name(layout.time_column) else {
        return Err(format!("has no column {}", layout.time_column));
    };
    let Some(times) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
        return Err(format!("has a column {} that holds no times", layout.time_column));
    };
    let folder = folder(&told.key);
    let own = |day: &str| format!("{}={day}", layout.partition_column) == folder;
    let stray = times.iter().flatten().map(UtcMicros).find(|at| !own(&day_text(*at)));
    if let Some(at) = stray {
        return Err(format!("has a row of {at}, which is not in {folder}"));
    }
    match told.day.as_deref() {
        Some(day) if own(day) => Ok(()),
        day => Err(format!("is in {folder}, and the log says it is of {}", day.unwrap_or("no day"))),
    }
}

/// Events that are stored twice.
fn repeated(place: &Place, files: Vec<String>) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    for (folder, keys) in EventKeys::by_day(place, files)? {
        let distinct: HashSet<&u128> = keys.iter().collect();
        if distinct.len() < keys.len() {
            let what = format!("{} of {} events are stored twice", keys.len() - distinct.len(), keys.len());
            problems.push(Problem { file: folder, what });
        }
    }
    Ok(problems)
}
