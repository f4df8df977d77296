//! The typed face of `models/costs/default.yml`: what the report on costs assumes.
//!
//! It sums nothing: `pipeline::costs` does.

use serde::{Deserialize, Serialize};

use super::{Error, parse_yaml};

const FILE: &str = "costs/default.yml";
const TEXT: &str = include_str!("../../models/costs/default.yml");

/// All assumptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostModel {
    pub id: String,
    pub title: String,
    pub licences: LicenceCosts,
    pub manual: ManualCosts,
}

/// What is assumed of seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceCosts {
    pub period_default: Assumed<Period>,
    pub term_days: Assumed<u32>,
    /// In the order in which a seat is counted.
    pub unused: Vec<Unused>,
}

/// What is assumed of work by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualCosts {
    pub currency: String,
    /// A year.
    pub hours_per_application: Estimate,
    pub hours_per_gap: Estimate,
    pub hourly_cost: Estimate,
    /// Ids of rules.
    pub gaps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed<T> {
    pub value: T,
    pub source: String,
}

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Month,
    Quarter,
    Year,
}

impl Period {
    pub fn parse(text: &str) -> Option<Period> {
        match text.trim().to_lowercase().as_str() {
            "month" | "monthly" => Some(Period::Month),
            "quarter" | "quarterly" => Some(Period::Quarter),
            "year" | "yearly" | "annual" | "annually" => Some(Period::Year),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Period::Month => "month",
            Period::Quarter => "quarter",
            Period::Year => "year",
        }
    }

    pub fn per_year(self) -> f64 {
        match self {
            Period::Month => 12.0,
            Period::Quarter => 4.0,
            Period::Year => 1.0,
        }
    }
}

/// Three numbers, and who says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    pub low: f64,
    pub mid: f64,
    pub high: f64,
    pub source: String,
}

/// How likely it is that a seat which a rule found is not needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unused {
    /// Id of the rule.
    pub rule: String,
    pub low: f64,
    pub mid: f64,
    pub high: f64,
    pub source: String,
}

/// The model that is compiled in.
///
/// # Errors
/// [`Error::Parse`], or [`Error::Invalid`] for numbers out of order, and rules that do not exist.
pub fn cost_model() -> Result<CostModel, Error> {
    parse_cost_model(FILE, TEXT)
}

/// The same of any text; `file` is for messages.
///
/// # Errors
/// As [`cost_model`].
pub fn parse_cost_model(file: &str, text: &str) -> Result<CostModel, Error> {
    let model: CostModel = parse_yaml(file, text)?;
    match model.complaint() {
        None => Ok(model),
        Some(reason) => Err(Error::Invalid { file: file.to_owned(), line: 1, reason }),
    }
}

impl CostModel {
    /// What is wrong with the numbers and names, if anything is.
    pub fn complaint(&self) -> Option<String> {
        let manual = &self.manual;
        let estimates = [
            ("hours_per_application", &manual.hours_per_application),
            ("hours_per_gap", &manual.hours_per_gap),
            ("hourly_cost", &manual.hourly_cost),
        ];
        for (name, Estimate { low, mid, high, source }) in estimates {
            if !(*low >= 0.0 && low <= mid && mid <= high && high.is_finite()) {
                return Some(format!("{name} must rise from low to high: {low}, {mid}, {high}"));
            }
            if source.trim().is_empty() {
                return Some(format!("{name} names no source; write one or `house`"));
            }
        }
        for Unused { rule, low, mid, high, source } in &self.licences.unused {
            if !(*low >= 0.0 && low <= mid && mid <= high && *high <= 1.0) || source.trim().is_empty() {
                return Some(format!("unused of {rule} must rise within 0 to 1 and name a source"));
            }
        }
        if self.licences.term_days.value == 0 || manual.currency.trim().is_empty() {
            return Some("term_days must be a day or more, and currency a word".to_owned());
        }
        let rules = self.licences.unused.iter().map(|unused| &unused.rule).chain(&manual.gaps);
        let known = |rule: &String| super::builtin_texts().iter().any(|(id, _)| id == rule);
        rules.into_iter().find(|rule| !known(rule)).map(|rule| format!("there is no rule \"{rule}\""))
    }
}
