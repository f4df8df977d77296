//! Record batches as JSON objects, one a row; absent values are left out.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value};

/// The rows in order. Numbers and truth values are such, everything else is text; times are
/// RFC 3339 in UTC.
pub fn json_rows(batches: &[RecordBatch]) -> Vec<Value> {
    let options = FormatOptions::default().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let columns: Vec<_> = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .filter_map(|(field, array)| {
                Some((field, array, ArrayFormatter::try_new(array.as_ref(), &options).ok()?))
            })
            .collect();
        for row in 0..batch.num_rows() {
            let mut fields = Map::new();
            for (field, array, formatter) in columns.iter().filter(|(_, array, _)| array.is_valid(row)) {
                let text = formatter.value(row).to_string();
                fields.insert(field.name().clone(), value(array.data_type(), text));
            }
            rows.push(Value::Object(fields));
        }
    }
    rows
}

fn value(data_type: &DataType, text: String) -> Value {
    let plain = data_type.is_numeric() || *data_type == DataType::Boolean;
    match serde_json::from_str(&text) {
        Ok(value) if plain => value,
        _ => Value::String(text),
    }
}
