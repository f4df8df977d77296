//! `/costs`: what unused seats and work by hand cost.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::pipeline::cost_report;
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

/// Unused seats by application with what can be had back now and at the renewal, and accounts kept by hand.
#[utoipa::path(get, path = "/api/v1/costs",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query), ("profile" = Option<String>, Query)),
    responses((status = 200, description = "Licences, totals by currency, work by hand, assumptions and why they may be incomplete"), (status = 400, description = "Problem document")))]
pub async fn report(
    State(shared): State<Shared>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Answer, Problem> {
    let at = Instants { as_of: asked.as_of, known_at: asked.known_at }.resolve(&shared).await?;
    let session = shared.session(at).await?;
    let profile = shared.profile(asked.profile.as_deref());
    let report = cost_report(&session, shared.tenant(), profile, &shared.cost_model()?).await?;
    let mut answer = json!(report);
    answer["schema_version"] = json!(1);
    Ok(Answer::list(answer, "licences"))
}
