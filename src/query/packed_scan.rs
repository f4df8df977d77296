//! One reading of a table that is held small: the columns that a question wants of the rows that meet its conditions,
//! some thousand rows at a time, on all cores.

use std::ops::Range;
use std::sync::Arc;
use std::{fmt, iter};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{BatchCoalescer, and, filter_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Statistics, project_schema};
use datafusion::datasource::source::DataSource;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr};
use datafusion::physical_plan::DisplayFormatType;
use datafusion::physical_plan::projection::{all_alias_free_columns, new_projections_for_columns};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;

use super::packed::Unit;
use super::packed_filter::Conditions;
use super::packed_later::Chosen;

/// Rows that are unpacked together.
const BATCH_ROWS: usize = 8192;
/// Of so many slices one is looked at, to tell how many rows meet the conditions.
const LOOKED_AT: usize = 8;

/// What becomes one batch.
#[derive(Clone, Copy, Debug)]
struct Slice {
    unit: usize,
    from: usize,
    rows: usize,
    /// Rows of these that the table has.
    own: usize,
}

/// Where the rows of a unit are read, and which they are there; all, where it is none.
type Place = (Arc<Unit>, Option<Arc<Chosen>>);

/// One reading of a table.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    units: Arc<[Arc<Unit>]>,
    places: Arc<[Place]>,
    /// Of the table.
    whole: SchemaRef,
    /// Of what is read of it.
    schema: SchemaRef,
    projection: Vec<usize>,
    conditions: Conditions,
    slices: Arc<[Slice]>,
    /// The slices of each partition.
    parts: Vec<Range<usize>>,
    /// Which share of the rows meets the conditions, about.
    met: f64,
}

impl Scan {
    pub fn new(
        units: Arc<[Arc<Unit>]>,
        whole: &SchemaRef,
        projection: Vec<usize>,
        conditions: Conditions,
    ) -> Result<Scan> {
        let places: Arc<[Place]> = units.iter().map(Unit::read_from).collect();
        let slices = |(unit, (place, some)): (usize, &Place)| {
            let (whole, some) = (place.rows, some.clone());
            (0..whole).step_by(BATCH_ROWS).map(move |from| {
                let rows = BATCH_ROWS.min(whole - from);
                let own = some.as_ref().and_then(|some| some.among(from, rows));
                Slice { unit, from, rows, own: own.map_or(rows, |own| own.true_count()) }
            })
        };
        let slices: Arc<[Slice]> = places.iter().enumerate().flat_map(slices).collect();
        Ok(Scan {
            schema: project_schema(whole, Some(&projection))?,
            whole: Arc::clone(whole),
            projection,
            met: met(&places, &slices, &conditions)?,
            conditions,
            parts: iter::once(0..slices.len()).collect(),
            slices,
            places,
            units,
        })
    }

    fn statistics(&self, slices: &[Slice]) -> Statistics {
        let rows = slices.iter().map(|slice| slice.own).sum();
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
        let total_byte_size = Precision::Inexact(bytes / all.max(1) * rows);
        let column_statistics = self.projection.iter().map(column).collect();
        let all = Statistics { num_rows: Precision::Exact(rows), total_byte_size, column_statistics };
        if self.conditions.is_empty() {
            return all;
        }
        let met = (rows as f64 * self.met).ceil() as usize;
        Statistics { num_rows: Precision::Inexact(met), ..all.to_inexact() }
    }

    fn unpack(&self, slice: usize) -> Result<RecordBatch> {
        let Slice { unit, from, rows, .. } = self.slices[slice];
        Ok(self.places[unit].0.unpack(&self.schema, &self.projection, from, rows)?)
    }

    /// The rows of a slice, but for those that the table does not have.
    fn own(&self, slice: usize) -> Result<RecordBatch> {
        let rows = self.unpack(slice)?;
        Ok(match own(&self.places, self.slices[slice]) {
            Some(own) => filter_record_batch(&rows, &own)?,
            None => rows,
        })
    }
}

/// Which rows of a slice the table has; none where it has all.
fn own(places: &[Place], Slice { unit, from, rows, .. }: Slice) -> Option<BooleanArray> {
    places[unit].1.as_ref()?.among(from, rows)
}

/// Which rows of a slice the table has that meet the conditions; none where no row does.
fn met_of(places: &[Place], slice: Slice, conditions: &Conditions) -> Result<Option<BooleanArray>> {
    let met = conditions.met(&places[slice.unit].0, slice.from, slice.rows)?;
    Ok(match (met, own(places, slice)) {
        (Some(met), Some(own)) => Some(and(&met, &own)?),
        (met, _) => met,
    })
}

/// Which share of rows meets the conditions, by some of them. A plan holds the smaller side of a join, and a guess has it
/// hold a million rows to look for a thousand.
fn met(places: &[Place], slices: &[Slice], conditions: &Conditions) -> Result<f64> {
    let (mut met, mut of) = (0, 0);
    if !conditions.is_empty() {
        for slice in slices.iter().step_by(LOOKED_AT).copied() {
            met += met_of(places, slice, conditions)?.map_or(0, |met| met.true_count());
            of += slice.own;
        }
    }
    Ok(met as f64 / of.max(1) as f64)
}

/// The rows of some slices that meet the conditions of a scan, put together to batches.
struct Meeting {
    scan: Scan,
    slices: Range<usize>,
    some: BatchCoalescer,
}

impl Meeting {
    fn push(&mut self, slice: usize) -> Result<()> {
        let Scan { places, slices, conditions, .. } = &self.scan;
        if let Some(met) = met_of(places, slices[slice], conditions)? {
            self.some.push_batch_with_filter(self.scan.unpack(slice)?, &met)?;
        }
        Ok(())
    }
}

impl Iterator for Meeting {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some(batch) = self.some.next_completed_batch() {
                return Some(Ok(batch));
            }
            let pushed = match self.slices.next() {
                Some(slice) => self.push(slice),
                None if self.some.is_empty() => return None,
                None => self.some.finish_buffered_batch().map_err(DataFusionError::from),
            };
            if let Err(error) = pushed {
                return Some(Err(error));
            }
        }
    }
}

impl DataSource for Scan {
    fn open(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (scan, slices) = (self.clone(), self.parts[partition].clone());
        let batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = if self.conditions.is_empty() {
            Box::new(slices.map(move |at| scan.own(at)))
        } else {
            let some = BatchCoalescer::new(Arc::clone(&self.schema), BATCH_ROWS);
            Box::new(Meeting { scan, slices, some })
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::iter(batches))))
    }

    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packed, partitions={}, batches={}", self.parts.len(), self.slices.len())?;
        self.conditions.expressions().try_for_each(|condition| write!(f, ", where {condition}"))
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
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for condition in self.conditions.expressions() {
            if visit(condition)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}
