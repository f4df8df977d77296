//! One listing as it is told in `loads`: when it was taken, and which columns had values.

use std::collections::BTreeMap;

use super::cells::Cells;
use crate::domain::UtcMicros;

/// What one listing said of itself.
pub struct Listing {
    pub at: UtcMicros,
    pub rows: f64,
    /// By column: the rows with a value in it.
    pub filled: Option<BTreeMap<String, f64>>,
}

impl Listing {
    pub fn new(row: &Cells) -> Listing {
        let pair = |pair: &str| {
            let (column, rows) = pair.split_once('=')?;
            let rows: f64 = rows.parse().ok()?;
            (rows > 0.0).then(|| (column.to_owned(), rows))
        };
        Listing {
            at: row.time("listed_at").unwrap_or(UtcMicros(0)),
            rows: row.number("rows").unwrap_or(0.0),
            filled: row.text("filled").map(|text| text.split(';').filter_map(pair).collect()),
        }
    }
}
