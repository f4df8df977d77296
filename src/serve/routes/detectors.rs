//! `/detectors`: what the engine can find.

use axum::extract::State;
use serde_json::{Value, json};

use crate::models;
use crate::serve::answer::Answer;
use crate::serve::parameters::{Nothing, Parameters};
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// Every declared detector, by code: those that are built in, and the company's own.
#[utoipa::path(get, path = "/api/v1/detectors", responses((status = 200, description = "Detectors")))]
pub async fn list(State(shared): State<Shared>, _: Parameters<Nothing>) -> Result<Answer, Problem> {
    let mut rules = models::builtin_rules().map_err(crate::pipeline::Error::from)?;
    rules.extend(shared.company_rules().await?.rules.own.iter().cloned());
    rules.sort_by(|a, b| a.code.cmp(&b.code));
    let detectors: Vec<Value> = rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "code": rule.code,
                "title": rule.title,
                "group": rule.group,
                "severity": rule.severity.as_str(),
                "on_by_default": rule.on_by_default,
                "own": !models::is_built_in(&rule.id),
                "why": rule.why.trim(),
                "controls": rule.controls,
            })
        })
        .collect();
    let answer = json!({ "schema_version": 1, "detectors": detectors });
    Ok(Answer::list(answer, "detectors"))
}
