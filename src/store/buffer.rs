//! Rows on their way into one table, as Arrow columns. Does not know about files.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};

use super::Error;
use super::tables::{Cell, Kind, Table};

/// Bytes of text that a column makes room for at most, before it knows how many come.
const ROOM_BYTES_MAX: usize = 4 << 20;

/// Column builders of one table.
pub struct Buffer {
    table: &'static Table,
    /// From the first row on.
    columns: Vec<Column>,
    /// How many rows are expected.
    room: usize,
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
/// only counted until one with a value comes. Texts of a column are about as long as its first.
struct Texts {
    builder: StringBuilder,
    room: usize,
    nulls: usize,
}

impl Texts {
    fn append(&mut self, value: Option<&str>) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        if self.builder.is_empty() && self.room > 0 {
            let bytes = (self.room * value.len()).min(ROOM_BYTES_MAX);
            self.builder = StringBuilder::with_capacity(self.room, bytes);
        }
        self.settle();
        self.builder.append_value(value);
    }

    fn settle(&mut self) {
        if self.nulls > 0 {
            self.builder.append_nulls(std::mem::take(&mut self.nulls));
        }
    }

    fn finish(mut self) -> ArrayRef {
        self.settle();
        Arc::new(self.builder.finish())
    }
}

impl Buffer {
    pub fn new(table: &'static Table) -> Buffer {
        Buffer::with_room(table, 0)
    }

    /// A buffer for about `room` rows: memory that grows by doubling is copied again and again.
    pub fn with_room(table: &'static Table, room: usize) -> Buffer {
        Buffer { table, columns: Vec::new(), room, rows: 0, bytes: 0 }
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
        if self.columns.is_empty() {
            let column = |(_, kind): &(&str, Kind)| Column::new(*kind, self.room);
            self.columns = self.table.columns.iter().map(column).collect();
        }
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
        let (schema, columns) = (self.table.file_schema(), std::mem::take(&mut self.columns));
        (self.rows, self.bytes) = (0, 0);
        if columns.is_empty() {
            return Ok(RecordBatch::new_empty(schema));
        }
        RecordBatch::try_new(schema, columns.into_iter().map(Column::finish).collect())
            .map_err(|source| Error::Arrow { table: self.table.name, source })
    }
}

impl Column {
    fn new(kind: Kind, room: usize) -> Column {
        match kind {
            Kind::Text => Column::Text(Texts { builder: StringBuilder::with_capacity(0, 0), room, nulls: 0 }),
            Kind::Long => Column::Long(Int64Builder::with_capacity(room)),
            Kind::Int => Column::Int(Int32Builder::with_capacity(room)),
            Kind::Bool => Column::Bool(BooleanBuilder::with_capacity(room)),
            Kind::Time => {
                let builder = TimestampMicrosecondBuilder::with_capacity(room);
                Column::Time(builder.with_timezone("UTC"))
            }
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

    fn finish(self) -> ArrayRef {
        match self {
            Column::Text(texts) => texts.finish(),
            Column::Long(mut builder) => Arc::new(builder.finish()),
            Column::Int(mut builder) => Arc::new(builder.finish()),
            Column::Bool(mut builder) => Arc::new(builder.finish()),
            Column::Time(mut builder) => Arc::new(builder.finish()),
        }
    }
}
