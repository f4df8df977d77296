//! A served folder: a small lake, one recorded run, one token of each sort; and HTTP/1.1 by
//! hand, so that no client library smooths over what goes over the wire.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lychgate::domain::{Finding, Findings, UtcMicros};
use lychgate::findings::{Ledger, Run, Scope};
use lychgate::pipeline::{Engine, Reading, RuleFolders};
use lychgate::query::{At, json_rows};
use lychgate::serve::{bind, serve};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::block_on;

/// The server's clock: 2100-01-01, after whatever instant the files are ingested at.
pub const NOW: UtcMicros = UtcMicros(4_102_444_800_000_000);
const DAY: i64 = UtcMicros::MICROS_PER_DAY;

/// Findings in the recorded run: `f0` to `f8`.
pub const FINDINGS: usize = 9;
pub const SEVERITIES: [&str; 3] = ["low", "high", "critical"];
/// How long a sender waits.
const WAIT: Duration = Duration::from_secs(60);
pub const APPS: [&str; 2] = ["crm", "erp"];

const ROSTER: &str = "\
Employee ID,Full Name,Work Email,Department,Job Title,Hire Date,Termination Date
E100,Ada Park,ada@example.com,Engineering,Engineer,2020-01-15,
E101,Ben Ortiz,ben@example.com,Finance,Analyst,2021-03-01,2026-05-31
E102,Cleo Wang,cleo@example.com,Finance,Lead,2019-09-16,
";
const ACCOUNTS: &str = "\
User ID,Username,Full Name,Email,Status,Created Date,Last Login
u1,ada,Ada Park,ada@example.com,Active,2020-01-16,2026-06-20
u2,ben,Ben Ortiz,ben@example.com,Active,2021-03-02,2026-06-22
u3,cleo,Cleo Wang,cleo@example.com,Inactive,2019-09-17,2025-01-10
";

/// The API as a client reaches it.
pub struct Api {
    address: SocketAddr,
    pub engine: Engine,
    pub ledger: Ledger,
    /// Tokens: one that reads, one that may not, one that is over.
    pub reader: String,
    pub ingest: String,
    pub expired: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Serves a fresh folder with one recorded run on a free port of the loopback address while `body` runs.
pub fn with_api(body: impl AsyncFnOnce(&Api) + Send) {
    with_folder(true, || NOW, "default", body);
}

/// The same of a company whose configuration names a profile.
pub fn with_profiled_api(profile: &'static str, body: impl AsyncFnOnce(&Api) + Send) {
    with_folder(true, || NOW, profile, body);
}

/// The same before the first run, with a clock that goes on.
pub fn with_unrecorded_api(body: impl AsyncFnOnce(&Api) + Send) {
    static ELAPSED: AtomicI64 = AtomicI64::new(0);
    with_folder(false, || UtcMicros(NOW.0 + ELAPSED.fetch_add(1, Ordering::Relaxed)), "default", body);
}

fn with_folder(
    recorded: bool,
    clock: fn() -> UtcMicros,
    profile: &'static str,
    body: impl AsyncFnOnce(&Api) + Send,
) {
    block_on(async move || {
        let folder = tempfile::tempdir().unwrap();
        let [sigma, own] = ["sigma", "own"].map(|name| vec![folder.path().join(name)]);
        let rules = RuleFolders { sigma, own, ..RuleFolders::default() };
        fs::create_dir(&rules.sigma[0]).unwrap();
        fs::create_dir(&rules.own[0]).unwrap();
        let engine = Engine::new(&folder.path().join("data"), "acme").with_rules(rules).with_profile(profile);
        fill_lake(&engine, folder.path()).await;
        let ledger = engine.ledger().await.unwrap();
        if recorded {
            record_run(&ledger).await;
        }
        let token = async |label: &str, scope: Scope, byte: u8, expires_at: UtcMicros| {
            let made_at = UtcMicros(NOW.0 - 90 * DAY);
            ledger.add_token(label, scope, expires_at, &[byte; 32], made_at).await.unwrap()
        };
        let reader = token("reader", Scope::Reader, 1, UtcMicros(NOW.0 + DAY)).await;
        let ingest = token("ingest", Scope::Ingest, 2, UtcMicros(NOW.0 + DAY)).await;
        let expired = token("expired", Scope::Admin, 3, NOW).await;
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let api = Api { address, engine: engine.clone(), ledger: ledger.clone(), reader, ingest, expired };
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async move {
            let _ = stopped.await;
        };
        let server = serve(&engine, listener, [7; 32], clock, WAIT, stopped);
        let client = async {
            body(&api).await;
            drop(stop);
        };
        let (served, ()) = tokio::join!(server, client);
        served.unwrap();
    });
}

async fn fill_lake(engine: &Engine, folder: &Path) {
    let files = [("hr/roster_2026-06-29.csv", ROSTER), ("crm/accounts_2026-06-29.csv", ACCOUNTS)];
    let mut paths = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let report = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
    assert!(!report.incomplete(), "{report:?}");
}

async fn record_run(ledger: &Ledger) {
    let run = Run {
        run_id: "run-1".to_owned(),
        as_of: as_of(),
        known_at: NOW,
        profile: "default".to_owned(),
        started_at: NOW,
        finished_at: NOW,
        exit_code: 0,
        coverage: BTreeMap::new(),
    };
    let findings: Vec<Finding> = (0..FINDINGS).map(finding).collect();
    let changes = ledger.record_run(&run, &Findings::of(&findings).unwrap(), NOW).await.unwrap();
    assert_eq!(changes.counts.opened, FINDINGS as u64);
}

fn as_of() -> UtcMicros {
    UtcMicros::parse("2026-06-30T00:00:00Z").unwrap()
}

/// Finding `n`; severities, applications, scores and ages repeat, so that pages break ties.
fn finding(n: usize) -> Finding {
    let (app, severity) = (APPS[n % 2], SEVERITIES[n % 3]);
    let since = (!n.is_multiple_of(4)).then(|| UtcMicros(as_of().0 - (n % 4) as i64 * DAY));
    serde_json::from_value(json!({
        "finding_id": format!("f{n}"),
        "detector": "dormant_account",
        "code": "DOR-01",
        "title": "Enabled account that nobody uses",
        "verdict": "fail",
        "severity": severity,
        "score": (n % 5) as f64 * 100.0 / 7.0,
        "status": "open",
        "subject": { "kind": "account", "id": format!("{app}/a{n}") },
        "account": { "app": app, "id": format!("a{n}") },
        "app": { "id": app },
        "as_of": as_of(),
        "known_at": NOW,
        "since": since,
        "explanation": "Unused for 120 days.",
        "evidence": [{ "table": "accounts", "key": format!("{app}/a{n}"), "says": "never used" }],
        "profile": "default",
    }))
    .unwrap()
}

impl Api {
    /// Ids of the stored events that begin so, in order.
    pub async fn stored_events(&self, prefix: &str) -> Vec<String> {
        let session = self.engine.session(At { as_of: NOW, known_at: NOW }).await.unwrap();
        let sql = "SELECT event_id FROM events ORDER BY event_id";
        let rows = json_rows(&session.collect("events", sql).await.unwrap());
        let ids = rows.iter().map(|row| row["event_id"].as_str().unwrap().to_owned());
        ids.filter(|id| id.starts_with(prefix)).collect()
    }

    /// Asks with the token that reads.
    pub async fn read(&self, target: &str) -> Answer {
        self.get(target, Some(&self.reader)).await
    }

    /// Asks with any token, or with none.
    pub async fn get(&self, target: &str, token: Option<&str>) -> Answer {
        ask(self.address, "GET", target, token, &[], "").await
    }

    /// Asks by any method and with any credentials.
    pub async fn ask(&self, method: &str, target: &str, authorization: &str) -> Answer {
        ask(self.address, method, target, None, &[("Authorization", authorization)], "").await
    }

    /// Sends a body.
    pub async fn post(&self, target: &str, token: Option<&str>, body: &str) -> Answer {
        ask(self.address, "POST", target, token, &[], body).await
    }

    /// Sends a body that need not be durable when the answer comes.
    pub async fn post_preferring(&self, target: &str, token: &str, prefer: &str, body: &str) -> Answer {
        ask(self.address, "POST", target, Some(token), &[("Prefer", prefer)], body).await
    }
}

/// One request over a connection of its own.
pub async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{bearer}{more}\r\n{body}"
    );
    let text = exchange(address, &request).await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), head: head.to_lowercase(), body: body.to_owned() }
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }
    let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Ok(0) => return String::from_utf8(answer).expect("text"),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
    }
}

/// A path with its query, percent-encoded.
pub fn target(path: &str, query: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        text.bytes().map(one).collect()
    };
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}
