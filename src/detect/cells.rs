//! Rows of a query's answer as plain values by column name.
//!
//! The columns of answers differ from rule to rule, so a row is asked by name. It holds no values: it
//! says where in the answer's columns they stand, because a large company's answer has a million rows.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::domain::UtcMicros;

/// One value that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Text(&'a str),
    Truth(bool),
    Integer(i64),
    Number(f64),
    Time(UtcMicros),
}

/// One row of an answer; copies share the answer.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    columns: Arc<Vec<(String, Column)>>,
    row: usize,
}

/// A column of any of the types that answers have, in the one that it is read in.
#[derive(Debug)]
enum Column {
    Nothing,
    Texts(StringArray),
    Truths(BooleanArray),
    Integers(Int64Array),
    Numbers(Float64Array),
    Times(TimestampMicrosecondArray),
}

impl Cells {
    /// The value of a column; none for null, and for a column that the answer does not have.
    pub fn get(&self, column: &str) -> Option<Cell<'_>> {
        let (_, column) = self.columns.iter().find(|(name, _)| name == column)?;
        column.cell(self.row)
    }

    /// The value as text, whatever it is.
    pub fn shown(&self, column: &str) -> Option<Cow<'_, str>> {
        self.get(column).map(|cell| match cell {
            Cell::Text(text) => text.into(),
            Cell::Truth(truth) => truth.to_string().into(),
            Cell::Integer(number) => number.to_string().into(),
            Cell::Number(number) => format!("{number:.2}").into(),
            Cell::Time(instant) => instant.to_string().into(),
        })
    }

    /// The same as text of its own.
    pub fn text(&self, column: &str) -> Option<String> {
        self.shown(column).map(Cow::into_owned)
    }

    /// True only where the row says so.
    pub fn truth(&self, column: &str) -> bool {
        matches!(self.get(column), Some(Cell::Truth(true)))
    }

    pub fn number(&self, column: &str) -> Option<f64> {
        match self.get(column)? {
            Cell::Number(number) => Some(number),
            Cell::Integer(number) => Some(number as f64),
            _ => None,
        }
    }

    pub fn time(&self, column: &str) -> Option<UtcMicros> {
        match self.get(column)? {
            Cell::Time(instant) => Some(instant),
            _ => None,
        }
    }
}

impl Column {
    fn new(array: &ArrayRef) -> Result<Column, ArrowError> {
        Ok(match array.data_type() {
            DataType::Null => Column::Nothing,
            DataType::Boolean => Column::Truths(array.as_boolean().clone()),
            DataType::Timestamp(_, zone) => {
                let times = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                Column::Times(times.as_primitive::<TimestampMicrosecondType>().clone())
            }
            kind if kind.is_integer() => {
                Column::Integers(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            kind if kind.is_numeric() => {
                Column::Numbers(cast(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            _ => Column::Texts(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
        })
    }

    fn cell(&self, row: usize) -> Option<Cell<'_>> {
        match self {
            Column::Nothing => None,
            Column::Texts(texts) => texts.is_valid(row).then(|| Cell::Text(texts.value(row))),
            Column::Truths(truths) => truths.is_valid(row).then(|| Cell::Truth(truths.value(row))),
            Column::Integers(numbers) => numbers.is_valid(row).then(|| Cell::Integer(numbers.value(row))),
            Column::Numbers(numbers) => numbers.is_valid(row).then(|| Cell::Number(numbers.value(row))),
            Column::Times(times) => times.is_valid(row).then(|| Cell::Time(UtcMicros(times.value(row)))),
        }
    }
}

/// All rows of `batches`.
///
/// # Errors
/// The column's name and why its values cannot be read.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Cells>, (String, ArrowError)> {
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let schema = batch.schema();
        let named = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
            let column = Column::new(array).map_err(|error| (field.name().clone(), error))?;
            Ok((field.name().clone(), column))
        });
        let columns = Arc::new(named.collect::<Result<Vec<_>, _>>()?);
        rows.extend((0..batch.num_rows()).map(|row| Cells { columns: Arc::clone(&columns), row }));
    }
    Ok(rows)
}
