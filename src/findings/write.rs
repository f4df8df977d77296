//! Statements that write the ledger, inside a transaction of the caller's.

use sqlx::SqliteConnection;

use super::columns::{failed, rank, verdict_text};
use super::known::app_id;
use super::read::as_json;
use super::{Change, Counts, Error, Run, Transition, Waiver, WaiverScope};
use crate::domain::UtcMicros;

/// Who or what made a transition.
pub(super) struct Cause<'a> {
    pub actor: &'a str,
    pub approver: Option<&'a str>,
    pub run_id: Option<&'a str>,
    /// What a run says of the finding; absent where none says anything, as when a person decides.
    pub content: Option<&'a str>,
}

impl<'a> Cause<'a> {
    pub fn run(run_id: &'a str) -> Cause<'a> {
        Cause { run_id: Some(run_id), ..Cause::clock() }
    }

    pub fn clock() -> Cause<'a> {
        Cause { actor: "lychgate", approver: None, run_id: None, content: None }
    }

    pub fn person(actor: &'a str) -> Cause<'a> {
        Cause { actor: actor.trim(), ..Cause::clock() }
    }
}

const UPSERT: &str = "
INSERT INTO findings (
    finding_id, tenant, detector, code, subject_kind, subject_id, severity, verdict, status,
    score, app_id, account_id, identity_id, entitlement_id, org, owner_id, profile, since,
    first_seen_at, last_seen_at, due_at, fingerprint, waived_until, assigned, revision, finding, as_of, known_at,
    content
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
    ?22, ?23, ?24, 1, ?26, ?27, ?28, coalesce(?29, ''))
ON CONFLICT (tenant, finding_id) DO UPDATE SET
    severity = excluded.severity, verdict = excluded.verdict, status = excluded.status,
    score = excluded.score, app_id = excluded.app_id, account_id = excluded.account_id,
    identity_id = excluded.identity_id, entitlement_id = excluded.entitlement_id, org = excluded.org,
    owner_id = excluded.owner_id, profile = excluded.profile, since = excluded.since,
    first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
    due_at = excluded.due_at, fingerprint = excluded.fingerprint, waived_until = excluded.waived_until,
    assigned = excluded.assigned, revision = findings.revision + ?25, finding = excluded.finding,
    as_of = excluded.as_of, known_at = excluded.known_at, content = coalesce(?29, findings.content)";

const EVENT: &str = "
INSERT INTO finding_events (
    tenant, finding_id, at, change, from_status, to_status, verdict, severity, reason, actor, approver, run_id
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// Stores what a finding is now and, unless it merely stayed, the step that led there.
pub(super) async fn transition(
    tx: &mut SqliteConnection,
    tenant: &str,
    transition: &Transition,
    cause: &Cause<'_>,
    now: UtcMicros,
) -> Result<(), Error> {
    let stepped = transition.change != Change::StillOpen;
    upsert(tx, tenant, transition, stepped, cause.content, now).await?;
    if !stepped {
        return Ok(());
    }
    let finding = &transition.known.finding;
    sqlx::query(EVENT)
        .bind(tenant)
        .bind(&finding.finding_id)
        .bind(now.0)
        .bind(transition.change.as_str())
        .bind(transition.from.map(|status| status.as_str()))
        .bind(finding.status.as_str())
        .bind(verdict_text(finding.verdict))
        .bind(rank(finding.severity))
        .bind(&transition.reason)
        .bind(cause.actor)
        .bind(cause.approver.map(str::trim))
        .bind(cause.run_id)
        .execute(tx)
        .await
        .map_err(failed("record a transition"))?;
    Ok(())
}

/// Stores that a run said of these findings what the last one said.
pub(super) async fn same(
    tx: &mut SqliteConnection,
    tenant: &str,
    ids: &[&str],
    run: &Run,
    now: UtcMicros,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE findings
        SET last_seen_at = ?1, as_of = ?2, known_at = ?3
        WHERE tenant = ?4 AND finding_id IN (SELECT value FROM json_each(?5))",
    )
    .bind(now.0)
    .bind(run.as_of.0)
    .bind(run.known_at.0)
    .bind(tenant)
    .bind(as_json(ids)?)
    .execute(tx)
    .await
    .map_err(failed("store that findings stay"))?;
    Ok(())
}

async fn upsert(
    tx: &mut SqliteConnection,
    tenant: &str,
    transition: &Transition,
    stepped: bool,
    content: Option<&str>,
    now: UtcMicros,
) -> Result<(), Error> {
    let (known, finding) = (&transition.known, &transition.known.finding);
    let json = serde_json::to_string(finding)
        .map_err(|source| Error::Json { what: format!("finding \"{}\"", finding.finding_id), source })?;
    sqlx::query(UPSERT)
        .bind(&finding.finding_id)
        .bind(tenant)
        .bind(&finding.detector)
        .bind(&finding.code)
        .bind(&finding.subject.kind)
        .bind(&finding.subject.id)
        .bind(rank(finding.severity))
        .bind(verdict_text(finding.verdict))
        .bind(finding.status.as_str())
        .bind(finding.score)
        .bind(app_id(finding))
        .bind(finding.account.as_ref().map(|account| &account.id))
        .bind(finding.identity.as_ref().map(|identity| &identity.id))
        .bind(finding.entitlement.as_ref().map(|entitlement| &entitlement.id))
        .bind(&finding.org)
        .bind(finding.owner.as_ref().map(|owner| &owner.id))
        .bind(&finding.profile)
        .bind(finding.since.map(|at| at.0))
        .bind(finding.first_seen_at.unwrap_or(now).0)
        .bind(finding.last_seen_at.unwrap_or(now).0)
        .bind(finding.due_at.map(|at| at.0))
        .bind(&known.fingerprint)
        .bind(known.waived_until.map(|at| at.0))
        .bind(known.assigned)
        .bind(i64::from(stepped))
        .bind(json)
        .bind(finding.as_of.0)
        .bind(finding.known_at.0)
        .bind(content)
        .execute(tx)
        .await
        .map_err(failed("store a finding"))?;
    Ok(())
}

pub(super) async fn waiver(tx: &mut SqliteConnection, tenant: &str, waiver: &Waiver) -> Result<(), Error> {
    let (finding_id, detector, subject_id) = match &waiver.scope {
        WaiverScope::Finding { finding_id } => (Some(finding_id), None, None),
        WaiverScope::Subject { detector, subject_id } => (None, Some(detector), Some(subject_id)),
    };
    sqlx::query(
        "INSERT INTO waivers (
            tenant, finding_id, detector, subject_id, reason, actor, approver, created_at, until
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(tenant)
    .bind(finding_id)
    .bind(detector)
    .bind(subject_id)
    .bind(&waiver.reason)
    .bind(&waiver.actor)
    .bind(&waiver.approver)
    .bind(waiver.created_at.0)
    .bind(waiver.until.0)
    .execute(tx)
    .await
    .map_err(failed("store a waiver"))?;
    Ok(())
}

pub(super) async fn run(
    tx: &mut SqliteConnection,
    tenant: &str,
    run: &Run,
    counts: &Counts,
) -> Result<(), Error> {
    let counts =
        serde_json::to_string(counts).map_err(|source| Error::Json { what: "counts".to_owned(), source })?;
    let stored = sqlx::query(
        "INSERT INTO runs (
            tenant, run_id, as_of, known_at, profile, started_at, finished_at, exit_code, counts
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(tenant)
    .bind(&run.run_id)
    .bind(run.as_of.0)
    .bind(run.known_at.0)
    .bind(&run.profile)
    .bind(run.started_at.0)
    .bind(run.finished_at.0)
    .bind(run.exit_code)
    .bind(counts)
    .execute(tx)
    .await;
    match stored {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(Error::RunRepeated { run_id: run.run_id.clone() })
        }
        Err(source) => Err(failed("store a run")(source)),
    }
}
