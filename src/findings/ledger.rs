//! The ledger's file: opening it, bringing it to this program's version, and the writes
//! that must be whole: a decision, a waiver. Runs are in `record`, reads in `read`, tokens in `token`, the audit of reads in `audit`.

use std::path::Path;
use std::slice;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlSafeStr, Sqlite, SqlitePool, Transaction};

use super::columns::failed;
use super::decide::check_waiver;
use super::write::{self, Cause};
use super::{
    By, Decision, Entry, Error, Run, RunFindings, Terms, Transition, Waiver, WaiverScope, decide, read,
    reconcile,
};
use crate::domain::{Severity, UtcMicros};

/// The versions of the file, in order: number, name, SQL. Only ever appended to.
const MIGRATIONS: [(i64, &str, &str); 6] = [
    (1, "ledger", include_str!("migrations/0001_ledger.sql")),
    (2, "batches", include_str!("migrations/0002_batches.sql")),
    (3, "rules", include_str!("migrations/0003_rules.sql")),
    (4, "content", include_str!("migrations/0004_content.sql")),
    (5, "narrow", include_str!("migrations/0005_narrow.sql")),
    (6, "assignee", include_str!("migrations/0006_assignee.sql")),
];

/// The ledger of one tenant. Cheap to clone; one process may hold many.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) pool: SqlitePool,
    pub(super) tenant: String,
}

impl Ledger {
    /// Opens the file at `path`, creating it when it is missing, and reads and writes
    /// only what belongs to `tenant`.
    ///
    /// # Errors
    /// When the file cannot be opened, is no ledger, or comes from a newer program.
    pub async fn open(path: &Path, tenant: &str) -> Result<Ledger, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let opened = SqlitePoolOptions::new().max_connections(4).connect_with(options).await;
        let pool = opened.map_err(|source| Error::Open { path: path.to_owned(), source })?;
        let known = MIGRATIONS[MIGRATIONS.len() - 1].0;
        let path = path.to_owned();
        match migrator().run(&pool).await {
            Ok(()) => Ok(Ledger { pool, tenant: tenant.to_owned() }),
            Err(MigrateError::VersionMissing(found)) if found > known => {
                Err(Error::Newer { path, found, known })
            }
            Err(source) => Err(Error::Migrate { path, known, source }),
        }
    }

    /// Writes a whole and consistent copy, of all tenants, to the new file `path`, while others
    /// read and write.
    ///
    /// # Errors
    /// When `path` exists or cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let copied = sqlx::query("VACUUM INTO ?").bind(path.to_string_lossy().into_owned());
        copied.execute(&self.pool).await.map(|_| ()).map_err(failed("copy itself"))
    }

    /// What SQLite finds wrong with the file, of all tenants: nothing where it is whole. Reads all of it.
    ///
    /// # Errors
    /// When it is so damaged that it cannot be looked through.
    pub async fn problems(&self) -> Result<Vec<String>, Error> {
        let found = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&self.pool).await;
        let mut found: Vec<String> = found.map_err(failed("look for damage"))?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Closes the file after the writes under way.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Opens again what was waived until `now` or earlier, so that a waiver ends on time
    /// even where no run comes. Gives the transitions.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn expire_waivers(&self, now: UtcMicros) -> Result<Vec<Transition>, Error> {
        // Asked before every read of findings, which need not wait for who writes.
        if !read::has_waived_until(&self.pool, &self.tenant, now).await? {
            return Ok(Vec::new());
        }
        let mut tx = self.begin("begin expiring waivers").await?;
        let expired = read::waived_until(&mut tx, &self.tenant, now).await?;
        let expired: Vec<_> = expired.into_values().map(|entry| entry.known).collect();
        let transitions =
            reconcile(&expired, &RunFindings { run: &Run::idle(now), findings: &[], waivers: &[] }, now);
        write::transitions(&mut tx, &self.tenant, &transitions, &Cause::clock(), now).await?;
        tx.commit().await.map_err(failed("commit expired waivers"))?;
        Ok(transitions)
    }

    /// Decides on one finding and gives what it is afterwards.
    ///
    /// # Errors
    /// When there is no such finding, its revision has moved on, or the decision is refused.
    pub async fn decide(
        &self,
        finding_id: &str,
        decision: &Decision,
        by: &By,
        now: UtcMicros,
    ) -> Result<Entry, Error> {
        let mut tx = self.begin("begin a decision").await?;
        let missing = || Error::NoFinding { finding_id: finding_id.to_owned() };
        let entry = read::entry_of(&mut tx, &self.tenant, finding_id).await?.ok_or_else(missing)?;
        if let Some(expected) = by.if_revision.filter(|expected| *expected != entry.revision) {
            return Err(Error::Revision {
                finding_id: finding_id.to_owned(),
                expected,
                found: entry.revision,
            });
        }
        let refused = |source| Error::Refused { on: format!("finding \"{finding_id}\""), source };
        let transition = decide(&entry.known, decision, by, now).map_err(refused)?;
        let mut cause = Cause::person(&by.actor);
        if let Decision::Waive(terms) = decision {
            cause.approver = Some(&terms.approver);
            let scope = WaiverScope::Finding { finding_id: finding_id.to_owned() };
            write::waiver(&mut tx, &self.tenant, &waiver(scope, by, terms, now)).await?;
        }
        write::transitions(&mut tx, &self.tenant, slice::from_ref(&transition), &cause, now).await?;
        tx.commit().await.map_err(failed("commit a decision"))?;
        Ok(Entry { known: transition.known, revision: entry.revision + 1 })
    }

    /// Waives every finding of one detector about one subject: those that are not
    /// resolved or superseded now, and those that open before its end. Gives the
    /// transitions of the former.
    ///
    /// # Errors
    /// When the terms are refused, for the gravest of the findings.
    pub async fn waive_subject(
        &self,
        detector: &str,
        subject_id: &str,
        by: &By,
        terms: &Terms,
        now: UtcMicros,
    ) -> Result<Vec<Transition>, Error> {
        let refused = |source| Error::Refused {
            on: format!("detector \"{detector}\", subject \"{subject_id}\""),
            source,
        };
        if detector.trim().is_empty() || subject_id.trim().is_empty() {
            return Err(refused(super::Refusal::NoScope));
        }
        let scope = WaiverScope::Subject { detector: detector.to_owned(), subject_id: subject_id.to_owned() };
        let mut tx = self.begin("begin a waiver").await?;
        let covered = read::unresolved_about(&mut tx, &self.tenant, detector, subject_id).await?;
        let gravest = covered.values().map(|entry| entry.known.finding.severity).max();
        check_waiver(by, terms, gravest.unwrap_or(Severity::Info), now).map_err(refused)?;
        write::waiver(&mut tx, &self.tenant, &waiver(scope, by, terms, now)).await?;
        let decision = Decision::Waive(terms.clone());
        let cause = Cause { approver: Some(&terms.approver), ..Cause::person(&by.actor) };
        let mut transitions = Vec::with_capacity(covered.len());
        for entry in covered.into_values() {
            transitions.push(decide(&entry.known, &decision, by, now).map_err(refused)?);
        }
        write::transitions(&mut tx, &self.tenant, &transitions, &cause, now).await?;
        tx.commit().await.map_err(failed("commit a waiver"))?;
        Ok(transitions)
    }

    /// Takes the write lock at once: a lock taken later could find the file changed since
    /// the reads before it, and SQLite would then refuse the write.
    pub(super) async fn begin(&self, attempt: &'static str) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(attempt))
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

fn waiver(scope: WaiverScope, by: &By, terms: &Terms, now: UtcMicros) -> Waiver {
    let reason = by.reason.trim().to_owned();
    let (actor, approver) = (by.actor.trim().to_owned(), terms.approver.trim().to_owned());
    Waiver { scope, reason, actor, approver, created_at: now, until: terms.until }
}
