//! The session: bound instants, views and tables held in memory, and the questions asked of them.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue, ToDFSchema};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, col, lit};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tracing::debug;

use super::compact::CompactJoined;
use super::on_demand::{self, OnDemand};
use super::opening::{ALL_DAYS, Tables};
use super::packed_table::{PackedTable, Packer};
use super::{Error, feeds, guard, trust, whole_counts};
use crate::domain::UtcMicros;

/// The two clocks of every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// True when.
    pub as_of: UtcMicros,
    /// As we knew it when.
    pub known_at: UtcMicros,
}

/// Rows that are worked on at a time.
const BATCH_ROWS: usize = 8192;
/// Before all times: a session without a base reads all events.
const NEVER: UtcMicros = UtcMicros(-62_135_596_800_000_000);

/// A DataFusion session whose views answer for one [`At`].
pub struct Session {
    context: SessionContext,
    at: At,
    pub(super) base: Reach,
    pub(super) tail_rows: usize,
    pub(super) people_stand: bool,
    pub(super) registers_stand: bool,
}

/// The instants up to which the base tables speak for the events and the listings.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub listings_known_at: UtcMicros,
    pub people_known_at: UtcMicros,
    pub tail_days: RangeInclusive<i32>,
    pub rows: usize,
}

impl Session {
    /// Registers the base tables only, as they are stored.
    ///
    /// # Errors
    /// [`Error::Plan`] when a table cannot be registered.
    pub fn over(tables: Tables, at: At) -> Result<Session, Error> {
        let config = SessionConfig::new().with_information_schema(false).with_batch_size(BATCH_ROWS);
        let state = SessionStateBuilder::new().with_default_features().with_config(config);
        let state = state.with_optimizer_rules(whole_counts::rules());
        let state = state.with_physical_optimizer_rule(Arc::new(CompactJoined)).build();
        let context = SessionContext::new_with_state(state);
        context.register_udf(feeds::function());
        let session = Session {
            context,
            at,
            base: Reach::NONE,
            tail_rows: 0,
            people_stand: false,
            registers_stand: false,
        };
        session.register("events", tables.events)?;
        session.register("snapshots", tables.snapshots)?;
        session.register("employments_raw", tables.employments)?;
        session.register("registers", tables.registers)?;
        session.register("sources", tables.sources)?;
        session.register("quarantine", tables.quarantine)?;
        Ok(session)
    }

    pub fn at(&self) -> At {
        self.at
    }

    /// Rows of the base that this session started from.
    pub fn base_rows(&self) -> usize {
        self.base.rows
    }

    /// Rows of events that the base does not hold.
    pub fn tail_rows(&self) -> usize {
        self.tail_rows
    }

    /// Whether there is a base, and rosters say what they said when it was made.
    pub fn people_stand(&self) -> bool {
        self.people_stand
    }

    /// Whether there is a base, and registers say what they said when it was made.
    pub fn registers_stand(&self) -> bool {
        self.registers_stand
    }

    /// Whether there is a table or view of this name.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        let failed = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        self.context.table_exist(name).map_err(failed)
    }

    /// The columns of a table or view.
    ///
    /// # Errors
    /// [`Error::Plan`] when there is none of this name.
    pub async fn columns(&self, name: &str) -> Result<SchemaRef, Error> {
        let failed = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        Ok(self.context.table_provider(name).await.map_err(failed)?.schema())
    }

    /// The DataFusion context, for rules that bind parameters of their own.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Adds the view `name`. With `held` its rows are worked out once, when they are asked, and kept in memory.
    pub async fn define(&self, name: &str, sql: &str, held: bool) -> Result<(), Error> {
        let frame = self.plan(name, sql, &[]).await?;
        match held {
            true => {
                let view = OnDemand::new(name, frame).map_err(|source| run_error(name, source))?;
                self.register(name, Arc::new(view))
            }
            false => self.register(name, frame.into_view()),
        }
    }

    /// Adds the view `name`: the rows of the view `of` with one of these texts in a column. Parts of files in which no row
    /// can have one are not read.
    pub async fn define_among(
        &self,
        name: &str,
        of: &str,
        column: &str,
        texts: impl Iterator<Item = &str>,
    ) -> Result<(), Error> {
        let failed = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let among = col(column).in_list(texts.map(lit).collect(), false);
        let frame = self.context.table(of).await.and_then(|rows| rows.filter(among)).map_err(failed)?;
        self.register(name, frame.into_view())
    }

    /// Adds the view `name`, whose rows are worked out now and kept in memory. Gives how many they are.
    pub async fn lay(&self, name: &str, sql: &str) -> Result<usize, Error> {
        let table = self.packed(name, sql).await?;
        let rows = table.rows();
        self.hold_packed(name, table)?;
        Ok(rows)
    }

    /// The rows of a question whose joins hold the rows on their left and let those on their right pass by, as they
    /// are written. Else the smaller side is held as far as statistics tell, which know little of filters.
    pub async fn packed_as_written(&self, name: &str, sql: &str) -> Result<PackedTable, Error> {
        let mut state = self.context.state();
        state.config_mut().options_mut().optimizer.join_reordering = false;
        let context = SessionContext::new_with_state(state);
        let session = Session { context, base: self.base.clone(), ..*self };
        session.packed(name, sql).await
    }

    /// Adds a table of rows that Rust made. The batches share one schema; at least one is given.
    pub fn hold(&self, name: &str, batches: Vec<RecordBatch>) -> Result<(), Error> {
        let Some(first) = batches.first() else { return Ok(()) };
        let schema = first.schema();
        let mut packer = Packer::new(Arc::clone(&schema));
        let packed = batches.into_iter().try_for_each(|batch| packer.push(batch));
        let table = packed.and_then(|()| Packer::table(schema, [packer]));
        self.hold_packed(name, table.map_err(|source| run_error(name, source.into()))?)
    }

    /// The rows of a view that is held.
    pub async fn held(&self, name: &str) -> Result<PackedTable, Error> {
        let failed = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let table = self.context.table_provider(name).await.map_err(failed)?;
        if let Some(view) = table.downcast_ref::<OnDemand>() {
            return view.rows().await.cloned().map_err(|source| run_error(name, source));
        }
        // One without rows is planned as nothing.
        Ok(table.downcast_ref().cloned().unwrap_or_else(|| PackedTable::empty(table.schema())))
    }

    /// Adds a table of rows that are packed already.
    pub fn hold_packed(&self, name: &str, table: PackedTable) -> Result<(), Error> {
        debug!(view = name, rows = table.rows(), "view held");
        if table.rows() > 0 {
            return self.register(name, Arc::new(table));
        }
        // Most registers are empty. A plan that knows it does not join with nothing.
        let failed = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let schema = table.schema().to_dfschema_ref().map_err(failed)?;
        let nothing = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema });
        self.register(name, DataFrame::new(self.context.state(), nothing).into_view())
    }

    /// The rows of a question, packed as they come, so that they are never all there at their full size.
    pub async fn packed(&self, name: &str, sql: &str) -> Result<PackedTable, Error> {
        let frame = self.plan(name, sql, &[]).await?;
        on_demand::pack(frame).await.map_err(|source| run_error(name, source))
    }

    /// Lets go of tables that nothing asks any more, and of their memory.
    pub fn forget(&self, names: &[impl AsRef<str>]) -> Result<(), Error> {
        for name in names.iter().map(AsRef::as_ref) {
            self.context
                .deregister_table(name)
                .map_err(|source| Error::Plan { name: name.to_owned(), source: Box::new(source) })?;
        }
        Ok(())
    }

    /// Makes the existing table `of` known as `name` too.
    pub async fn alias(&self, name: &str, of: &str) -> Result<(), Error> {
        let plan_error = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let table = self.context.table_provider(of).await.map_err(plan_error)?;
        self.register(name, table)
    }

    /// Runs one query with the session's instants bound; `name` is for error messages. The
    /// result holds at least one batch, so that an empty answer still has its columns.
    pub async fn collect(&self, name: &str, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        self.ask(name, sql, &[]).await
    }

    /// Runs one query and gives its batches to `take` as they come, so that they need not all be in
    /// memory. Where the query does not order them, they come in any order.
    pub async fn each(
        &self,
        name: &str,
        sql: &str,
        mut take: impl FnMut(&RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let frame = self.plan(name, sql, &[]).await?;
        let failed = |e| run_error(name, e);
        let mut batches = frame.execute_stream().await.map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            take(&batch)?;
        }
        Ok(())
    }

    /// The columns of an answer, and its rows one part after the other, so that they come in the order of
    /// their table where the query keeps it.
    pub async fn stream(
        &self,
        name: &str,
        sql: &str,
    ) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch, Error>>), Error> {
        let frame = self.plan(name, sql, &[]).await?;
        let planned = Arc::new(frame.schema().as_arrow().clone());
        let name = name.to_owned();
        let parts = frame.execute_stream_partitioned().await.map_err(|e| run_error(&name, e))?;
        let schema = parts.first().map_or(planned, |part| part.schema());
        let batches = stream::iter(parts).flatten().map_err(move |e| run_error(&name, e));
        Ok((schema, batches.boxed()))
    }

    /// Collects with further text parameters, by name without the `$`.
    pub async fn ask(
        &self,
        name: &str,
        sql: &str,
        texts: &[(&str, &str)],
    ) -> Result<Vec<RecordBatch>, Error> {
        let frame = self.plan(name, sql, texts).await?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let mut batches = frame.collect().await.map_err(|e| run_error(name, e))?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    /// Runs one statement from outside: a SELECT over the session's tables and nothing else.
    ///
    /// # Errors
    /// [`Error::Plan`] for a statement that does not plan or may not run, [`Error::RepeatedColumn`] for
    /// one whose answer has two columns of one name.
    pub async fn select(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let plan_error = |source| Error::Plan { name: "your statement".to_owned(), source: Box::new(source) };
        let frame = self.context.sql_with_options(sql, guard::options()).await.map_err(plan_error)?;
        let frame = frame.with_param_values(parameters(self.at, &self.base, &[])).map_err(plan_error)?;
        guard::check(frame.logical_plan()).map_err(plan_error)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        if let Some(column) = guard::repeated(&schema) {
            return Err(Error::RepeatedColumn { column: column.to_owned() });
        }
        let mut batches = frame.collect().await.map_err(|e| run_error("your statement", e))?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    async fn plan(&self, name: &str, sql: &str, texts: &[(&str, &str)]) -> Result<DataFrame, Error> {
        let plan_error = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let frame = self.context.sql(sql).await.map_err(plan_error)?;
        frame.with_param_values(parameters(self.at, &self.base, texts)).map_err(plan_error)
    }

    pub(super) fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), Error> {
        self.context
            .register_table(name, table)
            .map(|_| ())
            .map_err(|source| Error::Plan { name: name.to_owned(), source: Box::new(source) })
    }
}

fn run_error(name: &str, source: DataFusionError) -> Error {
    Error::Run { name: name.to_owned(), source: Box::new(source) }
}

impl Reach {
    const NONE: Reach = Reach {
        as_of: NEVER,
        known_at: NEVER,
        listings_known_at: NEVER,
        people_known_at: NEVER,
        tail_days: ALL_DAYS,
        rows: 0,
    };
}

/// `$as_of`, `$known_at`, `$as_of_date` (the partition that holds `as_of`), `$base_as_of`,
/// `$base_known_at`, `$base_listings_known_at` and `$base_people_known_at` (up to where the base tables speak),
/// `$tail_from_date` and `$tail_to_date` (of what they do not speak), the limits of [`trust`], and `texts`.
fn parameters(at: At, base: &Reach, texts: &[(&str, &str)]) -> ParamValues {
    let time = |t: UtcMicros| ScalarValue::TimestampMicrosecond(Some(t.0), Some("UTC".into()));
    let mut values = HashMap::from([
        ("as_of", time(at.as_of)),
        ("known_at", time(at.known_at)),
        ("as_of_date", ScalarValue::Date32(Some(at.as_of.days()))),
        ("tail_from_date", ScalarValue::Date32(Some(*base.tail_days.start()))),
        ("tail_to_date", ScalarValue::Date32(Some(*base.tail_days.end()))),
        ("base_as_of", time(base.as_of)),
        ("base_known_at", time(base.known_at)),
        ("base_listings_known_at", time(base.listings_known_at)),
        ("base_people_known_at", time(base.people_known_at)),
    ]);
    values.extend(trust::PARAMETERS.map(|(name, limit)| (name, ScalarValue::Float64(Some(limit)))));
    values.extend(texts.iter().map(|(name, text)| (*name, ScalarValue::Utf8(Some((*text).to_owned())))));
    ParamValues::from(values)
}
