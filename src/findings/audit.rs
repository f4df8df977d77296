//! The audit of reads: who looked at what, when, and how much came back. Rows are only
//! added. What a query may hold (no tokens, no attribute values beyond the filter) is
//! decided by the caller.

use serde::Serialize;
use sqlx::Row;

use super::columns::failed;
use super::{Error, Ledger};
use crate::domain::UtcMicros;

/// One read of findings or access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Read {
    pub at: UtcMicros,
    /// The token's label or the person.
    pub actor: String,
    /// Method and path as they were asked for: `GET /api/v1/identities/E101/access`.
    pub route: String,
    /// The normalised filter or statement; empty where the route says it all.
    pub query: String,
    /// Rows given out.
    pub rows: u64,
}

impl Ledger {
    /// Adds a read to the audit.
    pub async fn audit_read(&self, read: &Read) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO reads_audit (tenant, at, actor, route, query, rows)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&self.tenant)
        .bind(read.at.0)
        .bind(&read.actor)
        .bind(&read.route)
        .bind(&read.query)
        .bind(i64::try_from(read.rows).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await
        .map_err(failed("store a read"))?;
        Ok(())
    }

    /// Gives up to `limit` reads with numbers after `after` (0 at first), oldest first,
    /// each with its number.
    pub async fn reads(&self, after: i64, limit: u32) -> Result<Vec<(i64, Read)>, Error> {
        let failed = failed("list reads");
        let rows = sqlx::query(
            "SELECT seq, at, actor, route, query, rows
            FROM reads_audit
            WHERE tenant = ?1 AND seq > ?2
            ORDER BY seq
            LIMIT ?3",
        )
        .bind(&self.tenant)
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(&failed)?;
        rows.iter().map(|row| read(row).map_err(&failed)).collect()
    }
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<(i64, Read), sqlx::Error> {
    let rows: i64 = row.try_get("rows")?;
    Ok((
        row.try_get("seq")?,
        Read {
            at: UtcMicros(row.try_get("at")?),
            actor: row.try_get("actor")?,
            route: row.try_get("route")?,
            query: row.try_get("query")?,
            rows: rows.unsigned_abs(),
        },
    ))
}
