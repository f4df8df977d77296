//! Batches of events on their way into the lake. A sender waits a while for the answer that they are
//! durable; who does not want to, or waits too long, gets an id to ask with. The ledger then knows the
//! batch, and before the lake changes also what to look for there: so after a restart it is told right
//! what became of it.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tracing::error;

use super::problem::Problem;
use super::state::Shared;
use crate::domain::UtcMicros;
use crate::domain::digest;
use crate::findings::{Batch, Load};
use crate::pipeline::{self, FileReport, IngestReport, Reading};
use crate::query::feeds;

/// Batches that may be on their way while nobody waits for them: each is held in memory.
const BATCHES_MAX: u32 = 16;

/// The batches that nobody waits for.
pub struct Batches {
    /// How long a sender waits.
    pub wait: Duration,
    places: Arc<Semaphore>,
    running: Arc<std::sync::Mutex<HashSet<String>>>,
}

/// What was sent.
pub struct Sent {
    pub sender: String,
    pub body: Bytes,
    pub reading: Reading,
}

/// What a sender is answered.
pub enum Taken {
    /// It is durable; this is what became of it.
    Durable(Value),
    /// It is on its way; this is how to ask for it.
    Pending(Batch),
}

/// A batch between its handler and the task that ingests it.
#[derive(Default)]
struct Course {
    load: Option<Load>,
    ended: bool,
    /// Once the ledger knows it.
    recorded: Option<Recorded>,
}

/// Keeps the place of a batch until it has ended.
struct Recorded {
    batch_id: String,
    running: Arc<std::sync::Mutex<HashSet<String>>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.batch_id);
    }
}

impl Batches {
    pub fn new(wait: Duration) -> Batches {
        let places = Arc::new(Semaphore::new(BATCHES_MAX as usize));
        Batches { wait, places, running: Arc::default() }
    }

    /// Waits until no batch is on its way that nobody waits for.
    pub async fn finished(&self) {
        // Nobody closes the semaphore, so this is about permits alone.
        let _ = self.places.acquire_many(BATCHES_MAX).await;
    }

    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn is_running(&self, batch_id: &str) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).contains(batch_id)
    }

    fn start(&self, batch_id: &str, place: OwnedSemaphorePermit) -> Recorded {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(batch_id.to_owned());
        Recorded { batch_id: batch_id.to_owned(), running: Arc::clone(&self.running), _place: place }
    }
}

/// Ingests what was sent, and answers when it is durable or `patience` is over.
///
/// # Errors
/// What keeps it from being stored, as far as that is known by then.
pub async fn take(shared: &Shared, sent: Sent, patience: Duration) -> Result<Taken, Problem> {
    let received_at = shared.now();
    let content = Sha256::digest(&sent.body);
    let (sender, batch_id) = (sent.sender.clone(), batch_id(shared, &sent.sender, &content, received_at));
    // Who will not wait at all is refused before anything is read.
    let place = if patience.is_zero() { Some(shared.batches().place().ok_or_else(busy)?) } else { None };
    let course = Arc::new(Mutex::new(Course::default()));
    let name = feeds::body(&sent.sender, &content);
    let mut task = tokio::spawn(ingest(shared.clone(), sent, name, Arc::clone(&course)));
    let told = |joined: Result<Result<Value, Problem>, tokio::task::JoinError>| match joined {
        Ok(done) => done.map(Taken::Durable),
        Err(panic) => Err(Problem::internal(&panic)),
    };
    if let Ok(joined) = tokio::time::timeout(patience, &mut task).await {
        return told(joined);
    }
    let Some(place) = place.or_else(|| shared.batches().place()) else { return told(task.await) };
    let mut held = course.lock().await;
    if held.ended {
        drop(held);
        return told(task.await);
    }
    let batch = Batch { batch_id, sender, received_at, load: held.load.clone(), end: None };
    let recorded = shared.batches().start(&batch.batch_id, place);
    shared.ledger().add_batch(&batch).await?;
    held.recorded = Some(recorded);
    Ok(Taken::Pending(batch))
}

async fn ingest(
    shared: Shared,
    sent: Sent,
    name: String,
    course: Arc<Mutex<Course>>,
) -> Result<Value, Problem> {
    let (ledger, noted) = (shared.ledger().clone(), Arc::clone(&course));
    let before_commit = async move |report: &IngestReport| -> Result<(), pipeline::Error> {
        let Some(file) = report.files.first() else { return Ok(()) };
        let Some(load_id) = file.load_id.clone() else { return Ok(()) };
        let load = Load { load_id, report: told(file) };
        let mut course = noted.lock().await;
        if let Some(recorded) = &course.recorded {
            ledger.load_batch(&recorded.batch_id, &load).await?;
        }
        course.load = Some(load);
        Ok(())
    };
    let done = match shared.ingest(name, sent.body, sent.reading, before_commit).await {
        Ok(report) => outcome(&report),
        Err(problem) => Err(problem),
    };
    let mut course = course.lock().await;
    course.ended = true;
    if let Some(recorded) = course.recorded.take() {
        let document = done.as_ref().map_err(Problem::document);
        let end = document.as_ref().copied();
        if let Err(failure) = shared.ledger().finish_batch(&recorded.batch_id, end, shared.now()).await {
            // Whoever asks is told what the lake says.
            error!(error = &failure as &dyn std::error::Error, batch_id = recorded.batch_id, "end not noted");
        }
    }
    done
}

fn outcome(report: &IngestReport) -> Result<Value, Problem> {
    let Some(file) = report.files.first() else {
        return Err(Problem::bad_request("empty", "the body holds nothing"));
    };
    match &file.refused {
        Some(why) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", why.clone())),
        None => Ok(told(file)),
    }
}

fn told(file: &FileReport) -> Value {
    json!({
        "schema_version": 1,
        "source": file.source,
        "read": file.read,
        "new": file.new,
        "duplicate": file.duplicate,
        "quarantined": file.quarantined,
        "reasons": file.reasons,
    })
}

/// What has become of a batch that this sender was given an id for.
///
/// # Errors
/// When there is none, or ledger or lake cannot be read.
pub async fn standing(shared: &Shared, batch_id: &str, sender: &str) -> Result<Value, Problem> {
    // Asked first: a batch that has ended is in the ledger by then.
    let running = shared.batches().is_running(batch_id);
    let Some(batch) = shared.ledger().batch(batch_id, sender).await? else {
        return Err(Problem::not_found(format!("there is no batch \"{batch_id}\" that this token sent")));
    };
    Ok(match &batch.end {
        Some((_, Some(problem))) => describe(&batch, "failed", Some(("problem", problem.clone()))),
        Some((_, None)) => durable(&batch),
        None if running => describe(&batch, "pending", None),
        // The program ended in between; the lake says how far it had come.
        None => match &batch.load {
            Some(load) if shared.engine().holds_load(&load.load_id).await? => durable(&batch),
            _ => describe(&batch, "failed", Some(("problem", interrupted().document()))),
        },
    })
}

fn durable(batch: &Batch) -> Value {
    describe(batch, "durable", batch.load.as_ref().map(|load| ("result", load.report.clone())))
}

/// A batch as the API tells it.
pub fn describe(batch: &Batch, status: &str, with: Option<(&str, Value)>) -> Value {
    let mut told = json!({
        "schema_version": 1,
        "batch_id": batch.batch_id,
        "status": status,
        "received_at": batch.received_at,
    });
    if let Some((finished_at, _)) = &batch.end {
        told["finished_at"] = json!(finished_at);
    }
    if let Some((name, value)) = with {
        told[name] = value;
    }
    told
}

fn interrupted() -> Problem {
    let detail =
        "the server ended before the batch was durable as a whole; send it again, which stores nothing twice";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "interrupted", detail)
}

fn busy() -> Problem {
    let detail = format!("{BATCHES_MAX} batches are on their way already; send again in a while");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
}

/// No two batches share one: those of one process are numbered, and those of several have other instants.
fn batch_id(shared: &Shared, sender: &str, content: &[u8], received_at: UtcMicros) -> String {
    static TAKEN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = TAKEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut hash = Sha256::new();
    for part in [shared.tenant().as_bytes(), sender.as_bytes(), content] {
        digest::add(&mut hash, part);
    }
    hash.update(received_at.0.to_le_bytes());
    hash.update(number.to_le_bytes());
    digest::id(hash)
}
