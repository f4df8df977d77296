//! Findings whose deadline has passed: what a rule about deadlines is asked with.

use sqlx::Row;

use super::columns::failed;
use super::{Error, Ledger};
use crate::domain::UtcMicros;

/// A finding that fails, is nobody's accepted risk any more, and is past its deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub finding_id: String,
    pub code: String,
    pub subject_id: String,
    /// 0 info to 4 critical.
    pub severity: i64,
    pub owner_id: Option<String>,
    pub since: Option<UtcMicros>,
    pub due_at: UtcMicros,
    pub first_seen_at: UtcMicros,
}

impl Ledger {
    /// The findings that were due before `as_of`, by id. What was first seen after `as_of` is left out, so that
    /// a run about the past is not told what nobody knew then.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn overdue(&self, as_of: UtcMicros) -> Result<Vec<Overdue>, Error> {
        let attempt = "list findings past their deadline";
        let rows = sqlx::query(
            "SELECT finding_id, code, subject_id, severity, owner_id, since, due_at, first_seen_at
            FROM findings
            WHERE tenant = ?1
              AND verdict = 'fail'
              AND (status IN ('open', 'acknowledged', 'in_progress')
                   OR (status = 'accepted_risk' AND (waived_until IS NULL OR waived_until <= ?2)))
              AND due_at < ?2
              AND first_seen_at <= ?2
            ORDER BY finding_id",
        )
        .bind(self.tenant.clone())
        .bind(as_of.0)
        .fetch_all(&self.pool)
        .await
        .map_err(failed(attempt))?;
        rows.iter().map(|row| overdue(row).map_err(failed(attempt))).collect()
    }
}

fn overdue(row: &sqlx::sqlite::SqliteRow) -> Result<Overdue, sqlx::Error> {
    Ok(Overdue {
        finding_id: row.try_get("finding_id")?,
        code: row.try_get("code")?,
        subject_id: row.try_get("subject_id")?,
        severity: row.try_get("severity")?,
        owner_id: row.try_get("owner_id")?,
        since: row.try_get::<Option<i64>, _>("since")?.map(UtcMicros),
        due_at: UtcMicros(row.try_get("due_at")?),
        first_seen_at: UtcMicros(row.try_get("first_seen_at")?),
    })
}
