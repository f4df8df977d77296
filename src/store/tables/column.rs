//! What a table is made of, and its schema in Arrow's and in Delta's words.

use std::ops::Deref;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::{DataType as DeltaType, StructField};

use crate::domain::UtcMicros;

/// One table. Every column may be null.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// Of the stored columns; kept in the table as `lychgate.table_version`.
    pub version: u32,
    pub columns: &'static [(&'static str, Kind)],
    /// How rows are laid out in files, where it matters.
    pub layout: Option<Layout>,
    /// The columns by which rows are stored once: an event by its own, others with all rows of
    /// their listing or load.
    pub key: &'static [&'static str],
}

/// One file holds one UTC day of `time_column`, sorted by it and then by `tie_column`.
#[derive(Debug)]
pub struct Layout {
    /// The day, a `DATE` that stands in the path and not in the file.
    pub partition_column: &'static str,
    pub time_column: &'static str,
    pub tie_column: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Long,
    Int,
    Bool,
    /// UTC microseconds.
    Time,
}

/// One value on its way into a column.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Text(Option<&'a str>),
    Long(Option<i64>),
    Int(Option<i32>),
    Bool(Option<bool>),
    Time(Option<UtcMicros>),
}

impl<'a> Cell<'a> {
    pub fn text(value: &'a str) -> Cell<'a> {
        Cell::Text(Some(value))
    }

    pub fn opt<T: Deref<Target = str>>(value: &'a Option<T>) -> Cell<'a> {
        Cell::Text(value.as_deref())
    }

    pub fn time(value: UtcMicros) -> Cell<'a> {
        Cell::Time(Some(value))
    }

    /// A count or a line number, held at the end of the range.
    pub fn count(value: u64) -> Cell<'a> {
        Cell::Long(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl Table {
    /// The columns that stand in the files.
    pub fn file_schema(&self) -> SchemaRef {
        let field = |(name, kind): &(&str, Kind)| Field::new(*name, kind.arrow(), true);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// All columns, the partition's last.
    pub(in crate::store) fn delta_columns(&self) -> Vec<StructField> {
        let stored = self.columns.iter().map(|(name, kind)| (*name, kind.delta()));
        let partition = self.layout.iter().map(|layout| (layout.partition_column, DeltaType::DATE));
        stored.chain(partition).map(|(name, kind)| StructField::nullable(name, kind)).collect()
    }

    pub(in crate::store) fn partition_columns(&self) -> Vec<&'static str> {
        self.layout.iter().map(|layout| layout.partition_column).collect()
    }
}

impl Kind {
    fn arrow(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8,
            Kind::Long => DataType::Int64,
            Kind::Int => DataType::Int32,
            Kind::Bool => DataType::Boolean,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    fn delta(self) -> DeltaType {
        match self {
            Kind::Text => DeltaType::STRING,
            Kind::Long => DeltaType::LONG,
            Kind::Int => DeltaType::INTEGER,
            Kind::Bool => DeltaType::BOOLEAN,
            Kind::Time => DeltaType::TIMESTAMP,
        }
    }
}
