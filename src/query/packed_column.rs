//! Columns held small. A company has few applications, states and entitlements and millions of rows
//! that name them, so a column of texts, instants or numbers is kept as codes of one or two bytes and the
//! values that they stand for; one without values as a number of rows; texts that hardly repeat end to end.

use std::iter;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, DictionaryArray, NullArray, StringArray,
    StringViewArray, new_null_array,
};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, UInt8Type, UInt16Type};
use arrow::error::ArrowError;

use super::packed_codes::{coded_numbers, coded_texts, end_to_end};
use super::packed_later::{Chosen, Elsewhere, Later};

/// Bytes of a cell of text beside the text itself.
const VIEW_BYTES: usize = 16;

/// Says yes or no of each value.
pub(super) type Judge<'a> = dyn Fn(&ArrayRef) -> Result<BooleanArray, ArrowError> + 'a;

/// The cells of some rows.
#[derive(Debug)]
pub(super) enum Column {
    /// As it came.
    Plain(ArrayRef),
    /// Without a value.
    Absent(DataType),
    /// Texts that hardly repeat, end to end.
    Texts(ArrayRef),
    /// Codes, and the values that they stand for.
    Coded {
        codes: ArrayRef,
        values: ArrayRef,
    },
    Later(Box<Later>),
}

impl Column {
    /// Packs the parts of a column.
    pub fn pack(data_type: &DataType, parts: &[&ArrayRef]) -> Result<Column, ArrowError> {
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

    /// A column that is elsewhere.
    pub fn elsewhere(data_type: &DataType, rows: usize, column: Box<dyn Elsewhere>) -> Column {
        if column.absent() == rows {
            return Column::Absent(data_type.clone());
        }
        Column::Later(Box::new(Later::elsewhere(data_type.clone(), column)))
    }

    /// Some of its cells.
    pub fn filtered(column: &Arc<Column>, some: &Arc<Chosen>) -> Column {
        if let Column::Absent(data_type) = column.as_ref() {
            return Column::Absent(data_type.clone());
        }
        let size_bytes = column.text_bytes(some.count);
        Column::Later(Box::new(Later::some(Arc::clone(column), Arc::clone(some), size_bytes)))
    }

    /// Gives `rows` cells from `from` on.
    pub fn unpack(&self, from: usize, rows: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Column::Plain(array) => Ok(array.slice(from, rows)),
            Column::Absent(data_type) => Ok(new_null_array(data_type, rows)),
            Column::Texts(texts) => cast(&texts.slice(from, rows), &DataType::Utf8View),
            Column::Coded { codes, values } => take(values, &codes.slice(from, rows), None),
            Column::Later(later) => later.get()?.unpack(from, rows),
        }
    }

    /// As it is held: codes and their values as a dictionary, a column without a value as such. Texts end to end are
    /// bytes, which are looked at when they are read, and of which some can be taken without looking at all.
    pub fn held(&self, rows: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Column::Later(later) => later.get()?.held(rows)?,
            Column::Plain(array) => Arc::clone(array),
            Column::Texts(texts) => Arc::new(BinaryArray::from(texts.as_string::<i32>().clone())),
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

    /// A column as [`Column::held`] gave it; of a dictionary, the values and the codes.
    pub fn of_held(data_type: &DataType, arrays: &[ArrayRef]) -> Result<Column, ArrowError> {
        let wrong = || {
            let given: Vec<String> = arrays.iter().map(|array| array.data_type().to_string()).collect();
            ArrowError::SchemaError(format!("{} is not {data_type}", given.join(" and ")))
        };
        Ok(match arrays {
            [values, codes] if values.data_type() == data_type && codes.data_type().is_unsigned_integer() => {
                Column::Coded { codes: Arc::clone(codes), values: Arc::clone(values) }
            }
            [array] => match array.data_type() {
                DataType::Null => Column::Absent(data_type.clone()),
                DataType::Binary if *data_type == DataType::Utf8View => {
                    let texts = StringArray::try_from_binary(array.as_binary::<i32>().clone())?;
                    Column::Texts(Arc::new(texts))
                }
                given if given == data_type => Column::Plain(Arc::clone(array)),
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        })
    }

    /// Some cells of such a column: of its texts no others are looked at.
    pub fn some_of_held(
        data_type: &DataType,
        mut arrays: Vec<ArrayRef>,
        some: &Chosen,
    ) -> Result<Column, ArrowError> {
        if let Some(cells) = arrays.last_mut() {
            *cells = some.filter(cells)?;
        }
        Column::of_held(data_type, &arrays)
    }

    pub fn filter(&self, some: &Chosen) -> Result<Column, ArrowError> {
        Ok(match self {
            Column::Plain(array) => Column::Plain(some.filter(array)?),
            Column::Absent(data_type) => Column::Absent(data_type.clone()),
            Column::Texts(texts) => Column::Texts(some.filter(texts)?),
            Column::Coded { codes, values } => {
                Column::Coded { codes: some.filter(codes)?, values: Arc::clone(values) }
            }
            Column::Later(later) => later.filter(some)?,
        })
    }

    /// What `of` says of the text of each row, asked once for each text where they are coded. An absent text is an
    /// empty one.
    pub fn each<T: Copy>(
        &self,
        rows: usize,
        of: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>, ArrowError> {
        if let Column::Later(later) = self {
            return later.get()?.each(rows, of);
        }
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

    /// Rows whose text `may_be` one that is looked for, and `is` in that row; the first is asked once for each text where
    /// they are coded. An absent text is an empty one.
    pub fn found(
        &self,
        rows: usize,
        may_be: impl Fn(&str) -> bool,
        is: impl Fn(usize, &str) -> bool,
    ) -> Result<Vec<usize>, ArrowError> {
        fn among<'a>(
            texts: impl Iterator<Item = Option<&'a str>>,
            is: impl Fn(usize, &str) -> bool,
        ) -> Vec<usize> {
            let texts = texts.map(Option::unwrap_or_default).enumerate();
            texts.filter(|(row, text)| is(*row, text)).map(|(row, _)| row).collect()
        }
        let is_found = |row: usize, text: &str| may_be(text) && is(row, text);
        Ok(match self {
            Column::Later(later) => later.get()?.found(rows, may_be, is)?,
            Column::Absent(_) => among(iter::repeat_n(None, rows), is_found),
            Column::Texts(array) => among(array.as_string::<i32>().iter(), is_found),
            Column::Plain(array) if *array.data_type() == DataType::Utf8 => {
                among(array.as_string::<i32>().iter(), is_found)
            }
            Column::Plain(array) => among(text_view(array)?.iter(), is_found),
            Column::Coded { codes, values } => {
                let values = text_view(values)?;
                let likely: Vec<bool> = values.iter().map(|text| may_be(text.unwrap_or_default())).collect();
                let absent = may_be("");
                let codes = cast(codes, &DataType::UInt16)?;
                let is_found = |(row, code): &(usize, Option<u16>)| match code.map(usize::from) {
                    Some(code) => likely[code] && is(*row, values.value(code)),
                    None => absent && is(*row, ""),
                };
                let codes = codes.as_primitive::<UInt16Type>().iter().enumerate();
                codes.filter(is_found).map(|(row, _)| row).collect()
            }
        })
    }

    /// What `judge` says of each of the `rows` cells from `from` on; of coded ones it is asked by value.
    pub fn judged(&self, from: usize, rows: usize, judge: &Judge<'_>) -> Result<BooleanArray, ArrowError> {
        let of_absent =
            |data_type: &DataType| Ok::<_, ArrowError>(judge(&new_null_array(data_type, 1))?.value(0));
        match self {
            Column::Absent(data_type) => Ok(vec![of_absent(data_type)?; rows].into()),
            Column::Coded { codes, values } if values.len() < rows => {
                let codes = codes.slice(from, rows);
                let judged = take(&judge(values)?, &codes, None)?;
                let Some(present) = judged.nulls() else { return Ok(judged.as_boolean().clone()) };
                let of_present = judged.as_boolean().values() & present.inner();
                Ok(BooleanArray::from(match of_absent(values.data_type())? {
                    true => &of_present | &!present.inner(),
                    false => of_present,
                }))
            }
            Column::Later(later) => later.get()?.judged(from, rows, judge),
            Column::Plain(_) | Column::Texts(_) | Column::Coded { .. } => judge(&self.unpack(from, rows)?),
        }
    }

    /// Cells without a value; none where that is not known.
    pub fn absent(&self, rows: usize) -> Option<usize> {
        match self {
            Column::Absent(_) => Some(rows),
            Column::Plain(array) | Column::Texts(array) | Column::Coded { codes: array, .. } => {
                Some(array.null_count())
            }
            Column::Later(later) => later.absent,
        }
    }

    /// Bytes of the column as it is given, about.
    pub fn size_bytes(&self, rows: usize) -> usize {
        rows * VIEW_BYTES + self.text_bytes(rows)
    }

    /// Bytes of texts of so many rows, about.
    fn text_bytes(&self, rows: usize) -> usize {
        let size_of = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or_default();
        match self {
            Column::Plain(_) | Column::Absent(_) => 0,
            Column::Texts(texts) => size_of(texts) / texts.len().max(1) * rows,
            Column::Coded { values, .. } => size_of(values),
            Column::Later(later) => later.size_bytes,
        }
    }
}

fn text_view(array: &ArrayRef) -> Result<&StringViewArray, ArrowError> {
    let failed = || ArrowError::SchemaError(format!("{} is no text", array.data_type()));
    array.as_string_view_opt().ok_or_else(failed)
}
