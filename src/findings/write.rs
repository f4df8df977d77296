//! Statements that write the ledger, inside a transaction of the caller's.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::columns::{failed, rank};
use super::finding_text;
use super::known::app_id;
use super::read::as_json;
use super::unresolved;
use super::{Change, Counts, Error, Run, Transition, Waiver, WaiverScope};
use crate::domain::UtcMicros;
use crate::domain::packing::{Packed, Packer};

/// Who or what made a transition.
pub(super) struct Cause<'a> {
    pub actor: &'a str,
    pub approver: Option<&'a str>,
    pub run_id: Option<&'a str>,
}

impl<'a> Cause<'a> {
    pub fn run(run_id: &'a str) -> Cause<'a> {
        Cause { run_id: Some(run_id), ..Cause::clock() }
    }

    pub fn clock() -> Cause<'a> {
        Cause { actor: "lychgate", approver: None, run_id: None }
    }

    pub fn person(actor: &'a str) -> Cause<'a> {
        Cause { actor: actor.trim(), ..Cause::clock() }
    }
}

/// Rows of one statement. More save little, and a statement binds a value for each of their cells.
const ROWS: usize = 64;

const UPSERT: &str = "
INSERT INTO findings (
    tenant, finding_id, detector, code, subject_kind, subject_id, severity, verdict, status, score,
    app_id, account_id, identity_id, entitlement_id, org, owner_id, profile, since, first_seen_at,
    last_seen_at, as_of, known_at, due_at, ages_out_at, fingerprint, waived_until, assigned, revision, content
) ";

/// A new finding has revision 1, and another step adds 1; without a step it is told with 0.
const UPDATE: &str = "
ON CONFLICT (tenant, finding_id) DO UPDATE SET
    severity = excluded.severity, verdict = excluded.verdict, status = excluded.status,
    score = excluded.score, app_id = excluded.app_id, account_id = excluded.account_id,
    identity_id = excluded.identity_id, entitlement_id = excluded.entitlement_id, org = excluded.org,
    owner_id = excluded.owner_id, profile = excluded.profile, since = excluded.since,
    first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at, as_of = excluded.as_of,
    known_at = excluded.known_at, due_at = excluded.due_at, ages_out_at = excluded.ages_out_at,
    fingerprint = excluded.fingerprint, waived_until = excluded.waived_until, assigned = excluded.assigned,
    revision = findings.revision + excluded.revision, content = coalesce(excluded.content, findings.content)";

const UPSERT_TEXT: &str = "INSERT INTO finding_texts (tenant, finding_id, finding, size_bytes) ";
const UPDATE_TEXT: &str = "
ON CONFLICT (tenant, finding_id) DO UPDATE SET finding = excluded.finding, size_bytes = excluded.size_bytes";

const EVENT: &str = "
INSERT INTO finding_events (
    tenant, finding_id, at, change, from_status, to_status, verdict, severity, reason, actor, approver, run_id,
    assignee
) ";

/// A finding to store, with what led there.
pub(super) struct Row<'a> {
    pub transition: &'a Transition,
    pub text: Packed,
    /// Hash of what a run says of it; absent where none says anything, as when a person decides.
    pub content: Option<String>,
    /// Whether `sightings` says when it was last seen.
    pub follows: bool,
}

impl Row<'_> {
    fn stepped(&self) -> bool {
        self.transition.change != Change::StillOpen
    }
}

/// Stores what findings are after steps that no run made.
pub(super) async fn transitions(
    tx: &mut SqliteConnection,
    tenant: &str,
    transitions: &[Transition],
    cause: &Cause<'_>,
    now: UtcMicros,
) -> Result<(), Error> {
    let examples = unresolved::examples(tx, tenant).await?;
    let (mut packer, mut stored) = (Packer::new(&examples), Vec::with_capacity(transitions.len()));
    for transition in transitions {
        let mut text = Vec::new();
        finding_text::push_text(&mut text, &transition.known.finding)?;
        let text = packer.pack(&transition.known.finding.detector, &text)?;
        stored.push(Row { transition, text, content: None, follows: false });
    }
    rows(tx, tenant, &stored, cause, now).await
}

/// Stores what findings are now and, unless they merely stayed, the steps that led there.
pub(super) async fn rows(
    tx: &mut SqliteConnection,
    tenant: &str,
    rows: &[Row<'_>],
    cause: &Cause<'_>,
    now: UtcMicros,
) -> Result<(), Error> {
    for rows in rows.chunks(ROWS) {
        upsert(tenant, rows, now).build().execute(&mut *tx).await.map_err(failed("store findings"))?;
        let mut texts = QueryBuilder::<Sqlite>::new(UPSERT_TEXT);
        texts.push_values(rows, |mut cells, row| {
            let Row { transition, text, .. } = row;
            cells.push_bind(tenant).push_bind(&transition.known.finding.finding_id);
            cells.push_bind(&text.bytes).push_bind(text.size_bytes.and_then(|size| i64::try_from(size).ok()));
        });
        texts.push(UPDATE_TEXT);
        texts.build().execute(&mut *tx).await.map_err(failed("store what is said of findings"))?;
    }
    let stepped: Vec<&Transition> =
        rows.iter().filter(|row| row.stepped()).map(|row| row.transition).collect();
    for transitions in stepped.chunks(ROWS) {
        let mut events = events(tenant, transitions, cause, now);
        events.build().execute(&mut *tx).await.map_err(failed("record transitions"))?;
    }
    Ok(())
}

fn upsert<'a>(tenant: &'a str, rows: &'a [Row<'a>], now: UtcMicros) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(UPSERT);
    query.push_values(rows, |mut cells, row| {
        let (known, finding) = (&row.transition.known, &row.transition.known.finding);
        let own = |at: UtcMicros| (!row.follows).then_some(at.0);
        cells.push_bind(tenant).push_bind(&finding.finding_id).push_bind(&finding.detector);
        cells.push_bind(&finding.code).push_bind(&finding.subject.kind).push_bind(&finding.subject.id);
        cells.push_bind(rank(finding.severity)).push_bind(finding.verdict.as_str());
        cells.push_bind(finding.status.as_str()).push_bind(finding.score).push_bind(app_id(finding));
        cells.push_bind(finding.account.as_ref().map(|account| &account.id));
        cells.push_bind(finding.identity.as_ref().map(|identity| &identity.id));
        cells.push_bind(finding.entitlement.as_ref().map(|entitlement| &entitlement.id));
        cells.push_bind(finding.org.as_ref()).push_bind(finding.owner.as_ref().map(|owner| &owner.id));
        cells.push_bind(&finding.profile).push_bind(finding.since.map(|at| at.0));
        cells.push_bind(finding.first_seen_at.unwrap_or(now).0);
        cells.push_bind(own(finding.last_seen_at.unwrap_or(now)));
        cells.push_bind(own(finding.as_of)).push_bind(own(finding.known_at));
        cells.push_bind(finding.due_at.map(|at| at.0)).push_bind(finding.ages_out_at.map(|at| at.0));
        cells.push_bind(&known.fingerprint).push_bind(known.waived_until.map(|at| at.0));
        cells.push_bind(known.assigned).push_bind(i64::from(row.stepped())).push_bind(row.content.as_deref());
    });
    query.push(UPDATE);
    query
}

fn events<'a>(
    tenant: &'a str,
    transitions: &'a [&'a Transition],
    cause: &'a Cause<'a>,
    now: UtcMicros,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(EVENT);
    query.push_values(transitions, |mut cells, transition| {
        let finding = &transition.known.finding;
        let assignee = finding.owner.as_ref().filter(|_| transition.change == Change::Assigned);
        cells.push_bind(tenant).push_bind(&finding.finding_id).push_bind(now.0);
        cells.push_bind(transition.change.as_str()).push_bind(transition.from.map(|status| status.as_str()));
        cells.push_bind(finding.status.as_str()).push_bind(finding.verdict.as_str());
        cells.push_bind(rank(finding.severity)).push_bind(&transition.reason).push_bind(cause.actor);
        cells.push_bind(cause.approver.map(str::trim)).push_bind(cause.run_id);
        cells.push_bind(assignee.map(|owner| &owner.id));
    });
    query
}

/// Stores that runs tell of these findings from now on as `sightings` says of their detectors.
pub(super) async fn follow(tx: &mut SqliteConnection, tenant: &str, ids: &[&str]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE findings
        SET last_seen_at = NULL, as_of = NULL, known_at = NULL
        WHERE tenant = ?1 AND finding_id IN (SELECT value FROM json_each(?2))",
    )
    .bind(tenant)
    .bind(as_json(ids)?)
    .execute(tx)
    .await
    .map_err(failed("store that findings stay"))?;
    Ok(())
}

/// Stores that runs tell of these findings no more, though nothing ends them: they keep the instants
/// that `sightings` has of their detectors.
pub(super) async fn part(tx: &mut SqliteConnection, tenant: &str, ids: &[&str]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE findings
        SET last_seen_at = seen.last_seen_at, as_of = seen.as_of, known_at = seen.known_at
        FROM sightings AS seen
        WHERE findings.tenant = ?1 AND findings.finding_id IN (SELECT value FROM json_each(?2))
          AND seen.tenant = findings.tenant AND seen.detector = findings.detector",
    )
    .bind(tenant)
    .bind(as_json(ids)?)
    .execute(tx)
    .await
    .map_err(failed("store when findings were last seen"))?;
    Ok(())
}

/// Stores when a run told of the findings of these detectors.
pub(super) async fn sightings(
    tx: &mut SqliteConnection,
    tenant: &str,
    detectors: &BTreeSet<&str>,
    run: &Run,
    now: UtcMicros,
) -> Result<(), Error> {
    for detector in detectors {
        sqlx::query(
            "INSERT INTO sightings (tenant, detector, last_seen_at, as_of, known_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (tenant, detector) DO UPDATE SET
                last_seen_at = excluded.last_seen_at, as_of = excluded.as_of, known_at = excluded.known_at",
        )
        .bind(tenant)
        .bind(detector)
        .bind(now.0)
        .bind(run.as_of.0)
        .bind(run.known_at.0)
        .execute(&mut *tx)
        .await
        .map_err(failed("store when a detector told of findings"))?;
    }
    Ok(())
}

pub(super) async fn example(
    tx: &mut SqliteConnection,
    tenant: &str,
    detector: &str,
    example: &[u8],
) -> Result<(), Error> {
    sqlx::query("INSERT INTO examples (tenant, detector, example) VALUES (?1, ?2, ?3)")
        .bind(tenant)
        .bind(detector)
        .bind(example)
        .execute(tx)
        .await
        .map_err(failed("store an example"))?;
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
