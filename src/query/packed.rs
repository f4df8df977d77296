//! Columns held small. A company has few applications, states and entitlements and millions of rows
//! that name them, so a column of texts, instants or numbers is kept as codes of one or two bytes and the
//! values that they stand for; one without values as a number of rows; texts that hardly repeat end to end.
//!
//! Takes batches, gives the same rows back, in the same types. It does not know what they say.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, StringViewArray, UInt8Array,
    UInt16Array, new_null_array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::{cast, concat, interleave, take};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

/// Rows that share their values: as many as two bytes can tell apart.
pub(super) const UNIT_ROWS: usize = 1 << 16;
/// Rows after which it is known whether values repeat.
const TRIED: usize = 4096;
/// Texts of this length are within their view.
const INLINE: u32 = 12;

/// Some rows of a table.
#[derive(Debug)]
pub(super) struct Unit {
    pub rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    /// As it came.
    Plain(ArrayRef),
    /// Without a value.
    Absent(DataType),
    /// Texts that hardly repeat, end to end.
    Texts(ArrayRef),
    /// Codes, and the values that they stand for.
    Coded { codes: ArrayRef, values: ArrayRef },
}

impl Unit {
    /// Packs the rows of all `batches`, at most [`UNIT_ROWS`], which share `schema`.
    pub fn pack(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Unit, ArrowError> {
        let pack = |at: usize| {
            let parts: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
            Column::pack(schema.field(at).data_type(), &parts)
        };
        let columns = (0..schema.fields().len()).map(pack).collect::<Result<_, _>>()?;
        Ok(Unit { rows: batches.iter().map(RecordBatch::num_rows).sum(), columns })
    }

    /// Gives `rows` rows from `from` on, of the columns `projection`, which `schema` names.
    pub fn unpack(
        &self,
        schema: &SchemaRef,
        projection: &[usize],
        from: usize,
        rows: usize,
    ) -> Result<RecordBatch, ArrowError> {
        let columns = projection.iter().map(|at| self.columns[*at].unpack(from, rows));
        let columns = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    }

    /// Cells of a column without a value.
    pub fn absent(&self, column: usize) -> usize {
        match &self.columns[column] {
            Column::Absent(_) => self.rows,
            Column::Plain(array) | Column::Texts(array) | Column::Coded { codes: array, .. } => {
                array.null_count()
            }
        }
    }

    /// Bytes of a column as it is given.
    pub fn size_bytes(&self, column: usize) -> usize {
        const VIEW_BYTES: usize = 16;
        match &self.columns[column] {
            Column::Plain(array) => array.get_array_memory_size(),
            Column::Absent(_) => self.rows * VIEW_BYTES,
            Column::Texts(texts) => self.rows * VIEW_BYTES + texts.get_array_memory_size(),
            Column::Coded { values, .. } => {
                let each = values.data_type().primitive_width().unwrap_or(VIEW_BYTES);
                self.rows * each + values.get_array_memory_size()
            }
        }
    }
}

impl Column {
    fn pack(data_type: &DataType, parts: &[&ArrayRef]) -> Result<Column, ArrowError> {
        if parts.iter().all(|part| part.logical_null_count() == part.len()) {
            return Ok(Column::Absent(data_type.clone()));
        }
        if *data_type == DataType::Utf8View {
            let parts: Vec<&StringViewArray> = parts.iter().map(|part| part.as_string_view()).collect();
            return Ok(coded_texts(&parts).unwrap_or_else(|| Column::Texts(Arc::new(end_to_end(&parts)))));
        }
        if data_type.primitive_width() == Some(size_of::<u64>())
            && let Some(column) = coded_numbers(parts)?
        {
            return Ok(column);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
        concat(&parts).map(Column::Plain)
    }

    fn unpack(&self, from: usize, rows: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Column::Plain(array) => Ok(array.slice(from, rows)),
            Column::Absent(data_type) => Ok(new_null_array(data_type, rows)),
            Column::Texts(texts) => cast(&texts.slice(from, rows), &DataType::Utf8View),
            Column::Coded { codes, values } => take(values, &codes.slice(from, rows), None),
        }
    }
}

/// None where numbers hardly repeat: 8 bytes each, whatever they count.
fn coded_numbers(parts: &[&ArrayRef]) -> Result<Option<Column>, ArrowError> {
    let rows: usize = parts.iter().map(|part| part.len()).sum();
    let mut codes: Vec<u16> = Vec::with_capacity(rows);
    let mut found: HashMap<u64, u16, RandomState> = HashMap::default();
    // Where each first stands.
    let mut places = Vec::new();
    for (part, array) in parts.iter().enumerate() {
        let data = array.to_data();
        let numbers = ScalarBuffer::<u64>::new(data.buffers()[0].clone(), data.offset(), data.len());
        let mut last = None;
        for (row, number) in numbers.iter().enumerate() {
            let code = match last {
                _ if array.is_null(row) => 0,
                Some((before, code)) if before == *number => code,
                _ => *found.entry(*number).or_insert_with(|| {
                    places.push((part, row));
                    // Given up below before there are more.
                    (places.len() - 1) as u16
                }),
            };
            last = array.is_valid(row).then_some((*number, code));
            codes.push(code);
            if places.len() > rows / 4 || (codes.len() == TRIED && places.len() > TRIED / 4) {
                return Ok(None);
            }
        }
    }
    let arrays: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
    let values = interleave(&arrays, &places)?;
    Ok(Some(Column::Coded { codes: narrowest(codes, places.len(), absent(parts)), values }))
}

/// Codes in one byte each where `values` are few enough.
fn narrowest(codes: Vec<u16>, values: usize, absent: Option<NullBuffer>) -> ArrayRef {
    if values <= 1 << u8::BITS {
        let codes: Vec<u8> = codes.into_iter().map(|code| code as u8).collect();
        return Arc::new(UInt8Array::new(ScalarBuffer::from(codes), absent));
    }
    Arc::new(UInt16Array::new(ScalarBuffer::from(codes), absent))
}

/// Which cells of `parts` have no value; none where all have one.
fn absent<A: Array>(parts: &[&A]) -> Option<NullBuffer> {
    let valid = parts.iter().flat_map(|part| (0..part.len()).map(|row| part.is_valid(row)));
    Some(NullBuffer::from_iter(valid)).filter(|absent| absent.null_count() > 0)
}

/// None where texts hardly repeat.
fn coded_texts(parts: &[&StringViewArray]) -> Option<Column> {
    let rows: usize = parts.iter().map(|part| part.len()).sum();
    let mut codes: Vec<u16> = Vec::with_capacity(rows);
    let mut texts = Texts::default();
    for part in parts {
        texts.begin();
        let mut last = None;
        for (row, view) in part.views().iter().enumerate() {
            let code = match last {
                _ if part.is_null(row) => 0,
                Some((before, code)) if before == *view => code,
                _ => texts.code(*view, part.value(row))?,
            };
            // An absent cell may lie on any view.
            last = part.is_valid(row).then_some((*view, code));
            codes.push(code);
            if codes.len() == TRIED && texts.found.len() > TRIED / 2 {
                return None;
            }
        }
    }
    if texts.found.len() > rows / 2 {
        return None;
    }
    let codes = narrowest(codes, texts.found.len(), absent(parts));
    Some(Column::Coded { codes, values: Arc::new(StringViewArray::from_iter_values(texts.found)) })
}

/// Texts found so far; the code of each is its place.
#[derive(Default)]
struct Texts<'a> {
    found: Vec<&'a str>,
    by_text: HashMap<&'a str, u16, RandomState>,
    /// A view tells the text where it holds all of it, and else within one array.
    inline: HashMap<u128, u16, RandomState>,
    by_view: HashMap<u128, u16, RandomState>,
}

impl<'a> Texts<'a> {
    /// Begins with another array.
    fn begin(&mut self) {
        self.by_view.clear();
    }

    /// None when there are more texts than codes.
    fn code(&mut self, view: u128, text: &'a str) -> Option<u16> {
        // The length is in the lowest bits of a view.
        let views = if view as u32 <= INLINE { &mut self.inline } else { &mut self.by_view };
        if let Some(code) = views.get(&view) {
            return Some(*code);
        }
        let code = match self.by_text.get(text) {
            Some(code) => *code,
            None => {
                let code = u16::try_from(self.found.len()).ok()?;
                self.found.push(text);
                self.by_text.insert(text, code);
                code
            }
        };
        views.insert(view, code);
        Some(code)
    }
}

fn end_to_end(parts: &[&StringViewArray]) -> StringArray {
    parts.iter().flat_map(|part| part.iter()).collect()
}
