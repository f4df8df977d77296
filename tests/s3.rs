//! The lake in a bucket: the real program, and two writers at once, against a service that speaks S3
//! and honours conditional put. Needs Python with `tests/python/requirements.txt` (env
//! `LYCHGATE_PYTHON`, else `python3`); says why and returns when there is none.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use lychgate::domain::UtcMicros;
use lychgate::store::{Bucket, Credentials, Home, Lake, WriteOptions};
use serde_json::{Value, json};

use crate::faults::{events_file, lychgate};
use crate::store::{add, events};
use crate::support::block_on;

const SECRET: &str = "hush-hush-hush";

/// A service on loopback; ends with the test.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    /// Says why when there is none. One that is `closed` refuses all credentials.
    fn start(closed: bool) -> Option<Service> {
        let python =
            std::env::var_os("LYCHGATE_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/s3_server.py");
        let mut command = Command::new(&python);
        command.arg(script).stdout(Stdio::piped()).stderr(Stdio::null());
        if closed {
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", "0");
        }
        let mut line = String::new();
        let started = command.spawn().ok().and_then(|mut child| {
            BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
            match line.trim().parse() {
                Ok(port) => Some(Service { child, port }),
                Err(_) => {
                    let _ = child.wait();
                    None
                }
            }
        });
        if started.is_none() {
            eprintln!(
                "skipped: {} cannot run tests/python/s3_server.py; set LYCHGATE_PYTHON",
                python.display()
            );
        }
        started
    }

    fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", "writer".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The program, with a data folder of its own and its lake here.
    fn program(&self, data: &Path, lake: &str) -> Command {
        let mut command = lychgate(data);
        command.envs(self.variables()).env("LYCHGATE_LOG", "lychgate=info").args(["--lake", lake]);
        command
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was printed and said; fails when the program did not end with `code`, or told the secret.
fn check(output: Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{printed}\n{said}");
    assert!(!printed.contains(SECRET) && !said.contains(SECRET), "{printed}\n{said}");
    (printed, said)
}

fn lines(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Else a second machine could not take over, or both would spoil the lake for each other.
#[test]
fn two_machines_write_to_one_lake_and_neither_loses_a_row() {
    const ROUNDS: u32 = 6;
    let Some(service) = Service::start(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let machines = ["one", "two"].map(|name| folder.path().join(name));
    let (mut new, mut overtaken) = (0, 0);
    for round in 0..ROUNDS {
        // Both have the middle third.
        let at = round * 45;
        let ranges = [at..at + 30, at + 15..at + 45];
        let running: Vec<Child> = machines
            .iter()
            .zip(ranges)
            .map(|(data, ids)| {
                let name = format!("{}-{round}.ndjson", data.file_name().unwrap().to_string_lossy());
                let file = events_file(folder.path(), &name, ids);
                let mut command = service.program(data, "s3://lakes/shared");
                command.args(["-o", "ndjson", "ingest"]).arg(file);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for child in running {
            let (printed, said) = check(child.wait_with_output().unwrap(), 0);
            new += lines(&printed).iter().map(|line| line["new"].as_u64().unwrap()).sum::<u64>();
            overtaken += said.matches("another writer came first").count();
        }
    }
    eprintln!("{overtaken} commits came behind another writer's");
    let ask = |arguments: &[&str]| {
        check(service.program(&machines[0], "s3://lakes/shared").args(arguments).output().unwrap(), 0).0
    };
    let sql = "SELECT count(*) AS rows, count(DISTINCT event_id) AS events FROM events";
    let answer = |sql: &str| lines(&ask(&["-o", "ndjson", "sql", sql])).remove(0);
    assert_eq!(answer(sql), json!({ "rows": 270, "events": 270 }));
    assert_eq!(new, 270, "what both were told is new");
    let loads = "SELECT count(*) AS loads, count(DISTINCT load_id) AS files FROM sources";
    assert_eq!(answer(loads), json!({ "loads": 12, "files": 12 }));
    ask(&["verify"]);
    let merged = lines(&ask(&["-o", "ndjson", "compact"]));
    assert!(merged.iter().any(|table| table["table"] == "events" && table["merged"].as_u64() > Some(5)));
    ask(&["verify"]);
    assert_eq!(answer(sql), json!({ "rows": 270, "events": 270 }));
    let asked =
        service.program(&machines[1], "s3://lakes/shared").args(["access", "--account", "00u7"]).output();
    // A log of months ago is no complete evidence, and says so.
    let (printed, said) = check(asked.unwrap(), 4);
    assert!(
        printed.contains("u7") && said.contains("incomplete evidence: the newest okta log is"),
        "{printed}{said}"
    );
    let doctor = service.program(&machines[0], "s3://lakes/shared").arg("doctor").output().unwrap();
    // A log says of itself neither that it is whole nor that it is fresh.
    assert!(check(doctor, 4).0.contains("creates an object only where none is"));
    ask(&["quarantine", "list"]);
    let detected = service.program(&machines[1], "s3://lakes/shared").arg("detect").output().unwrap();
    // Logs alone are no complete evidence.
    check(detected, 4);
}

/// Else which of two commits wins would be chance, and so would what is found when one loses.
#[test]
fn the_second_of_two_commits_keeps_only_what_is_new() {
    let Some(service) = Service::start(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    block_on(async || {
        let connect = || Bucket::connect("s3://lakes/race/", &Credentials(service.variables())).unwrap();
        let home = |name: &str| Home { data: folder.path().join(name), bucket: Some(connect()) };
        let open = async |name: &str| {
            Lake::open_for_write(home(name), "acme", WriteOptions::default()).await.unwrap()
        };
        let (one, two) = (open("one").await, open("two").await);
        let now = UtcMicros(1_790_000_000_000_000);
        let mut first = one.ingest(UtcMicros(now.0 + 5_000_000)).await.unwrap();
        let mut second = two.ingest(now).await.unwrap();
        add(&mut first, &events("a.ndjson", 0..20)).unwrap();
        assert_eq!(add(&mut second, &events("b.ndjson", 10..40)).unwrap().new, 30);
        assert_eq!(first.commit().await.unwrap().overtaken, [].into());
        let committed = second.commit().await.unwrap();
        assert_eq!(committed.overtaken, [("b.ndjson".to_owned(), 10)].into());
        let read = Lake::open(home("three"), "acme").await.unwrap().read("events").await.unwrap();
        // The second has the earlier clock, and became known later all the same.
        assert!(read.newest_known_at > Some(UtcMicros(now.0 + 5_000_000)));
        let session = datafusion::prelude::SessionContext::new();
        session.register_table("events", read.provider).unwrap();
        let rows = session.sql("SELECT event_id FROM events").await.unwrap().collect().await.unwrap();
        let rows = lychgate::query::json_rows(&rows);
        let distinct: BTreeSet<&str> = rows.iter().map(|row| row["event_id"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), distinct.len()), (40, 40));
    });
}

/// Else whoever sets it up for the first time would be left alone with a stack of causes.
#[test]
fn what_is_wrong_with_a_service_is_told() {
    let (Some(service), Some(closed)) = (Service::start(false), Service::start(true)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = events_file(folder.path(), "a.ndjson", 0..3);
    let data = folder.path().join("data");
    let ingest = ["ingest", file.to_str().unwrap()];
    for arguments in [&ingest[..], &["sql", "SELECT 1"], &["detect"]] {
        let tried = |command: &mut Command, code: i32, says: &str| {
            let (_, said) = check(command.args(arguments).output().unwrap(), code);
            assert!(said.contains(says), "{arguments:?}: {said}");
        };
        tried(&mut service.program(&data, "s3://absent/lake"), 3, "there is no such bucket");
        tried(&mut closed.program(&data, "s3://lakes/lake"), 3, "refuses these credentials");
        let nobody = "http://127.0.0.1:9";
        let mut unreachable = service.program(&data, "s3://lakes/lake");
        tried(unreachable.env("AWS_ENDPOINT_URL", nobody), 3, "look at AWS_ENDPOINT_URL");
        tried(&mut service.program(&data, "gs://lakes/lake"), 2, "not of the form s3://bucket/prefix");
        let mut anonymous = service.program(&data, "s3://lakes/lake");
        tried(anonymous.env_remove("AWS_SECRET_ACCESS_KEY"), 2, "set AWS_ACCESS_KEY_ID");
        let mut plain = service.program(&data, "s3://lakes/lake");
        tried(plain.env_remove("AWS_ALLOW_HTTP"), 2, "AWS_ALLOW_HTTP=true");
    }
    let to = folder.path().join("copy");
    let refused = service.program(&data, "s3://lakes/lake").arg("backup").arg(&to).output().unwrap();
    let (_, said) = check(refused, 3);
    assert!(said.contains("backups are of lakes in the data folder") && !to.exists(), "{said}");
    check(service.program(&data, "s3://lakes/lake").args(ingest).output().unwrap(), 0);
    let young = service.program(&data, "s3://lakes/lake").args(["compact", "--keep-days", "0"]).output();
    assert!(check(young.unwrap(), 3).1.contains("younger than a day"));
}
