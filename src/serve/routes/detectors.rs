//! `/detectors`: what the engine can find.

use axum::Json;
use serde_json::{Value, json};

use crate::models;
use crate::serve::problem::Problem;

/// Every detector, by code.
#[utoipa::path(get, path = "/api/v1/detectors", responses((status = 200, description = "Detectors")))]
pub async fn list() -> Result<Json<Value>, Problem> {
    let mut rules = models::builtin_rules().map_err(crate::pipeline::Error::from)?;
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
                "why": rule.why.trim(),
                "controls": rule.controls,
            })
        })
        .collect();
    Ok(Json(json!({ "schema_version": 1, "detectors": detectors })))
}
