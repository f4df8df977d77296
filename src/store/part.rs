//! Parquet files of a table: a batch is sorted and cut by day where the table's layout
//! says so, and written and synced. A part counts only once a log entry names it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use deltalake::DeltaTable;
use deltalake::kernel::Add;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use super::columns::{Columns, RowAt};
use super::durable::Durability;
use super::place::Place;
use super::sum::{self, Summed};
use super::tables::Table;
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

/// The column that says when a row became known.
pub const INGESTED_AT: &str = "ingested_at";
/// Rows that are brought into order at a time: of most tables their columns stay in a core's cache until they are
/// encoded.
const ORDERED_ROWS: usize = 1024;
/// Bytes given to the system at a time: the library would give it 8 KiB.
const WRITTEN_BYTES: usize = 256 << 10;

/// One file that is written and durable, apart from the entry in its directory.
pub struct Part {
    /// Relative to the table, with `/`.
    pub key: String,
    size_bytes: i64,
    /// Of its bytes.
    sum: String,
    slice: Slice,
}

/// Rows that go into one file, without the rows.
#[derive(Clone)]
struct Slice {
    rows: usize,
    /// `YYYY-MM-DD`, and the first and last instant.
    day: Option<(String, UtcMicros, UtcMicros)>,
    known: Known,
}

/// What is known of a file once its rows are encoded.
struct Encoded {
    known: Known,
    sum: String,
}

/// First and last instant at which a row became known.
type Known = Option<(UtcMicros, UtcMicros)>;

/// Rows of a batch that are to be written: all, or those for which `kept` is true. What is left
/// out is passed over when rows are brought into order, which costs less than a copy.
pub struct Kept {
    pub rows: RecordBatch,
    kept: Option<Vec<bool>>,
}

impl Kept {
    pub fn all(rows: RecordBatch) -> Kept {
        Kept { rows, kept: None }
    }

    pub fn some(rows: RecordBatch, kept: Vec<bool>) -> Kept {
        let kept = Some(kept).filter(|kept| kept.contains(&false));
        Kept { rows, kept }
    }

    /// Rows that are kept.
    pub fn count(&self) -> usize {
        match &self.kept {
            Some(kept) => kept.iter().filter(|kept| **kept).count(),
            None => self.rows.num_rows(),
        }
    }

    fn has(&self, row: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept[row])
    }
}

/// One file to be written: its rows, as positions of a batch and of a row in it.
struct Planned {
    slice: Slice,
    rows: Vec<RowAt>,
}

/// Writes batches as one file a day, or as one file, onto `parts`: also those written
/// before an error, so that the caller can remove them.
///
/// `name` gives the next file's name. Days are written by `options.threads` at once.
pub fn write(
    table: &'static Table,
    place: &Place,
    batches: &[Kept],
    parts: &mut Vec<Part>,
    mut name: impl FnMut() -> String,
    options: WriteOptions,
) -> Result<(), Error> {
    let failed = |source| Error::Arrow { table: table.name, source };
    let planned = plan(table, batches).map_err(failed)?;
    let planned: Vec<(String, Planned)> = planned.into_iter().map(|file| (name(), file)).collect();
    let batches: Vec<&RecordBatch> = batches.iter().map(|batch| &batch.rows).collect();
    // Days of a log are alike, so one tells how the columns of all are encoded.
    let largest = planned.iter().map(|(_, file)| file.rows.as_slice()).max_by_key(|rows| rows.len());
    let columns = Columns::of(table.file_schema(), &batches, largest.unwrap_or_default()).map_err(failed)?;
    let write_next = |next: &AtomicUsize| {
        let mut written = Vec::new();
        while let Some((name, file)) = planned.get(next.fetch_add(1, Ordering::Relaxed)) {
            written.push(write_one(table, place, &columns, name, file, options.durability));
        }
        written
    };
    let next = AtomicUsize::new(0);
    let written = std::thread::scope(|scope| {
        let others: Vec<_> = (1..options.threads.get().min(planned.len()))
            .map(|_| scope.spawn(|| write_next(&next)))
            .collect();
        let mut written = write_next(&next);
        for other in others {
            match other.join() {
                Ok(more) => written.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        written
    });
    let (mut whole, mut failed) = (Vec::with_capacity(written.len()), None);
    for part in written {
        match part {
            Ok(part) => whole.push(part),
            Err(error) => failed = Some(error),
        }
    }
    whole.sort_by(|a, b| a.key.cmp(&b.key));
    parts.extend(whole);
    failed.map_or(Ok(()), Err)
}

/// Which rows go into which file: the days of a table that is laid out by day, each in the
/// order of time and tie; else all rows as they came.
fn plan(table: &Table, batches: &[Kept]) -> Result<Vec<Planned>, ArrowError> {
    let Some(layout) = &table.layout else {
        let mut rows = Vec::new();
        for (at, batch) in batches.iter().enumerate() {
            let kept = (0..batch.rows.num_rows()).filter(|row| batch.has(*row));
            rows.extend(kept.map(|row| (at as u32, row as u32)));
        }
        return Ok(vec![Planned { slice: Slice { rows: rows.len(), day: None, known: None }, rows }]);
    };
    // As small as they can be, for they are as many as the rows.
    let mut order: Vec<(UtcMicros, RowAt)> = Vec::with_capacity(batches.iter().map(Kept::count).sum());
    let mut ties = Vec::with_capacity(batches.len());
    for (at, batch) in batches.iter().enumerate() {
        let missing = |name: &str| ArrowError::SchemaError(format!("no column {name}"));
        let column = |name: &str| batch.rows.column_by_name(name).ok_or_else(|| missing(name));
        let times = column(layout.time_column)?.as_primitive::<TimestampMicrosecondType>();
        let placed = times.values().iter().enumerate().filter(|(row, _)| batch.has(*row));
        order.extend(placed.map(|(row, time)| (UtcMicros(*time), (at as u32, row as u32))));
        ties.push(column(layout.tie_column)?.as_string::<i32>());
    }
    let tie = |(at, row): RowAt| ties[at as usize].value(row as usize);
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| tie(a.1).cmp(tie(b.1))).then(a.1.cmp(&b.1)));
    let days = order.chunk_by(|a, b| a.0.days() == b.0.days());
    Ok(days
        .filter_map(|rows| {
            let (first, last) = (rows.first()?.0, rows.last()?.0);
            let day = Some((day_text(first), first, last));
            let slice = Slice { rows: rows.len(), day, known: None };
            Some(Planned { slice, rows: rows.iter().map(|(_, place)| *place).collect() })
        })
        .collect())
}

/// The UTC day of an instant as the partition's value.
pub fn day_text(at: UtcMicros) -> String {
    let text = UtcMicros(i64::from(at.days()) * UtcMicros::MICROS_PER_DAY).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn write_one(
    table: &Table,
    place: &Place,
    columns: &Columns,
    name: &str,
    file: &Planned,
    durability: Durability,
) -> Result<Part, Error> {
    let key = match (&table.layout, &file.slice.day) {
        (Some(layout), Some((day, ..))) => format!("{}={day}/{name}", layout.partition_column),
        _ => name.to_owned(),
    };
    let (key, size_bytes, Encoded { known, sum }) = match place {
        Place::Folder(dir) => {
            let path = dir.join(&key);
            let (size_bytes, encoded) = write_file(&path, columns, &file.rows, durability)?;
            (key, size_bytes, encoded)
        }
        Place::Bucket(bucket, place) => {
            let encoded = encode(Vec::new(), columns, &file.rows);
            let (bytes, encoded) = encoded.map_err(Error::parquet("write", Path::new(&key)))?;
            let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            (bucket.create_beside(place, key, bytes)?, size_bytes, encoded)
        }
    };
    Ok(Part { key, size_bytes, sum, slice: Slice { known, ..file.slice.clone() } })
}

/// What the log says of the rows of one file.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When the last of them became known.
    pub known_at: UtcMicros,
    /// The first and last instant of which they tell, in a table that is laid out by day.
    pub of: Option<[UtcMicros; 2]>,
}

/// The newest instant at which a row of a table became known; none where the log does not say.
pub fn newest_known(table: &Table, delta: &DeltaTable) -> Option<UtcMicros> {
    times(table, delta).map(|files| newest(&files))
}

/// The newest instant at which a row of these files became known.
pub fn newest(files: &[Times]) -> UtcMicros {
    files.iter().map(|file| file.known_at).max().unwrap_or(UtcMicros(i64::MIN))
}

/// What the log of a table says of each of its files; none when it says nothing of one, as those of version 0.1.0.
pub fn times(table: &Table, delta: &DeltaTable) -> Option<Vec<Times>> {
    let times = |stats: String| {
        let stats: serde_json::Value = serde_json::from_str(&stats).ok()?;
        let first = |column: &str| UtcMicros::parse(stats["minValues"][column].as_str()?);
        let last = |column: &str| UtcMicros::parse(stats["maxValues"][column].as_str()?).map(at_the_latest);
        let of = match &table.layout {
            Some(layout) => Some([first(layout.time_column)?, last(layout.time_column)?]),
            None => None,
        };
        Some(Times { known_at: last(INGESTED_AT)?, of })
    };
    delta.snapshot().ok()?.log_data().iter().map(|file| times(file.stats()?)).collect()
}

/// The last instant that a log may mean. We write microseconds. Other writers of Delta tables, which may have compacted
/// this one, cut them off (delta-rs as Spark does): what then seems to be known is younger than the log says.
fn at_the_latest(at: UtcMicros) -> UtcMicros {
    const MILLI: i64 = 1_000;
    if at.0.rem_euclid(MILLI) == 0 { UtcMicros(at.0.saturating_add(MILLI - 1)) } else { at }
}

fn write_file(
    path: &Path,
    columns: &Columns,
    rows: &[RowAt],
    durability: Durability,
) -> Result<(i64, Encoded), Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let written = fill_file(path, columns, rows, durability);
    if written.is_err() {
        // A full disk leaves a stump; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(path);
    }
    written
}

fn fill_file(
    path: &Path,
    columns: &Columns,
    rows: &[RowAt],
    durability: Durability,
) -> Result<(i64, Encoded), Error> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    let file = BufWriter::with_capacity(WRITTEN_BYTES, file);
    let (file, encoded) = encode(file, columns, rows).map_err(Error::parquet("write", path))?;
    let file = file.into_inner().map_err(|error| Error::io("write", path)(error.into_error()))?;
    durability.sync(&file, path)?;
    let size = file.metadata().map_err(Error::io("measure", path))?.len();
    Ok((i64::try_from(size).unwrap_or(i64::MAX), encoded))
}

/// Writes rows as a Parquet file onto `to`, and gives it back with what is known of it.
fn encode<W: Write + Send>(to: W, columns: &Columns, rows: &[RowAt]) -> Result<(W, Encoded), ParquetError> {
    let encoding = Some(columns.encoding(rows.len())?);
    let mut writer = ArrowWriter::try_new(Summed::new(to), columns.schema(), encoding)?;
    let mut all_known = None;
    for rows in rows.chunks(ORDERED_ROWS) {
        let ordered = columns.ordered(rows)?;
        all_known = all_known.into_iter().chain(known(&ordered)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        writer.write(&ordered)?;
    }
    let (mut to, sum) = writer.into_inner()?.finish();
    to.flush()?;
    Ok((to, Encoded { known: all_known, sum }))
}

/// When the rows became known, from the first to the last.
fn known(rows: &RecordBatch) -> Known {
    let times = rows.column_by_name(INGESTED_AT)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some((UtcMicros(min(times)?), UtcMicros(max(times)?)))
}

impl Part {
    pub fn rows(&self) -> u64 {
        self.slice.rows as u64
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes.unsigned_abs()
    }

    /// Whether all rows became known after `instant`.
    pub fn known_after(&self, instant: Option<UtcMicros>) -> bool {
        let (Some((first, _)), Some(instant)) = (self.slice.known, instant) else { return true };
        first > instant
    }

    /// The log's line about this file, with the statistics that prune by time.
    pub fn add(&self, table: &Table, now: UtcMicros) -> Add {
        let mut partition_values = HashMap::new();
        let mut stats = serde_json::json!({ "numRecords": self.slice.rows });
        let mut bound = |column: &str, first: UtcMicros, last: UtcMicros| {
            stats["minValues"][column] = serde_json::json!(first);
            stats["maxValues"][column] = serde_json::json!(last);
            stats["nullCount"][column] = serde_json::json!(0);
        };
        if let Some((first, last)) = self.slice.known {
            bound(INGESTED_AT, first, last);
        }
        if let (Some(layout), Some((day, first, last))) = (&table.layout, &self.slice.day) {
            partition_values.insert(layout.partition_column.to_owned(), Some(day.clone()));
            bound(layout.time_column, *first, *last);
        }
        Add {
            path: self.key.clone(),
            partition_values,
            size: self.size_bytes,
            modification_time: now.0.div_euclid(1_000),
            data_change: true,
            stats: Some(stats.to_string()),
            tags: Some(HashMap::from([(sum::TAG.to_owned(), Some(self.sum.clone()))])),
            ..Add::default()
        }
    }
}
