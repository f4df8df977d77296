//! `/accounts`: the accounts, and what they held.

use axum::extract::{Path, State};

use super::access::held;
use super::list::{Listed, Paging, page};
use crate::pipeline::Subject;
use crate::serve::answer::Answer;
use crate::serve::instant::Instants;
use crate::serve::parameters::Parameters;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

const LISTED: Listed = Listed { name: "accounts", sql: include_str!("accounts.sql") };

/// Accounts that exist, by application and id.
#[utoipa::path(get, path = "/api/v1/accounts",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, description = "One page"), (status = 400, description = "Problem document")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Answer, Problem> {
    Ok(Answer::list(page(&shared, &paging, &LISTED).await?, LISTED.name))
}

/// What an account held at an instant.
#[utoipa::path(get, path = "/api/v1/accounts/{app}/{id}/access",
    params(("app" = String, Path), ("id" = String, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "Holdings"), (status = 400, description = "Problem document")))]
pub async fn access(
    State(shared): State<Shared>,
    Path((app, id)): Path<(String, String)>,
    Parameters(instants): Parameters<Instants>,
) -> Result<Answer, Problem> {
    held(&shared, instants, &Subject::Account(format!("{app}/{id}"))).await
}
