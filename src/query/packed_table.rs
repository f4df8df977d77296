//! A table whose rows are held small, and unpacked as they are asked: the columns that a question
//! wants, some thousand rows at a time, on all cores. The library's table in memory holds
//! 16 bytes for every cell of text, also for one without a value.

use std::ops::Range;
use std::sync::Arc;
use std::{fmt, iter};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Statistics, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr};
use datafusion::physical_plan::projection::{all_alias_free_columns, new_projections_for_columns};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan};
use futures::stream;

use super::keys::Keys;
use super::packed::{UNIT_ROWS, Unit};
use super::packed_column::Elsewhere;

/// Rows that are unpacked together.
const BATCH_ROWS: usize = 8192;

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
        let (mut named, mut others) = (Vec::new(), Vec::new());
        for unit in self.units.iter() {
            let Some(rows) = unit.named(columns, keys)? else {
                others.push(Arc::clone(unit));
                continue;
            };
            if rows.count_set_bits() == unit.rows {
                named.push(Arc::clone(unit));
                continue;
            }
            named.push(Arc::new(unit.take(places(&rows))));
            others.push(Arc::new(unit.take(places(&!&rows))));
        }
        Ok([named, others].map(|units| PackedTable { schema: Arc::clone(&self.schema), units: units.into() }))
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
    pub fn elsewhere(schema: SchemaRef, units: impl Iterator<Item = (usize, Vec<Elsewhere>)>) -> PackedTable {
        let units = units.map(|(rows, columns)| Arc::new(Unit::elsewhere(&schema, rows, columns))).collect();
        PackedTable { schema, units }
    }

    pub fn rows(&self) -> usize {
        self.units.iter().map(|unit| unit.rows).sum()
    }

    fn slices(&self, unit: usize) -> impl Iterator<Item = Slice> {
        let rows = self.units[unit].rows;
        let starts = (0..rows).step_by(BATCH_ROWS);
        starts.map(move |from| Slice { unit, from, rows: BATCH_ROWS.min(rows - from) })
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

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let slices: Arc<[Slice]> = (0..self.units.len()).flat_map(|unit| self.slices(unit)).collect();
        let source = Scan {
            units: Arc::clone(&self.units),
            schema: project_schema(&self.schema, projection)?,
            whole: Arc::clone(&self.schema),
            projection: projection.cloned().unwrap_or_else(all),
            parts: iter::once(0..slices.len()).collect(),
            slices,
        };
        Ok(DataSourceExec::from_data_source(source))
    }
}

/// The places of the bits that are set.
fn places(rows: &BooleanBuffer) -> UInt32Array {
    rows.set_indices_u32().collect::<Vec<u32>>().into()
}

/// The same columns, each of which may lack a value: what was kept, and what was worked out now, may know more.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What becomes one batch.
#[derive(Clone, Copy, Debug)]
struct Slice {
    unit: usize,
    from: usize,
    rows: usize,
}

/// One reading of a table.
#[derive(Clone, Debug)]
struct Scan {
    units: Arc<[Arc<Unit>]>,
    /// Of the table.
    whole: SchemaRef,
    /// Of what is read of it.
    schema: SchemaRef,
    projection: Vec<usize>,
    slices: Arc<[Slice]>,
    /// The slices of each partition.
    parts: Vec<Range<usize>>,
}

impl Scan {
    fn statistics(&self, slices: &[Slice]) -> Statistics {
        let rows = slices.iter().map(|slice| slice.rows).sum();
        let all: usize = self.units.iter().map(|unit| unit.rows).sum();
        let bytes = |column: &usize| self.units.iter().map(|unit| unit.size_bytes(*column)).sum::<usize>();
        let bytes: usize = self.projection.iter().map(bytes).sum();
        let column = |column: &usize| {
            let absent = self.units.iter().map(|unit| unit.absent(*column)).sum::<Option<usize>>();
            let absent = absent.map_or(Precision::Absent, Precision::Exact);
            ColumnStatistics {
                null_count: if rows == all { absent } else { absent.to_inexact() },
                ..ColumnStatistics::new_unknown()
            }
        };
        Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Inexact(bytes / all.max(1) * rows),
            column_statistics: self.projection.iter().map(column).collect(),
        }
    }
}

impl DataSource for Scan {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (scan, schema) = (self.clone(), Arc::clone(&self.schema));
        let batches = self.parts[partition].clone().map(move |at| {
            let Slice { unit, from, rows } = scan.slices[at];
            scan.units[unit].unpack(&scan.schema, &scan.projection, from, rows).map_err(DataFusionError::from)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches))))
    }

    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packed, partitions={}, batches={}", self.parts.len(), self.slices.len())
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        _repartition_file_min_size: usize,
        output_ordering: Option<LexOrdering>,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        if output_ordering.is_some()
            || self.parts.len() >= target_partitions
            || self.slices.len() < target_partitions
        {
            return Ok(None);
        }
        let bound = |part: usize| part * self.slices.len() / target_partitions;
        let parts = (0..target_partitions).map(|part| bound(part)..bound(part + 1)).collect();
        Ok(Some(Arc::new(Scan { parts, ..self.clone() })))
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.parts.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.schema))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(Arc::new(match partition {
            None => self.statistics(&self.slices),
            Some(part) => self.statistics(&self.slices[self.parts[part].clone()]),
        }))
    }

    fn with_fetch(&self, _limit: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        let columns: Vec<_> = projection.iter().cloned().collect();
        if !all_alias_free_columns(&columns) {
            return Ok(None);
        }
        let projection = new_projections_for_columns(&columns, &self.projection);
        let schema = project_schema(&self.whole, Some(&projection))?;
        Ok(Some(Arc::new(Scan { projection, schema, ..self.clone() })))
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
