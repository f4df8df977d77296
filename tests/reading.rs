//! Files that come again: on another day, changed back, read otherwise, of another application, of another log, or
//! under the name of one before.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lychgate::domain::UtcMicros;
use lychgate::normalize::table::{DateOrder, Overrides};
use lychgate::pipeline::{Engine, FileReport, Reading};
use lychgate::query::{At, json_rows};
use serde_json::{Value, json};

use crate::support::block_on;

/// 2100-01-01: by then everything that was read is known.
const LATER: UtcMicros = UtcMicros(4_102_444_800_000_000);

/// A data folder, and one of files.
struct Given {
    folder: tempfile::TempDir,
    engine: Engine,
}

impl Given {
    fn new() -> Given {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(&folder.path().join("data"), "acme");
        Given { folder, engine }
    }

    /// Writes a file, changed on a day of June 2026.
    fn write(&self, name: &str, day: u64, text: &str) -> PathBuf {
        const JUNE: u64 = 1_780_272_000;
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(JUNE + (day - 1) * 86_400);
        fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
        path
    }

    async fn read(&self, path: &Path, reading: Reading) -> FileReport {
        let report = self.engine.ingest(&[path.to_owned()], &|_| reading.clone(), &mut |_| {}).await.unwrap();
        report.files.into_iter().next().unwrap()
    }

    async fn ask(&self, question: &str) -> Vec<Value> {
        let session = self.engine.session(At { as_of: LATER, known_at: LATER }).await.unwrap();
        json_rows(&session.select(question).await.unwrap())
    }
}

fn of_app(app: &str) -> Reading {
    Reading { app: Some(app.to_owned()), ..Reading::default() }
}

const WITH_BOB: &str = "user_id,email,status\nu1,a@x.example,active\nu2,b@x.example,active\n";
const WITHOUT: &str = "user_id,email,status\nu1,a@x.example,active\nu2,b@x.example,suspended\n";

/// A leaver whose account was let in again would stay suspended in our books, because the listing had been seen before.
#[test]
fn a_listing_that_says_what_an_older_one_said_is_news() {
    block_on(async || {
        let given = Given::new();
        for (day, text, new) in [(10, WITH_BOB, 2), (11, WITHOUT, 2), (11, WITHOUT, 0), (12, WITH_BOB, 2)] {
            let path = given.write("zendesk/accounts.csv", day, text);
            let report = given.read(&path, Reading::default()).await;
            assert_eq!((report.new, report.duplicate), (new, 2 - new), "on {day} June");
        }
        let active = given.ask("SELECT active FROM accounts_now WHERE account_id = 'u2'").await;
        assert_eq!(active, [json!({"active": true})]);
    });
}

/// Each day would be an application, whose accounts of yesterday stay enabled for ever; or a folder of somebody's.
#[test]
fn folders_of_days_are_no_applications() {
    block_on(async || {
        let given = Given::new();
        let dated = given.write("salesforce/2026-06-02/accounts.csv", 20, WITH_BOB);
        assert_eq!(given.read(&dated, Reading::default()).await.app_id.as_deref(), Some("salesforce"));
        let listed = given.ask("SELECT DISTINCT listed_at FROM snapshots").await;
        assert_eq!(listed, [json!({"listed_at": "2026-06-02T00:00:00Z"})]);
        for name in ["exports/2026-06-02/accounts.csv", "Documents/accounts.csv"] {
            let report = given.read(&given.write(name, 20, WITH_BOB), Reading::default()).await;
            assert_eq!(report.refused.as_deref(), Some("which application? use --app"), "{name}");
            assert_eq!(
                (report.read, report.quarantined),
                (0, 0),
                "{name}: nothing is stored of what is asked about"
            );
        }
        assert_eq!(given.ask("SELECT count(*) AS n FROM sources").await, [json!({"n": 1})]);
    });
}

/// A leaving date that was read the wrong way round could never be put right.
#[test]
fn a_table_that_is_read_otherwise_is_another_listing() {
    block_on(async || {
        let given = Given::new();
        let roster = "employee_id,name,email,start_date,end_date,status\nE1,Ann,a@x.example,01/02/2020,03/04/2026,terminated\n";
        let path = given.write("roster.csv", 20, roster);
        for (order, end_at) in [(DateOrder::MonthFirst, "2026-03-05"), (DateOrder::DayFirst, "2026-04-04")] {
            let overrides = Overrides { date_order: Some(order), ..Overrides::default() };
            let reading = Reading { overrides, ..Reading::default() };
            assert_eq!(given.read(&path, reading.clone()).await.new, 1);
            assert_eq!(given.read(&path, reading).await.duplicate, 1);
            let ends = given.ask("SELECT CAST(end_at AS VARCHAR) AS end_at FROM employments").await;
            assert!(ends[0]["end_at"].as_str().unwrap().starts_with(end_at), "{ends:?}");
        }
    });
}

/// A deletion in one application would be taken for the same line of another's log.
#[test]
fn equal_lines_of_two_applications_are_two_events() {
    block_on(async || {
        let given = Given::new();
        let line = "10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"DELETE /scim/v2/Users/42 HTTP/1.1\" 204 0\n";
        for app in ["box", "zoom"] {
            let path = given.write(&format!("{app}/access.log"), 20, line);
            assert_eq!(given.read(&path, Reading::default()).await.new, 1, "{app}");
        }
        // What the record says of itself goes before the name of a folder, and after what a person says.
        let request = r#"{"time":"2026-03-01T10:00:00Z","method":"DELETE","path":"/Users/7","status":204,"connection":"crm"}"#;
        let path = given.write("gateway/requests.ndjson", 20, &format!("{request}\n"));
        given.read(&path, Reading::default()).await;
        given.read(&path, of_app("erp")).await;
        let apps = given.ask("SELECT account_app FROM events ORDER BY 1").await;
        assert_eq!(apps, ["box", "crm", "erp", "zoom"].map(|app| json!({ "account_app": app })));
    });
}

/// A log that has ended would count as whole, because one clock runs ahead or another log came in the same stream.
#[test]
fn each_log_of_a_stream_reaches_as_far_as_its_own_events() {
    block_on(async || {
        let given = Given::new();
        let signed_in = |id: u32, at: &str| {
            json!({"category": "SignInLogs", "time": at, "properties":
                {"id": format!("s{id}"), "createdDateTime": at, "userId": "u", "userPrincipalName": "a@x.example", "appId": "a", "status": {"errorCode": 0}}})
        };
        let changed = json!({"category": "AuditLogs", "time": "2026-03-01T00:00:00Z", "properties":
            {"id": "a1", "activityDateTime": "2026-03-01T00:00:00Z", "activityDisplayName": "Update user", "result": "success"}});
        let records = [
            signed_in(1, "2026-03-02T00:00:00Z"),
            signed_in(2, "2026-03-03T00:00:00Z"),
            signed_in(3, "2099-01-01T00:00:00Z"),
            changed,
        ];
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        let report = given.read(&given.write("hub.ndjson", 20, &text), Reading::default()).await;
        assert_eq!((report.read, report.new, report.quarantined), (4, 4, 0));
        let reach =
            "SELECT source, rows_read, rows_new, CAST(watermark_at AS VARCHAR) AS at FROM sources ORDER BY 1";
        let told = |source: &str, rows: u32, at: &str| json!({"source": source, "rows_read": rows, "rows_new": rows, "at": at});
        assert_eq!(
            given.ask(reach).await,
            [told("entra_audit", 1, "2026-03-01T00:00:00Z"), told("entra_signin", 3, "2026-03-03T00:00:00Z")]
        );
    });
}

/// A deactivation that was never read would count as read, once another file has the name of its own.
#[test]
fn a_record_leaves_quarantine_by_a_later_reading_alone() {
    block_on(async || {
        let given = Given::new();
        let line = |id: &str, at: &str| {
            format!(
                "{{\"uuid\":\"{id}\",\"published\":\"{at}\",\"eventType\":\"user.session.start\",\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
            )
        };
        let path = |second: &str| {
            let text = line("q1", "2026-03-01T00:00:00Z") + second;
            given.write("log.ndjson", 20, &text)
        };
        given.read(&path(&line("q2", "2026-03-01T00:00:01Z")), Reading::default()).await;
        let report = given.read(&path(&line("q3", "not a time")), Reading::default()).await;
        assert_eq!(report.quarantined, 1);
        let waiting = given.engine.quarantined().await.unwrap();
        assert_eq!(waiting.iter().map(|record| record.line).collect::<Vec<_>>(), [2]);
        given.read(&path(&line("q3", "2026-03-01T00:00:02Z")), Reading::default()).await;
        assert_eq!(given.engine.quarantined().await.unwrap().len(), 0);
    });
}

/// One settings file among the exports would be a source for ever, whose silence speaks against every verdict.
#[test]
fn a_file_of_no_known_format_waits_and_is_no_source() {
    block_on(async || {
        let given = Given::new();
        let stray = "{\"settings\":{\"theme\":\"dark\"}}\n";
        let report =
            given.read(&given.write("settings.ndjson", 20, &stray.repeat(2)), Reading::default()).await;
        assert_eq!((report.quarantined, report.refused.is_some()), (2, true));
        assert_eq!(given.ask("SELECT source FROM sources_now").await, Vec::<Value>::new());
        let waiting = async || given.engine.quarantined().await.unwrap().len();
        assert_eq!(waiting().await, 2);
        let event = r#"{"uuid":"q1","published":"2026-03-01T00:00:00Z","eventType":"user.session.start","actor":{"id":"00u1","type":"User"}}"#;
        assert_eq!(given.read(&given.write("settings.ndjson", 20, event), Reading::default()).await.new, 1);
        assert_eq!(waiting().await, 0, "the file as it is now was read whole");
        assert_eq!(given.ask("SELECT source FROM sources_now").await, [json!({"source": "okta"})]);
    });
}

/// A log that is begun anew each night would settle by its first whole day what was lost of another.
#[test]
fn a_log_begun_anew_settles_no_line_of_the_one_before() {
    block_on(async || {
        let given = Given::new();
        let line = |id: &str| {
            format!(
                "{{\"uuid\":\"{id}\",\"published\":\"2026-03-01T00:00:00Z\",\"eventType\":\"user.session.start\",\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
            )
        };
        let damaged = line("q1") + &line("q2").replace("2026-03-01T00:00:00Z", "never");
        assert_eq!(
            given.read(&given.write("log.ndjson", 20, &damaged), Reading::default()).await.quarantined,
            1
        );
        assert_eq!(given.read(&given.write("log.ndjson", 21, &line("q3")), Reading::default()).await.new, 1);
        assert_eq!(given.engine.quarantined().await.unwrap().len(), 1);
    });
}
