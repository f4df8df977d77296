//! `/time-to-zero-access`: how long leavers keep what they had.

use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use crate::domain::UtcMicros;
use crate::pipeline::{LeaverReport, leaver_report};
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
    since: Option<String>,
    profile: Option<String>,
}

/// The clocks of everyone who left with access, over all and by application.
#[utoipa::path(get, path = "/api/v1/time-to-zero-access",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query), ("since" = Option<String>, Query), ("profile" = Option<String>, Query)),
    responses((status = 200, description = "Clocks, leavers and why they may be incomplete"), (status = 400, description = "Problem document")))]
pub async fn report(
    State(shared): State<Shared>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Answer, Problem> {
    let at = Instants { as_of: asked.as_of, known_at: asked.known_at }.resolve(&shared).await?;
    let since = match &asked.since {
        None => LeaverReport::since_default(at.as_of),
        Some(text) => UtcMicros::parse(text).ok_or_else(|| {
            Problem::bad_request("time", format!("since \"{text}\" is not an RFC 3339 time"))
        })?,
    };
    let session = shared.session(at).await?;
    let profile = shared.profile(asked.profile.as_deref());
    let report = leaver_report(&session, shared.tenant(), since, profile).await?;
    let mut answer = json!(report);
    answer["schema_version"] = json!(1);
    Ok(Answer::list(answer, "leavers"))
}
