//! One run, first step to last: the only place that knows the order of the stages.
//!
//! [`Engine`] is a data folder and a tenant. It ingests files, opens sessions, runs the
//! detectors and keeps the ledger. It prints nothing; with `cli` it is the only reader of
//! the clock, and everything below takes the instants that it is given.

mod access;
mod backtest;
mod before;
mod care;
mod checkpoint;
mod compare;
mod cost_lines;
mod costs;
mod deadlines;
mod detect;
pub mod evaluate;
mod in_order;
mod ingest;
mod leavers;
mod occurrences;
mod opening;
mod owners;
mod quarantine;
mod records;
mod rules;
mod settled;
mod sigma;
mod sigma_events;
mod sigma_units;
mod sources;
mod spool;
mod windows;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use checkpoint::Stored;

pub use crate::detect::causes::Cause;
pub use crate::domain::chain::chain;
pub use access::{Access, Holding, Subject, access, holdings};
pub use backtest::{Backtest, BacktestRequest, Sighting, Step};
pub use compare::{Comparison, Difference};
pub use cost_lines::{LicenceLine, Range};
pub use costs::{CostReport, cost_report};
pub use detect::{DetectRequest, RunReport, SigmaRun, Timing};
pub use ingest::{FileReport, IngestReport, Reading, normalize};
pub use leavers::{Deadline, LeaverReport, leaver_report};
pub use opening::is_to_come;
pub use quarantine::Quarantined;
pub use rules::{BrokenRule, CompanyRules, RuleFolders};
pub use sigma::{SigmaGroup, SigmaReport, SigmaRequest, SigmaRule};
pub use sources::{Gap, SourceReport, source_reports};

use crate::domain::{PackError, UtcMicros};
use crate::findings::Ledger;
pub use crate::models::{CostModel, Semantics};
use crate::query::{At, Session, Tables};
pub use crate::store::{Bucket, Credentials, Durability, WriteOptions};
use crate::store::{Home, Lake};
use crate::{detect as detectors, findings, ingest as reading, models, query, state, store};

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot lay out table \"deadlines\"")]
    Deadlines(#[source] arrow::error::ArrowError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Query(#[from] query::Error),
    #[error(transparent)]
    Read(#[from] reading::Error),
    #[error(transparent)]
    Detect(#[from] detectors::Error),
    #[error(transparent)]
    Learned(#[from] detectors::learned::Error),
    #[error(transparent)]
    Sigma(#[from] detectors::sigma::Error),
    #[error(transparent)]
    Models(#[from] models::Error),
    #[error(transparent)]
    Ledger(#[from] findings::Error),
    #[error(transparent)]
    Held(#[from] PackError),
    #[error("cannot use data folder \"{}\"", path.display())]
    DataFolder { path: PathBuf, source: std::io::Error },
    #[error("there is no detector \"{id}\"; `lychgate models list` names them")]
    NoDetector { id: String },
    #[error("cannot read labels \"{}\"", path.display())]
    Labels { path: PathBuf, source: csv::Error },
    #[error("cannot keep a stream in \"{}\"", path.display())]
    Spool { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot copy the lake at \"{url}\": backups are of lakes in the data folder; use the versions and copies that \
         the service of the bucket keeps, and copy {LEDGER_FILE} of the data folder beside them"
    )]
    LakeElsewhere { url: String },
    #[error("cannot hand over what was read of \"{}\"", path.display())]
    HandOver { path: PathBuf, source: std::io::Error },
    #[error("cannot read \"{}\" to know it again", path.display())]
    Hash { path: PathBuf, source: std::io::Error },
}

/// The ledger of all tenants, in the data folder.
const LEDGER_FILE: &str = "state.db";

/// A data folder and a tenant.
#[derive(Clone, Debug)]
pub struct Engine {
    data: PathBuf,
    /// Where the lake is, unless it is in the data folder.
    bucket: Option<Bucket>,
    tenant: String,
    options: WriteOptions,
    rules: RuleFolders,
    /// How applications behave, where the configuration says it.
    semantics: Vec<Semantics>,
    /// What the report on costs assumes, where the configuration says it.
    costs: Option<CostModel>,
    /// Threshold profile of whoever names none.
    profile: String,
}

impl Engine {
    /// Ingests on all cores, and keeps raw records.
    pub fn new(data: &Path, tenant: &str) -> Engine {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let options = WriteOptions { threads, ..WriteOptions::default() };
        Engine {
            data: data.to_owned(),
            bucket: None,
            tenant: tenant.to_owned(),
            options,
            rules: RuleFolders::default(),
            semantics: Vec::new(),
            costs: None,
            profile: "default".to_owned(),
        }
    }

    /// The same folder for all but the lake, which is in `bucket` where there is one.
    pub fn with_lake(self, bucket: Option<Bucket>) -> Engine {
        Engine { bucket, ..self }
    }

    /// The same folder, with a company's rules beside those that are built in.
    pub fn with_rules(self, rules: RuleFolders) -> Engine {
        Engine { rules, ..self }
    }

    pub fn rule_folders(&self) -> &RuleFolders {
        &self.rules
    }

    /// The same folder, written otherwise.
    pub fn writing(self, options: WriteOptions) -> Engine {
        Engine { options, ..self }
    }

    /// The same folder, with the configuration's word on how applications behave.
    pub fn with_semantics(self, semantics: Vec<Semantics>) -> Engine {
        Engine { semantics, ..self }
    }

    /// The same folder, with the configuration's assumptions on costs.
    pub fn with_costs(self, costs: Option<CostModel>) -> Engine {
        Engine { costs, ..self }
    }

    /// The same folder, with the configuration's threshold profile.
    pub fn with_profile(self, profile: &str) -> Engine {
        Engine { profile: profile.to_owned(), ..self }
    }

    /// The threshold profile of whoever names none.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A session at `at` with every view that detectors ask.
    ///
    /// # Errors
    /// When the lake cannot be opened or a view does not run.
    pub async fn session(&self, at: At) -> Result<Session, Error> {
        Ok(self.opened(at).await?.0)
    }

    /// The same, with what it reads.
    async fn opened(&self, at: At) -> Result<(Session, Stored), Error> {
        let (mut tables, stored) = self.tables().await?;
        tables.base = self.base(at, &stored).await;
        let is_resting = tables.base.is_some();
        match self.built(tables, stored, at).await {
            // A checkpoint may cost time and nothing else.
            Err(error) if is_resting => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint is passed over");
                let (tables, stored) = self.tables().await?;
                self.built(tables, stored, at).await
            }
            built => built,
        }
    }

    async fn built(&self, tables: Tables, mut stored: Stored, at: At) -> Result<(Session, Stored), Error> {
        let session = Session::open(tables, at).await?;
        stored.renewed = state::build(&session, &self.semantics).await?;
        Ok((session, stored))
    }

    /// The tables of the lake as they stand now, and what is in them.
    async fn tables(&self) -> Result<(Tables, Stored), Error> {
        let lake = Lake::open_known(self.home(), &self.tenant).await?;
        let (events, listings) = (lake.read("events").await?, lake.read("snapshots").await?);
        let people = lake.read("employments").await?;
        let stored = Stored::of(&events, &listings, &people);
        let tables = Tables {
            events: events.provider,
            snapshots: listings.provider,
            employments: people.provider,
            registers: lake.provider("registers").await?,
            sources: lake.provider("sources").await?,
            quarantine: lake.provider("quarantine").await?,
            base: None,
        };
        Ok((tables, stored))
    }

    /// Makes the tenant's lake where there is none, for those who wait until something is sent.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub async fn begin(&self) -> Result<(), Error> {
        Lake::open(self.home(), &self.tenant).await?;
        Ok(())
    }

    /// Whether anything was ever ingested for the tenant: a name that was mistyped has nothing to tell.
    ///
    /// # Errors
    /// `UnknownTenant` where nothing was, or when the place of lakes cannot be reached.
    pub async fn check_tenant(&self) -> Result<(), Error> {
        Ok(self.home().check_tenant(&self.tenant).await?)
    }

    /// Whether the ledger tells of any run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn has_run(&self) -> Result<bool, Error> {
        let is_there = self.data.join(LEDGER_FILE).exists();
        Ok(is_there && !self.ledger().await?.runs(1).await?.is_empty())
    }

    fn home(&self) -> Home {
        Home { data: self.data.clone(), bucket: self.bucket.clone() }
    }

    /// The ledger of this folder.
    pub async fn ledger(&self) -> Result<Ledger, Error> {
        std::fs::create_dir_all(&self.data)
            .map_err(|source| Error::DataFolder { path: self.data.clone(), source })?;
        Ok(Ledger::open(&self.data.join(LEDGER_FILE), &self.tenant).await?)
    }
}

#[expect(clippy::disallowed_methods, reason = "the pipeline is where a run reads the clock")]
fn now() -> UtcMicros {
    UtcMicros(jiff::Timestamp::now().as_microsecond())
}
