//! The ledger's file: whole runs, tenants, versions, waivers, tokens and the audit.

use std::path::{Path, PathBuf};

use lychgate::domain::{Finding, Severity, Status, UtcMicros};
use lychgate::findings::{
    By, Change, Coverage, Decision, Error, FindingQuery, Ledger, Read, Refusal, Run, RunKind, Scope, Terms,
};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, SqlSafeStr};

use super::{day, finding, held, run};

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state.db")
}

async fn open(path: &Path) -> Ledger {
    Ledger::open(path, "acme").await.unwrap()
}

fn complete(at: i64) -> Run {
    run(day(at), &[("dormant", Coverage::Complete)])
}

fn accounts(names: &[&str]) -> Vec<Finding> {
    names.iter().map(|name| finding("dormant", "crm", name, "r1")).collect()
}

fn terms(until: i64) -> Terms {
    Terms { approver: "bo".to_owned(), until: day(until) }
}

const A: &str = "dormant-crm-a";

/// Without this a question about last year would close everything that is open today.
#[tokio::test]
async fn questions_about_the_past_and_the_future_are_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    ledger.record_run(&complete(10), &held(&accounts(&["a"])), day(10)).await.unwrap();
    let check = async |given: Run, expect: RunKind| {
        let changes = ledger.record_run(&given, &held(&accounts(&["b"])), day(10)).await.unwrap();
        assert_eq!((changes.kind, changes.transitions.len()), (expect, 0));
        assert_eq!(ledger.list(&FindingQuery::default()).await.unwrap().total, 1);
        assert_eq!(ledger.get(A).await.unwrap().unwrap().known.finding.status, Status::Open);
        assert_eq!(ledger.runs(10).await.unwrap().len(), 1);
    };
    check(complete(9), RunKind::Historic).await;
    check(Run { known_at: day(9), ..complete(10) }, RunKind::Historic).await;
    check(complete(11), RunKind::Future).await;
    check(Run { known_at: day(11), ..complete(10) }, RunKind::Future).await;
}

/// Else one run that once knew too much would keep every later one from being recorded.
#[tokio::test]
async fn a_recorded_run_with_knowledge_from_the_future_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    // Recorded by a clock that was ahead.
    let ahead = Run { known_at: day(99), ..complete(10) };
    ledger.record_run(&ahead, &held(&accounts(&["a"])), day(99)).await.unwrap();
    let changes = ledger.record_run(&complete(11), &held(&accounts(&["b"])), day(11)).await.unwrap();
    assert_eq!((changes.kind, changes.counts.opened, changes.counts.resolved), (RunKind::Current, 1, 1));
    let past = ledger.record_run(&complete(10), &held(&[]), day(11)).await.unwrap();
    assert_eq!(past.kind, RunKind::Historic);
}

/// After a crash or an error half a run would read as half of the findings resolved.
#[tokio::test]
async fn a_run_is_recorded_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    let changes = ledger.record_run(&complete(1), &held(&accounts(&["a", "b"])), day(1)).await.unwrap();
    assert_eq!((changes.counts.opened, changes.transitions.len()), (2, 2));
    let repeated = ledger.record_run(&complete(1), &held(&[]), day(1)).await;
    assert!(matches!(repeated, Err(Error::RunRepeated { .. })));
    let mut bad = accounts(&["a", "c"]);
    bad[1].score = f64::NAN;
    assert!(matches!(ledger.record_run(&complete(2), &held(&bad), day(2)).await, Err(Error::Score { .. })));
    assert_eq!(ledger.list(&FindingQuery::default()).await.unwrap().total, 2);
    let changes = ledger.record_run(&complete(3), &held(&accounts(&["b"])), day(3)).await.unwrap();
    assert_eq!((changes.counts.resolved, changes.counts.still_open), (1, 1));
    ledger.close().await;

    let ledger = open(&file(&folder)).await;
    let history = ledger.events(A).await.unwrap();
    let steps: Vec<_> = history.iter().map(|e| (e.change, e.to, e.reason.as_str(), e.at)).collect();
    assert_eq!(
        steps,
        [
            (Change::Opened, Status::Open, "condition_holds", day(1)),
            (Change::Resolved, Status::Resolved, "condition_cleared", day(3)),
        ]
    );
    let runs = ledger.runs(10).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.as_of).collect::<Vec<_>>(), [day(3), day(1)]);
    assert_eq!(runs[0].counts, changes.counts);
}

/// One customer's list, history, token or decision reaching another's is the worst leak.
#[tokio::test]
async fn tenants_in_one_file_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let acme = open(&file(&folder)).await;
    let other = Ledger::open(&file(&folder), "other").await.unwrap();
    acme.record_run(&complete(10), &held(&accounts(&["a"])), day(10)).await.unwrap();
    // The same run id, an older instant and the same finding id are no matter elsewhere.
    let changes = other.record_run(&complete(9), &held(&accounts(&["b"])), day(9)).await.unwrap();
    assert_eq!(changes.kind, RunKind::Current);
    assert_eq!(other.list(&FindingQuery::default()).await.unwrap().total, 1);
    assert_eq!(other.get(A).await.unwrap(), None);
    assert!(other.events(A).await.unwrap().is_empty());
    let by = By::new("ada", "review");
    let decided = other.decide(A, &Decision::Resolve, &by, day(10)).await;
    assert!(matches!(decided, Err(Error::NoFinding { .. })));
    let token = acme.add_token("ci", Scope::Reader, day(99), &[7; 32], day(10)).await.unwrap();
    assert_eq!(other.token_scope(&token, day(10)).await.unwrap(), None);
    other.record_run(&complete(10), &held(&accounts(&["a"])), day(10)).await.unwrap();
    other.decide(A, &Decision::Acknowledge, &by, day(10)).await.unwrap();
    assert_eq!(acme.get(A).await.unwrap().unwrap().known.finding.status, Status::Open);
}

/// Accepted risk that never ends by itself is risk that nobody accepts any more.
#[tokio::test]
async fn a_waiver_ends_on_time_with_and_without_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    let status = async |id: &str| ledger.get(id).await.unwrap().unwrap().known.finding.status;
    ledger.record_run(&complete(1), &held(&accounts(&["a", "b"])), day(1)).await.unwrap();
    let waive = Decision::Waive(terms(5));
    let by = By::new("ada", "migration until Friday");
    for id in [A, "dormant-crm-b"] {
        ledger.decide(id, &waive, &by, day(1)).await.unwrap();
    }
    assert_eq!(ledger.waivers(day(4)).await.unwrap().len(), 2);
    ledger.record_run(&complete(4), &held(&accounts(&["a", "b"])), day(4)).await.unwrap();
    assert_eq!(status(A).await, Status::AcceptedRisk);
    assert_eq!(ledger.expire_waivers(day(4)).await.unwrap(), []);
    assert_eq!(ledger.decided(day(4)).await.unwrap()[A], Status::AcceptedRisk);
    assert_eq!(ledger.decided(day(5)).await.unwrap().len(), 0);
    // Due on day 5, and accepted by nobody after it.
    assert_eq!(ledger.overdue(day(6)).await.unwrap().len(), 2);
    let expired = ledger.expire_waivers(day(5)).await.unwrap();
    assert_eq!(expired.iter().map(|t| t.change).collect::<Vec<_>>(), [Change::Reopened; 2]);
    assert_eq!(ledger.waivers(day(5)).await.unwrap(), []);
    let last = ledger.events(A).await.unwrap().pop().unwrap();
    assert_eq!((last.reason.as_str(), last.actor.as_str()), ("waiver_expired", "lychgate"));
    // The same by a run alone.
    let waive = Decision::Waive(terms(7));
    ledger.decide(A, &waive, &by, day(6)).await.unwrap();
    ledger.record_run(&complete(7), &held(&accounts(&["a", "b"])), day(7)).await.unwrap();
    assert_eq!(status(A).await, Status::Open);
    let waived = &ledger.events(A).await.unwrap()[1];
    assert_eq!((waived.change, waived.approver.as_deref()), (Change::Waived, Some("bo")));
}

/// A waiver on a subject with one critical finding must obey the limit for critical.
#[tokio::test]
async fn a_waiver_on_a_subject_covers_present_and_coming_findings() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    let mut findings = accounts(&["a"]);
    findings[0].severity = Severity::Critical;
    ledger.record_run(&complete(1), &held(&findings), day(1)).await.unwrap();
    let by = By::new("ada", "legal hold");
    let long = ledger.waive_subject("dormant", "crm/a", &by, &terms(200), day(1)).await;
    assert!(matches!(long, Err(Error::Refused { source: Refusal::TooLong { days_max: 180, .. }, .. })));
    let covered = ledger.waive_subject("dormant", "crm/a", &by, &terms(100), day(1)).await.unwrap();
    assert_eq!(covered.len(), 1);
    assert_eq!(ledger.waive_subject("dormant", "crm/b", &by, &terms(100), day(1)).await.unwrap(), []);
    let both = held(&[findings.remove(0), accounts(&["b"]).remove(0)]);
    ledger.record_run(&complete(2), &both, day(2)).await.unwrap();
    for id in [A, "dormant-crm-b"] {
        let entry = ledger.get(id).await.unwrap().unwrap();
        assert_eq!(entry.known.finding.status, Status::AcceptedRisk);
        assert_eq!(entry.known.waived_until, Some(day(100)));
    }
}

/// Two analysts on one finding: the second must learn that the ground has moved.
#[tokio::test]
async fn a_decision_on_a_stale_view_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    ledger.record_run(&complete(1), &held(&accounts(&["a"])), day(1)).await.unwrap();
    let seen = ledger.get(A).await.unwrap().unwrap();
    let by = By { if_revision: Some(seen.revision), ..By::new("ada", "review") };
    let after = ledger.decide(A, &Decision::Acknowledge, &by, day(1)).await.unwrap();
    assert_eq!(ledger.get(A).await.unwrap(), Some(after));
    let second = ledger.decide(A, &Decision::Resolve, &by, day(1)).await;
    assert!(matches!(second, Err(Error::Revision { expected: 1, found: 2, .. })));
    // Being seen again is no change that a decision could be blind to.
    ledger.record_run(&complete(2), &held(&accounts(&["a"])), day(2)).await.unwrap();
    assert_eq!(ledger.get(A).await.unwrap().unwrap().revision, 2);
}

/// An old program that writes into a newer ledger destroys what it does not understand.
#[tokio::test]
async fn a_newer_or_foreign_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    open(&path).await.close().await;
    let mut raw = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (7, 'later', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let refused = Ledger::open(&path, "acme").await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 7, known: 6, .. }));
    assert!(refused.to_string().contains("newer than version 6"), "{refused}");

    let foreign = folder.path().join("foreign.db");
    std::fs::write(&foreign, "employee_id,name\n17,Ada Low\n".repeat(50)).unwrap();
    let refused = Ledger::open(&foreign, "acme").await.unwrap_err();
    assert!(matches!(refused, Error::Open { .. } | Error::Migrate { .. }), "{refused}");
    let nowhere = folder.path().join("missing/state.db");
    assert!(matches!(Ledger::open(&nowhere, "acme").await, Err(Error::Open { .. })));
}

/// An upgrade that lost what people decided would be the last one that anybody dares.
#[tokio::test]
async fn a_ledger_of_an_older_version_is_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    for version in 1..=OLDER.len() {
        let path = folder.path().join(format!("{version}.db"));
        let mut kept = finding("dormant", "crm", "a", "r1");
        (kept.first_seen_at, kept.last_seen_at) = (Some(day(1)), Some(day(2)));
        kept.ages_out_at = (version % 2 == 0).then(|| UtcMicros(day(30).0 + 123_000));
        older(&path, version, &kept).await;
        let ledger = open(&path).await;
        let entry = ledger.get(A).await.unwrap().unwrap();
        // A ledger of version 4 has the instants of the last run beside the text.
        (kept.as_of, kept.known_at) = if version < 4 { (day(0), day(0)) } else { (day(2), day(3)) };
        assert_eq!((&entry.known.finding, entry.revision), (&kept, 1), "version {version}");
        assert_eq!(ledger.events(A).await.unwrap().len(), 1);
        assert_eq!(ledger.occurrences().await.unwrap().len(), usize::from(version % 2 == 0));
        assert_eq!(ledger.batch("none", "nobody").await.unwrap(), None);
        // And goes on from there.
        let by = By::new("ada", "review");
        let decided = ledger.decide(A, &Decision::Acknowledge, &by, day(4)).await.unwrap();
        assert_eq!(ledger.get(A).await.unwrap(), Some(decided));
        let seen = accounts(&["a", "b"]);
        let counts = ledger.record_run(&complete(5), &held(&seen), day(5)).await.unwrap().counts;
        assert_eq!((counts.opened, ledger.list(&FindingQuery::default()).await.unwrap().total), (1, 2));
    }
}

const OLDER: [&str; 4] = [
    include_str!("../../src/findings/migrations/0001_ledger.sql"),
    include_str!("../../src/findings/migrations/0002_batches.sql"),
    include_str!("../../src/findings/migrations/0003_rules.sql"),
    include_str!("../../src/findings/migrations/0004_content.sql"),
];

/// A ledger with one finding, as a program that knew this version left it.
async fn older(path: &Path, version: usize, finding: &Finding) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true);
    let mut raw = SqliteConnection::connect_with(&options).await.unwrap();
    let migrations = OLDER[..version].iter().zip(["ledger", "batches", "rules", "content"]).zip(1..);
    let migrations = migrations.map(|((sql, name), number)| {
        Migration::new(number, name.into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect()).run_direct(None, &mut raw, false).await.unwrap();
    let store = "INSERT INTO findings (
            tenant, finding_id, detector, code, subject_kind, subject_id, severity, verdict, status, score, profile,
            since, first_seen_at, last_seen_at, due_at, fingerprint, assigned, revision, finding
        )
        VALUES ('acme', ?1, 'dormant', 'DOR-01', 'account', 'crm/a', 2, 'fail', 'open', 50.0, 'default',
            ?2, ?3, ?4, ?5, 'f', 0, 1, ?6)";
    let micros = |at: Option<UtcMicros>| at.map(|at| at.0);
    sqlx::query(store)
        .bind(&finding.finding_id)
        .bind(micros(finding.since))
        .bind(micros(finding.first_seen_at))
        .bind(micros(finding.last_seen_at))
        .bind(micros(finding.due_at))
        .bind(serde_json::to_string(finding).unwrap())
        .execute(&mut raw)
        .await
        .unwrap();
    if version >= 4 {
        let told = "UPDATE findings SET as_of = ?1, known_at = ?2, content = 'c'";
        sqlx::query(told).bind(day(2).0).bind(day(3).0).execute(&mut raw).await.unwrap();
    }
    let opened = "INSERT INTO finding_events (
            tenant, finding_id, at, change, to_status, verdict, severity, reason, actor
        )
        VALUES ('acme', ?1, ?2, 'opened', 'open', 'fail', 2, 'condition_holds', 'lychgate')";
    sqlx::query(opened).bind(&finding.finding_id).bind(day(1).0).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
}

/// What the file says it does about power loss is what it does.
#[tokio::test]
async fn the_file_keeps_a_write_ahead_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let ledger = open(&path).await;
    let mut raw = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut raw).await.unwrap();
    assert_eq!(mode, "wal");
    ledger.close().await;
}

/// A token that outlives its end, or lies readable in the file, is an open door.
#[tokio::test]
async fn tokens_are_shown_once_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let ledger = open(&path).await;
    let token = ledger.add_token("ci", Scope::Analyst, day(30), &[7; 32], day(1)).await.unwrap();
    let check = async |plaintext: &str, at: i64, expect: Option<Scope>| {
        assert_eq!(ledger.token_scope(plaintext, day(at)).await.unwrap(), expect);
    };
    check(&token, 1, Some(Scope::Analyst)).await;
    check(&token, 29, Some(Scope::Analyst)).await;
    check(&token, 30, None).await;
    check(&token.to_uppercase(), 1, None).await;
    check("", 1, None).await;
    let taken = ledger.add_token("ci", Scope::Reader, day(30), &[8; 32], day(1)).await;
    assert!(matches!(taken, Err(Error::TokenRepeated { .. })));
    let past = ledger.add_token("old", Scope::Reader, day(1), &[9; 32], day(1)).await;
    assert!(matches!(past, Err(Error::TokenTerms { .. })));
    assert!(ledger.revoke_token("ci", day(2)).await.unwrap());
    assert!(!ledger.revoke_token("ci", day(2)).await.unwrap());
    check(&token, 2, None).await;
    assert_eq!(ledger.tokens().await.unwrap()[0].revoked_at, Some(day(2)));
    ledger.close().await;
    let secret = token.trim_start_matches("lychgate_").as_bytes();
    let stored = std::fs::read(&path).unwrap();
    assert!(!stored.windows(secret.len()).any(|window| window == secret));
}

/// Who looked at whose access must be answerable, in order and without gaps.
#[tokio::test]
async fn reads_are_audited_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(&file(&folder)).await;
    let reads: Vec<Read> = (0..5)
        .map(|n| Read {
            at: day(n),
            actor: "ci".to_owned(),
            route: "GET /api/v1/findings".to_owned(),
            query: format!("score gt {n}"),
            rows: 3,
        })
        .collect();
    for read in &reads {
        ledger.audit_read(read).await.unwrap();
    }
    let first = ledger.reads(0, 3).await.unwrap();
    let rest = ledger.reads(first[2].0, 100).await.unwrap();
    let got: Vec<_> = first.into_iter().chain(rest).map(|(_, read)| read).collect();
    assert_eq!(got, reads);
}
