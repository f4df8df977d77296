//! `/sources`: what has been read, how far it reaches, and what is missing.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::query::json_rows;
use crate::serve::instant::Instants;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

const SQL: &str = "SELECT source, kind, app_id, watermark_at, last_ingested_at, rows, previous_rows, complete, \
     quarantined FROM sources_now ORDER BY source, app_id";

/// Every source, by name and application.
#[utoipa::path(get, path = "/api/v1/sources",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "Sources")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(instants): Parameters<Instants>,
) -> Result<Json<Value>, Problem> {
    let at = instants.resolve(&shared).await?;
    let session = shared.session(at).await?;
    let sources = json_rows(&session.collect("sources_now", SQL).await?);
    Ok(Json(json!({ "schema_version": 1, "as_of": at.as_of, "known_at": at.known_at, "sources": sources })))
}
