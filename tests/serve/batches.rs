//! Senders that do not wait: 202 is no promise, and whoever asks is told the truth, also after the
//! server was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use lychgate::domain::UtcMicros;
use lychgate::findings::{Batch, Load, Scope};
use lychgate::pipeline::{Engine, Reading};
use serde_json::{Value, json};

use super::api::{Answer, Api, ask, with_api};
use crate::faults::lychgate;
use crate::support::block_on;

const EVENTS: &str = "/api/v1/events";

fn lines(ids: std::ops::Range<u32>) -> String {
    let line = |id: u32| {
        format!(
            "{{\"uuid\":\"sent-{id}\",\"published\":\"2026-06-{:02}T00:00:00Z\",\"eventType\":\"user.session.start\",\
             \"outcome\":{{\"result\":\"SUCCESS\"}},\"actor\":{{\"id\":\"00u{id}\",\"type\":\"User\"}}}}\n",
            1 + id % 9
        )
    };
    ids.map(line).collect()
}

/// The address that a 202 gives.
fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    assert_eq!(answer.json()["status"], "pending", "{answer:?}");
    let line = answer.head.lines().find_map(|line| line.strip_prefix("location: ")).expect("a location");
    assert_eq!(line, format!("{EVENTS}/batches/{}", answer.json()["batch_id"].as_str().unwrap()));
    line.to_owned()
}

/// Asks until the batch has ended.
async fn ended(api: &Api, location: &str) -> Value {
    for _ in 0..10_000 {
        let answer = api.get(location, Some(&api.ingest)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = answer.json();
        assert_eq!(answer.head.contains("retry-after: 1"), told["status"] == "pending", "{answer:?}");
        if told["status"] != "pending" {
            return told;
        }
        tokio::task::yield_now().await;
    }
    panic!("{location} does not end");
}

/// Else a sender that polls would be told other figures than one that waits, or "durable" of what is
/// not there.
#[test]
fn a_batch_that_nobody_waits_for_ends_as_if_one_had() {
    with_api(async |api| {
        for (prefer, applied, ids) in [
            ("respond-async", true, 0..3),
            ("Respond-Async, wait=0", true, 3..6),
            ("handling=lenient, wait=0; why=haste", false, 6..9),
        ] {
            let body = format!("{}garbage\n", lines(ids.clone()));
            let answer = api.post_preferring(EVENTS, &api.ingest, prefer, &body).await;
            assert_eq!(answer.head.contains("preference-applied: respond-async"), applied, "{answer:?}");
            let told = ended(api, &location(&answer)).await;
            assert_eq!(told["status"], "durable", "{told}");
            assert!(told["received_at"].is_string() && told["finished_at"].is_string(), "{told}");
            let stored = api.stored_events("sent-").await;
            assert!(ids.clone().all(|id| stored.contains(&format!("sent-{id}"))), "{stored:?}");
            // The same again, waited for: what was new is a duplicate now, and the rest is alike.
            let mut waited = api.post(EVENTS, Some(&api.ingest), &body).await.json();
            assert_eq!((&waited["new"], &waited["duplicate"]), (&json!(0), &json!(3)), "{waited}");
            (waited["new"], waited["duplicate"]) = (json!(3), json!(0));
            assert_eq!(told["result"], waited);
        }
        // Who would wait long is answered when it is durable.
        for prefer in ["respond-async, wait=100", "wait=100", "wait=soon", "return=minimal"] {
            let answer = api.post_preferring(EVENTS, &api.ingest, prefer, &lines(0..3)).await;
            assert_eq!(answer.status, 200, "{prefer}: {answer:?}");
        }
    });
}

/// Else a body that cannot be read would be lost without a word, or shown to others.
#[test]
fn a_failure_is_told_to_the_sender_and_to_nobody_else() {
    with_api(async |api| {
        let answer = api.post_preferring(EVENTS, &api.ingest, "respond-async", "a,b\n1,2\n").await;
        let location = location(&answer);
        let told = ended(api, &location).await;
        let waited = api.post(EVENTS, Some(&api.ingest), "a,b\n1,2\n").await;
        assert_eq!((&told["status"], &told["problem"]), (&json!("failed"), &waited.json()), "{told}");
        assert_eq!(told["problem"]["status"], 422);
        let other = api.ledger.add_token("other", Scope::Ingest, after(1), &[9; 32], after(0)).await.unwrap();
        for (token, status) in
            [(None, 401), (Some(&api.reader), 403), (Some(&api.expired), 401), (Some(&other), 404)]
        {
            let answer = api.get(&location, token.map(String::as_str)).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        assert_eq!(api.get(&format!("{EVENTS}/batches/none"), Some(&api.ingest)).await.status, 404);
    });
}

/// Days after the server's clock.
fn after(days: i64) -> UtcMicros {
    UtcMicros(4_102_444_800_000_000 + days * UtcMicros::MICROS_PER_DAY)
}

/// Else a crash would turn "received" into "stored", or what is stored would be sent for ever.
#[test]
fn after_a_crash_the_lake_says_what_is_durable() {
    with_api(async |api| {
        let before = async |_: &_| Ok(());
        let report = api.engine.ingest_body("x", lines(0..2).as_bytes(), &Reading::default(), before).await;
        let stored = report.unwrap().files[0].load_id.clone().unwrap();
        let report = json!({ "new": 2 });
        let load = |load_id: &str| Some(Load { load_id: load_id.to_owned(), report: report.clone() });
        for (id, load, status) in [
            ("read", None, "failed"),
            ("lost", load("of nothing"), "failed"),
            ("kept", load(&stored), "durable"),
        ] {
            // As a process leaves it that ends before it noted the end.
            let (batch_id, sender) = (id.to_owned(), "ingest".to_owned());
            let batch = Batch { batch_id, sender, received_at: after(0), load, end: None };
            api.ledger.add_batch(&batch).await.unwrap();
            let told = api.get(&format!("{EVENTS}/batches/{id}"), Some(&api.ingest)).await.json();
            assert_eq!(told["status"], status, "{told}");
            match status {
                "durable" => assert_eq!(told["result"], report),
                _ => assert_eq!(told["problem"]["code"], "interrupted"),
            }
        }
        // What became of a batch is known for 30 days.
        let late = Batch {
            batch_id: "late".to_owned(),
            sender: "ingest".to_owned(),
            received_at: after(31),
            load: None,
            end: None,
        };
        api.ledger.add_batch(&late).await.unwrap();
        assert_eq!(api.get(&format!("{EVENTS}/batches/kept"), Some(&api.ingest)).await.status, 404);
    });
}

/// The program, serving.
struct Server {
    child: Child,
    said: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Server {
    fn start(data: &Path) -> Server {
        let mut command = lychgate(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (mut line, mut said) = (String::new(), BufReader::new(child.stderr.take().unwrap()));
        said.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.and_then(|address| address.parse().ok());
        Server { child, said, address: address.unwrap_or_else(|| panic!("{line}")) }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until it says so.
    fn says(&mut self, wanted: &str) {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "it ended without a word of {wanted}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Else the id would be worth nothing just when it is needed.
#[test]
fn a_killed_server_does_not_say_done_of_what_is_lost() {
    const ROUNDS: u32 = 12;
    const EACH: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    block_on(async || {
        let engine = Engine::new(&data, "default");
        let ledger = engine.ledger().await.unwrap();
        let token =
            ledger.add_token("source", Scope::Ingest, after(0), &[5; 32], UtcMicros(0)).await.unwrap();
        let mut sent = BTreeMap::new();
        for round in 0..ROUNDS {
            let server = Server::start(&data);
            let body = lines(round * EACH..(round + 1) * EACH);
            let prefer = [("Prefer", "respond-async")];
            let answer = ask(server.address, "POST", EVENTS, Some(&token), &prefer, &body).await;
            let location = location(&answer);
            // Killed sooner or later: so many questions take as long as a part of the work.
            for _ in 0..round * 3 {
                ask(server.address, "GET", &location, Some(&token), &[], "").await;
            }
            drop(server);
            sent.insert(round, location);
        }
        let stored = stored(&engine).await;
        let server = Server::start(&data);
        let mut outcomes = BTreeMap::new();
        for (round, location) in sent {
            let told = ask(server.address, "GET", &location, Some(&token), &[], "").await.json();
            let ids = (round * EACH..(round + 1) * EACH).map(|id| format!("sent-{id}"));
            let there = ids.filter(|id| stored.contains(id)).count() as u32;
            match told["status"].as_str() {
                Some("durable") => {
                    assert_eq!(there, EACH, "{told}");
                    assert_eq!(told["result"]["new"], EACH, "{told}");
                }
                Some("failed") => assert_eq!(told["problem"]["code"], "interrupted", "{told}"),
                _ => panic!("{told}"),
            }
            *outcomes.entry(told["status"].to_string()).or_insert(0) += 1;
            // Sent again, all of it is there once.
            let body = lines(round * EACH..(round + 1) * EACH);
            let again = ask(server.address, "POST", EVENTS, Some(&token), &[], &body).await.json();
            assert_eq!((&again["new"], &again["duplicate"]), (&json!(EACH - there), &json!(there)));
        }
        eprintln!("{ROUNDS} killed servers: {outcomes:?}");
    });
}

/// Else a service manager that stops the server would lose what it took, and whoever sent half a request would keep it
/// from ending.
#[test]
fn a_server_that_is_stopped_finishes_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    block_on(async || {
        let engine = Engine::new(&data, "default");
        let ledger = engine.ledger().await.unwrap();
        let token =
            ledger.add_token("source", Scope::Ingest, after(0), &[5; 32], UtcMicros(0)).await.unwrap();
        for (signal, number) in [("TERM", 1), ("INT", 2)] {
            let mut server = Server::start(&data);
            let body = lines(number * 3000..(number + 1) * 3000);
            let prefer = [("Prefer", "respond-async")];
            let answer = ask(server.address, "POST", EVENTS, Some(&token), &prefer, &body).await;
            let location = location(&answer);
            server.signal(signal);
            assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
            let server = Server::start(&data);
            let told = ask(server.address, "GET", &location, Some(&token), &[], "").await.json();
            assert_eq!(
                (&told["status"], &told["result"]["new"]),
                (&json!("durable"), &json!(3000)),
                "{told}"
            );
        }
        let mut server = Server::start(&data);
        let mut half = std::net::TcpStream::connect(server.address).unwrap();
        let head = format!(
            "POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\
             Expect: 100-continue\r\n\r\n"
        );
        half.write_all(head.as_bytes()).unwrap();
        // Once the server asks for the body, the request is under way.
        let mut told = [0; 12];
        half.read_exact(&mut told).unwrap();
        assert_eq!(&told, b"HTTP/1.1 100");
        server.signal("TERM");
        server.says("a second signal");
        server.signal("TERM");
        assert_eq!(server.child.wait().unwrap().code(), Some(3));
    });
}

/// Ids of the stored events, each once.
async fn stored(engine: &Engine) -> BTreeSet<String> {
    let at = lychgate::query::At { as_of: after(0), known_at: after(0) };
    let session = engine.session(at).await.unwrap();
    let rows = session.collect("events", "SELECT event_id FROM events").await.unwrap();
    let rows = lychgate::query::json_rows(&rows);
    let ids: BTreeSet<String> = rows.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), rows.len(), "events are stored twice");
    ids
}
