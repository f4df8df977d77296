//! What every request shares: the engine, the ledger, and the sessions of recent instants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::batches::Batches;
use super::cursor::Signer;
use super::problem::Problem;
use crate::domain::UtcMicros;
use crate::findings::Ledger;
use crate::pipeline;
use crate::pipeline::{CompanyRules, CostModel, Engine, IngestReport, LeaverReport, Reading, leaver_report};
use crate::query::{At, Session};
use crate::state::leavers::Clock;

/// Sessions kept: building one reads the lake, asking one does not.
const SESSIONS_MAX: usize = 4;

#[derive(Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

/// Rules, and what their folders were like when they were read.
pub struct Loaded {
    fingerprint: String,
    pub rules: CompanyRules,
    pub loaded_at: UtcMicros,
}

struct Inner {
    engine: Engine,
    ledger: Ledger,
    signer: Signer,
    clock: fn() -> UtcMicros,
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
    handle: PrometheusHandle,
    sessions: Mutex<VecDeque<(At, Arc<Session>)>>,
    /// The run whose leavers' clocks are in the metrics, or on their way there.
    clocks_of: Mutex<Option<At>>,
    /// Held by the request that ingests: a lake has one writer at a time.
    ingesting: Mutex<()>,
    batches: Batches,
    rules: Mutex<Option<Arc<Loaded>>>,
}

impl Shared {
    /// `wait` is how long a sender waits before it is told where to ask.
    pub fn new(
        engine: Engine,
        ledger: Ledger,
        signer: Signer,
        clock: fn() -> UtcMicros,
        wait: Duration,
    ) -> Shared {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let sessions = Mutex::new(VecDeque::new());
        let ingesting = Mutex::new(());
        let clocks_of = Mutex::new(None);
        let batches = Batches::new(wait);
        let inner = Inner {
            engine,
            ledger,
            signer,
            clock,
            recorder,
            handle,
            sessions,
            clocks_of,
            ingesting,
            batches,
            rules: Mutex::new(None),
        };
        Shared { inner: Arc::new(inner) }
    }

    pub fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    pub fn now(&self) -> UtcMicros {
        (self.inner.clock)()
    }

    /// What the report on costs assumes.
    pub fn cost_model(&self) -> Result<CostModel, Problem> {
        Ok(self.inner.engine.cost_model()?)
    }

    /// The threshold profile that a request names, or that of the configuration.
    pub fn profile<'a>(&'a self, named: Option<&'a str>) -> &'a str {
        named.unwrap_or_else(|| self.inner.engine.profile())
    }

    pub fn tenant(&self) -> &str {
        self.inner.engine.tenant()
    }

    /// Counts one answered request.
    pub fn count(&self, route: &str, status: u16) {
        metrics::with_local_recorder(&self.inner.recorder, || {
            let labels = [("route", route.to_owned()), ("status", status.to_string())];
            metrics::counter!("lychgate_http_requests_total", &labels).increment(1);
        });
    }

    /// The metrics in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.inner.handle.render()
    }

    /// Brings the leavers' clocks of the newest run into the metrics, once a run. A scraper does
    /// not wait for it: the figures are there from one of the next scrapes on.
    pub async fn follow_newest_run(&self) {
        let Some(run) = self.ledger().runs(1).await.ok().and_then(|runs| runs.into_iter().next()) else {
            return;
        };
        let at = At { as_of: run.as_of, known_at: run.known_at };
        if self.inner.clocks_of.lock().await.replace(at) == Some(at) {
            return;
        }
        let shared = self.clone();
        tokio::spawn(async move {
            let told = async {
                let session = shared.session(at).await.ok()?;
                let since = LeaverReport::since_default(at.as_of);
                leaver_report(&session, shared.tenant(), since, &run.profile).await.ok()
            };
            match told.await {
                Some(report) => shared.measure(&report),
                // The next scrape tries again.
                None => *shared.inner.clocks_of.lock().await = None,
            }
        });
    }

    fn measure(&self, report: &LeaverReport) {
        let all = std::iter::once(("all", &report.overall));
        let apps = report.apps.iter().map(|(app, clock)| (app.as_str(), clock));
        metrics::with_local_recorder(&self.inner.recorder, || {
            all.chain(apps).for_each(|(app, clock)| measure_clock(app, clock));
        });
    }

    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    pub fn batches(&self) -> &Batches {
        &self.inner.batches
    }

    /// Ingests a body, one at a time; what the report counts is durable. `before_commit` hears what is
    /// about to be committed.
    pub async fn ingest(
        &self,
        name: String,
        body: Bytes,
        reading: Reading,
        before_commit: impl AsyncFnOnce(&IngestReport) -> Result<(), pipeline::Error> + Send + 'static,
    ) -> Result<IngestReport, Problem> {
        let _turn = self.inner.ingesting.lock().await;
        let engine = self.inner.engine.clone();
        // Reading and writing files would hold up the requests that share this thread.
        let work =
            move || Handle::current().block_on(engine.ingest_body(&name, &body, &reading, before_commit));
        match tokio::task::spawn_blocking(work).await {
            Ok(report) => Ok(report?),
            Err(panic) => Err(Problem::internal(&panic)),
        }
    }

    /// The company's rules as its folders have them now: read again when a file there has changed.
    pub async fn company_rules(&self) -> Result<Arc<Loaded>, Problem> {
        let mut held = self.inner.rules.lock().await;
        let engine = self.inner.engine.clone();
        let read = tokio::task::spawn_blocking(move || engine.rule_folders().fingerprint()).await;
        let fingerprint = read.map_err(|panic| Problem::internal(&panic))?;
        if let Some(loaded) = held.as_ref().filter(|loaded| loaded.fingerprint == fingerprint) {
            return Ok(Arc::clone(loaded));
        }
        let rules = self.inner.engine.company_rules().await?;
        let loaded = Arc::new(Loaded { fingerprint, rules, loaded_at: self.now() });
        *held = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// A session at `at`, from the recent ones or new. One of an instant that is not past is not
    /// kept: what is ingested until then belongs to it too. Nor is one while a batch is on its way that
    /// began before that instant.
    pub async fn session(&self, at: At) -> Result<Arc<Session>, Problem> {
        let mut sessions = self.inner.sessions.lock().await;
        if let Some((_, session)) = sessions.iter().find(|(known, _)| *known == at) {
            return Ok(Arc::clone(session));
        }
        // Asked before the tables are read: a batch that begins after this is of a later instant.
        let is_settled = at.as_of.max(at.known_at) < self.now() && !self.inner.engine.is_being_written();
        let session = Arc::new(self.inner.engine.session(at).await?);
        if is_settled {
            sessions.push_front((at, Arc::clone(&session)));
            sessions.truncate(SESSIONS_MAX);
        }
        Ok(session)
    }

    /// A session of an instant for which nobody asks again: now.
    pub async fn passing_session(&self, at: At) -> Result<Arc<Session>, Problem> {
        // One is built at a time: each takes memory.
        let _turn = self.inner.sessions.lock().await;
        Ok(Arc::new(self.inner.engine.session(at).await?))
    }
}

fn measure_clock(app: &str, clock: &Clock) {
    let app = || ("app", app.to_owned());
    for (state, leavers) in [
        ("closed", clock.closed),
        ("open", clock.open),
        ("undated", clock.undated),
        ("unknown", clock.unknown),
    ] {
        let labels = [app(), ("state", state.to_owned())];
        metrics::gauge!("lychgate_leavers", &labels).set(leavers as f64);
    }
    metrics::gauge!("lychgate_leavers_late", &[app()]).set(clock.late as f64);
    for (quantile, seconds) in [("0.5", clock.p50_s), ("0.95", clock.p95_s)] {
        let Some(seconds) = seconds else { continue };
        let labels = [app(), ("quantile", quantile.to_owned())];
        metrics::gauge!("lychgate_leaver_zero_access_seconds", &labels).set(seconds as f64);
    }
}
