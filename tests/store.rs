//! The lake: exactly once, all or nothing, durable, and one writer.

mod bucket;
pub mod care;
mod checkpoints;
mod durable;
mod faulty;
mod texts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::prelude::SessionContext;
use lychgate::domain::{
    AccountRef, AccountRow, Actor, AppRef, CredentialRef, EmploymentRow, EntitlementKind, EntitlementRef,
    Event, GrantRow, Listing, Origin, Outcome, RegisterKind, RegisterRow, Rejection, Row, UtcMicros, Verb,
};
use lychgate::store::{Error, Home, Ingest, Lake, LoadCounts, LoadSummary, SourceKind, TABLES, WriteOptions};

const NOW: UtcMicros = UtcMicros(1_790_000_000_000_000);
const NOON: UtcMicros = UtcMicros(1_788_264_000_000_000);
const DAY: i64 = UtcMicros::MICROS_PER_DAY;

/// One file as the pipeline would hand it over.
#[derive(Clone)]
pub struct File {
    pub name: &'static str,
    pub rows: Vec<Row<'static>>,
    pub rejections: u64,
}

/// Rows of one table without where and when they were read: sorted, as text.
type Rows = BTreeMap<&'static str, Vec<String>>;

/// Ingests `given` (batches of files) and `expect` into two lakes, and compares `tables`.
async fn check(given: &[&[&File]], expect: &[&[&File]], tables: &[&str]) {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ingest(left.path(), given).await;
    ingest(right.path(), expect).await;
    let (left, right) = (stored(left.path()).await, stored(right.path()).await);
    for table in tables {
        assert!(!right[table].is_empty(), "nothing to compare in {table}");
        assert_eq!(left[table], right[table], "{table}");
    }
}

async fn ingest(root: &Path, batches: &[&[&File]]) -> Vec<LoadCounts> {
    let lake = opened(root).await;
    let mut counts = Vec::new();
    for files in batches {
        let mut batch = lake.ingest(NOW).await.unwrap();
        counts.extend(files.iter().map(|file| add(&mut batch, file).unwrap()));
        batch.commit().await.unwrap();
    }
    counts
}

/// The lake of a tenant, for writing.
async fn opened(root: &Path) -> Lake {
    Lake::open_for_write(root, "acme", WriteOptions::default()).await.unwrap()
}

pub fn add(batch: &mut Ingest, file: &File) -> Result<LoadCounts, Error> {
    let kind = match file.rows.first() {
        Some(Row::Account(_)) => SourceKind::Accounts,
        Some(Row::Grant(_)) => SourceKind::Grants,
        Some(Row::Employment(_)) => SourceKind::Roster,
        Some(Row::Register(_)) => SourceKind::Register,
        _ => SourceKind::Events,
    };
    let listing = Listing {
        listing_id: format!("listing of {}", file.name),
        app_id: Some("salesforce".into()),
        listed_at: NOON,
        complete: true,
        feed: None,
        has_ends: false,
    };
    let mut stage = batch.begin("okta", &listing)?.stage(1);
    let origin = |line| Origin { file: file.name.into(), line };
    for (line, row) in (1..).zip(&file.rows) {
        stage.add(&origin(line), &raw_of(row), row)?;
    }
    for line in 0..file.rejections {
        stage.quarantine(&origin(1_000 + line), Rejection::new("not_json", "no"), "{torn");
    }
    batch.merge(stage)?;
    batch.load(LoadSummary {
        load_id: format!("load of {}", file.name),
        source: "okta".into(),
        kind,
        app_id: None,
        file: file.name.into(),
        listing: (kind != SourceKind::Events).then_some(listing),
        rows_read: file.rows.len() as u64 + file.rejections,
        content_sha256: None,
        announced_total: Some(7),
    })
}

/// A raw record with what text formats like to spoil: blanks, escapes, line ends, non-ASCII.
fn raw_of(row: &Row) -> String {
    format!("{{ \"row\" : {:?},\r\n\t\"é\\u00e9\" :\"\\\"\" }}  ", serde_json::to_string(row).unwrap())
}

/// All rows of all tables, as a reader without the lock sees them.
async fn stored(home: impl Into<Home>) -> Rows {
    let lake = Lake::open(home, "acme").await.unwrap();
    let mut rows = Rows::new();
    for table in TABLES {
        rows.insert(table.name, query(&lake, table.name, &format!("SELECT * FROM {}", table.name)).await);
    }
    rows
}

async fn query(lake: &Lake, table: &str, sql: &str) -> Vec<String> {
    let session = SessionContext::new();
    session.register_table(table, lake.provider(table).await.unwrap()).unwrap();
    let mut rows = Vec::new();
    for batch in session.sql(sql).await.unwrap().collect().await.unwrap() {
        let options = FormatOptions::default().with_null("∅");
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let cells: Vec<_> = names
            .zip(batch.columns())
            .filter(|(name, _)| !name.starts_with("origin_") && *name != "ingested_at")
            .map(|(name, column)| (name, ArrayFormatter::try_new(column, &options).unwrap()))
            .collect();
        for row in 0..batch.num_rows() {
            let text = cells.iter().map(|(name, cell)| format!("{name}={}", cell.value(row)));
            rows.push(text.collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort();
    rows
}

fn event(id: u64, occurred_at: UtcMicros) -> Event {
    Event {
        event_id: format!("event-{id}"),
        source: "okta",
        org: None,
        event_type: "user.session.start".into(),
        verb: Verb::new("session.start"),
        occurred_at,
        actor: Actor::default(),
        account: AccountRef {
            app: Some("okta".into()),
            id: Some(format!("00u{id}")),
            ..AccountRef::default()
        },
        app: AppRef::default(),
        entitlement: EntitlementRef::default(),
        outcome: Outcome::Success,
        reason_code: None,
        reason: None,
        correlation_id: None,
        session_id: None,
        client_ip: None,
        user_agent: None,
        http_method: None,
        http_path: None,
        http_status: None,
        latency_ms: None,
        changes: None,
        expires_at: None,
        credential: CredentialRef::default(),
    }
}

/// Events of the given numbers, four a day, out of order in the file.
pub fn events(name: &'static str, ids: std::ops::Range<u64>) -> File {
    let at = |id: u64| UtcMicros(NOON.0 + id as i64 * DAY / 4);
    let rows = ids.rev().map(|id| Row::from(event(id, at(id)))).collect();
    File { name, rows, rejections: 0 }
}

fn listings() -> [File; 4] {
    let account = |id: &str| Row::Account(AccountRow { account_id: id.into(), ..AccountRow::default() });
    let grant = Row::Grant(GrantRow { entitlement_id: "admins".into(), ..GrantRow::default() });
    let employment = EmploymentRow { employee_id: "E1".into(), ..EmploymentRow::default() };
    let register = RegisterRow {
        kind: RegisterKind::Owners,
        key: "app/salesforce".into(),
        attributes: BTreeMap::from([("owner", "a \"b\" é".to_owned())]),
    };
    [
        File { name: "accounts.csv", rows: vec![account("1"), account("2"), grant], rejections: 2 },
        File { name: "roster.csv", rows: vec![Row::Employment(Box::new(employment))], rejections: 0 },
        File { name: "owners.csv", rows: vec![Row::Register(register)], rejections: 0 },
        File { name: "empty.csv", rows: vec![], rejections: 1 },
    ]
}

const EVERY_TABLE: &[&str] = &["events", "snapshots", "employments", "registers", "quarantine", "sources"];

/// Else a repeated cron job would double sign-ins, and a dormant account would look busy.
#[tokio::test]
async fn ingesting_again_changes_nothing() {
    let log = events("a.ndjson", 0..40);
    let [accounts, roster, owners, empty] = &listings();
    let all = [&log, accounts, roster, owners, empty];
    check(&[&all, &all, &all], &[&all], EVERY_TABLE).await;
    check(&[&[&log, &log, accounts, accounts, roster, owners]], &[&all[..4]], EVERY_TABLE).await;
    check(&[&[&log], &[accounts], &[roster, owners, empty]], &[&all], EVERY_TABLE).await;
}

/// Else the answer to "who had access" would depend on the order in which exports arrived.
#[tokio::test]
async fn order_and_overlap_of_files_do_not_matter() {
    let (early, late) = (events("a.ndjson", 0..30), events("b.ndjson", 20..50));
    let whole = events("whole.ndjson", 0..50);
    let mut twice = early.clone();
    twice.rows.extend(late.rows.iter().cloned());
    let events = &["events"];
    check(&[&[&early, &late]], &[&[&late, &early]], events).await;
    check(&[&[&late], &[&early]], &[&[&early, &late]], events).await;
    check(&[&[&twice]], &[&[&whole]], events).await;
    check(&[&[&early], &[&late]], &[&[&whole]], events).await;
}

/// Else an operator could not see that an export repeated what was known.
#[tokio::test]
async fn counts_tell_new_from_duplicate() {
    let root = tempfile::tempdir().unwrap();
    let (early, late) = (events("a.ndjson", 0..30), events("b.ndjson", 20..50));
    let [accounts, ..] = &listings();
    let counts = ingest(root.path(), &[&[&early, accounts], &[&late, accounts]]).await;
    let figures: Vec<_> = counts.iter().map(|c| (c.new, c.duplicate, c.quarantined)).collect();
    assert_eq!(figures, [(30, 0, 0), (3, 0, 2), (20, 10, 0), (0, 3, 2)]);
    let lake = Lake::open(root.path(), "acme").await.unwrap();
    let sources = query(&lake, "sources", "SELECT load_id, rows_new, rows_duplicate FROM sources").await;
    assert_eq!(
        sources,
        [
            "load_id=load of a.ndjson|rows_new=30|rows_duplicate=0",
            "load_id=load of accounts.csv|rows_new=3|rows_duplicate=0",
            "load_id=load of b.ndjson|rows_new=20|rows_duplicate=10",
        ]
    );
}

fn parquet_files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let mut found: Vec<_> =
        files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    found.extend(dirs.iter().flat_map(|dir| parquet_files(dir)));
    found
}

/// Else evidence could not be recomputed, and a field would be filed under another's name.
#[tokio::test]
async fn every_column_and_the_raw_record_come_back() {
    let root = tempfile::tempdir().unwrap();
    let some = |text: &str| Some(text.to_owned());
    let full = Event {
        org: some("org"),
        actor: Actor { id: some("actor_id"), kind: some("actor_kind"), name: some("actor_name") },
        account: AccountRef {
            app: some("account_app"),
            id: some("account_id"),
            name: some("account_name"),
            email: some("account_email"),
            external_id: some("account_external_id"),
        },
        app: AppRef { id: some("app_id"), name: some("app_name") },
        entitlement: EntitlementRef {
            kind: Some(EntitlementKind::Role),
            id: some("entitlement_id"),
            name: some("entitlement_name"),
        },
        reason_code: some("reason_code"),
        reason: some("reason"),
        correlation_id: some("correlation_id"),
        session_id: some("session_id"),
        client_ip: some("client_ip"),
        user_agent: some("user_agent"),
        http_method: some("http_method"),
        http_path: some("http_path"),
        http_status: Some(204),
        latency_ms: Some(u32::MAX),
        changes: some("changes"),
        expires_at: Some(UtcMicros(1)),
        credential: CredentialRef {
            kind: Some("credential_kind"),
            id: some("credential_id"),
            name: some("credential_name"),
        },
        ..event(1, UtcMicros(-1))
    };
    let row = Row::from(full);
    let raw = raw_of(&row);
    ingest(root.path(), &[&[&File { name: "a", rows: vec![row], rejections: 0 }]]).await;
    let rows = stored(root.path()).await;
    let (before_raw, after_raw) = rows["events"][0].split_once("|raw=").unwrap();
    let credential =
        "credential_kind=credential_kind|credential_id=credential_id|credential_name=credential_name";
    assert_eq!(after_raw, format!("{raw}|{credential}|event_date=1969-12-31"));
    let cells: Vec<_> = before_raw.split('|').filter_map(|cell| cell.split_once('=')).collect();
    let named_alike = cells.iter().filter(|(name, value)| name == value).count();
    assert_eq!((cells.len(), named_alike), (32, 22), "{cells:?}");
    for cell in [
        ("event_id", "event-1"),
        ("source", "okta"),
        ("event_type", "user.session.start"),
        ("verb", "session.start"),
        ("occurred_at", "1969-12-31T23:59:59.999999Z"),
        ("entitlement_kind", "role"),
        ("outcome", "success"),
        ("http_status", "204"),
        ("latency_ms", "2147483647"),
        ("expires_at", "1970-01-01T00:00:00.000001Z"),
    ] {
        assert!(cells.contains(&cell), "{cell:?} in {cells:?}");
    }
}

/// Else a question about one day would read years of logs.
#[tokio::test]
async fn files_are_one_a_day_and_pruned_by_day_and_time() {
    let root = tempfile::tempdir().unwrap();
    let log = events("a.ndjson", 0..40);
    ingest(root.path(), &[&[&log]]).await;
    let lake = Lake::open(root.path(), "acme").await.unwrap();
    assert_eq!(parquet_files(&lake.table_dir("events").unwrap()).len(), 11);
    for (filter, rows) in [
        ("event_date = DATE '2026-09-02'", 4),
        ("occurred_at >= TIMESTAMP '2026-09-10T00:00:00Z'", 6),
        ("occurred_at < TIMESTAMP '2026-09-01T12:00:00.000001Z'", 1),
    ] {
        let sql = format!("SELECT event_id FROM events WHERE {filter}");
        assert_eq!(query(&lake, "events", &sql).await.len(), rows, "{filter}");
    }
    let in_order = "SELECT 1 FROM (SELECT occurred_at FROM events WHERE event_date = DATE '2026-09-02' LIMIT 1) \
                    WHERE occurred_at = TIMESTAMP '2026-09-02T00:00:00Z'";
    assert_eq!(query(&lake, "events", in_order).await.len(), 1, "sorted by time in a file");
}

/// Else one customer's rows could be read through another's name.
#[tokio::test]
async fn tenants_are_folders_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    ingest(root.path(), &[&[&events("a.ndjson", 0..3)]]).await;
    let other = Lake::open(root.path(), "other").await.unwrap();
    assert!(query(&other, "events", "SELECT * FROM events").await.is_empty());
    for tenant in ["", "..", ".hidden", "a/b", "a\\b", "../acme", "a b", "é"] {
        let refused = Lake::open(root.path(), tenant).await.map(drop);
        assert!(matches!(refused, Err(Error::Tenant { .. })), "{tenant:?}");
    }
    assert!(matches!(other.provider("spans").await.map(drop), Err(Error::UnknownTable { .. })));
}
