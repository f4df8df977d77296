//! Processes killed (SIGKILL) at random instants of ingest, compaction, detection and of
//! bringing an older lake up.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{State, events_file, ids, lychgate, trials};
use crate::store::care::version_1;
use crate::support::block_on;

/// What is running when the process is killed.
const COMMANDS: [&str; 8] =
    ["ingest", "ingest", "ingest", "ingest", "ingest", "compact", "compact", "detect"];
/// A lake that is killed so often is replaced by one of version 0.1.0, which is then brought up.
const KILLS_A_LAKE: usize = 50;

/// Else an operator who stops a job, or a machine that runs out of memory, would cost evidence.
#[test]
fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let total = trials("LYCHGATE_KILLS", 500);
    let longest = longest();
    let (mut kills, mut finished, mut seed) = (0, 0, 0);
    while kills < total {
        let (killed, done) = one_lake(seed, (total - kills).min(KILLS_A_LAKE), longest);
        kills += killed;
        finished += done;
        seed += 1;
    }
    println!("{kills} kills, {finished} commands that came to their end, {seed} lakes");
    assert!(finished > 0, "no command ever came to its end");
}

/// How long a command may run at most before it is killed, in microseconds: on a busy machine longer, so
/// that some come to their end everywhere.
#[expect(clippy::disallowed_methods, reason = "how fast this machine is can only be measured")]
fn longest() -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let file = events_file(folder.path(), "0.ndjson", 0..60);
    let status = lychgate(&folder.path().join("data")).arg("ingest").arg(file).stdout(Stdio::null()).status();
    assert!(status.unwrap().success());
    u64::try_from(begun.elapsed().as_micros() * 3 / 2).unwrap().max(80_000)
}

/// Works on one lake until its processes were killed `wanted` times; kills, and commands that ended.
fn one_lake(seed: u64, wanted: usize, longest: u64) -> (usize, usize) {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut sent = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    if seed % 2 == 1 {
        version_1(&data);
        sent = block_on(async || State::of(&data).await.stored.into_iter().collect());
        // Opening brought it up; the next processes start from the old one again.
        std::fs::remove_dir_all(&data).unwrap();
        version_1(&data);
        acknowledged = sent.clone();
    }
    let (mut kills, mut finished, mut next) = (0, 0, 0);
    while kills < wanted {
        let command = COMMANDS[rng.gen_range(0..COMMANDS.len())];
        // Each file repeats the end of the one before, as overlapping exports do.
        let numbers = next..next + rng.gen_range(5..60);
        let mut process = lychgate(&data);
        match command {
            "ingest" => {
                let file = events_file(folder.path(), &format!("{next}.ndjson"), numbers.clone());
                sent.extend(ids(numbers.clone()));
                process.arg("ingest").arg(file);
            }
            "compact" => {
                process.args(["compact", "--keep-days", "0"]);
            }
            _ => {
                process.args(["detect", "--as-of", "2026-04-01T00:00:00Z"]);
            }
        }
        let mut child = process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(rng.gen_range(500..longest)));
        let running = child.try_wait().unwrap();
        if running.is_none() {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        match status.code() {
            Some(code) => {
                // Findings or incomplete evidence are answers, not failures; nor is that nothing was ingested yet.
                let is_early = code == 2 && acknowledged.is_empty() && command != "ingest";
                assert!(
                    [0, 1, 4].contains(&code) || is_early,
                    "{command} ended with {code} after {kills} kills of seed {seed}"
                );
                finished += 1;
                if command == "ingest" {
                    acknowledged.extend(ids(numbers.clone()));
                }
            }
            None => kills += 1,
        }
        if command == "ingest" {
            next = numbers.end.saturating_sub(3);
        }
        if kills % 10 == 0 || kills == wanted {
            check(&data, &acknowledged, &sent, seed, kills);
        }
    }
    (kills, finished)
}

fn check(data: &Path, acknowledged: &BTreeSet<String>, sent: &BTreeSet<String>, seed: u64, kills: usize) {
    if !data.exists() {
        return assert!(acknowledged.is_empty());
    }
    let state = block_on(async || State::of(data).await);
    state.check(acknowledged, sent, &format!("seed {seed} after {kills} kills"));
}
