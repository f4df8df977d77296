//! What breaks machines: processes killed at any instant, power that fails, disks that are full
//! or read-only, logs that are damaged, clocks that jump. Each against the real program; what
//! was acknowledged is there, once, and what was not is not half there.

mod disk;
mod kill;
mod power;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use datafusion::prelude::SessionContext;
use lychgate::store::{Lake, WriteOptions};

/// The program under test.
pub fn lychgate(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lychgate"));
    command.arg("--data").arg(data).env_remove("LYCHGATE_CONFIG").env("LYCHGATE_THREADS", "2");
    command
}

/// A file of Okta events of the given numbers, some a day, so that days meet in several files.
pub fn events_file(folder: &Path, name: &str, ids: std::ops::Range<u32>) -> PathBuf {
    let line = |id: u32| {
        format!(
            "{{\"uuid\":\"event-{id}\",\"published\":\"2026-03-{:02}T{:02}:00:00.000Z\",\"eventType\":\"user.lifecycle.create\",\
             \"outcome\":{{\"result\":\"SUCCESS\"}},\"transaction\":{{\"id\":\"{:x}\"}},\"actor\":{{\"id\":\"00a\",\"type\":\"User\"}},\
             \"target\":[{{\"id\":\"00u{id}\",\"type\":\"User\",\"alternateId\":\"u{id}@example.com\"}}]}}\n",
            1 + id / 7 % 5,
            id % 24,
            // Something that does not compress.
            u128::from(id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        )
    };
    let path = folder.join(name);
    fs::write(&path, ids.map(line).collect::<String>()).unwrap();
    path
}

fn ids(numbers: std::ops::Range<u32>) -> BTreeSet<String> {
    numbers.map(|id| format!("event-{id}")).collect()
}

/// Everything that a lake holds and is, after whatever happened to it.
struct State {
    /// Event ids, as often as they are stored.
    stored: Vec<String>,
    problems: Vec<String>,
}

impl State {
    /// Opens as the next process would, repairs included.
    async fn of(data: &Path) -> State {
        let lake = Lake::open_for_write(data, "default", WriteOptions::default()).await.unwrap();
        let session = SessionContext::new();
        session.register_table("events", lake.provider("events").await.unwrap()).unwrap();
        let frame = session.sql("SELECT event_id FROM events ORDER BY event_id").await.unwrap();
        let rows = lychgate::query::json_rows(&frame.collect().await.unwrap());
        let stored = rows.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect();
        let tables = lake.verify().await;
        let problems = tables.iter().flat_map(|table| &table.problems);
        State {
            stored,
            problems: problems.map(|problem| format!("{}: {}", problem.file, problem.what)).collect(),
        }
    }

    /// All of `acknowledged` once, nothing twice, and nothing that was never sent.
    fn check(&self, acknowledged: &BTreeSet<String>, sent: &BTreeSet<String>, when: &str) {
        assert!(self.problems.is_empty(), "{when}: {:?}", self.problems);
        let distinct: BTreeSet<String> = self.stored.iter().cloned().collect();
        assert_eq!(distinct.len(), self.stored.len(), "{when}: events are stored twice");
        let lost: Vec<_> = acknowledged.difference(&distinct).collect();
        assert!(lost.is_empty(), "{when}: {} acknowledged events are lost: {lost:?}", lost.len());
        let invented: Vec<_> = distinct.difference(sent).collect();
        assert!(invented.is_empty(), "{when}: {invented:?}");
    }
}

/// How many trials: `default` in the ordinary run, more where the environment asks for more.
fn trials(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
