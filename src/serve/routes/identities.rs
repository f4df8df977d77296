//! `/identities`: the people, and what they held.

use axum::extract::{Path, State};

use super::access::held;
use super::list::{Listed, Paging, page};
use crate::pipeline::Subject;
use crate::serve::answer::Answer;
use crate::serve::instant::Instants;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

const LISTED: Listed = Listed { name: "identities", sql: include_str!("identities.sql") };

/// People whom rosters name, by identity id.
#[utoipa::path(get, path = "/api/v1/identities",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, description = "One page"), (status = 400, description = "Problem document")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Answer, Problem> {
    Ok(Answer::list(page(&shared, &paging, &LISTED).await?, LISTED.name))
}

/// What a person held at an instant; `id` is an identity id, an employee id or an e-mail.
#[utoipa::path(get, path = "/api/v1/identities/{id}/access",
    params(("id" = String, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "Holdings"), (status = 400, description = "Problem document")))]
pub async fn access(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Parameters(instants): Parameters<Instants>,
) -> Result<Answer, Problem> {
    held(&shared, instants, &Subject::Identity(id)).await
}
