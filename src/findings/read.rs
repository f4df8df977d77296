//! Questions to the ledger: findings page by page, one finding, its history, the runs and
//! the waivers. It changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use super::columns::{self, ENTRY, failed, rank};
use super::{
    Change, Column, Cursor, Entry, Error, FindingEvent, FindingQuery, Ledger, Order, Page, RunRecord, Sort,
    Waiver, WaiverScope, predicate,
};
use crate::domain::packing::Unpacker;
use crate::domain::{Finding, Status, UtcMicros};

impl Ledger {
    /// Lists one page of findings. A page costs its own length and, for `total`, one pass
    /// over what the filter admits.
    ///
    /// # Errors
    /// When the filter compares a column with the wrong type, or the cursor is not of
    /// this sort and order.
    pub async fn list(&self, query: &FindingQuery) -> Result<Page, Error> {
        let mut tx = self.pool.begin().await.map_err(failed("begin a list"))?;
        let mut count = QueryBuilder::<Sqlite>::new(COUNT);
        push_where(&mut count, &self.tenant, query)?;
        let total: i64 =
            count.build_query_scalar().fetch_one(&mut *tx).await.map_err(failed("count findings"))?;
        let limit = query.limit.clamp(1, FindingQuery::LIMIT_MAX) as usize;
        let mut page = QueryBuilder::<Sqlite>::new(ENTRY);
        push_where(&mut page, &self.tenant, query)?;
        push_after(&mut page, query)?;
        push_order(&mut page, query);
        // One more than asked tells whether there is a next page.
        page.push(" LIMIT ").push_bind(limit as i64 + 1);
        let rows = page.build().fetch_all(&mut *tx).await.map_err(failed("list findings"))?;
        let more = rows.len() > limit;
        let mut unpacker = Unpacker::default();
        let entries = rows.iter().take(limit).map(|row| columns::entry(row, &mut unpacker));
        let entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
        let next = entries.last().filter(|_| more).map(|entry| cursor(entry, query));
        Ok(Page { entries, total: total.unsigned_abs(), next })
    }

    /// Gives one finding, if this tenant has it.
    pub async fn get(&self, finding_id: &str) -> Result<Option<Entry>, Error> {
        let mut connection = self.pool.acquire().await.map_err(failed("read a finding"))?;
        entry_of(&mut connection, &self.tenant, finding_id).await
    }

    /// Gives the history of a finding, oldest first.
    pub async fn events(&self, finding_id: &str) -> Result<Vec<FindingEvent>, Error> {
        let rows = sqlx::query(
            "SELECT seq, finding_id, at, change, from_status, to_status, verdict, reason, actor, approver, run_id,
                assignee
            FROM finding_events
            WHERE tenant = ?1 AND finding_id = ?2
            ORDER BY seq",
        )
        .bind(&self.tenant)
        .bind(finding_id)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read the history of a finding"))?;
        rows.iter().map(event).collect()
    }

    /// Occurrences that wait for a decision, or for what was decided to be done.
    pub async fn occurrences(&self) -> Result<Vec<Finding>, Error> {
        let mut connection = self.pool.acquire().await.map_err(failed("list occurrences"))?;
        let mut query = QueryBuilder::<Sqlite>::new(ENTRY);
        query.push(" WHERE tenant = ").push_bind(self.tenant.clone());
        query.push(" AND status IN ('open', 'acknowledged', 'in_progress') AND ages_out_at IS NOT NULL");
        let entries = entries_by_id(query, &mut connection, "list occurrences").await?;
        Ok(entries.into_values().map(|entry| entry.known.finding).collect())
    }

    /// The ids of all findings that a detector was ever told of.
    pub async fn ids_of(&self, detector: &str) -> Result<BTreeSet<String>, Error> {
        let failed = failed("list the findings of a detector");
        let rows = sqlx::query("SELECT finding_id FROM findings WHERE tenant = ?1 AND detector = ?2")
            .bind(&self.tenant)
            .bind(detector)
            .fetch_all(&self.pool)
            .await
            .map_err(&failed)?;
        rows.iter().map(|row| row.try_get("finding_id")).collect::<Result<_, sqlx::Error>>().map_err(failed)
    }

    /// Those of the named findings that the ledger has, and how they stand.
    pub async fn statuses(&self, ids: &[&str]) -> Result<BTreeMap<String, Status>, Error> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT finding_id, status
            FROM findings
            WHERE tenant = ?1 AND finding_id IN (SELECT value FROM json_each(?2))",
        )
        .bind(&self.tenant)
        .bind(as_json(ids)?)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read statuses"))?;
        rows.into_iter().map(|(id, status)| Ok((id, columns::status(&status)?))).collect()
    }

    /// How those stand, by id, on which people have decided and which wait all the same: acknowledged, in
    /// progress, or accepted risk until after `now`.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn decided(&self, now: UtcMicros) -> Result<BTreeMap<String, Status>, Error> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT finding_id, status
            FROM findings
            WHERE tenant = ?1
              AND (status IN ('acknowledged', 'in_progress') OR (status = 'accepted_risk' AND waived_until > ?2))",
        )
        .bind(&self.tenant)
        .bind(now.0)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read what was decided"))?;
        rows.into_iter().map(|(id, status)| Ok((id, columns::status(&status)?))).collect()
    }

    /// Gives the newest recorded runs, newest first.
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, Error> {
        let rows = sqlx::query(
            "SELECT run_id, as_of, known_at, profile, started_at, finished_at, exit_code, counts
            FROM runs
            WHERE tenant = ?1
            ORDER BY seq DESC
            LIMIT ?2",
        )
        .bind(&self.tenant)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list runs"))?;
        rows.iter().map(run).collect()
    }

    /// Gives the waivers that have not ended, the first to end first.
    pub async fn waivers(&self, now: UtcMicros) -> Result<Vec<Waiver>, Error> {
        let mut connection = self.pool.acquire().await.map_err(failed("list waivers"))?;
        waivers_in_force(&mut connection, &self.tenant, now).await
    }
}

const COUNT: &str = "SELECT count(*) FROM findings LEFT JOIN sightings USING (tenant, detector)";

fn push_where(builder: &mut QueryBuilder<Sqlite>, tenant: &str, query: &FindingQuery) -> Result<(), Error> {
    builder.push(" WHERE tenant = ").push_bind(tenant.to_owned());
    if let Some(filter) = &query.filter {
        builder.push(" AND ");
        predicate::push(builder, filter)?;
    }
    Ok(())
}

/// The sort key as SQL. Findings without `since` count as begun before all others.
fn key(sort: Sort) -> &'static str {
    match sort {
        Sort::Severity => "severity",
        Sort::Score => "score",
        Sort::Since => "coalesce(since, -9223372036854775808)",
        Sort::FirstSeenAt => "first_seen_at",
        Sort::LastSeenAt => Column::LastSeenAt.sql(),
        Sort::FindingId => "finding_id",
    }
}

fn push_after(builder: &mut QueryBuilder<Sqlite>, query: &FindingQuery) -> Result<(), Error> {
    let Some(cursor) = &query.after else { return Ok(()) };
    if (cursor.sort, cursor.order) != (query.sort, query.order) {
        return Err(Error::Cursor);
    }
    let beyond = if query.order == Order::Ascending { ") > (" } else { ") < (" };
    builder.push(" AND (").push(key(query.sort)).push(", finding_id").push(beyond);
    match query.sort {
        Sort::FindingId => builder.push_bind(cursor.finding_id.clone()),
        Sort::Score => builder.push_bind(f64::from_bits(cursor.value.cast_unsigned())),
        _ => builder.push_bind(cursor.value),
    };
    builder.push(", ").push_bind(cursor.finding_id.clone()).push(")");
    Ok(())
}

fn push_order(builder: &mut QueryBuilder<Sqlite>, query: &FindingQuery) {
    let direction = if query.order == Order::Ascending { " ASC" } else { " DESC" };
    builder.push(" ORDER BY ").push(key(query.sort)).push(direction);
    builder.push(", finding_id").push(direction);
}

fn cursor(entry: &Entry, query: &FindingQuery) -> Cursor {
    let finding = &entry.known.finding;
    let micros = |at: Option<UtcMicros>| at.map_or(i64::MIN, |at| at.0);
    let value = match query.sort {
        Sort::Severity => rank(finding.severity),
        Sort::Score => finding.score.to_bits().cast_signed(),
        Sort::Since => micros(finding.since),
        Sort::FirstSeenAt => micros(finding.first_seen_at),
        Sort::LastSeenAt => micros(finding.last_seen_at),
        Sort::FindingId => 0,
    };
    Cursor { sort: query.sort, order: query.order, value, finding_id: finding.finding_id.clone() }
}

/// One finding, in or outside a transaction.
pub(super) async fn entry_of(
    connection: &mut SqliteConnection,
    tenant: &str,
    finding_id: &str,
) -> Result<Option<Entry>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ENTRY);
    query.push(" WHERE tenant = ").push_bind(tenant.to_owned());
    query.push(" AND finding_id = ").push_bind(finding_id.to_owned());
    let row = query.build().fetch_optional(connection).await.map_err(failed("read a finding"))?;
    row.as_ref().map(|row| columns::entry(row, &mut Unpacker::default())).transpose()
}

/// Whether there are any of [`waived_until`].
pub(super) async fn has_waived_until(pool: &SqlitePool, tenant: &str, now: UtcMicros) -> Result<bool, Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
            SELECT 1
            FROM findings
            WHERE tenant = ?1 AND status = 'accepted_risk' AND (waived_until IS NULL OR waived_until <= ?2)
        )",
    )
    .bind(tenant)
    .bind(now.0)
    .fetch_one(pool)
    .await
    .map_err(failed("look for waivers that end"))
}

/// Findings whose waiver ends at `now` or earlier, by id.
pub(super) async fn waived_until(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: UtcMicros,
) -> Result<BTreeMap<String, Entry>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ENTRY);
    query.push(" WHERE tenant = ").push_bind(tenant).push(" AND status = 'accepted_risk'");
    query.push(" AND (waived_until IS NULL OR waived_until <= ").push_bind(now.0).push(")");
    entries_by_id(query, connection, "read findings whose waiver ends").await
}

/// Findings of a detector about a subject that are neither resolved nor superseded, by id.
pub(super) async fn unresolved_about(
    connection: &mut SqliteConnection,
    tenant: &str,
    detector: &str,
    subject_id: &str,
) -> Result<BTreeMap<String, Entry>, Error> {
    let mut query = QueryBuilder::<Sqlite>::new(ENTRY);
    query.push(" WHERE tenant = ").push_bind(tenant).push(" AND detector = ").push_bind(detector);
    query.push(" AND subject_id = ").push_bind(subject_id);
    query.push(" AND status NOT IN ('resolved', 'superseded')");
    entries_by_id(query, connection, "read findings about a subject").await
}

/// Those of the named findings that the ledger has, by id.
pub(super) async fn entries_among(
    connection: &mut SqliteConnection,
    tenant: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, Entry>, Error> {
    let ids = as_json(ids)?;
    let mut query = QueryBuilder::<Sqlite>::new(ENTRY);
    query.push(" WHERE tenant = ").push_bind(tenant.to_owned());
    query.push(" AND finding_id IN (SELECT value FROM json_each(").push_bind(ids).push("))");
    entries_by_id(query, connection, "read findings that return").await
}

/// Ids as one value of one statement: a statement an id would cost more than all the rest.
pub(super) fn as_json(ids: &[&str]) -> Result<String, Error> {
    serde_json::to_string(ids).map_err(|source| Error::Json { what: "finding ids".to_owned(), source })
}

async fn entries_by_id(
    mut query: QueryBuilder<Sqlite>,
    connection: &mut SqliteConnection,
    attempt: &'static str,
) -> Result<BTreeMap<String, Entry>, Error> {
    let rows = query.build().fetch_all(connection).await.map_err(failed(attempt))?;
    let (mut entries, mut unpacker) = (BTreeMap::new(), Unpacker::default());
    for row in &rows {
        let entry = columns::entry(row, &mut unpacker)?;
        entries.insert(entry.known.finding.finding_id.clone(), entry);
    }
    Ok(entries)
}

/// The newest `as_of` and the newest `known_at` of all recorded runs. One that knows what comes
/// after `now`, which older programs recorded, is none to be held against.
pub(super) async fn last_run(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: UtcMicros,
) -> Result<Option<(UtcMicros, UtcMicros)>, Error> {
    let newest: (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT max(as_of), max(known_at)
        FROM runs
        WHERE tenant = ?1 AND as_of <= ?2 AND known_at <= ?2",
    )
    .bind(tenant)
    .bind(now.0)
    .fetch_one(connection)
    .await
    .map_err(failed("read the last run"))?;
    Ok(newest.0.zip(newest.1).map(|(as_of, known_at)| (UtcMicros(as_of), UtcMicros(known_at))))
}

pub(super) async fn waivers_in_force(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: UtcMicros,
) -> Result<Vec<Waiver>, Error> {
    let rows = sqlx::query(
        "SELECT finding_id, detector, subject_id, reason, actor, approver, created_at, until
        FROM waivers
        WHERE tenant = ?1 AND until > ?2
        ORDER BY until, waiver_id",
    )
    .bind(tenant)
    .bind(now.0)
    .fetch_all(connection)
    .await
    .map_err(failed("list waivers"))?;
    rows.iter().map(|row| waiver(row).map_err(failed("read a waiver"))).collect()
}

fn waiver(row: &SqliteRow) -> Result<Waiver, sqlx::Error> {
    let scope = match row.try_get::<Option<String>, _>("finding_id")? {
        Some(finding_id) => WaiverScope::Finding { finding_id },
        None => WaiverScope::Subject {
            detector: row.try_get("detector")?,
            subject_id: row.try_get("subject_id")?,
        },
    };
    Ok(Waiver {
        scope,
        reason: row.try_get("reason")?,
        actor: row.try_get("actor")?,
        approver: row.try_get("approver")?,
        created_at: UtcMicros(row.try_get("created_at")?),
        until: UtcMicros(row.try_get("until")?),
    })
}

fn event(row: &SqliteRow) -> Result<FindingEvent, Error> {
    let failed = failed("read a transition");
    let text = |column: &str| row.try_get::<String, _>(column).map_err(&failed);
    let optional = |column: &str| row.try_get::<Option<String>, _>(column).map_err(&failed);
    let change = text("change")?;
    Ok(FindingEvent {
        seq: row.try_get("seq").map_err(&failed)?,
        finding_id: text("finding_id")?,
        at: UtcMicros(row.try_get("at").map_err(&failed)?),
        change: Change::parse(&change).ok_or(Error::Stored { what: "change", value: change })?,
        from: optional("from_status")?.map(|status| columns::status(&status)).transpose()?,
        to: columns::status(&text("to_status")?)?,
        verdict: columns::verdict(&text("verdict")?)?,
        reason: text("reason")?,
        actor: text("actor")?,
        approver: optional("approver")?,
        run_id: optional("run_id")?,
        assignee: optional("assignee")?,
    })
}

fn run(row: &SqliteRow) -> Result<RunRecord, Error> {
    let failed = failed("read a run");
    let at = |column: &str| row.try_get(column).map(UtcMicros).map_err(&failed);
    let counts: String = row.try_get("counts").map_err(&failed)?;
    Ok(RunRecord {
        run_id: row.try_get("run_id").map_err(&failed)?,
        as_of: at("as_of")?,
        known_at: at("known_at")?,
        profile: row.try_get("profile").map_err(&failed)?,
        started_at: at("started_at")?,
        finished_at: at("finished_at")?,
        exit_code: row.try_get("exit_code").map_err(&failed)?,
        counts: serde_json::from_str(&counts)
            .map_err(|source| Error::Json { what: "the counts of a run".to_owned(), source })?,
    })
}
