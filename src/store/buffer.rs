//! Rows on their way into one table, as Arrow columns. Does not know about files.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};

use super::Error;
use super::tables::{Cell, Kind, Table};

/// Column builders of one table.
pub struct Buffer {
    table: &'static Table,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

enum Column {
    Text(Texts),
    Long(Int64Builder),
    Int(Int32Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

/// Text of one column. Most columns of most sources hold nothing, so cells without a value are
/// only counted until one with a value comes.
struct Texts {
    builder: StringBuilder,
    nulls: usize,
}

impl Texts {
    fn new() -> Texts {
        Texts { builder: StringBuilder::with_capacity(0, 0), nulls: 0 }
    }

    fn append(&mut self, value: Option<&str>) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        self.settle();
        self.builder.append_value(value);
    }

    fn settle(&mut self) {
        if self.nulls > 0 {
            self.builder.append_nulls(std::mem::take(&mut self.nulls));
        }
    }

    fn finish(&mut self) -> ArrayRef {
        self.settle();
        Arc::new(self.builder.finish())
    }
}

impl Buffer {
    pub fn new(table: &'static Table) -> Buffer {
        let columns = table.columns.iter().map(|(_, kind)| Column::new(*kind)).collect();
        Buffer { table, columns, rows: 0, bytes: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Size of the values held, near enough to bound memory by.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// Appends one row, a cell for each column in order.
    ///
    /// # Errors
    /// `Column` when a cell is not of its column's type.
    pub fn append(&mut self, cells: &[Cell<'_>]) -> Result<(), Error> {
        for ((column, cell), (name, _)) in self.columns.iter_mut().zip(cells).zip(self.table.columns) {
            match column.append(*cell) {
                Some(bytes) => self.bytes += bytes,
                None => return Err(Error::Column { table: self.table.name, column: name }),
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far, in order of arrival; the buffer is empty afterwards.
    ///
    /// # Errors
    /// `Arrow` when a row had too few cells.
    pub fn take(&mut self) -> Result<RecordBatch, Error> {
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(self.table.file_schema(), columns)
            .map_err(|source| Error::Arrow { table: self.table.name, source })
    }
}

impl Column {
    fn new(kind: Kind) -> Column {
        match kind {
            Kind::Text => Column::Text(Texts::new()),
            Kind::Long => Column::Long(Int64Builder::with_capacity(0)),
            Kind::Int => Column::Int(Int32Builder::with_capacity(0)),
            Kind::Bool => Column::Bool(BooleanBuilder::with_capacity(0)),
            Kind::Time => Column::Time(time_builder()),
        }
    }

    /// The size of what was appended; none when the types differ.
    fn append(&mut self, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Column::Text(texts), Cell::Text(value)) => {
                texts.append(value);
                Some(4 + value.map_or(0, str::len))
            }
            (Column::Long(builder), Cell::Long(value)) => {
                builder.append_option(value);
                Some(8)
            }
            (Column::Int(builder), Cell::Int(value)) => {
                builder.append_option(value);
                Some(4)
            }
            (Column::Bool(builder), Cell::Bool(value)) => {
                builder.append_option(value);
                Some(1)
            }
            (Column::Time(builder), Cell::Time(value)) => {
                builder.append_option(value.map(|at| at.0));
                Some(8)
            }
            _ => None,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(texts) => texts.finish(),
            Column::Long(builder) => Arc::new(builder.finish()),
            Column::Int(builder) => Arc::new(builder.finish()),
            Column::Bool(builder) => Arc::new(builder.finish()),
            // A finished builder forgets its zone, so the next batch gets a new one.
            Column::Time(builder) => Arc::new(std::mem::replace(builder, time_builder()).finish()),
        }
    }
}

fn time_builder() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::with_capacity(0).with_timezone("UTC")
}
