//! The rows of several batches, column by column: given in another order some at a time, and how a Parquet
//! file holds them best.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, Capacities, MutableArrayData, RecordBatch, StringArray, make_array,
    new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::few::{self, Coded};

/// Rows of a row group: what a reader must decompress at once.
const ROW_GROUP_ROWS: usize = 65_536;
/// Rows whose codes for a few values are too short to be compressed.
const SMALL_ROWS: usize = 8192;

/// Nearly every value of these differs, so a dictionary costs and does not pay.
const DISTINCT_COLUMNS: [&str; 3] = ["raw", "event_id", "correlation_id"];
/// Ids of one length one after another are compressed in a third of the time that they take each behind its length.
const ID_COLUMNS: [&str; 2] = ["event_id", "correlation_id"];
/// These rise from row to row, so that what is between them is smaller than they are.
const RISING_COLUMNS: [&str; 2] = ["occurred_at", "origin_line"];
/// One value, or a few, in all rows of a file.
const CONSTANT_COLUMNS: [&str; 4] = ["source", "org", "ingested_at", "origin_file"];

/// Where a row stands: the position of a batch, and that of the row in it.
pub type RowAt = (u32, u32);

/// Columns of batches that share a schema.
pub struct Columns {
    schema: SchemaRef,
    /// The same with the types of columns that stand as codes.
    coded_schema: SchemaRef,
    columns: Vec<Column>,
}

struct Column {
    held: Held,
    is_absent: bool,
    repetition: Repetition,
}

enum Held {
    Coded(Coded),
    Each {
        /// One a batch.
        parts: Vec<ArrayData>,
        /// Bytes of text of a row, about.
        text_bytes: usize,
    },
}

/// How often the texts of a column were there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repetition {
    /// Less than half of them: a dictionary does not pay.
    Rare,
    Frequent,
    /// A few values in all rows.
    FewValues,
}

impl Columns {
    /// The rows at `sample` tell how columns repeat.
    pub fn of(schema: SchemaRef, batches: &[&RecordBatch], sample: &[RowAt]) -> Result<Columns, ArrowError> {
        let column = |at: usize| {
            let parts: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
            match Coded::of(&parts) {
                Some(coded) => Ok(Column::coded(coded, sample)),
                None => Column::each(&parts, schema.field(at).data_type(), sample),
            }
        };
        let columns = (0..schema.fields().len()).map(column).collect::<Result<Vec<_>, ArrowError>>()?;
        let field = |(column, field): (&Column, &FieldRef)| match column {
            Column { held: Held::Coded(_), is_absent: false, .. } => {
                Arc::new(field.as_ref().clone().with_data_type(few::data_type()))
            }
            _ => Arc::clone(field),
        };
        let fields: Vec<FieldRef> = columns.iter().zip(schema.fields()).map(field).collect();
        Ok(Columns { columns, schema, coded_schema: Arc::new(Schema::new(fields)) })
    }

    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The rows at `places`, in that order; a column without any value is not walked through.
    pub fn ordered(&self, places: &[RowAt]) -> Result<RecordBatch, ArrowError> {
        // Neighbours in time came in neighbouring batches: the others need not be looked at.
        let batches = || places.iter().map(|(batch, _)| *batch as usize);
        let (first, end) = (batches().min().unwrap_or(0), batches().max().map_or(0, |last| last + 1));
        // Most rows come in the order of time, so that they are copied some at a time.
        let runs: Vec<(usize, Range<usize>)> = places
            .chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1)
            .filter_map(|run| {
                let ((batch, from), (_, last)) = (*run.first()?, *run.last()?);
                Some((batch as usize - first, from as usize..last as usize + 1))
            })
            .collect();
        let column = |(column, field): (&Column, &FieldRef)| {
            if column.is_absent {
                return Ok(new_null_array(field.data_type(), places.len()));
            }
            let (parts, text_bytes) = match &column.held {
                Held::Coded(coded) => return coded.ordered(first, &runs, places.len()),
                Held::Each { parts, text_bytes } => (parts[first..end].iter().collect(), text_bytes),
            };
            let room = match field.data_type() {
                // Somewhat more than about: what grows is copied.
                DataType::Utf8 => {
                    let bytes = places.len() * (text_bytes + text_bytes / 8);
                    Capacities::Binary(places.len(), Some(bytes))
                }
                _ => Capacities::Array(places.len()),
            };
            let mut ordered = MutableArrayData::with_capacities(parts, false, room);
            for (part, rows) in &runs {
                ordered.try_extend(*part, rows.start, rows.end)?;
            }
            Ok(make_array(ordered.freeze()))
        };
        let columns = self.columns.iter().zip(self.schema.fields()).map(column);
        let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        RecordBatch::try_new(self.coded_schema.clone(), columns)
    }

    /// How a file of `rows` rows encodes them.
    pub fn encoding(&self, rows: usize) -> Result<WriterProperties, ParquetError> {
        let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
        let mut builder = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            // Files are pruned by the log's statistics; those of pages cost more than they save.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        for column in DISTINCT_COLUMNS {
            builder = builder.set_column_dictionary_enabled(path(column), false);
        }
        for column in ID_COLUMNS {
            builder = builder.set_column_encoding(path(column), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
        for column in RISING_COLUMNS {
            builder = builder
                .set_column_dictionary_enabled(path(column), false)
                .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED);
        }
        for (Column { is_absent, repetition, .. }, field) in self.columns.iter().zip(self.schema.fields()) {
            let name = field.name().as_str();
            let is_short = *repetition == Repetition::FewValues && rows <= SMALL_ROWS;
            // A compressor takes longer to set up than it can save on nothing, on one value, or on short codes.
            if *is_absent || is_short || CONSTANT_COLUMNS.contains(&name) {
                builder = builder.set_column_compression(path(name), Compression::UNCOMPRESSED);
            }
            let is_text = field.data_type() == &DataType::Utf8;
            if is_text && !DISTINCT_COLUMNS.contains(&name) {
                let pays = *repetition != Repetition::Rare;
                builder = builder.set_column_dictionary_enabled(path(name), pays);
            }
            // The least and the greatest of many names, in the order of time, lie far apart: they rule out nothing.
            if is_text && *repetition != Repetition::FewValues {
                builder = builder.set_column_statistics_enabled(path(name), EnabledStatistics::None);
            }
        }
        Ok(builder.build())
    }
}

impl Column {
    fn coded(coded: Coded, sample: &[RowAt]) -> Column {
        let texts = sample.iter().filter_map(|(part, row)| coded.text(*part as usize, *row as usize));
        let is_absent = coded.is_absent();
        let repetition = if is_absent { Repetition::FewValues } else { Repetition::of(texts) };
        Column { held: Held::Coded(coded), is_absent, repetition }
    }

    /// Of batches that may have texts as codes: where others have too many, those get theirs back.
    fn each(parts: &[&ArrayRef], data_type: &DataType, sample: &[RowAt]) -> Result<Column, ArrowError> {
        let part = |part: &&ArrayRef| match part.data_type() {
            DataType::Dictionary(..) => cast(part, data_type),
            _ => Ok(Arc::clone(part)),
        };
        let parts = parts.iter().map(part).collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
        let is_absent = parts.iter().all(|part| part.null_count() == part.len());
        let repetition = if is_absent { Repetition::FewValues } else { Repetition::in_rows(&parts, sample) };
        let texts = parts.iter().filter_map(|part| part.as_string_opt::<i32>());
        // As far as they are this batch's: it may be a part of a larger one.
        let bytes_of = |texts: &StringArray| match texts.value_offsets() {
            [first, .., last] => (last - first) as usize,
            _ => 0,
        };
        let text_bytes = texts.map(bytes_of).sum::<usize>();
        let rows = parts.iter().map(|part| part.len()).sum::<usize>();
        let held = Held::Each {
            parts: parts.iter().map(|part| part.to_data()).collect(),
            text_bytes: text_bytes.div_ceil(rows.max(1)),
        };
        Ok(Column { held, is_absent, repetition })
    }
}

impl Repetition {
    fn in_rows(parts: &[ArrayRef], places: &[RowAt]) -> Repetition {
        let texts: Option<Vec<&StringArray>> = parts.iter().map(|part| part.as_string_opt()).collect();
        let Some(texts) = texts else { return Repetition::Frequent };
        let given = places.iter().map(|(part, row)| (texts[*part as usize], *row as usize));
        Repetition::of(given.filter(|(texts, row)| texts.is_valid(*row)).map(|(texts, row)| texts.value(row)))
    }

    fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Repetition {
        /// After so many it is plain for most columns.
        const FIRST: usize = 256;
        const FEW: usize = 64;
        let mut seen = HashSet::with_capacity_and_hasher(FIRST, ahash::RandomState::new());
        let mut count = 0;
        for value in texts {
            if count == FIRST && seen.len() < FEW {
                return Repetition::FewValues;
            }
            if count == FIRST && seen.len() * 2 < FIRST {
                return Repetition::Frequent;
            }
            seen.insert(value);
            count += 1;
        }
        match seen.len() {
            distinct if distinct < FEW && distinct * 2 <= count => Repetition::FewValues,
            distinct if distinct * 2 <= count => Repetition::Frequent,
            _ => Repetition::Rare,
        }
    }
}
