//! `/sources`: what has been read, how far it reaches, and what is missing.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::pipeline::source_reports;
use crate::serve::answer::Answer;
use crate::serve::instant::Instants;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    as_of: Option<String>,
    known_at: Option<String>,
    profile: Option<String>,
}

/// Every source, by name, kind and application, with its state and what speaks against it.
#[utoipa::path(get, path = "/api/v1/sources",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query), ("profile" = Option<String>, Query)),
    responses((status = 200, description = "Sources")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Answer, Problem> {
    let at = Instants { as_of: asked.as_of, known_at: asked.known_at }.resolve(&shared).await?;
    let session = shared.session(at).await?;
    let sources = source_reports(&session, shared.profile(asked.profile.as_deref())).await?;
    let answer =
        json!({ "schema_version": 1, "as_of": at.as_of, "known_at": at.known_at, "sources": sources });
    Ok(Answer::list(answer, "sources"))
}
