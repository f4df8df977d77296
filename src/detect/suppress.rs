//! Exceptions of the register: who decided that a subject is not to be a finding.
//!
//! An exception counts only with a reason, an approver and an end, and only while it runs:
//! one that has expired, or never had an end, suppresses nothing.

use std::collections::HashSet;

use datafusion::prelude::SessionContext;

use super::cells::Cells;
use super::rule::query;
use super::{Error, bind};
use crate::models::Rule;
use crate::query::At;

const SQL: &str = "
SELECT
  lower(kind) AS kind,
  lower(subject) AS subject,
  app_id,
  upper(detector) AS detector
FROM exceptions
WHERE valid_until > $as_of
  AND (valid_from IS NULL OR valid_from <= $as_of)
  AND coalesce(trim(reason), '') <> ''
  AND coalesce(trim(approver), '') <> ''
  AND subject IS NOT NULL";

/// The exceptions that speak to one rule at one instant.
pub struct Suppressions(HashSet<(String, Option<String>)>);

impl Suppressions {
    pub async fn read(rule: &Rule, session: &SessionContext, at: At) -> Result<Suppressions, Error> {
        let params = bind::values(&Default::default(), at);
        let rows = query(&rule.id, session, SQL, Some(params)).await?;
        let spoken = rows.iter().filter(|row| concerns(rule, row));
        Ok(Suppressions(spoken.filter_map(|row| Some((row.text("subject")?, row.text("app_id")))).collect()))
    }

    /// Whether an exception names the row's account, person or other subject. One that is
    /// limited to an application speaks only of subjects there.
    pub fn cover(&self, row: &Cells) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let app_id = row.text("app_id");
        let names = ["subject_id", "account_id", "account_name", "account_email", "identity_id", "app_id"];
        names.into_iter().filter_map(|column| row.text(column)).any(|name| {
            let name = name.to_lowercase();
            self.0.contains(&(name.clone(), None)) || self.0.contains(&(name, app_id.clone()))
        })
    }
}

fn concerns(rule: &Rule, row: &Cells) -> bool {
    let kind = row.text("kind").unwrap_or_default();
    let answers = kind == "approved" || rule.suppressed_by.contains(&kind);
    let detector = row.text("detector").unwrap_or_default();
    let named = detector.is_empty() || detector == rule.code || detector == rule.id.to_uppercase();
    answers && named
}
