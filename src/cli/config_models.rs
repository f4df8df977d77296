//! What the configuration says instead of our models: how applications behave, and what work by hand
//! costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::models::costs::{Estimate, cost_model};
use crate::pipeline::{CostModel, Semantics};

/// Numbers of your own instead of ours.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Of the hourly cost.
    pub currency: Option<String>,
    pub hourly_cost: Option<LowMidHigh>,
    /// Hours a year for an application whose accounts no SCIM connection keeps.
    pub hours_per_application: Option<LowMidHigh>,
    /// Hours to find, decide and mend one account that should have been closed.
    pub hours_per_gap: Option<LowMidHigh>,
}

/// The least, the likely and the most.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LowMidHigh {
    pub low: f64,
    pub mid: f64,
    pub high: f64,
}

/// What one application does; what is not said is taken from the register or from `models/semantics`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Application id.
    pub app: String,
    /// `soft` (an account can be disabled, and stays) or `hard`.
    pub delete: Option<String>,
    /// What an identity provider sends on a suspension: `silent` or `deactivates`.
    pub suspend: Option<String>,
    /// `sso_only` or `local`.
    pub login: Option<String>,
    /// How long a change takes to arrive: `40m`.
    pub lag: Option<String>,
    /// Dialect of the requests that would mend a finding: `okta` or `entra`.
    pub dialect: Option<String>,
}

/// How applications behave; the error says which one is wrong, and where.
pub fn semantics(applications: &[Application], from: &str) -> Result<Vec<Semantics>, Error> {
    let wrong =
        |app: &str, what: String| Error::Usage(format!("application \"{app}\" (from {from}): {what}"));
    let mut all: Vec<Semantics> = Vec::with_capacity(applications.len());
    for Application { app, delete, suspend, login, lag, dialect } in applications {
        let words = [delete, suspend, login, lag, dialect].map(|word| word.as_deref());
        let semantics = Semantics::configured(app, words).map_err(|what| wrong(app, what))?;
        if all.iter().any(|other| other.names == semantics.names) {
            return Err(wrong(app, "it stands there twice".to_owned()));
        }
        all.push(semantics);
    }
    Ok(all)
}

/// The model with the configuration's numbers in it, each with the file as its source.
pub fn costs(own: &Costs, from: &str) -> Result<Option<CostModel>, Error> {
    let Costs { currency, hourly_cost, hours_per_application, hours_per_gap } = own;
    let given = [hourly_cost, hours_per_application, hours_per_gap];
    if currency.is_none() && given.iter().all(|numbers| numbers.is_none()) {
        return Ok(None);
    }
    let mut model = cost_model().map_err(|error| Error::Usage(error.to_string()))?;
    let manual = &mut model.manual;
    if let Some(currency) = currency {
        manual.currency.clone_from(currency);
    }
    let kept = [&mut manual.hourly_cost, &mut manual.hours_per_application, &mut manual.hours_per_gap];
    for (kept, given) in kept.into_iter().zip(given) {
        if let Some(LowMidHigh { low, mid, high }) = *given {
            *kept = Estimate { low, mid, high, source: from.to_owned() };
        }
    }
    match model.complaint() {
        None => Ok(Some(model)),
        Some(reason) => Err(Error::Usage(format!("costs (from {from}): {reason}"))),
    }
}
