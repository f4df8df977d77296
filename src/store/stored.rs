//! Keys of what the lake already holds, read from the key columns alone and only when
//! first asked for. This is what makes a repeated file change nothing, also when a crash
//! cut its first ingest between two tables.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::PathBuf;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use super::Error;
use super::part::day_text;
use crate::domain::{Event, UtcMicros};

/// The events known, by day: 16 bytes of hash each, for the days that were touched.
pub struct EventKeys {
    files: Vec<PathBuf>,
    days: HashMap<i32, HashSet<u128>>,
}

impl EventKeys {
    /// Over the files of the `events` table.
    pub fn new(files: Vec<PathBuf>) -> EventKeys {
        EventKeys { files, days: HashMap::new() }
    }

    /// Whether the event is new; it is known from then on. Reads the keys of its day when
    /// the day comes first.
    pub fn insert(&mut self, event: &Event) -> Result<bool, Error> {
        let key = event_key(event.source, &event.event_id);
        let day = event.occurred_at.days();
        if let Some(known) = self.days.get_mut(&day) {
            return Ok(known.insert(key));
        }
        let known = self.days.entry(day).or_insert(read_day(&self.files, event.occurred_at)?);
        Ok(known.insert(key))
    }
}

fn read_day(files: &[PathBuf], at: UtcMicros) -> Result<HashSet<u128>, Error> {
    let folder = format!("event_date={}", day_text(at));
    let of_day = |path: &&PathBuf| path.parent().is_some_and(|dir| dir.ends_with(&folder));
    let mut known = HashSet::new();
    for path in files.iter().filter(of_day) {
        read_columns(path, &["source", "event_id"], |columns| {
            let [sources, ids] = columns else { return };
            known.extend((0..ids.len()).map(|row| event_key(sources.value(row), ids.value(row))));
        })?;
    }
    Ok(known)
}

fn event_key(source: &str, event_id: &str) -> u128 {
    let mut hash = Sha256::new();
    hash.update(source.as_bytes());
    hash.update([0]);
    hash.update(event_id.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(key)
}

/// The distinct values of one id column of one table.
pub struct Ids {
    column: &'static str,
    files: Vec<PathBuf>,
    known: Option<HashSet<String>>,
}

impl Ids {
    pub fn new(column: &'static str, files: Vec<PathBuf>) -> Ids {
        Ids { column, files, known: None }
    }

    pub fn contains(&mut self, id: &str) -> Result<bool, Error> {
        Ok(self.known()?.contains(id))
    }

    pub fn insert(&mut self, id: &str) -> Result<(), Error> {
        self.known()?.insert(id.to_owned());
        Ok(())
    }

    fn known(&mut self) -> Result<&mut HashSet<String>, Error> {
        let known = match self.known.take() {
            Some(known) => known,
            None => read_ids(&self.files, self.column)?,
        };
        Ok(self.known.insert(known))
    }
}

fn read_ids(files: &[PathBuf], column: &str) -> Result<HashSet<String>, Error> {
    let mut known = HashSet::new();
    for path in files {
        read_columns(path, &[column], |columns| {
            for id in columns.iter().flat_map(|ids| ids.iter().flatten()) {
                if !known.contains(id) {
                    known.insert(id.to_owned());
                }
            }
        })?;
    }
    Ok(known)
}

/// Reads text columns of one file, batch by batch, in the order asked for.
fn read_columns(path: &PathBuf, names: &[&str], mut each: impl FnMut(&[StringArray])) -> Result<(), Error> {
    let failed = |source| Error::parquet("read", path)(source);
    let file = File::open(path).map_err(Error::io("open", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(8_192).build().map_err(failed)?;
    for batch in reader {
        let batch = batch.map_err(|source| failed(source.into()))?;
        let mut columns = Vec::with_capacity(names.len());
        for column in names.iter().filter_map(|name| batch.column_by_name(name)) {
            // Another writer may have compacted the table into another string type.
            let text = cast(column, &DataType::Utf8).map_err(|source| failed(source.into()))?;
            columns.push(text.as_string::<i32>().clone());
        }
        each(&columns);
    }
    Ok(())
}
