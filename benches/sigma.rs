//! Sigma rules over many raw records: ours beside rsigma-eval, in one process, on one thread.
//!
//! ```sh
//! cargo bench --bench sigma -- --rules FOLDER --events FILE --logsource okta/okta [--rounds 3]
//! cargo bench --bench sigma -- --rules FOLDER [--copies 100]
//! ```
//!
//! The first takes a file with a record a line. The second takes the given records (`LYCHGATE_FIXTURES`, whose
//! rules are also those that run when none are named), copied with other numbers, so that values repeat no
//! more than in a log. Both engines hold all rules, begin with the text of a record and are told its
//! logsource; batches go to one and then to the other, and each batch must give both the same pairs of record
//! and rule. Processor time is the thread's own, as the kernel counts it, because other work on the machine
//! does not slow it down.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use lychgate::detect::sigma::{Names, Pass, Placeholders, Program, Reading, RuleSet};
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{Engine, EvaluationResult};
use rsigma_parser::{LogSource, parse_sigma_yaml};
use serde_json::Value;

const BATCH: usize = 8192;

/// Files of the given records, and the logsource of each.
const GIVEN: [(&str, &str, &str); 9] = [
    ("okta", "okta", "okta"),
    ("onelogin.events", "onelogin", "onelogin.events"),
    ("cloudtrail", "aws", "cloudtrail"),
    ("auditlogs", "azure", "auditlogs"),
    ("signinlogs", "azure", "signinlogs"),
    ("activitylogs", "azure", "activitylogs"),
    ("gcp.audit", "gcp", "gcp.audit"),
    ("google_workspace", "gcp", "google_workspace.admin"),
    ("m365", "m365", "audit"),
];

fn main() {
    let named = std::env::var_os("LYCHGATE_FIXTURES").map(PathBuf::from);
    let fixtures = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"));
    let rules = asked("--rules").map_or_else(|| fixtures.join("sigma_rules"), PathBuf::from);
    if !rules.is_dir() {
        println!("no rules at {}", rules.display());
        return;
    }
    let engines = Engines::holding(&rules);
    let number = |name, otherwise| asked(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let rounds = number("--rounds", 3);
    let mut rates = Vec::new();
    for round in 1..=rounds {
        let mut sum = Sum::default();
        match asked("--events") {
            Some(file) => {
                let source = asked("--logsource").expect("--logsource product/service");
                let (product, service) = source.split_once('/').expect("product/service");
                of_file(Path::new(&file), |records| sum.add(&engines, (product, service), records));
            }
            None => given(&fixtures, number("--copies", 100), |source, records| {
                sum.add(&engines, source, records);
            }),
        }
        println!("round {round}: {}", sum.says());
        rates.push((sum.rate(sum.ours), sum.rate(sum.theirs), sum.theirs / sum.ours));
        if round == rounds {
            println!(
                "{} rules; {} events, {} MB; the same matches",
                engines.set.rules.len(),
                sum.events,
                sum.bytes / 1_000_000
            );
        }
    }
    let median = |of: fn(&(f64, f64, f64)) -> f64| {
        let mut all: Vec<f64> = rates.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "median events per CPU-second: ours {:.0}, rsigma-eval {:.0}, ratio {:.2}",
        median(|one| one.0),
        median(|one| one.1),
        median(|one| one.2)
    );
}

fn asked(name: &str) -> Option<String> {
    let mut all = std::env::args().skip_while(|one| one != name);
    all.next()?;
    all.next()
}

/// Both, with the same rules.
struct Engines {
    set: RuleSet,
    theirs: Engine,
    /// By logsource, the numbers of its rules and the program of these.
    ours: BTreeMap<(String, String), (Vec<usize>, Program)>,
}

impl Engines {
    fn holding(folder: &Path) -> Engines {
        let set = RuleSet::read(&[folder]).expect("rules");
        assert_eq!(set.unreadable, Vec::new());
        let mut theirs = Engine::new();
        let mut by_source: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (number, rule) in set.rules.iter().enumerate() {
            let text = fs::read_to_string(folder.join(&rule.heading.file)).expect("a rule");
            theirs.add_collection(&parse_sigma_yaml(&text).expect("YAML")).expect("compiles");
            let part = |of: &Option<String>| of.clone().unwrap_or_default();
            let source = (part(&rule.logsource.product), part(&rule.logsource.service));
            by_source.entry(source).or_default().push(number);
        }
        let placeholders = Placeholders::new();
        let reading = Reading { table: None, names: Names::AsWritten, placeholders: &placeholders };
        let compiled = |rules: Vec<usize>| {
            let questions: Vec<_> = rules.iter().map(|rule| set.question(*rule)).collect();
            let (program, outcomes) = Program::compile(&questions, &[], reading).expect("a program");
            outcomes.iter().for_each(|outcome| assert!(outcome.is_ok(), "{outcome:?}"));
            (rules, program)
        };
        let ours = by_source.into_iter().map(|(source, rules)| (source, compiled(rules))).collect();
        Engines { set, theirs, ours }
    }

    fn ours(&self, source: (&str, &str), records: &[String]) -> Option<Pass> {
        let (_, program) = self.ours.get(&(source.0.to_owned(), source.1.to_owned()))?;
        Some(program.run(records.iter().map(String::as_str)).expect("a pass"))
    }

    fn theirs(&self, source: &LogSource, records: &[String]) -> Vec<Vec<EvaluationResult>> {
        let one = |record: &String| {
            let value: Value = serde_json::from_str(record).expect("JSON");
            self.theirs.evaluate_with_logsource(&JsonEvent::borrow(&value), source)
        };
        records.iter().map(one).collect()
    }
}

/// What a round took of either, and gave both.
#[derive(Default)]
struct Sum {
    batches: usize,
    events: usize,
    bytes: usize,
    matches: usize,
    ours: f64,
    theirs: f64,
}

impl Sum {
    fn add(&mut self, engines: &Engines, source: (&str, &str), records: &[String]) {
        let logsource = LogSource {
            product: Some(source.0.to_owned()),
            service: Some(source.1.to_owned()),
            ..LogSource::default()
        };
        let (mut pass, mut results) = (None, Vec::new());
        // Neither is always first.
        for turn in [self.batches % 2, 1 - self.batches % 2] {
            if turn == 0 {
                self.ours += timed(|| pass = engines.ours(source, records));
            } else {
                self.theirs += timed(|| results = engines.theirs(&logsource, records));
            }
        }
        let mut ours: BTreeSet<(usize, &str)> = BTreeSet::new();
        if let Some(pass) = &pass {
            let (rules, _) = &engines.ours[&(source.0.to_owned(), source.1.to_owned())];
            for (rule, matched) in rules.iter().zip(&pass.matched) {
                let title = engines.set.rules[*rule].heading.title.as_str();
                ours.extend((0..records.len()).filter(|row| matched.value(*row)).map(|row| (row, title)));
            }
        }
        let theirs = results.iter().enumerate();
        let theirs =
            theirs.flat_map(|(row, of)| of.iter().map(move |one| (row, one.header.rule_title.as_str())));
        assert_eq!(ours, theirs.collect(), "both engines match the same");
        self.batches += 1;
        self.events += records.len();
        self.bytes += records.iter().map(String::len).sum::<usize>();
        self.matches += ours.len();
    }

    fn rate(&self, seconds: f64) -> f64 {
        self.events as f64 / seconds
    }

    fn says(&self) -> String {
        format!(
            "{} matches; events per CPU-second: ours {:.0}, rsigma-eval {:.0}, ratio {:.2}",
            self.matches,
            self.rate(self.ours),
            self.rate(self.theirs),
            self.theirs / self.ours
        )
    }
}

/// The lines of a file, in batches.
fn of_file(path: &Path, mut each: impl FnMut(&[String])) {
    let mut lines = BufReader::new(fs::File::open(path).expect("events")).lines();
    loop {
        let batch: Vec<String> = lines.by_ref().take(BATCH).map(|line| line.expect("text")).collect();
        if batch.is_empty() {
            return;
        }
        each(&batch);
    }
}

/// The given records, in batches of one logsource.
fn given(folder: &Path, copies: usize, mut each: impl FnMut((&str, &str), &[String])) {
    let text = fs::read_to_string(folder.join("sigma_expected/event_sets.json")).expect("sets");
    let sets: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).expect("JSON");
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (set, product, service) in GIVEN {
        let mut batch: Vec<String> = Vec::new();
        for copy in 0..copies {
            for reference in &sets[set] {
                let (file, line) = reference.split_once('#').expect("file#line");
                let lines = files.entry(file.to_owned()).or_insert_with(|| lines(&folder.join(file)));
                let mut record = lines[line.parse::<usize>().expect("a line")]["log"].clone();
                renumber(&mut record, copy);
                batch.push(record.to_string());
                if batch.len() == BATCH {
                    each((product, service), &batch);
                    batch.clear();
                }
            }
        }
        each((product, service), &batch);
    }
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

/// Seconds of processor time that `work` took on this thread.
fn timed(work: impl FnOnce()) -> f64 {
    let before = thread_ns();
    work();
    (thread_ns() - before) as f64 / 1e9
}

fn thread_ns() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds")
}
