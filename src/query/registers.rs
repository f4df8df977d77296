//! Registers as typed tables: the newest known line of each key, one table a kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, RecordBatch, StringBuilder, StringViewArray,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::error::DataFusionError;

use super::{Error, Rows};
use crate::domain::register::ColumnType;
use crate::domain::{RegisterKind, UtcMicros};

/// The newest line of each key, from the newest complete listing of the kind and whatever
/// partial ones followed it: a line that a complete register no longer has is gone.
pub const SQL: &str = include_str!("views/registers_now.sql");

/// Name of the table that holds the lines of `kind`.
pub fn table_name(kind: RegisterKind) -> String {
    format!("reg_{}", kind.as_str())
}

/// Makes one typed batch of each kind from rows of [`SQL`] (`kind`, `attributes`).
pub fn batches(lines: &[RecordBatch]) -> Result<Vec<(RegisterKind, RecordBatch)>, Error> {
    let mut by_kind: BTreeMap<&str, Vec<serde_json::Map<String, serde_json::Value>>> = BTreeMap::new();
    let names: BTreeMap<&str, RegisterKind> =
        RegisterKind::ALL.into_iter().map(|kind| (kind.as_str(), kind)).collect();
    for batch in lines {
        let rows = Rows::new("registers", batch);
        let (kinds, attributes) = (rows.texts("kind")?, rows.texts("attributes")?);
        for row in 0..rows.len() {
            let Some((name, _)) = kinds.get(row).and_then(|kind| names.get_key_value(kind)) else { continue };
            let Some(Ok(line)) = attributes.get(row).map(serde_json::from_str) else { continue };
            by_kind.entry(name).or_default().push(line);
        }
    }
    RegisterKind::ALL
        .into_iter()
        .map(|kind| {
            let lines = by_kind.remove(kind.as_str()).unwrap_or_default();
            typed(kind, &lines).map(|batch| (kind, batch))
        })
        .collect()
}

/// One row, `digest`, that tells whether rows of [`SQL`] are the same as others were.
pub fn digest(lines: &[RecordBatch]) -> Result<RecordBatch, Error> {
    let mut hasher = blake3::Hasher::new();
    for batch in lines {
        let rows = Rows::new("registers", batch);
        let columns = [rows.texts("kind")?, rows.texts("key")?, rows.texts("attributes")?];
        for row in 0..rows.len() {
            for text in columns.iter().map(|column| column.get(row).unwrap_or_default()) {
                hasher.update(&text.len().to_le_bytes()).update(text.as_bytes());
            }
        }
    }
    let digest = StringViewArray::from_iter_values([hasher.finalize().to_hex().as_str()]);
    RecordBatch::try_from_iter([("digest", Arc::new(digest) as ArrayRef)]).map_err(|e| Error::Run {
        name: "registers_digest".to_owned(),
        source: Box::new(DataFusionError::from(e)),
    })
}

fn typed(
    kind: RegisterKind,
    lines: &[serde_json::Map<String, serde_json::Value>],
) -> Result<RecordBatch, Error> {
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (name, column_type) in kind.columns() {
        let values = lines.iter().map(|line| line.get(*name).and_then(|value| value.as_str()));
        let array = column(*column_type, values);
        fields.push(Field::new(*name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|e| Error::Run { name: table_name(kind), source: Box::new(DataFusionError::from(e)) })
}

fn column<'a>(column_type: ColumnType, values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    match column_type {
        ColumnType::Text => {
            let mut builder = StringBuilder::new();
            values.for_each(|value| builder.append_option(value));
            Arc::new(builder.finish())
        }
        ColumnType::Bool => {
            let mut builder = BooleanBuilder::new();
            values.for_each(|value| builder.append_option(value.and_then(|text| text.parse().ok())));
            Arc::new(builder.finish())
        }
        ColumnType::Number => {
            let mut builder = Float64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(|text| text.parse().ok())));
            Arc::new(builder.finish())
        }
        ColumnType::Time => {
            let mut builder = TimestampMicrosecondBuilder::new()
                .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
            values.for_each(|value| builder.append_option(value.and_then(UtcMicros::parse).map(|t| t.0)));
            Arc::new(builder.finish())
        }
    }
}
