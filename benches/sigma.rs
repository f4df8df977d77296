//! Sigma rules over many raw records: ours beside rsigma-eval, in one process, on one thread.
//!
//! Records are the given ones (`LYCHGATE_FIXTURES`), copied with other numbers, so that values
//! repeat no more than in a log. Both engines begin with the text of a record and are told its
//! logsource; both must give the same matches. Processor time is the thread's own, as the kernel
//! counts it, because other work on the machine does not slow it down.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lychgate::detect::sigma::{Names, Placeholders, Program, Reading, RuleSet};
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::{LogSource, parse_sigma_yaml};
use serde_json::Value;

const COPIES: usize = 100;
const BATCH: usize = 8192;
const ROUNDS: usize = 3;

fn main() {
    let named = std::env::var_os("LYCHGATE_FIXTURES").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"));
    if !folder.is_dir() {
        println!("no fixtures at {}", folder.display());
        return;
    }
    let set = RuleSet::read(&[folder.join("sigma_rules")]).expect("rules");
    let mut engine = Engine::new();
    for rule in &set.rules {
        let text = fs::read_to_string(folder.join("sigma_rules").join(&rule.heading.file)).expect("a rule");
        engine.add_collection(&parse_sigma_yaml(&text).expect("YAML")).expect("compiles");
    }
    let records = records(&folder);
    let events: usize = records.values().map(Vec::len).sum();
    let bytes: usize = records.values().flatten().map(String::len).sum();
    println!("{events} records, {} MB, {} rules", bytes / 1_000_000, set.rules.len());
    for _ in 0..ROUNDS {
        let (ours, our_matches) = timed(|| ours(&set, &records));
        let (theirs, their_matches) = timed(|| theirs(&engine, &records));
        assert_eq!(our_matches, their_matches, "both engines match the same");
        println!(
            "{our_matches} matches; events per CPU-second: ours {:.0}, rsigma-eval {:.0}, ratio {:.2}",
            events as f64 / ours,
            events as f64 / theirs,
            theirs / ours
        );
    }
}

/// The records of each logsource (product, service), by the names of the given sets.
fn records(folder: &Path) -> BTreeMap<(&'static str, &'static str), Vec<String>> {
    const SETS: [(&str, &str, &str); 6] = [
        ("okta", "okta", "okta"),
        ("onelogin.events", "onelogin", "onelogin.events"),
        ("cloudtrail", "aws", "cloudtrail"),
        ("auditlogs", "azure", "auditlogs"),
        ("signinlogs", "azure", "signinlogs"),
        ("activitylogs", "azure", "activitylogs"),
    ];
    let text = fs::read_to_string(folder.join("sigma_expected/event_sets.json")).expect("sets");
    let sets: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).expect("JSON");
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut records = BTreeMap::new();
    for (set, product, service) in SETS {
        let mut of_set: Vec<String> = Vec::new();
        for copy in 0..COPIES {
            for reference in &sets[set] {
                let (file, line) = reference.split_once('#').expect("file#line");
                let lines = files.entry(file.to_owned()).or_insert_with(|| lines(&folder.join(file)));
                let mut record = lines[line.parse::<usize>().expect("a line")]["log"].clone();
                renumber(&mut record, copy);
                of_set.push(record.to_string());
            }
        }
        records.insert((product, service), of_set);
    }
    records
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a fixture");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Gives every text with many digits (ids, times, addresses) a number of its own.
fn renumber(value: &mut Value, copy: usize) {
    const DIGITS: usize = 5;
    match value {
        Value::String(text) if text.bytes().filter(u8::is_ascii_digit).count() >= DIGITS => {
            text.push_str(&copy.to_string());
        }
        Value::Array(values) => values.iter_mut().for_each(|value| renumber(value, copy)),
        Value::Object(values) => values.values_mut().for_each(|value| renumber(value, copy)),
        _ => {}
    }
}

type Records = BTreeMap<(&'static str, &'static str), Vec<String>>;

fn ours(set: &RuleSet, records: &Records) -> usize {
    let placeholders = Placeholders::new();
    let reading = Reading { table: None, names: Names::AsWritten, placeholders: &placeholders };
    let mut matches = 0;
    for ((product, service), records) in records {
        let mine = |rule: &usize| {
            let of = &set.rules[*rule].logsource;
            of.product.as_deref() == Some(*product) && of.service.as_deref() == Some(*service)
        };
        let questions: Vec<_> = (0..set.rules.len()).filter(mine).map(|rule| set.question(rule)).collect();
        let (program, _) = Program::compile(&questions, &[], reading).expect("a program");
        for batch in records.chunks(BATCH) {
            let pass = program.run(batch.iter().map(String::as_str)).expect("a pass");
            matches += pass.matched.iter().map(|matched| matched.true_count()).sum::<usize>();
        }
    }
    matches
}

fn theirs(engine: &Engine, records: &Records) -> usize {
    let mut matches = 0;
    for ((product, service), records) in records {
        let source = LogSource {
            product: Some((*product).to_owned()),
            service: Some((*service).to_owned()),
            ..LogSource::default()
        };
        for record in records {
            let value: Value = serde_json::from_str(record).expect("JSON");
            matches += engine.evaluate_with_logsource(&JsonEvent::borrow(&value), &source).len();
        }
    }
    matches
}

/// Seconds of processor time that `work` took on this thread, and what it gave.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = thread_ns();
    let given = work();
    ((thread_ns() - before) as f64 / 1e9, given)
}

fn thread_ns() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds")
}
