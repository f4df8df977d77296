//! `POST /events`: what a source sends. The answer comes when what it counts is durable.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::pipeline::Reading;
use crate::serve::auth::Caller;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// How to read the body, as the flags of `ingest` say it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    source: Option<String>,
    app: Option<String>,
    org: Option<String>,
}

/// Reads a body in any form that `ingest` reads. The same body twice changes nothing, so a
/// sender that did not hear the answer sends again.
#[utoipa::path(post, path = "/api/v1/events",
    params(("source" = Option<String>, Query, description = "Format, when it must not be guessed"),
        ("app" = Option<String>, Query, description = "Application that the records are about"),
        ("org" = Option<String>, Query, description = "The customer that the records are about")),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, description = "Stored, and durable"),
        (status = 403, description = "The token may not send"),
        (status = 413, description = "More than 32 MiB"),
        (status = 422, description = "The body cannot be told with certainty; the detail asks the question"),
        (status = 503, description = "Another process writes; send again")))]
pub async fn take(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(sending): Parameters<Sending>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let hash: String = Sha256::digest(&body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("api/{}/{hash}", caller.label);
    let reading =
        Reading { source: sending.source, app: sending.app, org: sending.org, ..Reading::default() };
    let report = shared.ingest(name, body, reading).await?;
    let Some(file) = report.files.first() else {
        return Err(Problem::bad_request("empty", "the body holds nothing"));
    };
    if let Some(why) = &file.refused {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", why.clone()));
    }
    Ok(Json(json!({
        "schema_version": 1,
        "source": file.source,
        "read": file.read,
        "new": file.new,
        "duplicate": file.duplicate,
        "quarantined": file.quarantined,
        "reasons": file.reasons,
    })))
}
