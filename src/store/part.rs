//! Parquet files of a table: a batch is sorted and cut by day where the table's layout
//! says so, and written and synced. A part counts only once a log entry names it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use deltalake::kernel::Add;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::Error;
use super::tables::Table;
use crate::domain::UtcMicros;

/// Rows of a row group: what a reader must decompress at once.
const ROW_GROUP_ROWS: usize = 65_536;

/// One file that is written and durable, apart from the entry in its directory.
pub struct Part {
    pub path: PathBuf,
    /// Relative to the table, with `/`.
    pub key: String,
    size_bytes: i64,
    slice: Slice,
}

/// Rows that go into one file, without the rows.
struct Slice {
    rows: usize,
    /// `YYYY-MM-DD`, and the first and last instant.
    day: Option<(String, UtcMicros, UtcMicros)>,
}

/// Writes a batch as one file a day, or as one file, onto `parts`: also those written
/// before an error, so that the caller can remove them.
///
/// `name` gives the next file's name. Costs a copy of one day's rows at a time.
pub fn write(
    table: &'static Table,
    dir: &Path,
    batch: &RecordBatch,
    parts: &mut Vec<Part>,
    mut name: impl FnMut() -> String,
) -> Result<(), Error> {
    let arrow = |source| Error::Arrow { table: table.name, source };
    if table.layout.is_none() {
        let slice = Slice { rows: batch.num_rows(), day: None };
        parts.push(write_one(table, dir, batch, slice, name())?);
        return Ok(());
    }
    for (slice, order) in days(table, batch).map_err(arrow)? {
        let rows = take_record_batch(batch, &UInt32Array::from(order)).map_err(arrow)?;
        parts.push(write_one(table, dir, &rows, slice, name())?);
    }
    Ok(())
}

/// The days of a batch, each with its rows in the order of the layout.
fn days(table: &Table, batch: &RecordBatch) -> Result<Vec<(Slice, Vec<u32>)>, ArrowError> {
    let Some(layout) = &table.layout else { return Ok(Vec::new()) };
    let missing = |name: &str| ArrowError::SchemaError(format!("no column {name}"));
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| missing(name));
    let times = column(layout.time_column)?.as_primitive::<TimestampMicrosecondType>();
    let ties = column(layout.tie_column)?.as_string::<i32>();
    let rows = u32::try_from(times.len()).map_err(|_| missing("with so many rows"))?;
    let mut order: Vec<u32> = (0..rows).collect();
    let key = |row: &u32| (times.value(*row as usize), ties.value(*row as usize));
    order.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then(a.cmp(b)));
    let at = |row: &u32| UtcMicros(times.value(*row as usize));
    Ok(order
        .chunk_by(|a, b| at(a).days() == at(b).days())
        .filter_map(|rows| {
            let (first, last) = (at(rows.first()?), at(rows.last()?));
            let slice = Slice { rows: rows.len(), day: Some((day_text(first), first, last)) };
            Some((slice, rows.to_vec()))
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
    dir: &Path,
    rows: &RecordBatch,
    slice: Slice,
    name: String,
) -> Result<Part, Error> {
    let key = match (&table.layout, &slice.day) {
        (Some(layout), Some((day, ..))) => format!("{}={day}/{name}", layout.partition_column),
        _ => name,
    };
    let path = dir.join(&key);
    let folder = path.parent().unwrap_or(dir);
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let written = write_file(&path, rows);
    if written.is_err() {
        // A full disk leaves a stump; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&path);
    }
    Ok(Part { path, key, size_bytes: written?, slice })
}

fn write_file(path: &Path, rows: &RecordBatch) -> Result<i64, Error> {
    let failed = |source| Error::parquet("write", path)(source);
    let file = File::create(path).map_err(Error::io("create", path))?;
    let properties = properties().map_err(failed)?;
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).map_err(failed)?;
    writer.write(rows).map_err(failed)?;
    let file = writer.into_inner().map_err(failed)?;
    file.sync_all().map_err(Error::io("sync", path))?;
    let size = file.metadata().map_err(Error::io("measure", path))?.len();
    Ok(i64::try_from(size).unwrap_or(i64::MAX))
}

fn properties() -> Result<WriterProperties, parquet::errors::ParquetError> {
    // Nearly every value of these differs, so a dictionary costs and does not pay.
    let plain = ["raw", "event_id", "correlation_id"].map(|name| ColumnPath::new(vec![name.to_owned()]));
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in plain {
        builder = builder.set_column_dictionary_enabled(column, false);
    }
    Ok(builder.build())
}

impl Part {
    pub fn rows(&self) -> u64 {
        self.slice.rows as u64
    }

    pub fn size_bytes(&self) -> u64 {
        self.size_bytes.unsigned_abs()
    }

    /// The log's line about this file, with the statistics that prune by time.
    pub fn add(&self, table: &Table, now: UtcMicros) -> Add {
        let mut partition_values = HashMap::new();
        let mut stats = serde_json::json!({ "numRecords": self.slice.rows });
        if let (Some(layout), Some((day, first, last))) = (&table.layout, &self.slice.day) {
            partition_values.insert(layout.partition_column.to_owned(), Some(day.clone()));
            stats["minValues"] = serde_json::json!({ layout.time_column: first });
            stats["maxValues"] = serde_json::json!({ layout.time_column: last });
            stats["nullCount"] = serde_json::json!({ layout.time_column: 0 });
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
