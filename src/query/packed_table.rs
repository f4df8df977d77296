//! A table whose rows are held small, and unpacked as they are asked: the columns that a question
//! wants, some thousand rows at a time, on all cores. The library's table in memory holds
//! 16 bytes for every cell of text, also for one without a value.

use std::iter;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use super::keys::{Keys, NumberSet};
use super::packed::{UNIT_ROWS, Unit};
use super::packed_filter::{Conditions, is_of_one_column};
use super::packed_later::Elsewhere;
use super::packed_scan::Scan;

/// A column of times.
pub fn times(at: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(at.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Packs batches as they come.
pub struct Packer {
    schema: SchemaRef,
    units: Vec<Unit>,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
}

impl Packer {
    pub fn new(schema: SchemaRef) -> Packer {
        Packer { schema, units: Vec::new(), waiting: Vec::new(), waiting_rows: 0 }
    }

    /// Takes rows of the packer's schema.
    ///
    /// # Errors
    /// When a batch has other columns.
    pub fn push(&mut self, mut batch: RecordBatch) -> Result<(), ArrowError> {
        while batch.num_rows() > 0 {
            let rows = batch.num_rows().min(UNIT_ROWS - self.waiting_rows);
            self.waiting.push(batch.slice(0, rows));
            self.waiting_rows += rows;
            batch = batch.slice(rows, batch.num_rows() - rows);
            if self.waiting_rows == UNIT_ROWS {
                self.pack()?;
            }
        }
        Ok(())
    }

    fn pack(&mut self) -> Result<(), ArrowError> {
        if self.waiting_rows > 0 {
            self.units.push(Unit::pack(&self.schema, &self.waiting)?);
            self.waiting.clear();
            self.waiting_rows = 0;
        }
        Ok(())
    }

    /// Gives the table of what these packers, of one schema, took.
    ///
    /// # Errors
    /// When batches had other columns.
    pub fn table(
        schema: SchemaRef,
        packers: impl IntoIterator<Item = Packer>,
    ) -> Result<PackedTable, ArrowError> {
        let mut units = Vec::new();
        for mut packer in packers {
            packer.pack()?;
            units.append(&mut packer.units);
        }
        Ok(PackedTable { schema, units: units.into_iter().map(Arc::new).collect() })
    }
}

/// The table. A clone of it, and a part of it, stand on the same memory.
#[derive(Clone, Debug)]
pub struct PackedTable {
    schema: SchemaRef,
    units: Arc<[Arc<Unit>]>,
}

impl PackedTable {
    pub fn empty(schema: SchemaRef) -> PackedTable {
        PackedTable { schema, units: Arc::new([]) }
    }

    /// The rows that `keys` names by the texts of two columns, and the others.
    ///
    /// # Errors
    /// When it has no such columns.
    pub fn parted(&self, columns: [&str; 2], keys: &Keys) -> Result<[PackedTable; 2], ArrowError> {
        let [first, second] = columns.map(|column| self.schema.index_of(column));
        let columns = [first?, second?];
        if keys.is_empty() {
            return Ok([PackedTable::empty(Arc::clone(&self.schema)), self.clone()]);
        }
        let sieve = keys.sieve();
        self.split(|unit| unit.named(columns, keys, &sieve))
    }

    /// The rows that have one of these numbers in a column, and the others.
    ///
    /// # Errors
    /// When it has no such column.
    pub fn parted_by(&self, column: &str, numbers: &NumberSet) -> Result<[PackedTable; 2], ArrowError> {
        let column = self.schema.index_of(column)?;
        if numbers.is_empty() {
            return Ok([PackedTable::empty(Arc::clone(&self.schema)), self.clone()]);
        }
        self.split(|unit| unit.numbered(column, numbers))
    }

    /// The rows that `named` says by their cells in some columns, and the others.
    ///
    /// # Errors
    /// When it has no such columns, and those of `named`.
    pub fn parted_where(
        &self,
        columns: &[&str],
        named: impl Fn(&RecordBatch) -> Result<BooleanBuffer, ArrowError>,
    ) -> Result<[PackedTable; 2], ArrowError> {
        let columns: Vec<usize> =
            columns.iter().map(|column| self.schema.index_of(column)).collect::<Result<_, _>>()?;
        let schema = Arc::new(self.schema.project(&columns)?);
        self.split(|unit| {
            let rows = named(&unit.unpack(&schema, &columns, 0, unit.rows)?)?;
            Ok((rows.count_set_bits() > 0).then_some(rows))
        })
    }

    /// The numbers in the column `number` of the rows whose text in `column` is one that is `wanted`; an absent one is
    /// empty.
    ///
    /// # Errors
    /// When it has no such columns.
    pub fn numbers_of(
        &self,
        [column, number]: [&str; 2],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<NumberSet, ArrowError> {
        let columns = [self.schema.index_of(column)?, self.schema.index_of(number)?];
        let mut numbers = NumberSet::default();
        self.units.iter().try_for_each(|unit| unit.add_numbers(columns, &wanted, &mut numbers))?;
        Ok(numbers)
    }

    /// The same rows with other cells in some columns, which `cells` gives by those in the column `by`.
    ///
    /// # Errors
    /// When it has no such columns, and those of `cells`.
    pub fn replaced(
        &self,
        columns: &[&str],
        by: &str,
        cells: impl Fn(&ArrayRef) -> Result<Vec<ArrayRef>, ArrowError>,
    ) -> Result<PackedTable, ArrowError> {
        let columns: Vec<usize> =
            columns.iter().map(|column| self.schema.index_of(column)).collect::<Result<_, _>>()?;
        let by = self.schema.index_of(by)?;
        let replaced = |unit: &Arc<Unit>| {
            let cells = cells(&unit.column(by)?)?;
            unit.with(&self.schema, &columns, &cells).map(Arc::new)
        };
        let units = self.units.iter().map(replaced).collect::<Result<_, _>>()?;
        Ok(PackedTable { schema: nullable(&self.schema), units })
    }

    /// The rows that `named` says of each unit, and the others.
    fn split(
        &self,
        named: impl Fn(&Unit) -> Result<Option<BooleanBuffer>, ArrowError>,
    ) -> Result<[PackedTable; 2], ArrowError> {
        let (mut these, mut others) = (Vec::new(), Vec::new());
        for unit in self.units.iter() {
            let Some(rows) = named(unit)? else {
                others.push(Arc::clone(unit));
                continue;
            };
            if rows.count_set_bits() == unit.rows {
                these.push(Arc::clone(unit));
                continue;
            }
            others.push(Arc::new(unit.filter(!&rows)));
            these.push(Arc::new(unit.filter(rows)));
        }
        Ok([these, others].map(|units| PackedTable { schema: Arc::clone(&self.schema), units: units.into() }))
    }

    /// The rows of both.
    ///
    /// # Errors
    /// When they have other columns.
    pub fn joined(&self, other: &PackedTable) -> Result<PackedTable, ArrowError> {
        let types = |schema: &SchemaRef| {
            let fields = schema.fields().iter();
            fields.map(|field| (field.name().clone(), field.data_type().clone())).collect::<Vec<_>>()
        };
        if other.units.is_empty() {
            return Ok(self.clone());
        }
        if self.units.is_empty() {
            return Ok(other.clone());
        }
        if types(&self.schema) != types(&other.schema) {
            let message = format!("{} and {} are not the columns of one table", self.schema, other.schema);
            return Err(ArrowError::SchemaError(message));
        }
        let units = self.units.iter().chain(other.units.iter()).cloned().collect();
        Ok(PackedTable { schema: nullable(&self.schema), units })
    }

    /// The same rows under columns of the same types that say otherwise what is never absent.
    pub(super) fn with_columns(self, schema: SchemaRef) -> PackedTable {
        PackedTable { schema, ..self }
    }

    /// Its rows as they are held, to be kept: first the columns of the table without rows, then some rows each. What
    /// was put together of many parts is packed anew.
    pub fn held(&self) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
        let (whole, parts): (Vec<_>, Vec<_>) =
            self.units.iter().cloned().partition(|unit| unit.rows > UNIT_ROWS / 2);
        let packed = move || {
            let mut packer = Packer::new(Arc::clone(&self.schema));
            let all: Vec<usize> = (0..self.schema.fields().len()).collect();
            for unit in &parts {
                packer.push(unit.unpack(&self.schema, &all, 0, unit.rows)?)?;
            }
            Packer::table(Arc::clone(&self.schema), [packer])
        };
        let header = iter::once(Ok(RecordBatch::new_empty(nullable(&self.schema))));
        let whole = whole.into_iter().map(|unit| unit.held(&self.schema));
        let packed = iter::once_with(packed).flat_map(|packed| match packed {
            Ok(table) => table.units.iter().map(|unit| unit.held(&self.schema)).collect(),
            Err(error) => vec![Err(error)],
        });
        header.chain(whole).chain(packed)
    }

    /// A table of these columns whose rows are elsewhere: so many at a time, and as [`PackedTable::held`] gave them.
    pub fn elsewhere(
        schema: SchemaRef,
        units: impl Iterator<Item = (usize, Vec<Box<dyn Elsewhere>>)>,
    ) -> PackedTable {
        let units = units.map(|(rows, columns)| Arc::new(Unit::elsewhere(&schema, rows, columns))).collect();
        PackedTable { schema, units }
    }

    pub fn rows(&self) -> usize {
        self.units.iter().map(|unit| unit.rows).sum()
    }
}

#[async_trait]
impl TableProvider for PackedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let supported = |condition: &&Expr| match is_of_one_column(condition) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(supported).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let conditions = Conditions::new(session, &self.schema, filters)?;
        let projection = projection.cloned().unwrap_or_else(all);
        let source = Scan::new(Arc::clone(&self.units), &self.schema, projection, conditions)?;
        Ok(DataSourceExec::from_data_source(source))
    }
}

/// The same columns, each of which may lack a value: what was kept, and what was worked out now, may know more.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
