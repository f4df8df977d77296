//! The session: base tables, bound instants, views and tables held in memory.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};

use super::{Error, guard, registers};
use crate::domain::UtcMicros;

/// The two clocks of every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// True when.
    pub as_of: UtcMicros,
    /// As we knew it when.
    pub known_at: UtcMicros,
}

/// The lake's tables that a session reads.
pub struct Tables {
    pub events: Arc<dyn TableProvider>,
    pub snapshots: Arc<dyn TableProvider>,
    pub employments: Arc<dyn TableProvider>,
    pub registers: Arc<dyn TableProvider>,
    pub sources: Arc<dyn TableProvider>,
    pub quarantine: Arc<dyn TableProvider>,
}

/// The base views in the order in which they stand on each other; `true` keeps the rows in
/// memory, because several others read them.
const VIEWS: [(&str, &str, bool); 6] = [
    ("app_aliases", include_str!("views/app_aliases.sql"), true),
    ("known_events", include_str!("views/known_events.sql"), false),
    ("known_changes", include_str!("views/known_changes.sql"), true),
    ("known_snapshots", include_str!("views/known_snapshots.sql"), false),
    ("listings", include_str!("views/listings.sql"), true),
    ("sources_now", include_str!("views/sources_now.sql"), true),
];

/// A DataFusion session whose views answer for one [`At`].
pub struct Session {
    context: SessionContext,
    at: At,
}

impl Session {
    /// Registers the base tables and views.
    ///
    /// # Errors
    /// [`Error::Plan`] or [`Error::Run`] when a base view does not fit the tables.
    pub async fn open(tables: Tables, at: At) -> Result<Session, Error> {
        let session = Session::over(tables, at)?;
        let lines = session.collect("registers_now", registers::SQL).await?;
        for (kind, batch) in registers::batches(&lines)? {
            session.hold(&registers::table_name(kind), vec![batch])?;
        }
        for (name, sql, held) in VIEWS {
            session.define(name, sql, held).await?;
        }
        Ok(session)
    }

    /// Registers the base tables only, as they are stored.
    ///
    /// # Errors
    /// [`Error::Plan`] when a table cannot be registered.
    pub fn over(tables: Tables, at: At) -> Result<Session, Error> {
        let config = SessionConfig::new().with_information_schema(false).with_batch_size(8192);
        let session = Session { context: SessionContext::new_with_config(config), at };
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

    /// The DataFusion context, for rules that bind parameters of their own.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Adds the view `name`. With `held` its rows are computed once and kept in memory.
    pub async fn define(&self, name: &str, sql: &str, held: bool) -> Result<(), Error> {
        if held {
            let batches = self.collect(name, sql).await?;
            return self.hold(name, batches);
        }
        let view = self.plan(name, sql, &[]).await?.into_view();
        self.register(name, view)
    }

    /// Adds a table of rows that Rust made. The batches share one schema; at least one is given.
    pub fn hold(&self, name: &str, batches: Vec<RecordBatch>) -> Result<(), Error> {
        let Some(first) = batches.first() else { return Ok(()) };
        let table = MemTable::try_new(first.schema(), vec![batches])
            .map_err(|source| Error::Plan { name: name.to_owned(), source: Box::new(source) })?;
        self.register(name, Arc::new(table))
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

    /// The same with further text parameters, by name without the `$`.
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
    /// [`Error::Plan`] for a statement that does not plan or may not run.
    pub async fn select(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let plan_error = |source| Error::Plan { name: "your statement".to_owned(), source: Box::new(source) };
        let frame = self.context.sql_with_options(sql, guard::options()).await.map_err(plan_error)?;
        let frame = frame.with_param_values(parameters(self.at, &[])).map_err(plan_error)?;
        guard::check(frame.logical_plan()).map_err(plan_error)?;
        let schema = Arc::new(frame.schema().as_arrow().clone());
        let mut batches = frame.collect().await.map_err(|e| run_error("your statement", e))?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    async fn plan(&self, name: &str, sql: &str, texts: &[(&str, &str)]) -> Result<DataFrame, Error> {
        let plan_error = |source| Error::Plan { name: name.to_owned(), source: Box::new(source) };
        let frame = self.context.sql(sql).await.map_err(plan_error)?;
        frame.with_param_values(parameters(self.at, texts)).map_err(plan_error)
    }

    fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), Error> {
        self.context
            .register_table(name, table)
            .map(|_| ())
            .map_err(|source| Error::Plan { name: name.to_owned(), source: Box::new(source) })
    }
}

fn run_error(name: &str, source: DataFusionError) -> Error {
    Error::Run { name: name.to_owned(), source: Box::new(source) }
}

/// `$as_of`, `$known_at`, `$as_of_date` (the partition that holds `as_of`), and `texts`.
fn parameters(at: At, texts: &[(&str, &str)]) -> ParamValues {
    let time = |t: UtcMicros| ScalarValue::TimestampMicrosecond(Some(t.0), Some("UTC".into()));
    let mut values = HashMap::from([
        ("as_of", time(at.as_of)),
        ("known_at", time(at.known_at)),
        ("as_of_date", ScalarValue::Date32(Some(at.as_of.days()))),
    ]);
    values.extend(texts.iter().map(|(name, text)| (*name, ScalarValue::Utf8(Some((*text).to_owned())))));
    ParamValues::from(values)
}
