//! Rows on their way into one table, as Arrow columns. Does not know about files.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, ArrowPrimitiveType, BooleanBuilder, Int32Builder, Int64Builder, PrimitiveBuilder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::Error;
use super::few::Few;
use super::tables::{Cell, Kind, Table};

/// Bytes of text that a column makes room for at most, before it knows how many come.
const ROOM_BYTES_MAX: usize = 4 << 20;

/// Column builders of one table.
pub struct Buffer {
    table: &'static Table,
    /// From the first row on. Most columns of most sources hold nothing, so each is as long as its last
    /// value needs until another one comes.
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

/// Text of one column, of which about `room` are expected, each about as long as the first.
struct Texts {
    /// As long as they are few, and may be kept as such.
    few: Option<Few>,
    builder: StringBuilder,
    room: usize,
}

impl Texts {
    fn new(room: usize, may_be_few: bool) -> Texts {
        let few = may_be_few.then(Few::default);
        Texts { few, builder: StringBuilder::with_capacity(0, 0), room }
    }

    fn append(&mut self, row: usize, value: &str) {
        if self.few.as_mut().is_some_and(|few| few.append(row, value, self.room)) {
            return;
        }
        if let Some(few) = self.few.take() {
            for (row, value) in few.rows() {
                self.append_one(row, value);
            }
        }
        self.append_one(row, value);
    }

    fn append_one(&mut self, row: usize, value: &str) {
        if self.builder.is_empty() && self.room > 0 {
            let bytes = (self.room * value.len()).min(ROOM_BYTES_MAX);
            self.builder = StringBuilder::with_capacity(self.room, bytes);
        }
        self.settle(row);
        self.builder.append_value(value);
    }

    fn settle(&mut self, rows: usize) {
        if let Some(nulls) = missing(&self.builder, rows) {
            self.builder.append_nulls(nulls);
        }
    }

    fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        if let Some(few) = self.few {
            return few.finish(rows);
        }
        self.settle(rows);
        Ok(Arc::new(self.builder.finish()))
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
            // Of a table that is laid out by day rows are brought into order before they are written.
            let tie = self.table.layout.as_ref().filter(|_| self.room > 0).map(|layout| layout.tie_column);
            let column = |(name, kind): &(&str, Kind)| {
                Column::new(*kind, self.room, tie.is_some_and(|tie| tie != *name))
            };
            self.columns = self.table.columns.iter().map(column).collect();
        }
        for ((column, cell), (name, _)) in self.columns.iter_mut().zip(cells).zip(self.table.columns) {
            match column.append(self.rows, *cell) {
                Some(bytes) => self.bytes += bytes,
                None => return Err(Error::Column { table: self.table.name, column: name }),
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far, in order of arrival; the buffer is empty afterwards. Texts of a table that is laid
    /// out by day stand as codes where they are few.
    ///
    /// # Errors
    /// `Arrow` when a row before it was not appended as a whole.
    pub fn take(&mut self) -> Result<RecordBatch, Error> {
        let (schema, columns) = (self.table.file_schema(), std::mem::take(&mut self.columns));
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if columns.is_empty() {
            return Ok(RecordBatch::new_empty(schema));
        }
        let columns = columns.into_iter().map(|column| column.finish(rows)).collect::<Result<Vec<_>, _>>();
        columns
            .and_then(|columns| RecordBatch::try_new(typed(&schema, &columns), columns))
            .map_err(|source| Error::Arrow { table: self.table.name, source })
    }
}

/// The schema with the types that the columns have.
fn typed(schema: &SchemaRef, columns: &[ArrayRef]) -> SchemaRef {
    let field = |(field, column): (&FieldRef, &ArrayRef)| match column.data_type() {
        coded @ DataType::Dictionary(..) => Arc::new(field.as_ref().clone().with_data_type(coded.clone())),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().zip(columns).map(field).collect::<Vec<_>>()))
}

impl Column {
    fn new(kind: Kind, room: usize, may_be_few: bool) -> Column {
        match kind {
            Kind::Text => Column::Text(Texts::new(room, may_be_few)),
            Kind::Long => Column::Long(Int64Builder::with_capacity(room)),
            Kind::Int => Column::Int(Int32Builder::with_capacity(room)),
            Kind::Bool => Column::Bool(BooleanBuilder::with_capacity(room)),
            Kind::Time => {
                let builder = TimestampMicrosecondBuilder::with_capacity(room);
                Column::Time(builder.with_timezone("UTC"))
            }
        }
    }

    /// The size of the cell of that row; none when the types differ.
    fn append(&mut self, row: usize, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Column::Text(texts), Cell::Text(value)) => {
                if let Some(value) = value {
                    texts.append(row, value);
                }
                Some(4 + value.map_or(0, str::len))
            }
            (Column::Long(builder), Cell::Long(value)) => {
                append(builder, row, value);
                Some(8)
            }
            (Column::Int(builder), Cell::Int(value)) => {
                append(builder, row, value);
                Some(4)
            }
            (Column::Bool(builder), Cell::Bool(value)) => {
                if let Some(value) = value {
                    if let Some(nulls) = missing(builder, row) {
                        builder.append_nulls(nulls);
                    }
                    builder.append_value(value);
                }
                Some(1)
            }
            (Column::Time(builder), Cell::Time(value)) => {
                append(builder, row, value.map(|at| at.0));
                Some(8)
            }
            _ => None,
        }
    }

    fn finish(self, rows: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Column::Text(texts) => texts.finish(rows)?,
            Column::Long(builder) => finish(builder, rows),
            Column::Int(builder) => finish(builder, rows),
            Column::Bool(mut builder) => {
                if let Some(nulls) = missing(&builder, rows) {
                    builder.append_nulls(nulls);
                }
                Arc::new(builder.finish())
            }
            Column::Time(builder) => finish(builder, rows),
        })
    }
}

/// How many rows a column has no value of, up to `rows`; none, if it has one of the last of them.
fn missing(column: &impl ArrayBuilder, rows: usize) -> Option<usize> {
    rows.checked_sub(column.len()).filter(|missing| *missing > 0)
}

fn append<T: ArrowPrimitiveType>(builder: &mut PrimitiveBuilder<T>, row: usize, value: Option<T::Native>) {
    let Some(value) = value else { return };
    if let Some(nulls) = missing(builder, row) {
        builder.append_nulls(nulls);
    }
    builder.append_value(value);
}

fn finish<T: ArrowPrimitiveType>(mut builder: PrimitiveBuilder<T>, rows: usize) -> ArrayRef {
    if let Some(nulls) = missing(&builder, rows) {
        builder.append_nulls(nulls);
    }
    Arc::new(builder.finish())
}
