//! Is it alive, is it ready, and its metrics.

use axum::extract::State;
use axum::http::{StatusCode, Uri};

use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// Answers as long as the process runs.
#[utoipa::path(get, path = "/livez", responses((status = 200, description = "The process runs")))]
pub async fn live() -> &'static str {
    "ok\n"
}

/// Answers 200 when the ledger can be read.
#[utoipa::path(get, path = "/readyz", responses((status = 200, description = "Requests can be served"), (status = 503, description = "The ledger cannot be read")))]
pub async fn ready(State(shared): State<Shared>) -> Result<&'static str, Problem> {
    match shared.ledger().runs(1).await {
        Ok(_) => Ok("ready\n"),
        Err(_) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "the ledger cannot be read"))
        }
    }
}

/// Metrics in Prometheus' text format: requests, and the leavers' clocks of the newest run.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Metrics", content_type = "text/plain", body = String)))]
pub async fn metrics(State(shared): State<Shared>) -> String {
    shared.follow_newest_run().await;
    shared.metrics()
}

pub async fn no_such_route(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}; see /openapi.json", uri.path()))
}
