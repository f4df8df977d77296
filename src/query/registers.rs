//! Registers as typed tables: the newest known line of each key, one table a kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
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

/// The cells of a line by column; those that are empty are null or not there.
type Line = BTreeMap<String, Option<String>>;

/// Makes one typed batch of each kind from rows of [`SQL`]. A kind that only a newer program knows is left out.
///
/// # Errors
/// When a line is not as ingest writes it: taken for empty, it would change what is found.
pub fn batches(lines: &[RecordBatch]) -> Result<Vec<(RegisterKind, RecordBatch)>, Error> {
    let mut by_kind: BTreeMap<RegisterKind, Vec<Line>> = BTreeMap::new();
    let names: BTreeMap<&str, RegisterKind> =
        RegisterKind::ALL.into_iter().map(|kind| (kind.as_str(), kind)).collect();
    for batch in lines {
        let rows = Rows::new("registers", batch);
        let (kinds, keys) = (rows.texts("kind")?, rows.texts("key")?);
        let attributes = rows.texts("attributes")?;
        for row in 0..rows.len() {
            let Some(kind) = kinds.get(row).and_then(|kind| names.get(kind)) else { continue };
            let line = serde_json::from_str(attributes.get(row).unwrap_or_default());
            let line = line.map_err(|source| Error::RegisterLine {
                register: kind.as_str(),
                key: keys.owned(row).unwrap_or_default(),
                source,
            })?;
            by_kind.entry(*kind).or_default().push(line);
        }
    }
    RegisterKind::ALL
        .into_iter()
        .map(|kind| {
            let lines = by_kind.remove(&kind).unwrap_or_default();
            typed(kind, &lines).map(|batch| (kind, batch))
        })
        .collect()
}

/// One row, `digest`, that tells whether rows of [`SQL`] are the same as others were, and whether the same of them say
/// that an account is `sealed` for emergencies.
pub fn digest(lines: &[RecordBatch], sealed: &[RecordBatch]) -> Result<RecordBatch, Error> {
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
    for batch in sealed {
        for id in Rows::new("exceptions", batch).texts("exception_id")?.iter().flatten() {
            hasher.update(&id.len().to_le_bytes()).update(id.as_bytes());
        }
    }
    let digest = StringViewArray::from_iter_values([hasher.finalize().to_hex().as_str()]);
    RecordBatch::try_from_iter([("digest", Arc::new(digest) as ArrayRef)]).map_err(|e| Error::Run {
        name: "registers_digest".to_owned(),
        source: Box::new(DataFusionError::from(e)),
    })
}

fn typed(kind: RegisterKind, lines: &[Line]) -> Result<RecordBatch, Error> {
    let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (name, column_type) in kind.columns() {
        let values = lines.iter().map(|line| line.get(*name).and_then(Option::as_deref));
        let array = column(*column_type, values).map_err(|text| Error::RegisterCell {
            register: kind.as_str(),
            column: name,
            text: text.to_owned(),
        })?;
        fields.push(Field::new(*name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|e| Error::Run { name: table_name(kind), source: Box::new(DataFusionError::from(e)) })
}

/// The cells of a column, or the text that it cannot hold: ingest writes none.
fn column<'a>(
    column_type: ColumnType,
    values: impl Iterator<Item = Option<&'a str>>,
) -> Result<ArrayRef, &'a str> {
    Ok(match column_type {
        ColumnType::Text => Arc::new(values.collect::<StringArray>()),
        ColumnType::Bool => Arc::new(BooleanArray::from(read(values, |text| text.parse().ok())?)),
        ColumnType::Number => Arc::new(Float64Array::from(read(values, |text| text.parse().ok())?)),
        ColumnType::Time => {
            let times = read(values, |text| UtcMicros::parse(text).map(|at| at.0))?;
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
        }
    })
}

fn read<'a, T>(
    values: impl Iterator<Item = Option<&'a str>>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>, &'a str> {
    values.map(|value| value.map(|text| parse(text).ok_or(text)).transpose()).collect()
}
