//! The typed face of `models/risk/score.yml`: weights and scales of the risk score, and the
//! numbers behind the steps of severity.
//!
//! It scores nothing: `detect::score` does.

use serde::Deserialize;

use super::{Error, Interval, Value, parse_yaml};

const FILE: &str = "risk/score.yml";
const TEXT: &str = include_str!("../../models/risk/score.yml");

/// Weights and scales.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskModel {
    pub id: String,
    pub title: String,
    pub terms: Terms,
    pub severity: Severity,
}

/// The six terms of the score.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub privilege: Privilege,
    pub exposure: Exposure,
    pub activity: Activity,
    pub reach: Reach,
    pub credential: Credential,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Privilege {
    pub weight: f64,
    pub source: String,
    pub levels: PrivilegeLevels,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeLevels {
    pub tenant_admin: f64,
    pub privileged: f64,
    pub sensitive: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    pub weight: f64,
    pub source: String,
    deadline_default: Value,
}

impl Exposure {
    /// For rules that state no deadline.
    pub fn deadline_default(&self) -> Interval {
        interval(&self.deadline_default)
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    pub weight: f64,
    pub source: String,
    recent_within: Value,
    pub levels: ActivityLevels,
}

impl Activity {
    pub fn recent_within(&self) -> Interval {
        interval(&self.recent_within)
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityLevels {
    pub after_the_beginning: f64,
    pub recent: f64,
    pub earlier: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    pub weight: f64,
    pub source: String,
    pub applications_full: u32,
    pub accounts_full: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    pub weight: f64,
    pub source: String,
    pub levels: CredentialLevels,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialLevels {
    pub token: f64,
    pub password: f64,
    pub password_and_second_factor: f64,
    pub single_sign_on: f64,
    pub not_known: f64,
    pub none: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub weight: f64,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Severity {
    pub applications_min: usize,
    pub source: String,
}

/// The model that is compiled in, or what is wrong with it.
///
/// # Errors
/// [`Error::Parse`] for a text that has not its shape, [`Error::Invalid`] for a number out of range.
pub fn risk_model() -> Result<RiskModel, Error> {
    parse_risk_model(FILE, TEXT)
}

/// The same of any text; `file` is for messages.
///
/// # Errors
/// As [`risk_model`].
pub fn parse_risk_model(file: &str, text: &str) -> Result<RiskModel, Error> {
    let model: RiskModel = parse_yaml(file, text)?;
    match complaint(&model) {
        None => Ok(model),
        Some(reason) => Err(Error::Invalid { file: file.to_owned(), line: 1, reason }),
    }
}

/// A weight of 1 would make every other term say nothing, and a scale has ends.
fn complaint(model: &RiskModel) -> Option<String> {
    let Terms { privilege, exposure, activity, reach, credential, link } = &model.terms;
    let weights = [
        ("privilege", privilege.weight),
        ("exposure", exposure.weight),
        ("activity", activity.weight),
        ("reach", reach.weight),
        ("credential", credential.weight),
        ("link", link.weight),
    ];
    for (name, weight) in weights {
        if !(weight > 0.0 && weight < 1.0) {
            return Some(format!("the weight of {name} is {weight}; it must lie between 0 and 1"));
        }
    }
    let sources = [
        ("privilege", &privilege.source),
        ("exposure", &exposure.source),
        ("activity", &activity.source),
        ("reach", &reach.source),
        ("credential", &credential.source),
        ("link", &link.source),
        ("severity", &model.severity.source),
    ];
    for (name, source) in sources {
        if source.trim().is_empty() {
            return Some(format!("{name} names no source; write the clause or `house`"));
        }
    }
    let (p, a, c) = (&privilege.levels, &activity.levels, &credential.levels);
    let levels = [p.tenant_admin, p.privileged, p.sensitive, a.after_the_beginning, a.recent, a.earlier];
    let doors = [c.token, c.password, c.password_and_second_factor, c.single_sign_on, c.not_known, c.none];
    if let Some(level) = levels.iter().chain(&doors).find(|level| !(0.0..=1.0).contains(*level)) {
        return Some(format!("the level {level} is not from 0 to 1"));
    }
    if [reach.applications_full, reach.accounts_full].into_iter().any(|full| full < 2) {
        return Some("reach must be full at 2 or more".to_owned());
    }
    let lengths =
        [("deadline_default", &exposure.deadline_default), ("recent_within", &activity.recent_within)];
    let short = lengths.into_iter().find(|(_, value)| interval(value).micros_about() <= 0);
    short.map(|(key, value)| format!("{key} is \"{value}\" and not an interval such as 30d"))
}

fn interval(value: &Value) -> Interval {
    match value {
        Value::Interval(interval) => *interval,
        Value::Integer(_) | Value::Number(_) | Value::Text(_) => Interval::default(),
    }
}
