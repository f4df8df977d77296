//! Keys of what the lake already holds, read from the key columns alone and only when
//! first asked for. This is what makes a repeated file change nothing, also when a crash
//! cut its first ingest between two tables.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use ahash::RandomState;
use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use sha2::{Digest, Sha256};

use super::Error;
use super::part::day_text;
use super::place::Place;
use super::tables::{Table, events};
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
        EventKey { day: event.occurred_at.days(), hash: hash(&[event.source, &event.event_id]) }
    }
}

/// Keys held in memory at once: some 100 MB. Beyond it, days that were not touched lately
/// are forgotten, and read again from the files when they come once more.
const KEYS_MAX: usize = 2 << 20;

/// The events known, for the days that were touched.
pub struct EventKeys {
    place: Place,
    /// Keys of files by their folder.
    files: HashMap<String, Vec<String>>,
    days: HashMap<i32, Day, RandomState>,
    /// Counts flushes, to tell days that were touched lately.
    round: u32,
    keys: usize,
}

struct Day {
    known: HashSet<u128, BuildHasherDefault<IsHash>>,
    round: u32,
}

impl EventKeys {
    /// Over files of the `events` table, which is at `place`.
    pub fn new(place: Place, files: Vec<String>) -> EventKeys {
        let mut keys =
            EventKeys { place, files: HashMap::new(), days: HashMap::default(), round: 0, keys: 0 };
        keys.add_files(files);
        keys
    }

    /// Whether the event is new; it is known from then on. Reads the keys of its day when
    /// the day comes first.
    pub fn insert(&mut self, key: EventKey) -> Result<bool, Error> {
        let day = match self.days.entry(key.day) {
            Entry::Occupied(day) => day.into_mut(),
            Entry::Vacant(place) => {
                let known = read_day(&self.place, &self.files, key.day)?;
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
    pub fn flushed(&mut self, files: Vec<String>) {
        self.add_files(files);
        if self.keys > KEYS_MAX {
            self.days.retain(|_, day| day.round == self.round);
            self.keys = self.days.values().map(|day| day.known.len()).sum();
        }
        self.round += 1;
    }

    /// The keys of all events by the folder of their day, repeated ones too.
    pub fn by_day(place: &Place, files: Vec<String>) -> Result<Vec<(String, Vec<u128>)>, Error> {
        let by_folder = EventKeys::new(place.clone(), files).files;
        let mut found = Vec::new();
        for (folder, files) in by_folder {
            let mut keys = Vec::new();
            read_keys(place, &files, |key| keys.push(key))?;
            found.push((folder, keys));
        }
        found.sort();
        Ok(found)
    }

    fn add_files(&mut self, files: Vec<String>) {
        for file in files {
            self.files.entry(folder(&file).to_owned()).or_default().push(file);
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

/// The folder of a file's key: the day of an event, nothing for other tables.
pub fn folder(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn read_day(
    place: &Place,
    files: &HashMap<String, Vec<String>>,
    day: i32,
) -> Result<HashSet<u128, BuildHasherDefault<IsHash>>, Error> {
    let begin = UtcMicros(i64::from(day) * UtcMicros::MICROS_PER_DAY);
    let folder = format!("event_date={}", day_text(begin));
    let mut known = HashSet::default();
    let files = files.get(&folder).map(Vec::as_slice).unwrap_or_default();
    read_keys(place, files, |key| {
        known.insert(key);
    })?;
    Ok(known)
}

fn read_keys(place: &Place, files: &[String], mut each: impl FnMut(u128)) -> Result<(), Error> {
    for file in files {
        for batch in place.scan(file, events::TABLE.key)? {
            hashes(&events::TABLE, &batch?)?.into_iter().for_each(&mut each);
        }
    }
    Ok(())
}

/// Hashes of what tells the rows of a file apart from those of other batches.
pub fn row_keys(table: &'static Table, place: &Place, files: &[String]) -> Result<HashSet<u128>, Error> {
    let mut known = HashSet::new();
    for file in files {
        for batch in place.scan(file, table.key)? {
            known.extend(hashes(table, &batch?)?);
        }
    }
    Ok(known)
}

/// The same of rows that are in memory, in their order.
pub fn hashes(table: &Table, rows: &RecordBatch) -> Result<Vec<u128>, Error> {
    let column =
        |name: &&'static str| texts(rows, name).ok_or(Error::Column { table: table.name, column: name });
    let columns = table.key.iter().map(column).collect::<Result<Vec<StringArray>, Error>>()?;
    let row_hash = |row| hash(&columns.iter().map(|column| column.value(row)).collect::<Vec<_>>());
    Ok((0..rows.num_rows()).map(row_hash).collect())
}

/// A column of text; another writer may have compacted the table into another string type.
fn texts(rows: &RecordBatch, name: &str) -> Option<StringArray> {
    Some(cast(rows.column_by_name(name)?, &DataType::Utf8).ok()?.as_string::<i32>().clone())
}

fn hash(texts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            hash.update([0]);
        }
        hash.update(text.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(key)
}

/// The distinct values of one id column of one table.
pub struct Ids {
    column: &'static str,
    place: Place,
    files: Vec<String>,
    known: Option<HashSet<String>>,
}

impl Ids {
    pub fn new(column: &'static str, place: Place, files: Vec<String>) -> Ids {
        Ids { column, place, files, known: None }
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
            None => read_ids(&self.place, &self.files, self.column)?,
        };
        Ok(self.known.insert(known))
    }
}

fn read_ids(place: &Place, files: &[String], column: &str) -> Result<HashSet<String>, Error> {
    let mut known = HashSet::new();
    for file in files {
        for batch in place.scan(file, &[column])? {
            let ids = texts(&batch?, column);
            for id in ids.iter().flat_map(|ids| ids.iter().flatten()) {
                if !known.contains(id) {
                    known.insert(id.to_owned());
                }
            }
        }
    }
    Ok(known)
}
