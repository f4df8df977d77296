//! Parquet files of a table: a batch is sorted and cut by day where the table's layout
//! says so, and written and synced. A part counts only once a log entry names it.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::{interleave, interleave_record_batch, max, min};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use deltalake::DeltaTable;
use deltalake::kernel::Add;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::durable::Durability;
use super::place::Place;
use super::tables::Table;
use super::{Error, WriteOptions};
use crate::domain::UtcMicros;

/// The column that says when a row became known.
pub const INGESTED_AT: &str = "ingested_at";
/// Rows of a row group: what a reader must decompress at once.
const ROW_GROUP_ROWS: usize = 65_536;

/// Nearly every value of these differs, so a dictionary costs and does not pay.
const DISTINCT_COLUMNS: [&str; 3] = ["raw", "event_id", "correlation_id"];
/// These rise from row to row, so that what is between them is smaller than they are.
const RISING_COLUMNS: [&str; 2] = ["occurred_at", "origin_line"];
/// One value, or a few, in all rows of a file.
const CONSTANT_COLUMNS: [&str; 4] = ["source", "org", "ingested_at", "origin_file"];

/// One file that is written and durable, apart from the entry in its directory.
pub struct Part {
    /// Relative to the table, with `/`.
    pub key: String,
    size_bytes: i64,
    slice: Slice,
}

/// Rows that go into one file, without the rows.
#[derive(Clone)]
struct Slice {
    rows: usize,
    /// `YYYY-MM-DD`, and the first and last instant.
    day: Option<(String, UtcMicros, UtcMicros)>,
    /// First and last instant at which a row became known.
    known: Option<(UtcMicros, UtcMicros)>,
}

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
    rows: Vec<(usize, usize)>,
}

/// Writes batches as one file a day, or as one file, onto `parts`: also those written
/// before an error, so that the caller can remove them.
///
/// `name` gives the next file's name. Days are written by `options.threads` at once, and each costs a
/// copy of its rows.
pub fn write(
    table: &'static Table,
    place: &Place,
    batches: &[Kept],
    parts: &mut Vec<Part>,
    mut name: impl FnMut() -> String,
    options: WriteOptions,
) -> Result<(), Error> {
    let planned = plan(table, batches).map_err(|source| Error::Arrow { table: table.name, source })?;
    let planned: Vec<(String, Planned)> = planned.into_iter().map(|file| (name(), file)).collect();
    let batches: Vec<&RecordBatch> = batches.iter().map(|batch| &batch.rows).collect();
    let write_next = |next: &AtomicUsize| {
        let mut written = Vec::new();
        while let Some((name, file)) = planned.get(next.fetch_add(1, Ordering::Relaxed)) {
            written.push(write_one(table, place, &batches, name, file, options.durability));
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
            rows.extend((0..batch.rows.num_rows()).filter(|row| batch.has(*row)).map(|row| (at, row)));
        }
        return Ok(vec![Planned { slice: Slice { rows: rows.len(), day: None, known: None }, rows }]);
    };
    let mut order = Vec::with_capacity(batches.iter().map(Kept::count).sum());
    let mut ties = Vec::with_capacity(batches.len());
    for (at, batch) in batches.iter().enumerate() {
        let missing = |name: &str| ArrowError::SchemaError(format!("no column {name}"));
        let column = |name: &str| batch.rows.column_by_name(name).ok_or_else(|| missing(name));
        let times = column(layout.time_column)?.as_primitive::<TimestampMicrosecondType>();
        let placed = times.values().iter().enumerate().filter(|(row, _)| batch.has(*row));
        order.extend(placed.map(|(row, time)| (UtcMicros(*time), (at, row))));
        ties.push(column(layout.tie_column)?.as_string::<i32>());
    }
    let tie = |(at, row): (usize, usize)| ties[at].value(row);
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
    batches: &[&RecordBatch],
    name: &str,
    file: &Planned,
    durability: Durability,
) -> Result<Part, Error> {
    let rows = gathered(batches, &file.rows).map_err(|source| Error::Arrow { table: table.name, source })?;
    let key = match (&table.layout, &file.slice.day) {
        (Some(layout), Some((day, ..))) => format!("{}={day}/{name}", layout.partition_column),
        _ => name.to_owned(),
    };
    let slice = Slice { known: known(&rows), ..file.slice.clone() };
    let (key, size_bytes) = match place {
        Place::Folder(dir) => {
            let size_bytes = write_file(&dir.join(&key), &rows, durability)?;
            (key, size_bytes)
        }
        Place::Bucket(bucket, place) => {
            let bytes = encode(Vec::new(), &rows).map_err(Error::parquet("write", Path::new(&key)))?;
            let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            (bucket.create_beside(place, key, bytes)?, size_bytes)
        }
    };
    Ok(Part { key, size_bytes, slice })
}

/// The rows at `places`, in that order; a column without any value is not walked through.
fn gathered(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
    let Some(first) = batches.first() else { return interleave_record_batch(batches, places) };
    let column = |at: usize| {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
        if parts.iter().all(|part| part.null_count() == part.len()) {
            return Ok(new_null_array(parts[0].data_type(), places.len()));
        }
        interleave(&parts, places)
    };
    let columns = (0..first.num_columns()).map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(first.schema(), columns)
}

/// When the rows became known, from the first to the last.
fn known(rows: &RecordBatch) -> Option<(UtcMicros, UtcMicros)> {
    let times = rows.column_by_name(INGESTED_AT)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some((UtcMicros(min(times)?), UtcMicros(max(times)?)))
}

/// The newest instant at which a row of a table became known, by the statistics in its log;
/// none when a file has none, as those of version 0.1.0.
pub fn newest_known(delta: &DeltaTable) -> Option<UtcMicros> {
    let mut newest = UtcMicros(i64::MIN);
    for file in delta.snapshot().ok()?.log_data().iter() {
        let stats: serde_json::Value = serde_json::from_str(&file.stats()?).ok()?;
        newest = newest.max(UtcMicros::parse(stats["maxValues"][INGESTED_AT].as_str()?)?);
    }
    Some(newest)
}

fn write_file(path: &Path, rows: &RecordBatch, durability: Durability) -> Result<i64, Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let written = fill_file(path, rows, durability);
    if written.is_err() {
        // A full disk leaves a stump; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(path);
    }
    written
}

fn fill_file(path: &Path, rows: &RecordBatch, durability: Durability) -> Result<i64, Error> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    let file = encode(file, rows).map_err(Error::parquet("write", path))?;
    durability.sync(&file, path)?;
    let size = file.metadata().map_err(Error::io("measure", path))?.len();
    Ok(i64::try_from(size).unwrap_or(i64::MAX))
}

/// Writes rows as a Parquet file onto `to`, and gives it back.
fn encode<W: Write + Send>(to: W, rows: &RecordBatch) -> Result<W, parquet::errors::ParquetError> {
    let mut writer = ArrowWriter::try_new(to, rows.schema(), Some(properties(rows)?))?;
    writer.write(rows)?;
    writer.into_inner()
}

/// How the columns of `rows` are encoded.
fn properties(rows: &RecordBatch) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // Files are pruned by the log's statistics; those of pages cost more than they save.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in DISTINCT_COLUMNS {
        builder = builder.set_column_dictionary_enabled(path(column), false);
    }
    // Ids of one length after another compress better than each behind its length.
    builder = builder.set_column_encoding(path("event_id"), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    for column in RISING_COLUMNS {
        builder = builder
            .set_column_dictionary_enabled(path(column), false)
            .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
    }
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        // A compressor takes longer to set up than it can save on nothing, or on one value.
        if column.null_count() == column.len() || CONSTANT_COLUMNS.contains(&field.name().as_str()) {
            builder = builder.set_column_compression(path(field.name()), Compression::UNCOMPRESSED);
        }
        let known = DISTINCT_COLUMNS.contains(&field.name().as_str());
        if let Some(texts) = column.as_string_opt::<i32>().filter(|_| !known) {
            builder = builder.set_column_dictionary_enabled(path(field.name()), repeats(texts));
        }
    }
    Ok(builder.build())
}

/// Whether a dictionary pays: half of the values or more were there before.
fn repeats(texts: &StringArray) -> bool {
    /// After so many it is plain for most columns.
    const FIRST: usize = 256;
    let mut seen = HashSet::with_capacity_and_hasher(FIRST, ahash::RandomState::new());
    for (count, value) in texts.iter().flatten().enumerate() {
        if count == FIRST && seen.len() * 2 < FIRST {
            return true;
        }
        seen.insert(value);
    }
    seen.len() * 2 <= texts.len() - texts.null_count()
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
            ..Add::default()
        }
    }
}
