//! Runs the tests that a rule carries: rows laid out as views in memory, subjects compared.
//!
//! Where a test names no sources, every source that the gate could ask for is fresh.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use serde_json::{Value, json};

use super::Error;
use super::rule::{Run, run_rule};
use super::sources::Sources;
use super::suppress::Exceptions;
use super::view_schema::views;
use super::weigh::weigh;
use crate::domain::{Finding, UtcMicros, Verdict};
use crate::models::rule::{Expectation, Row, RuleTest};
use crate::models::{self, Interval, Profile, Rule};
use crate::query::At;

/// 2026-06-30T00:00:00Z, the instant of tests that name none.
const AS_OF: UtcMicros = UtcMicros(1_782_777_600_000_000);

/// How one test went.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub name: String,
    /// What was expected and what was found; none when the test passes.
    pub difference: Option<String>,
}

/// Runs every test of a rule; `profile` holds where a test names none.
///
/// # Errors
/// When a test cannot be laid out, or the rule does not run.
pub async fn run(rule: &Rule, profile: &Profile) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Vec::with_capacity(rule.tests.len());
    for test in &rule.tests {
        let named = match &test.profile {
            Some(id) if *id != profile.id => {
                Some(models::profile(id).map_err(|e| error(rule, test, e.to_string()))?)
            }
            _ => None,
        };
        let found = findings(rule, test, named.as_ref().unwrap_or(profile)).await?;
        let expected: BTreeSet<String> = test.expect.iter().map(said).collect();
        let short: BTreeSet<String> = found.iter().map(|finding| told(finding, &expected)).collect();
        let difference = (short != expected).then(|| format!("expected {expected:?}, found {short:?}"));
        outcomes.push(Outcome { name: test.name.clone(), difference });
    }
    Ok(outcomes)
}

/// The findings of a rule on the rows that one of its tests lays out.
///
/// # Errors
/// When the test cannot be laid out, or the rule does not run.
pub async fn findings(rule: &Rule, test: &RuleTest, profile: &Profile) -> Result<Vec<Finding>, Error> {
    let as_of = test.as_of.unwrap_or(AS_OF);
    let session = lay_out(rule, test, as_of)?;
    let at = At { as_of, known_at: as_of };
    let sources = &Sources::read(&session, as_of).await?;
    let exceptions = &Exceptions::read(&session, at).await?;
    let run = Run { session: &session, at, tenant: "test", profile, sources, exceptions };
    let mut found = run_rule(rule, run).await?;
    let model = models::risk_model().map_err(|e| error(rule, test, e.to_string()))?;
    weigh(&mut found, std::slice::from_ref(rule), &model, &session, at).await?;
    Ok(found)
}

fn error(rule: &Rule, test: &RuleTest, reason: String) -> Error {
    Error::Test { rule: rule.id.clone(), test: test.name.clone(), reason }
}

fn said(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Fails(subject) => format!("fail {subject}"),
        Expectation::Full { subject, verdict, severity } => {
            let word = verdict.unwrap_or(Verdict::Fail).as_str();
            let level = severity.map(|severity| format!(" {}", severity.as_str())).unwrap_or_default();
            format!("{word} {subject}{level}")
        }
    }
}

/// The finding in the words of an expectation: with its severity where the test states one.
fn told(finding: &Finding, expected: &BTreeSet<String>) -> String {
    let short = format!("{} {}", finding.verdict.as_str(), finding.subject.id);
    if expected.contains(&short) {
        return short;
    }
    format!("{short} {}", finding.severity.as_str())
}

/// A session with every view of the contract: the test's rows, the example's, or none.
fn lay_out(rule: &Rule, test: &RuleTest, as_of: UtcMicros) -> Result<SessionContext, Error> {
    let error = |reason: String| error(rule, test, reason);
    let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    let schemas: BTreeMap<&str, SchemaRef> = views().into_iter().collect();
    if let Some(view) =
        test.given.keys().chain(rule.example.keys()).find(|view| !schemas.contains_key(view.as_str()))
    {
        return Err(error(format!("there is no view \"{view}\"")));
    }
    let mut apps = BTreeSet::from(["okta".to_owned()]);
    let mut rows_by_view: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for view in schemas.keys() {
        let rows = rows(rule, test, view);
        apps.extend(rows.iter().filter_map(|row| row.get("app_id")?.as_str()).map(str::to_owned));
        rows_by_view.insert(view, repeated(&rows));
    }
    if !test.given.contains_key("sources_now") && !rule.example.contains_key("sources_now") {
        rows_by_view.insert("sources_now", fresh_sources(&apps));
    }
    for (view, schema) in &schemas {
        let rows = rows_by_view.remove(view).unwrap_or_default();
        let batch = batch(schema, &rows, as_of).map_err(|reason| error(format!("{view}: {reason}")))?;
        let table = MemTable::try_new(schema.clone(), vec![vec![batch]]).map_err(|e| error(e.to_string()))?;
        session.register_table(*view, Arc::new(table)).map_err(|e| error(e.to_string()))?;
    }
    Ok(session)
}

fn rows(rule: &Rule, test: &RuleTest, view: &str) -> Vec<Row> {
    let typical = rule.example.get(view);
    match (test.given.get(view), typical) {
        (None, typical) => typical.cloned().into_iter().collect(),
        (Some(rows), None) => rows.clone(),
        (Some(rows), Some(typical)) => rows
            .iter()
            .map(|row| {
                let mut whole = typical.clone();
                whole.extend(row.clone());
                whole
            })
            .collect(),
    }
}

/// A row with `repeat: 3` stands for three, whose texts have 1, 2 and 3 for `{n}`.
fn repeated(rows: &[Row]) -> Vec<Row> {
    let mut all = Vec::new();
    for row in rows {
        let times = row.get("repeat").and_then(Value::as_u64).unwrap_or(1);
        for n in 1..=times {
            let numbered = row.iter().filter(|(name, _)| *name != "repeat").map(|(name, value)| {
                let value =
                    value.as_str().map_or(value.clone(), |text| json!(text.replace("{n}", &n.to_string())));
                (name.clone(), value)
            });
            all.push(numbered.collect());
        }
    }
    all
}

fn fresh_sources(apps: &BTreeSet<String>) -> Vec<Row> {
    let source = |source: &str, kind: &str, app_id: Option<&String>| -> Row {
        let columns = [
            ("source", json!(source)),
            ("kind", json!(kind)),
            ("app_id", json!(app_id)),
            ("watermark_at", json!("-1h")),
            ("rows", json!(1_000)),
            ("complete", json!(true)),
        ];
        columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let mut sources = vec![source("roster", "roster", None), source("okta", "events", None)];
    for app in apps {
        sources.extend([source("accounts", "accounts", Some(app)), source("grants", "grants", Some(app))]);
    }
    sources
}

fn batch(schema: &SchemaRef, rows: &[Row], as_of: UtcMicros) -> Result<RecordBatch, String> {
    for name in rows.iter().flat_map(|row| row.keys()) {
        schema.field_with_name(name).map_err(|_| format!("there is no column \"{name}\""))?;
    }
    let columns: Result<Vec<ArrayRef>, String> =
        schema.fields().iter().map(|field| column(field, rows, as_of)).collect();
    RecordBatch::try_new(schema.clone(), columns?).map_err(|error| error.to_string())
}

fn column(field: &Field, rows: &[Row], as_of: UtcMicros) -> Result<ArrayRef, String> {
    let values = rows.iter().map(|row| row.get(field.name()).filter(|value| !value.is_null()));
    let wrong = |value: &Value| format!("{value} does not fit column \"{}\"", field.name());
    Ok(match field.data_type() {
        DataType::Boolean => {
            let read = values.map(|value| value.map(|v| v.as_bool().ok_or_else(|| wrong(v))).transpose());
            Arc::new(read.collect::<Result<BooleanArray, _>>()?)
        }
        DataType::Int64 => {
            let read = values.map(|value| value.map(|v| v.as_i64().ok_or_else(|| wrong(v))).transpose());
            Arc::new(read.collect::<Result<Int64Array, _>>()?)
        }
        DataType::Float64 => {
            let read = values.map(|value| value.map(|v| v.as_f64().ok_or_else(|| wrong(v))).transpose());
            Arc::new(read.collect::<Result<Float64Array, _>>()?)
        }
        DataType::Timestamp(..) => {
            let read = values.map(|value| {
                value
                    .map(|v| v.as_str().and_then(|text| time(text, as_of)).ok_or_else(|| wrong(v)))
                    .transpose()
            });
            let micros: Vec<Option<UtcMicros>> = read.collect::<Result<_, _>>()?;
            let micros: TimestampMicrosecondArray = micros.into_iter().map(|t| t.map(|t| t.0)).collect();
            Arc::new(micros.with_timezone("UTC"))
        }
        _ => {
            let read = values.map(|value| value.map(|v| v.as_str().ok_or_else(|| wrong(v))).transpose());
            Arc::new(read.collect::<Result<StringArray, _>>()?)
        }
    })
}

/// An instant, or `-90d` and `+12h` counted from `as_of`.
fn time(text: &str, as_of: UtcMicros) -> Option<UtcMicros> {
    match text.split_at_checked(1)? {
        ("-", length) => Some(Interval::parse(length)?.before(as_of)),
        ("+", length) => Some(Interval::parse(length)?.after(as_of)),
        _ => UtcMicros::parse(text),
    }
}
