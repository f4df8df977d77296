//! Tables that Rust makes, some rows at a time.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use super::{Error, PackedTable, Packer};

/// Rows that are written together: all of them unpacked take several times what they are made of.
pub const PART_ROWS: usize = 65_536;

/// Columns as a table.
fn table(name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(failed(name))
}

/// A table that is made in parts, each packed before the next is made.
pub struct Parts {
    name: &'static str,
    /// From the first part on.
    packed: Option<(SchemaRef, Packer)>,
}

impl Parts {
    pub fn of(name: &'static str) -> Parts {
        Parts { name, packed: None }
    }

    /// Takes some rows; of a table without rows, its columns.
    ///
    /// # Errors
    /// When the columns are not of one length, or not those of the parts before.
    pub fn push(&mut self, columns: Vec<(&str, ArrayRef)>) -> Result<(), Error> {
        let batch = table(self.name, columns)?;
        let begun = || (batch.schema(), Packer::new(batch.schema()));
        let (_, packer) = self.packed.get_or_insert_with(begun);
        packer.push(batch).map_err(failed(self.name))
    }

    /// Gives the table.
    ///
    /// # Errors
    /// When rows cannot be packed.
    pub fn finish(self) -> Result<PackedTable, Error> {
        let (schema, packer) = self.packed.unzip();
        Packer::table(schema.unwrap_or_else(|| Arc::new(Schema::empty())), packer).map_err(failed(self.name))
    }
}

/// Rows in parts; no rows are one part.
pub fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..rows).step_by(PART_ROWS).map(move |from| from..rows.min(from + PART_ROWS));
    starts.chain(iter::once(0..0).filter(move |_| rows == 0))
}

/// What went wrong with the table `name`.
pub fn failed(name: &str) -> impl Fn(ArrowError) -> Error {
    move |source| Error::Run { name: name.to_owned(), source: Box::new(source.into()) }
}
