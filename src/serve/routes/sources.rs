//! `/sources`: what has been read, how far it reaches, and what is missing.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::pipeline::source_reports;
use crate::query::At;
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

/// Every source, by name, kind and application, with its state and what speaks against it: now, unless `as_of` says
/// when, since a source that went silent after the newest run is what is looked for here.
#[utoipa::path(get, path = "/api/v1/sources",
    params(("as_of" = Option<String>, Query, description = "True when, RFC 3339; else now"),
        ("known_at" = Option<String>, Query, description = "As known when, RFC 3339; else now"),
        ("profile" = Option<String>, Query)),
    responses((status = 200, description = "Sources")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Answer, Problem> {
    let is_of_now = asked.as_of.is_none();
    let instants = Instants { as_of: asked.as_of, known_at: asked.known_at };
    let (at, session) = if is_of_now {
        let at = instants.or(At { as_of: shared.now(), known_at: shared.now() })?;
        (at, shared.passing_session(at).await?)
    } else {
        let at = instants.resolve(&shared).await?;
        (at, shared.session(at).await?)
    };
    let sources = source_reports(&session, shared.profile(asked.profile.as_deref())).await?;
    let answer =
        json!({ "schema_version": 1, "as_of": at.as_of, "known_at": at.known_at, "sources": sources });
    Ok(Answer::list(answer, "sources"))
}
