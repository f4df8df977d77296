//! What a run is held against: how findings stand, in a few words each, and what their texts are packed with.

use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::Error;
use super::columns::failed;
use crate::domain::packing::Examples;

/// How a finding that is neither resolved nor superseded stands.
pub(super) struct Standing {
    pub finding_id: String,
    pub detector: String,
    /// Hash of what the last run said of it.
    pub content: String,
    /// Whether nobody waived it.
    pub open: bool,
    /// Whether it is about what happened, not about what holds.
    pub ages: bool,
    /// Whether `sightings` says when it was last seen.
    pub follows: bool,
}

/// Every finding that is neither resolved nor superseded, in the order of ids: what a run can move.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    tenant: &str,
) -> Result<Vec<Standing>, Error> {
    let mut rows = sqlx::query(
        "SELECT finding_id, detector, coalesce(content, '') AS content, status <> 'accepted_risk' AS open,
            ages_out_at IS NOT NULL AS ages, last_seen_at IS NULL AS follows
        FROM findings
        WHERE tenant = ?1 AND status NOT IN ('resolved', 'superseded')
        ORDER BY finding_id",
    )
    .bind(tenant)
    .fetch(connection);
    let mut standing = Vec::new();
    let failed = failed("read how findings stand");
    while let Some(row) = rows.try_next().await.map_err(&failed)? {
        standing.push(stands(&row).map_err(&failed)?);
    }
    Ok(standing)
}

fn stands(row: &SqliteRow) -> Result<Standing, sqlx::Error> {
    Ok(Standing {
        finding_id: row.try_get(0)?,
        detector: row.try_get(1)?,
        content: row.try_get(2)?,
        open: row.try_get(3)?,
        ages: row.try_get(4)?,
        follows: row.try_get(5)?,
    })
}

/// What texts of each detector are packed with.
pub(super) async fn examples(connection: &mut SqliteConnection, tenant: &str) -> Result<Examples, Error> {
    let rows: Vec<(String, Vec<u8>)> =
        sqlx::query_as("SELECT detector, example FROM examples WHERE tenant = ?1")
            .bind(tenant)
            .fetch_all(connection)
            .await
            .map_err(failed("read examples"))?;
    Ok(rows.into_iter().collect())
}
