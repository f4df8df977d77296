//! `/runs`: the recorded runs, newest first.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::list::Paging;
use crate::serve::answer::Answer;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// How many are listed; runs have instants of their own, and no pages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    limit: Option<u32>,
}

/// The newest runs.
#[utoipa::path(get, path = "/api/v1/runs", params(("limit" = Option<u32>, Query)),
    responses((status = 200, description = "Runs"), (status = 400, description = "Problem document")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(newest): Parameters<Newest>,
) -> Result<Answer, Problem> {
    let paging = Paging { limit: newest.limit, ..Paging::default() };
    let runs = shared.ledger().runs(paging.limit()?).await?;
    let answer = json!({ "schema_version": 1, "runs": runs });
    Ok(Answer::list(answer, "runs"))
}
