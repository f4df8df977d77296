//! Keys of what the lake already holds, read from the key columns alone and only when
//! first asked for. This is what makes a repeated file change nothing, also when a crash
//! cut its first ingest between two tables.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use super::Error;
use super::part::day_text;
use crate::domain::{Event, Text, UtcMicros};

/// What makes an event the same as another: its day, and a hash of its source and id. A
/// duplicate shares its event time, so that only days that a batch touches are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKey {
    day: i32,
    hash: u128,
}

impl EventKey {
    pub fn new(event: &Event<Text>) -> EventKey {
        EventKey { day: event.occurred_at.days(), hash: hash(event.source, &event.event_id) }
    }
}

/// Keys held in memory at once: some 100 MB. Beyond it, days that were not touched lately
/// are forgotten, and read again from the files when they come once more.
const KEYS_MAX: usize = 2 << 20;

/// The events known, for the days that were touched.
pub struct EventKeys {
    files: HashMap<PathBuf, Vec<PathBuf>>,
    days: HashMap<i32, Day>,
    /// Counts flushes, to tell days that were touched lately.
    round: u32,
    keys: usize,
}

struct Day {
    known: HashSet<u128, BuildHasherDefault<IsHash>>,
    round: u32,
}

impl EventKeys {
    /// Over the files of the `events` table.
    pub fn new(files: Vec<PathBuf>) -> EventKeys {
        let mut keys = EventKeys { files: HashMap::new(), days: HashMap::new(), round: 0, keys: 0 };
        keys.add_files(files);
        keys
    }

    /// Whether the event is new; it is known from then on. Reads the keys of its day when
    /// the day comes first.
    pub fn insert(&mut self, key: EventKey) -> Result<bool, Error> {
        let day = match self.days.entry(key.day) {
            Entry::Occupied(day) => day.into_mut(),
            Entry::Vacant(place) => {
                let known = read_day(&self.files, key.day)?;
                self.keys += known.len();
                place.insert(Day { known, round: self.round })
            }
        };
        day.round = self.round;
        let is_new = day.known.insert(key.hash);
        self.keys += usize::from(is_new);
        Ok(is_new)
    }

    /// Takes note of files that hold every key so far, and forgets what they can tell again.
    pub fn flushed(&mut self, files: Vec<PathBuf>) {
        self.add_files(files);
        if self.keys > KEYS_MAX {
            self.days.retain(|_, day| day.round == self.round);
            self.keys = self.days.values().map(|day| day.known.len()).sum();
        }
        self.round += 1;
    }

    /// The keys of all events by the folder of their day, repeated ones too.
    pub fn by_day(files: Vec<PathBuf>) -> Result<Vec<(PathBuf, Vec<u128>)>, Error> {
        let by_folder = EventKeys::new(files).files;
        let mut found = Vec::new();
        for (folder, files) in by_folder {
            let mut keys = Vec::new();
            read_keys(&files, |key| keys.push(key))?;
            found.push((folder, keys));
        }
        found.sort();
        Ok(found)
    }

    fn add_files(&mut self, files: Vec<PathBuf>) {
        for file in files {
            let folder = file.parent().and_then(Path::file_name).map(PathBuf::from).unwrap_or_default();
            self.files.entry(folder).or_default().push(file);
        }
    }
}

/// A hasher for what is a hash already.
#[derive(Clone, Copy, Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 ^ u64::from(*byte));
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

fn read_day(
    files: &HashMap<PathBuf, Vec<PathBuf>>,
    day: i32,
) -> Result<HashSet<u128, BuildHasherDefault<IsHash>>, Error> {
    let begin = UtcMicros(i64::from(day) * UtcMicros::MICROS_PER_DAY);
    let folder = PathBuf::from(format!("event_date={}", day_text(begin)));
    let mut known = HashSet::default();
    read_keys(files.get(&folder).map(Vec::as_slice).unwrap_or_default(), |key| {
        known.insert(key);
    })?;
    Ok(known)
}

fn read_keys(files: &[PathBuf], mut each: impl FnMut(u128)) -> Result<(), Error> {
    for path in files {
        read_columns(path, &["source", "event_id"], |columns| {
            let [sources, ids] = columns else { return };
            (0..ids.len()).for_each(|row| each(hash(sources.value(row), ids.value(row))));
        })?;
    }
    Ok(())
}

fn hash(source: &str, event_id: &str) -> u128 {
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
