//! Rows of a query's answer as plain values by column name.
//!
//! Answers of rules are small and their columns differ, so a row is a map. It is not meant
//! for tables with many rows.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::domain::UtcMicros;

/// One value that is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Truth(bool),
    Integer(i64),
    Number(f64),
    Time(UtcMicros),
}

/// One row; a null is a missing key.
#[derive(Clone, Debug, Default)]
pub struct Cells(HashMap<String, Cell>);

impl Cells {
    pub fn get(&self, column: &str) -> Option<&Cell> {
        self.0.get(column)
    }

    /// The value as text, whatever it is.
    pub fn text(&self, column: &str) -> Option<String> {
        self.get(column).map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Truth(truth) => truth.to_string(),
            Cell::Integer(number) => number.to_string(),
            Cell::Number(number) => format!("{number:.2}"),
            Cell::Time(instant) => instant.to_string(),
        })
    }

    /// True only where the row says so.
    pub fn truth(&self, column: &str) -> bool {
        matches!(self.get(column), Some(Cell::Truth(true)))
    }

    pub fn number(&self, column: &str) -> Option<f64> {
        match self.get(column)? {
            Cell::Number(number) => Some(*number),
            Cell::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }

    pub fn time(&self, column: &str) -> Option<UtcMicros> {
        match self.get(column)? {
            Cell::Time(instant) => Some(*instant),
            _ => None,
        }
    }
}

/// All rows of `batches`.
///
/// # Errors
/// The column's name and why its values cannot be read.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Cells>, (String, ArrowError)> {
    let mut rows = Vec::new();
    for batch in batches {
        let first = rows.len();
        rows.resize_with(first + batch.num_rows(), Cells::default);
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let cells = column(array).map_err(|error| (field.name().clone(), error))?;
            for (row, cell) in rows[first..].iter_mut().zip(cells) {
                if let Some(cell) = cell {
                    row.0.insert(field.name().clone(), cell);
                }
            }
        }
    }
    Ok(rows)
}

fn column(array: &ArrayRef) -> Result<Vec<Option<Cell>>, ArrowError> {
    Ok(match array.data_type() {
        DataType::Null => vec![None; array.len()],
        DataType::Boolean => array.as_boolean().iter().map(|value| value.map(Cell::Truth)).collect(),
        DataType::Timestamp(_, zone) => {
            let times = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            times.iter().map(|value| value.map(|micros| Cell::Time(UtcMicros(micros)))).collect()
        }
        kind if kind.is_integer() => {
            let numbers = cast(array, &DataType::Int64)?;
            numbers.as_primitive::<Int64Type>().iter().map(|value| value.map(Cell::Integer)).collect()
        }
        kind if kind.is_numeric() => {
            let numbers = cast(array, &DataType::Float64)?;
            numbers.as_primitive::<Float64Type>().iter().map(|value| value.map(Cell::Number)).collect()
        }
        _ => {
            let texts = cast(array, &DataType::Utf8)?;
            texts
                .as_string::<i32>()
                .iter()
                .map(|value| value.map(|text| Cell::Text(text.to_owned())))
                .collect()
        }
    })
}
