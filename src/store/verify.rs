//! Whether a table is what its log says: every file there, whole, with as many rows, and each
//! row in its day. Reads every page of every file, so it costs as much as reading the lake.

use std::collections::HashSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use deltalake::DeltaTable;

use super::Error;
use super::part::day_text;
use super::place::Place;
use super::stored::{EventKeys, folder};
use super::tables::Table;
use crate::domain::UtcMicros;

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

/// Checks `delta`, which lives at `place`.
///
/// # Errors
/// When the log itself cannot be read; what is wrong with files is told, not failed with.
pub fn verify(table: &'static Table, place: &Place, delta: &DeltaTable) -> Result<Verified, Error> {
    let snapshot = delta.snapshot().map_err(Error::delta("verify", table.name))?;
    let mut verified = Verified { table: table.name, ..Verified::default() };
    let mut days: Vec<String> = Vec::new();
    for file in snapshot.log_data().iter() {
        let key = file.object_store_path().to_string();
        verified.files += 1;
        match check_file(table, place, &key) {
            Ok(rows) => {
                verified.rows += rows;
                days.push(key.clone());
                if file.num_records().is_some_and(|told| told as u64 != rows) {
                    let told = file.num_records().unwrap_or_default();
                    let what = format!("the file has {rows} rows, and the log says {told}");
                    verified.problems.push(Problem { file: key, what });
                }
            }
            Err(what) => verified.problems.push(Problem { file: key, what }),
        }
    }
    if table.layout.is_some() {
        verified.problems.extend(repeated(place, days)?);
    }
    Ok(verified)
}

/// Reads a whole file; gives its rows, or what is wrong.
fn check_file(table: &Table, place: &Place, key: &str) -> Result<u64, String> {
    let wrong = |error: Error| match error {
        Error::Io { source, .. } => format!("cannot be opened: {source}"),
        Error::Object { source, .. } => format!("cannot be opened: {source}"),
        Error::Parquet { source, .. } => format!("is damaged: {source}"),
        other => other.to_string(),
    };
    let folder = folder(key);
    let mut rows = 0;
    for batch in place.scan(key, &[]).map_err(wrong)? {
        let batch = batch.map_err(wrong)?;
        rows += batch.num_rows() as u64;
        check_day(table, &batch, folder)?;
    }
    Ok(rows)
}

fn check_day(table: &Table, batch: &RecordBatch, folder: &str) -> Result<(), String> {
    let Some(layout) = &table.layout else { return Ok(()) };
    let Some(times) = batch.column_by_name(layout.time_column) else {
        return Err(format!("has no column {}", layout.time_column));
    };
    let Some(times) = times.as_primitive_opt::<TimestampMicrosecondType>() else {
        return Err(format!("has a column {} that holds no times", layout.time_column));
    };
    let own = |day: &str| format!("{}={day}", layout.partition_column) == folder;
    let stray = times.iter().flatten().map(UtcMicros).find(|at| !own(&day_text(*at)));
    stray.map_or(Ok(()), |at| Err(format!("has a row of {at}, which is not in {folder}")))
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
