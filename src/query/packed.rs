//! Columns held small. A company has few applications, states and entitlements and millions of rows
//! that name them, so a column of texts, instants or numbers is kept as codes of one or two bytes and the
//! values that they stand for; one without values as a number of rows; texts that hardly repeat end to end.
//!
//! Takes batches, gives the same rows back, in the same types. It does not know what they say.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBufferBuilder, DictionaryArray, NullArray, RecordBatch,
    RecordBatchOptions, StringArray, StringViewArray, UInt8Array, UInt16Array, UInt32Array, make_array,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::{cast, concat, interleave, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt16Type};
use arrow::error::ArrowError;

use super::keys::Keys;

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

    /// Its columns as they are held: codes and their values as dictionaries, columns without a value as such.
    pub fn held(&self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns =
            self.columns.iter().map(|column| column.held(self.rows)).collect::<Result<Vec<_>, _>>()?;
        let fields = schema.fields().iter().zip(&columns);
        let fields: Vec<Field> = fields
            .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }

    /// The reverse of [`Unit::held`]; `schema` is that of the rows.
    pub fn of_held(schema: &SchemaRef, held: &RecordBatch) -> Result<Unit, ArrowError> {
        let columns = schema.fields().iter().zip(held.columns());
        let columns = columns.map(|(field, array)| Column::of_held(field.data_type(), array));
        Ok(Unit { rows: held.num_rows(), columns: columns.collect::<Result<_, _>>()? })
    }

    /// The rows at these places.
    pub fn take(&self, places: &UInt32Array) -> Result<Unit, ArrowError> {
        let columns = self.columns.iter().map(|column| column.take(places)).collect::<Result<_, _>>()?;
        Ok(Unit { rows: places.len(), columns })
    }

    /// Which rows `keys` names by the texts in two columns; none where it names no row.
    pub fn named(
        &self,
        [first, second]: [usize; 2],
        keys: &Keys,
    ) -> Result<Option<BooleanBuffer>, ArrowError> {
        let firsts = self.columns[first].each(self.rows, |text| keys.of_first(text))?;
        if firsts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let seconds = cast(&self.columns[second].unpack(0, self.rows)?, &DataType::Utf8View)?;
        let seconds = seconds.as_string_view().iter().map(Option::unwrap_or_default);
        let mut named = BooleanBufferBuilder::new(self.rows);
        for (seconds_of, second) in firsts.iter().zip(seconds) {
            named.append(seconds_of.is_some_and(|of| of.has(second)));
        }
        let named = named.finish();
        Ok((named.count_set_bits() > 0).then_some(named))
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
        // Of the rows alone: what was read from a file stands on one buffer with all that is in the file.
        let size_of = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or_default();
        match &self.columns[column] {
            Column::Plain(array) => size_of(array),
            Column::Absent(_) => self.rows * VIEW_BYTES,
            Column::Texts(texts) => self.rows * VIEW_BYTES + size_of(texts),
            Column::Coded { values, .. } => {
                let each = values.data_type().primitive_width().unwrap_or(VIEW_BYTES);
                self.rows * each + size_of(values)
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

    fn held(&self, rows: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Column::Plain(array) | Column::Texts(array) => Arc::clone(array),
            Column::Absent(_) => Arc::new(NullArray::new(rows)),
            Column::Coded { codes, values } if *codes.data_type() == DataType::UInt8 => Arc::new(
                DictionaryArray::<UInt8Type>::try_new(codes.as_primitive().clone(), Arc::clone(values))?,
            ),
            Column::Coded { codes, values } => Arc::new(DictionaryArray::<UInt16Type>::try_new(
                codes.as_primitive().clone(),
                Arc::clone(values),
            )?),
        })
    }

    fn of_held(data_type: &DataType, array: &ArrayRef) -> Result<Column, ArrowError> {
        let given = match array.as_any_dictionary_opt() {
            Some(coded) => coded.values().data_type(),
            None => array.data_type(),
        };
        Ok(match (given, array.as_any_dictionary_opt()) {
            (DataType::Null, _) => Column::Absent(data_type.clone()),
            (DataType::Utf8, None) if *data_type == DataType::Utf8View => Column::Texts(Arc::clone(array)),
            (given, Some(coded)) if given == data_type => Column::Coded {
                codes: make_array(coded.keys().to_data()),
                values: Arc::clone(coded.values()),
            },
            (given, None) if given == data_type => Column::Plain(Arc::clone(array)),
            _ => return Err(ArrowError::SchemaError(format!("{} is not {data_type}", array.data_type()))),
        })
    }

    fn take(&self, places: &UInt32Array) -> Result<Column, ArrowError> {
        Ok(match self {
            Column::Plain(array) => Column::Plain(take(array, places, None)?),
            Column::Absent(data_type) => Column::Absent(data_type.clone()),
            Column::Texts(texts) => Column::Texts(take(texts, places, None)?),
            Column::Coded { codes, values } => {
                Column::Coded { codes: take(codes, places, None)?, values: Arc::clone(values) }
            }
        })
    }

    /// What `of` says of the text of each row, asked once for each text where they are coded. An absent text is an
    /// empty one.
    fn each<T: Copy>(
        &self,
        rows: usize,
        of: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>, ArrowError> {
        let Column::Coded { codes, values } = self else {
            let texts = cast(&self.unpack(0, rows)?, &DataType::Utf8View)?;
            return Ok(texts.as_string_view().iter().map(|text| of(text.unwrap_or_default())).collect());
        };
        let values = cast(values, &DataType::Utf8View)?;
        let said: Vec<Option<T>> =
            values.as_string_view().iter().map(|text| of(text.unwrap_or_default())).collect();
        let (absent, codes) = (of(""), cast(codes, &DataType::UInt16)?);
        let codes = codes.as_primitive::<UInt16Type>();
        Ok(codes.iter().map(|code| code.map_or(absent, |code| said[usize::from(code)])).collect())
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
