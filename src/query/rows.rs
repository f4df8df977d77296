//! Typed access to the rows of record batches by column name.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt32Type};

use super::Error;
use crate::domain::UtcMicros;

/// A record batch whose columns are read by name, whatever string or number width they have.
pub struct Rows<'a> {
    name: &'a str,
    batch: &'a RecordBatch,
}

impl<'a> Rows<'a> {
    /// `name` is the view, for error messages.
    pub fn new(name: &'a str, batch: &'a RecordBatch) -> Rows<'a> {
        Rows { name, batch }
    }

    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    pub fn is_empty(&self) -> bool {
        self.batch.num_rows() == 0
    }

    pub fn texts(&self, column: &str) -> Result<Texts, Error> {
        let array = self.column(column, &DataType::Utf8View, "text")?;
        Ok(Texts(array.as_string_view().clone()))
    }

    pub fn booleans(&self, column: &str) -> Result<BooleanArray, Error> {
        Ok(self.column(column, &DataType::Boolean, "boolean")?.as_boolean().clone())
    }

    pub fn integers(&self, column: &str) -> Result<Int64Array, Error> {
        Ok(self.column(column, &DataType::Int64, "integer")?.as_primitive::<Int64Type>().clone())
    }

    /// A column of numbers that stand for what texts name.
    pub fn keys(&self, column: &str) -> Result<UInt32Array, Error> {
        Ok(self.column(column, &DataType::UInt32, "key")?.as_primitive::<UInt32Type>().clone())
    }

    pub fn numbers(&self, column: &str) -> Result<Float64Array, Error> {
        Ok(self.column(column, &DataType::Float64, "number")?.as_primitive::<Float64Type>().clone())
    }

    pub fn times(&self, column: &str) -> Result<Times, Error> {
        let wanted = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let array = self.column(column, &wanted, "time")?;
        Ok(Times(array.as_primitive::<TimestampMicrosecondType>().clone()))
    }

    fn column(&self, column: &str, to: &DataType, wanted: &'static str) -> Result<ArrayRef, Error> {
        let array = self
            .batch
            .column_by_name(column)
            .ok_or_else(|| Error::MissingColumn { name: self.name.to_owned(), column: column.to_owned() })?;
        cast(array, to).map_err(|source| Error::ColumnType { column: column.to_owned(), wanted, source })
    }
}

/// A text column.
pub struct Texts(StringViewArray);

impl Texts {
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter()
    }

    /// Where each text is. Those of one column that are at one place are alike.
    pub(super) fn views(&self) -> &[u128] {
        self.0.views()
    }

    pub fn get(&self, row: usize) -> Option<&str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }

    pub fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }
}

/// A column of instants.
pub struct Times(TimestampMicrosecondArray);

impl Times {
    pub fn get(&self, row: usize) -> Option<UtcMicros> {
        self.0.is_valid(row).then(|| UtcMicros(self.0.value(row)))
    }
}
