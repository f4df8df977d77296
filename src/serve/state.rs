//! What every request shares: the engine, the ledger, and the sessions of recent instants.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Bytes;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::cursor::Signer;
use super::problem::Problem;
use crate::domain::UtcMicros;
use crate::findings::Ledger;
use crate::pipeline::{Engine, IngestReport, Reading};
use crate::query::{At, Session};

/// Sessions kept: building one reads the lake, asking one does not.
const SESSIONS_MAX: usize = 4;

#[derive(Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    ledger: Ledger,
    signer: Signer,
    clock: fn() -> UtcMicros,
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
    handle: PrometheusHandle,
    sessions: Mutex<VecDeque<(At, Arc<Session>)>>,
    /// Held by the request that ingests: a lake has one writer at a time.
    ingesting: Mutex<()>,
}

impl Shared {
    pub fn new(engine: Engine, ledger: Ledger, signer: Signer, clock: fn() -> UtcMicros) -> Shared {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let sessions = Mutex::new(VecDeque::new());
        let ingesting = Mutex::new(());
        let inner = Inner { engine, ledger, signer, clock, recorder, handle, sessions, ingesting };
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

    /// Ingests a body, one at a time; what the report counts is durable.
    pub async fn ingest(&self, name: String, body: Bytes, reading: Reading) -> Result<IngestReport, Problem> {
        let _turn = self.inner.ingesting.lock().await;
        let engine = self.inner.engine.clone();
        // Reading and writing files would hold up the requests that share this thread.
        let work = move || Handle::current().block_on(engine.ingest_body(&name, &body, &reading));
        match tokio::task::spawn_blocking(work).await {
            Ok(report) => Ok(report?),
            Err(panic) => Err(Problem::internal(&panic)),
        }
    }

    /// A session at `at`, from the recent ones or new.
    pub async fn session(&self, at: At) -> Result<Arc<Session>, Problem> {
        let mut sessions = self.inner.sessions.lock().await;
        if let Some((_, session)) = sessions.iter().find(|(known, _)| *known == at) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(self.inner.engine.session(at).await?);
        sessions.push_front((at, Arc::clone(&session)));
        sessions.truncate(SESSIONS_MAX);
        Ok(session)
    }
}
