//! `/rules`: the company's own rules as their folders have them now, and what is wrong with them.

use axum::extract::State;
use serde_json::{Value, json};

use crate::serve::answer::Answer;
use crate::serve::parameters::{Nothing, Parameters};
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// Rules beside those that are built in. A file that cannot be read any more is in `broken`, with its line; what
/// it said when it last could be read (`last_good_at`) runs meanwhile.
#[utoipa::path(get, path = "/api/v1/rules", responses((status = 200, description = "Rules")))]
pub async fn list(State(shared): State<Shared>, _: Parameters<Nothing>) -> Result<Answer, Problem> {
    let loaded = shared.company_rules().await?;
    let own = loaded.rules.own.iter().map(|rule| {
        json!({ "kind": "own", "detector": rule.id, "title": rule.title, "severity": rule.severity,
            "on_by_default": rule.on_by_default, "controls": rule.controls })
    });
    let sigma = loaded.rules.sigma.headings().map(|rule| {
        json!({ "kind": "sigma", "detector": rule.detector(), "title": rule.title, "severity": rule.severity(),
            "on_by_default": rule.retired.is_none(), "controls": rule.controls(), "file": rule.file })
    });
    let answer = json!({
        "schema_version": 1,
        "loaded_at": loaded.loaded_at,
        "rules": own.chain(sigma).collect::<Vec<Value>>(),
        "broken": loaded.rules.broken,
    });
    Ok(Answer::list(answer, "rules"))
}
