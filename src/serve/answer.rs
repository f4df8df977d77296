//! An answer with the number of rows that it gives out, for the audit of reads.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Rows given out, in the extensions of a response.
#[derive(Clone, Copy, Debug)]
pub struct Rows(pub u64);

/// A JSON document and how many rows it gives out.
pub struct Answer {
    rows: usize,
    document: Value,
}

impl Answer {
    /// About one thing.
    pub fn one(document: Value) -> Answer {
        Answer { rows: 1, document }
    }

    /// With a list of that name.
    pub fn list(document: Value, name: &str) -> Answer {
        let rows = document.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        Answer { rows, document }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Json(self.document).into_response();
        response.extensions_mut().insert(Rows(self.rows as u64));
        response
    }
}
