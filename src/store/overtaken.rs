//! What becomes of written rows when another writer's commit came first: those that it stored, too,
//! are dropped, and the rest become known after everything that it stored. So no row is stored twice,
//! and what was known at an instant stays a prefix of the log.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::error::ArrowError;

use super::part::{self, INGESTED_AT, Kept, Part};
use super::place::Place;
use super::stored::{self, folder};
use super::tables::Table;
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

const ORIGIN_FILE: &str = "origin_file";

/// What another writer committed since.
pub struct Winner<'a> {
    pub table: &'static Table,
    pub place: &'a Place,
    /// Keys of files that the table did not have before.
    pub files: Vec<String>,
    /// The newest instant at which a row of the table became known.
    pub newest: Option<UtcMicros>,
}

/// Rows that were dropped, by the file that they came from.
pub type Dropped = BTreeMap<String, u64>;

/// Brings parts behind the winner: those that need it are written anew, with rows that become known
/// at `now`. What is no longer needed is removed. Holds the rows of one file at a time.
///
/// # Errors
/// When a file cannot be read or written; the parts that are left are then on `parts`.
pub fn bring_behind(
    winner: &Winner<'_>,
    parts: &mut Vec<Part>,
    now: UtcMicros,
    mut name: impl FnMut() -> String,
    options: WriteOptions,
) -> Result<Dropped, Error> {
    let mut dropped = Dropped::new();
    let mut by_folder: HashMap<String, HashSet<u128>> = HashMap::new();
    let mut behind = Vec::with_capacity(parts.len());
    let mut step = |part: &Part, behind: &mut Vec<Part>| -> Result<bool, Error> {
        let folder = folder(&part.key).to_owned();
        let known = match by_folder.get(&folder) {
            Some(known) => known,
            None => {
                let known = winner.row_keys(&folder)?;
                by_folder.entry(folder).or_insert(known)
            }
        };
        let late = !part.known_after(winner.newest);
        let Some(rows) = rest(winner, part, known, late.then_some(now), &mut dropped)? else {
            return Ok(false);
        };
        if !rows.is_empty() {
            part::write(winner.table, winner.place, &rows, behind, &mut name, options)?;
        }
        Ok(true)
    };
    let mut failed = None;
    while let Some(part) = parts.pop() {
        match step(&part, &mut behind) {
            Ok(true) => winner.place.remove(&part.key),
            Ok(false) => behind.push(part),
            Err(error) => {
                behind.push(part);
                failed = Some(error);
                break;
            }
        }
    }
    parts.append(&mut behind);
    parts.sort_by(|a, b| a.key.cmp(&b.key));
    failed.map_or(Ok(dropped), Err)
}

/// The rows of a part that `known` has not, known at `now` where one is given. None when the part
/// is right as it is.
fn rest(
    winner: &Winner<'_>,
    part: &Part,
    known: &HashSet<u128>,
    now: Option<UtcMicros>,
    dropped: &mut Dropped,
) -> Result<Option<Vec<Kept>>, Error> {
    if known.is_empty() && now.is_none() {
        return Ok(None);
    }
    let arrow = |source| Error::Arrow { table: winner.table.name, source };
    let (mut rest, mut count) = (Vec::new(), 0);
    let mut gone = Dropped::new();
    for rows in winner.place.scan(&part.key, &[])? {
        let rows = rows?;
        let new: Vec<bool> =
            stored::hashes(winner.table, &rows)?.iter().map(|key| !known.contains(key)).collect();
        count_by_file(&rows, &new, &mut gone);
        let rows = match now {
            Some(now) => known_at(&rows, now).map_err(arrow)?,
            None => rows,
        };
        let kept = Kept::some(rows, new);
        count += kept.count();
        rest.push(kept);
    }
    if now.is_none() && count as u64 == part.rows() {
        return Ok(None);
    }
    gone.into_iter().for_each(|(file, rows)| *dropped.entry(file).or_default() += rows);
    if count == 0 {
        rest.clear();
    }
    Ok(Some(rest))
}

fn count_by_file(rows: &RecordBatch, new: &[bool], gone: &mut Dropped) {
    let Some(files) = rows.column_by_name(ORIGIN_FILE).and_then(|column| column.as_string_opt::<i32>())
    else {
        return;
    };
    for row in (0..rows.num_rows()).filter(|row| !new[*row] && !files.is_null(*row)) {
        match gone.get_mut(files.value(row)) {
            Some(count) => *count += 1,
            None => {
                gone.insert(files.value(row).to_owned(), 1);
            }
        }
    }
}

/// The same rows, become known at `now`.
fn known_at(rows: &RecordBatch, now: UtcMicros) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let at = schema.index_of(INGESTED_AT)?;
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    let instants = TimestampMicrosecondArray::from_value(now.0, rows.num_rows()).with_timezone("UTC");
    columns[at] = cast(&instants, schema.field(at).data_type())?;
    RecordBatch::try_new(Arc::clone(&schema), columns)
}

impl Winner<'_> {
    /// What tells the winner's rows in one folder apart.
    fn row_keys(&self, of: &str) -> Result<HashSet<u128>, Error> {
        let files: Vec<String> = self.files.iter().filter(|key| folder(key) == of).cloned().collect();
        stored::row_keys(self.table, self.place, &files)
    }
}
