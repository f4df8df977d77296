//! `/runs`: the recorded runs, newest first.

use axum::extract::State;
use serde_json::json;

use super::list::Paging;
use crate::serve::answer::Answer;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// The newest runs.
#[utoipa::path(get, path = "/api/v1/runs", params(("limit" = Option<u32>, Query)),
    responses((status = 200, description = "Runs"), (status = 400, description = "Problem document")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Answer, Problem> {
    let runs = shared.ledger().runs(paging.limit()?).await?;
    let answer = json!({ "schema_version": 1, "runs": runs });
    Ok(Answer::list(answer, "runs"))
}
