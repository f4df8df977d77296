//! One declared rule, run: bind, query, gate, suppress, tell.

use datafusion::common::ParamValues;
use datafusion::prelude::SessionContext;

use super::cells::{self, Cells};
use super::finding::Teller;
use super::gate::Gate;
use super::remediation::Dialects;
use super::sources::Sources;
use super::suppress::{Exceptions, Suppressions};
use super::{Error, bind};
use crate::domain::cores::on_all_cores;
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
    /// What is not to be a finding.
    pub exceptions: &'a Exceptions,
}

/// What a rule answered: a row a finding, in order of subjects, each told when it is asked for.
pub struct Answer<'a> {
    rows: Vec<Row>,
    /// Absent when there are no rows.
    teller: Option<Teller<'a>>,
}

/// One row that becomes a finding.
pub(super) struct Row {
    pub subject_id: String,
    pub finding_id: String,
    pub cells: Cells,
}

/// Findings that are told at a time.
const PART: usize = 8192;

impl Answer<'_> {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The findings, some thousands at a time, each some kilobytes.
    pub fn parts(&self) -> impl Iterator<Item = Result<Vec<Finding>, Error>> {
        let telling =
            self.teller.iter().flat_map(|teller| self.rows.chunks(PART).map(move |rows| (teller, rows)));
        telling.map(|(teller, rows)| {
            on_all_cores(rows, |rows| rows.iter().map(|row| teller.finding(row)).collect())
        })
    }

    /// Whom it speaks of, and where: person and application.
    pub fn people(&self) -> impl Iterator<Item = (String, String)> {
        self.rows.iter().filter_map(|row| Some((row.cells.text("identity_id")?, row.cells.text("app_id")?)))
    }
}

/// Asks one rule. No two findings share an id; subjects that pass, and those that an exception covers,
/// are left out.
///
/// # Errors
/// When the rule does not plan or run, or a row lacks what every finding needs.
pub async fn ask<'a>(rule: &'a Rule, run: Run<'a>) -> Result<Answer<'a>, Error> {
    let settings = bind::settings(rule, run.profile)?;
    let params = bind::values(&settings, run.at);
    let cells = query(&rule.id, run.session, &rule.sql, Some(params)).await?;
    if cells.is_empty() {
        return Ok(Answer { rows: Vec::new(), teller: None });
    }
    let suppressions = Suppressions::new(rule, run.exceptions);
    let dialects = Dialects::read(rule, run).await?;
    let teller = Teller::new(rule, run, settings, Gate::new(rule, run)?, dialects)?;
    let mut rows = Vec::with_capacity(cells.len());
    for cells in cells.into_iter().filter(|cells| !suppressions.cover(cells)) {
        rows.extend(teller.row(cells)?);
    }
    rows.sort_by(|a, b| (&a.subject_id, &a.finding_id).cmp(&(&b.subject_id, &b.finding_id)));
    Ok(Answer { rows: first_of_each(rows, &teller)?, teller: Some(teller) })
}

/// All findings of one rule at once.
///
/// # Errors
/// As [`ask`].
pub async fn run_rule(rule: &Rule, run: Run<'_>) -> Result<Vec<Finding>, Error> {
    let parts = ask(rule, run).await?.parts().collect::<Result<Vec<_>, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// Of several rows about one subject the one that is told. Rows come in no order, and the same lake must
/// give the same answer.
fn first_of_each(rows: Vec<Row>, teller: &Teller<'_>) -> Result<Vec<Row>, Error> {
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match kept.last_mut().filter(|known| known.finding_id == row.finding_id) {
            Some(known) if weight(&teller.finding(&row)?) < weight(&teller.finding(known)?) => *known = row,
            Some(_) => {}
            None => kept.push(row),
        }
    }
    Ok(kept)
}

/// What failed first, then what began first.
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
