//! Parameters of a rule as scalar values that a query binds.

use std::collections::BTreeMap;

use arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::{ParamValues, ScalarValue};

use super::Error;
use crate::domain::UtcMicros;
use crate::models::{Param, Profile, Rule, Setting, Value};
use crate::query::At;

/// The rule's parameters as this profile sets them.
///
/// # Errors
/// [`Error::MissingThreshold`] when the profile does not know a key that the rule names.
pub fn settings(rule: &Rule, profile: &Profile) -> Result<BTreeMap<String, Setting>, Error> {
    let named = rule.params.iter().map(|(name, param)| Ok((name.clone(), setting(rule, profile, param)?)));
    named.collect()
}

/// One parameter as this profile sets it.
pub fn setting(rule: &Rule, profile: &Profile, param: &Param) -> Result<Setting, Error> {
    profile.resolve(param).ok_or_else(|| Error::MissingThreshold {
        rule: rule.id.clone(),
        profile: profile.id.clone(),
        key: match param {
            Param::Profile(key) => key.profile.clone(),
            Param::Fixed(value) => value.to_string(),
        },
    })
}

/// `$as_of`, `$known_at` and the settings, for [`datafusion::prelude::DataFrame::with_param_values`].
pub fn values(settings: &BTreeMap<String, Setting>, at: At) -> ParamValues {
    let instants = [("as_of", at.as_of), ("known_at", at.known_at)];
    let bound: Vec<(String, ScalarValue)> = instants
        .into_iter()
        .map(|(name, instant)| (name.to_owned(), time(instant)))
        .chain(settings.iter().map(|(name, setting)| (name.clone(), scalar(&setting.value))))
        .collect();
    ParamValues::from(bound)
}

/// `$as_of` alone.
pub fn as_of(instant: UtcMicros) -> ParamValues {
    ParamValues::from(vec![("as_of", time(instant))])
}

fn time(instant: UtcMicros) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(instant.0), Some("UTC".into()))
}

/// Intervals are bound as intervals: integer times interval does not plan in DataFusion 55.
fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Interval(interval) => {
            let nanos = interval.micros.saturating_mul(1_000);
            let parts = IntervalMonthDayNano::new(interval.months, interval.days, nanos);
            ScalarValue::IntervalMonthDayNano(Some(parts))
        }
        Value::Integer(number) => ScalarValue::Int64(Some(*number)),
        Value::Number(number) => ScalarValue::Float64(Some(*number)),
        Value::Text(text) => ScalarValue::Utf8(Some(text.clone())),
    }
}
