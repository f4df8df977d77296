//! A view that is worked out when a question asks it for the first time, and whose rows are then kept: a session costs
//! what its questions ask.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::runtime::JoinSet;
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;
use tokio::sync::OnceCell;
use tracing::debug;

use super::packed_table::{PackedTable, Packer};

/// The view.
pub(super) struct OnDemand {
    name: String,
    frame: DataFrame,
    schema: SchemaRef,
    rows: OnceCell<PackedTable>,
}

impl OnDemand {
    pub fn new(name: &str, frame: DataFrame) -> Result<OnDemand> {
        // Only an analysed plan knows the types that its rows will have.
        let (state, plan) = frame.into_parts();
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        // It may know less of what is never absent than the rows do, or more.
        let fields = plan.schema().fields().iter();
        let fields: Vec<_> = fields.map(|field| field.as_ref().clone().with_nullable(true)).collect();
        Ok(OnDemand {
            name: name.to_owned(),
            frame: DataFrame::new(state, plan),
            schema: Arc::new(Schema::new(fields)),
            rows: OnceCell::new(),
        })
    }

    /// Its rows. Several that ask at once wait for the first.
    pub async fn rows(&self) -> Result<&PackedTable> {
        let make = async || {
            let table = pack(self.frame.clone()).await?;
            debug!(view = self.name, rows = table.rows(), "view held");
            Ok(table.with_columns(Arc::clone(&self.schema)))
        };
        self.rows.get_or_try_init(make).await
    }
}

impl std::fmt::Debug for OnDemand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnDemand").field("name", &self.name).field("rows", &self.rows).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for OnDemand {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        PackedTable::empty(self.schema()).supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.rows().await?.scan(session, projection, filters, limit).await
    }
}

/// The rows of a question, packed as they come, so that they are never all there at their full size.
pub(super) async fn pack(frame: DataFrame) -> Result<PackedTable> {
    let planned = Arc::new(frame.schema().as_arrow().clone());
    let streams = frame.execute_stream_partitioned().await?;
    // As the rows have it: the plan may know less of what is never absent.
    let schema = streams.first().map_or(planned, |stream| stream.schema());
    let mut packing = JoinSet::new();
    for stream in streams {
        packing.spawn(pack_stream(Arc::clone(&schema), stream));
    }
    let mut packers = Vec::new();
    while let Some(packed) = packing.join_next().await {
        packers.push(packed.map_err(|source| DataFusionError::ExecutionJoin(Box::new(source)))??);
    }
    Ok(Packer::table(schema, packers)?)
}

async fn pack_stream(schema: SchemaRef, mut rows: SendableRecordBatchStream) -> Result<Packer> {
    let mut packer = Packer::new(schema);
    while let Some(batch) = rows.try_next().await? {
        packer.push(batch)?;
    }
    Ok(packer)
}
