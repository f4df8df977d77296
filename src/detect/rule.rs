//! One declared rule, run: bind, query, gate, suppress, tell.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use datafusion::common::ParamValues;
use datafusion::prelude::SessionContext;

use super::cells::{self, Cells};
use super::finding::Teller;
use super::gate::Gate;
use super::remediation::Dialects;
use super::sources::Sources;
use super::suppress::Suppressions;
use super::{Error, bind};
use crate::domain::{Finding, UtcMicros, Verdict};
use crate::models::{Profile, Rule};
use crate::query::At;

/// What every rule of one run shares.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub session: &'a SessionContext,
    pub at: At,
    pub tenant: &'a str,
    pub profile: &'a Profile,
    /// How far its sources reach.
    pub sources: &'a Sources,
}

/// Asks one rule. Findings come in order of subject and no two share an id; subjects that
/// pass, and those that an exception covers, are left out.
///
/// # Errors
/// When the rule does not plan or run, or a row lacks what every finding needs.
pub async fn run_rule(rule: &Rule, run: Run<'_>) -> Result<Vec<Finding>, Error> {
    let settings = bind::settings(rule, run.profile)?;
    let params = bind::values(&settings, run.at);
    let rows = query(&rule.id, run.session, &rule.sql, Some(params)).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let gate = Gate::new(rule, run)?;
    let suppressions = Suppressions::read(rule, run.session, run.at).await?;
    let dialects = Dialects::read(rule, run).await?;
    let teller = Teller::new(rule, run, &settings, &gate, &dialects)?;
    let mut findings: BTreeMap<(String, String), Finding> = BTreeMap::new();
    for row in rows.iter().filter(|row| !suppressions.cover(row)) {
        let Some(finding) = teller.finding(row)? else { continue };
        let key = (finding.subject.id.clone(), finding.finding_id.clone());
        match findings.entry(key) {
            Entry::Vacant(place) => {
                place.insert(finding);
            }
            Entry::Occupied(mut known) if weight(&finding) < weight(known.get()) => {
                known.insert(finding);
            }
            Entry::Occupied(_) => {}
        }
    }
    Ok(findings.into_values().collect())
}

/// Which of several rows about one subject is told: what failed first, then what began first. Rows
/// come in no order, and the same lake must give the same answer.
fn weight(finding: &Finding) -> (bool, Option<UtcMicros>, &str) {
    (finding.verdict != Verdict::Fail, finding.since, &finding.explanation)
}

/// Runs one query and gives its rows; `asker` is for messages.
pub(super) async fn query(
    asker: &str,
    session: &SessionContext,
    sql: &str,
    params: Option<ParamValues>,
) -> Result<Vec<Cells>, Error> {
    let plan = |source| Error::Plan { rule: asker.to_owned(), source: Box::new(source) };
    let frame = session.sql(sql).await.map_err(plan)?;
    let frame = match params {
        Some(params) => frame.with_param_values(params).map_err(plan)?,
        None => frame,
    };
    let batches = frame
        .collect()
        .await
        .map_err(|source| Error::Query { rule: asker.to_owned(), source: Box::new(source) })?;
    cells::rows(&batches).map_err(|(column, source)| Error::Column { rule: asker.to_owned(), column, source })
}
