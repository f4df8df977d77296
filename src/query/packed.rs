//! Rows of a table, held small: some tens of thousands together, whose columns share their values.
//!
//! Takes batches, gives the same rows back, in the same types. It does not know what they say.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions,
    UInt32Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::keys::{Keys, NumberSet, Seconds, Sieve};
use super::packed_column::{Column, Judge};
use super::packed_later::{Chosen, Elsewhere};

/// Rows that share their values: as many as two bytes can tell apart.
pub(super) const UNIT_ROWS: usize = 1 << 16;

/// Some rows of a table.
#[derive(Debug)]
pub(super) struct Unit {
    pub rows: usize,
    columns: Vec<Arc<Column>>,
    /// Of what it is most of the rows: whoever reads them all passes over the others there, rather than to have a copy of
    /// each column.
    of: Option<(Arc<Unit>, Arc<Chosen>)>,
}

impl Unit {
    /// Packs the rows of all `batches`, at most [`UNIT_ROWS`], which share `schema`.
    pub fn pack(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Unit, ArrowError> {
        let pack = |at: usize| {
            let parts: Vec<_> = batches.iter().map(|batch| batch.column(at)).collect();
            Column::pack(schema.field(at).data_type(), &parts).map(Arc::new)
        };
        let columns = (0..schema.fields().len()).map(pack).collect::<Result<_, _>>()?;
        Ok(Unit { rows: batches.iter().map(RecordBatch::num_rows).sum(), columns, of: None })
    }

    /// Rows that are elsewhere: a column is fetched when it is asked.
    pub fn elsewhere(schema: &SchemaRef, rows: usize, columns: Vec<Box<dyn Elsewhere>>) -> Unit {
        let columns = schema.fields().iter().zip(columns);
        let columns = columns.map(|(field, column)| Column::elsewhere(field.data_type(), rows, column));
        Unit { rows, columns: columns.map(Arc::new).collect(), of: None }
    }

    /// Gives `rows` rows from `from` on, of the columns `projection`, which `schema` names.
    pub fn unpack(
        &self,
        schema: &SchemaRef,
        projection: &[usize],
        from: usize,
        rows: usize,
    ) -> Result<RecordBatch, ArrowError> {
        let columns = projection.iter().map(|at| self.columns[*at].unpack(from, rows));
        let columns = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    }

    /// Its columns as they are held: codes and their values as dictionaries, columns without a value as such.
    pub fn held(&self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns =
            self.columns.iter().map(|column| column.held(self.rows)).collect::<Result<Vec<_>, _>>()?;
        let fields = schema.fields().iter().zip(&columns);
        let fields: Vec<Field> = fields
            .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }

    /// Some of the rows, filtered from a column when it is asked.
    pub fn filter(self: &Arc<Unit>, some: BooleanBuffer) -> Unit {
        let some = Arc::new(Chosen::new(some));
        let columns = self.columns.iter().map(|column| Arc::new(Column::filtered(column, &some)));
        let (rows, columns) = (some.count, columns.collect());
        Unit { rows, columns, of: some.are_most().then(|| (Arc::clone(self), some)) }
    }

    /// Where the rows are read that it has, and which they are there; all, where it is none.
    pub fn read_from(self: &Arc<Unit>) -> (Arc<Unit>, Option<Arc<Chosen>>) {
        let Some((of, some)) = &self.of else { return (Arc::clone(self), None) };
        match of.read_from() {
            (of, Some(before)) => (of, Some(Arc::new(before.within(some)))),
            (of, None) => (of, Some(Arc::clone(some))),
        }
    }

    /// A column.
    pub fn column(&self, column: usize) -> Result<ArrayRef, ArrowError> {
        self.columns[column].unpack(0, self.rows)
    }

    /// The same rows with these cells in some columns.
    pub fn with(
        &self,
        schema: &SchemaRef,
        columns: &[usize],
        cells: &[ArrayRef],
    ) -> Result<Unit, ArrowError> {
        let mut unit = Unit { rows: self.rows, columns: self.columns.clone(), of: None };
        for (column, cells) in columns.iter().zip(cells) {
            unit.columns[*column] =
                Column::pack(schema.field(*column).data_type(), &[cells]).map(Arc::new)?;
        }
        Ok(unit)
    }

    /// Which rows `keys`, of which `sieve` is made, names by the texts in two columns; none where it names no row.
    pub fn named(
        &self,
        [first, second]: [usize; 2],
        keys: &Keys,
        sieve: &Sieve,
    ) -> Result<Option<BooleanBuffer>, ArrowError> {
        let firsts = self.columns[first].each(self.rows, |text| keys.of_first(text))?;
        if firsts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut named = BooleanBufferBuilder::new(self.rows);
        named.append_n(self.rows, false);
        let mut by_all = false;
        for (row, seconds) in firsts.iter().enumerate() {
            if let Some(Seconds::All) = seconds {
                named.set_bit(row, true);
                by_all = true;
            }
        }
        let some = firsts.iter().any(|seconds| matches!(seconds, Some(Seconds::Some(_))));
        let is_named = |row: usize, second: &str| firsts[row].is_some_and(|of| of.has(second));
        let by_some = match some {
            true => self.columns[second].found(self.rows, |text| sieve.may_have(text), is_named)?,
            false => Vec::new(),
        };
        by_some.iter().for_each(|row| named.set_bit(*row, true));
        Ok((by_all || !by_some.is_empty()).then(|| named.finish()))
    }

    /// Which rows have one of these numbers in a column; none where no row has.
    pub fn numbered(&self, column: usize, numbers: &NumberSet) -> Result<Option<BooleanBuffer>, ArrowError> {
        let among = |keys: UInt32Array| {
            let named = numbers.among(keys.values());
            match keys.nulls() {
                Some(present) => &named & present.inner(),
                None => named,
            }
        };
        let named = among(keys(self.column(column)?)?);
        Ok((named.count_set_bits() > 0).then_some(named))
    }

    /// Adds to `numbers` those in the column `number` of the rows whose text in `column` is one that is `wanted`.
    pub fn add_numbers(
        &self,
        [column, number]: [usize; 2],
        wanted: impl Fn(&str) -> bool,
        numbers: &mut NumberSet,
    ) -> Result<(), ArrowError> {
        let rows = self.columns[column].found(self.rows, wanted, |_, _| true)?;
        if !rows.is_empty() {
            let keys = keys(self.column(number)?)?;
            numbers.extend(rows.into_iter().filter(|row| keys.is_valid(*row)).map(|row| keys.value(row)));
        }
        Ok(())
    }

    /// What `judge` says of each of the `rows` cells of a column from `from` on.
    pub fn judged(
        &self,
        column: usize,
        from: usize,
        rows: usize,
        judge: &Judge<'_>,
    ) -> Result<BooleanArray, ArrowError> {
        self.columns[column].judged(from, rows, judge)
    }

    /// Cells of a column without a value; none where that is not known.
    pub fn absent(&self, column: usize) -> Option<usize> {
        self.columns[column].absent(self.rows)
    }

    /// Bytes of a column as it is given, about.
    pub fn size_bytes(&self, column: usize) -> usize {
        self.columns[column].size_bytes(self.rows)
    }
}

fn keys(column: ArrayRef) -> Result<UInt32Array, ArrowError> {
    let failed = || ArrowError::SchemaError(format!("{} is no key", column.data_type()));
    column.as_primitive_opt().cloned().ok_or_else(failed)
}
