//! Correlations through the real pipeline: files in, findings out. Whenever and in whatever order events come, a
//! window is one finding, and what was told stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lychgate::domain::{Finding, Severity, UtcMicros};
use lychgate::findings::{By, Decision};
use lychgate::pipeline::{DetectRequest, Engine, Reading, RuleFolders, RunReport, SigmaRun};
use lychgate::query::At;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{block_on, fixtures, now};

/// A company with a folder of Sigma rules.
struct Company {
    folder: TempDir,
    engine: Engine,
    files: usize,
}

impl Company {
    fn new(rules: &str) -> Company {
        let folder = TempDir::new().expect("a folder");
        let sigma = folder.path().join("sigma");
        fs::create_dir(&sigma).expect("a folder");
        let folders = RuleFolders { sigma: vec![sigma], ..RuleFolders::default() };
        let engine = Engine::new(&folder.path().join("data"), "acme").with_rules(folders);
        let company = Company { folder, engine, files: 0 };
        company.write("rules.yml", rules);
        company
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("sigma").join(name), text).expect("a rule");
    }

    async fn ingest(&mut self, events: &[Value]) {
        self.files += 1;
        let path: PathBuf = self.folder.path().join(format!("{}.ndjson", self.files));
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        fs::write(&path, lines).expect("a log");
        self.engine.ingest(&[path], &|_| Reading::default(), &mut |_| {}).await.expect("ingested");
    }

    /// A run of the named detectors; those that are built in would only take time.
    async fn run(&self, detectors: &[&str], as_of: &str) -> RunReport {
        let as_of = UtcMicros::parse(as_of).expect("a time");
        let at = At { as_of, known_at: now() };
        let detectors = detectors.iter().map(|name| format!("sigma/{name}")).collect();
        let request = DetectRequest { at, profile: "default".to_owned(), detectors, record: true };
        self.engine.detect(&request).await.expect("a run")
    }

    async fn detect(&self, detectors: &[&str]) -> RunReport {
        self.run(detectors, "2026-06-01").await
    }
}

/// What a finding tells: id, subject, when, and the events that prove it.
type Told = (String, String, String, Vec<String>);

fn told(report: &RunReport) -> BTreeSet<Told> {
    report.findings.iter().map(|finding| of(&finding.unwrap())).collect()
}

fn of(finding: &Finding) -> Told {
    let events = finding.evidence.iter().filter_map(|row| row.event_id.clone()).collect();
    let since = finding.since.expect("a time").to_string();
    (finding.finding_id.clone(), finding.subject.id.clone(), since, events)
}

/// What is told of, without ids: subject and events, of which there may be none.
fn events_of(report: &RunReport) -> Vec<String> {
    let mut all: Vec<String> =
        told(report).into_iter().map(|(_, who, _, events)| format!("{who} {}", events.join(" "))).collect();
    all.sort();
    all
}

fn opened(report: &RunReport) -> u64 {
    let counts = report.changes.as_ref().expect("recorded").counts;
    assert_eq!((counts.reopened, counts.resolved), (0, 0), "{counts:?}");
    counts.opened
}

/// An event so many minutes into 1 May 2026.
fn event(id: &str, minute: i64, who: &str, result: &str, ip: &str) -> Value {
    let start = UtcMicros::parse("2026-05-01").expect("a day");
    json!({
        "uuid": id, "published": UtcMicros(start.0 + minute * 60_000_000).to_string(),
        "eventType": "user.session.start", "outcome": { "result": result },
        "actor": { "id": format!("00u{who}"), "type": "User", "alternateId": format!("{who}@acme.example"),
            "displayName": who },
        "client": { "ipAddress": ip }, "target": [],
    })
}

fn fails(id: &str, minute: i64, who: &str) -> Value {
    event(id, minute, who, "FAILURE", "203.0.113.1")
}

fn base(name: &str, result: &str) -> String {
    format!(
        "title: {name}\nid: {name}\nname: {name}\nlevel: low\nlogsource: {{product: okta, service: okta}}\ndetection:\n  \
         s: {{eventType: user.session.start, outcome.result: {result}}}\n  condition: s\n"
    )
}

fn correlation(id: &str, kind: &str, more: &str) -> String {
    format!(
        "title: {id}\nid: {id}\nname: {id}\nlevel: high\ntags: [attack.t1110]\ncorrelation:\n  type: {kind}\n  \
         group-by: [actor.alternateId]\n  timespan: 10m\n{more}"
    )
}

/// Three failures in ten minutes.
fn thrice() -> String {
    let three = correlation("thrice", "event_count", "  rules: [fails]\n  condition: {gte: 3}\n");
    format!("{}---\n{three}", base("fails", "FAILURE"))
}

/// If it failed, five failures would be found by one order of files and missed by another, or told twice.
#[test]
fn given_events_give_the_given_finding_whenever_and_however_they_come() {
    let Some(folder) = fixtures() else { return };
    let read = |name: &str| fs::read_to_string(folder.join("correlation").join(name)).expect("a fixture");
    let id = "11111111-0000-4000-8000-0000000000c1";
    let events: Vec<Value> =
        read("events.ndjson").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let shuffled: Vec<Value> = (0..events.len()).map(|at| events[at * 7 % events.len()].clone()).collect();
    let (first, second) = events.split_at(7);
    let arrangements = [
        vec![events.clone()],
        vec![shuffled.clone()],
        vec![first.to_vec(), second.to_vec()],
        vec![second.to_vec(), first.to_vec()],
        shuffled.chunks(3).map(<[Value]>::to_vec).collect(),
    ];
    block_on(async || {
        let mut found = Vec::new();
        for batches in arrangements {
            let mut company = Company::new(&read("rules.yml"));
            let mut all = 0;
            for batch in &batches {
                company.ingest(batch).await;
                all += opened(&company.detect(&[id]).await);
            }
            let again = company.detect(&[id]).await;
            let ran = (again.sigma.rules, again.sigma.events);
            assert_eq!((all, opened(&again), ran), (1, 0, (1, 0)), "{batches:?}");
            let finding = &again.findings.to_vec().unwrap()[0];
            assert_eq!(finding.subject.id, "okta/00ualice");
            assert_eq!(finding.since, UtcMicros::parse("2026-03-02T10:04:59Z"));
            assert!(finding.explanation.contains("5 events of actor.alternateId alice@example.com"));
            assert!(finding.ages_out_at.is_some() && finding.evidence.len() == 5, "{finding:?}");
            found.push(told(&again));
        }
        assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
    });
}

/// Windows that lie across what earlier runs saw: in every cut of the same events, told as if seen at once.
#[test]
fn every_cut_in_time_finds_what_all_at_once_finds() {
    // Across midnight; a pause of more than the span; on and on; somebody else between.
    let ada = [0, 1400, 1437, 1439, 1441, 1452, 1470, 1479, 1480, 1481, 1489, 1498, 1507, 2000];
    let mut events: Vec<(i64, Value)> = Vec::new();
    for (number, minute) in ada.iter().enumerate() {
        events.push((*minute, fails(&format!("a{number}"), *minute, "ada")));
    }
    for (number, minute) in [1438, 1447, 1449, 3000, 3001, 3010].iter().enumerate() {
        events.push((*minute, fails(&format!("b{number}"), *minute, "ben")));
    }
    events.sort_by_key(|(minute, _)| *minute);
    let events: Vec<Value> = events.into_iter().map(|(_, event)| event).collect();
    block_on(async || {
        let mut whole = Company::new(&thrice());
        whole.ingest(&events).await;
        let expected = told(&whole.detect(&["thrice"]).await);
        assert_eq!(
            expected
                .iter()
                .map(|(_, who, _, events)| (who.as_str(), events.join(" ")))
                .collect::<BTreeSet<_>>(),
            BTreeSet::from([
                ("okta/00uada", "a2 a3 a4".to_owned()),
                ("okta/00uada", "a6 a7 a8".to_owned()),
                ("okta/00uben", "b3 b4 b5".to_owned()),
            ])
        );
        for size in [2, 7] {
            let mut company = Company::new(&thrice());
            for batch in events.chunks(size) {
                company.ingest(batch).await;
                company.detect(&["thrice"]).await;
            }
            let last = company.detect(&["thrice"]).await;
            assert_eq!((told(&last), opened(&last)), (expected.clone(), 0), "in batches of {size}");
        }
    });
}

/// A late event completes what it completes, and takes or repeats nothing that somebody works on already.
#[test]
fn late_events_add_what_was_missed_and_change_nothing_else() {
    block_on(async || {
        let mut company = Company::new(&thrice());
        let of = |list: &[(&str, i64)]| -> Vec<Value> {
            list.iter().map(|(id, minute)| fails(id, *minute, "ada")).collect()
        };
        company.ingest(&of(&[("a", 0), ("b", 5), ("c", 6), ("d", 40), ("e", 41), ("z", 20000)])).await;
        let first = company.detect(&["thrice"]).await;
        assert_eq!(events_of(&first), ["okta/00uada a b c"]);
        // With "l" the same window would have begun a minute before.
        company.ingest(&of(&[("l", 1)])).await;
        let report = company.detect(&["thrice"]).await;
        assert_eq!((told(&report), opened(&report)), (told(&first), 0));
        // Here three were there, and one of them came late.
        company.ingest(&of(&[("m", 50)])).await;
        let report = company.detect(&["thrice"]).await;
        assert_eq!(opened(&report), 1);
        assert_eq!(events_of(&report), ["okta/00uada a b c", "okta/00uada d e m"]);
        // Between the two: each is as long as it was, and no third.
        company.ingest(&of(&[("n", 12), ("o", 21), ("p", 30), ("q", 31)])).await;
        let joined = company.detect(&["thrice"]).await;
        assert_eq!((opened(&joined), told(&joined)), (0, told(&report)));

        // Decided is decided, also when the rule changes and sees all events anew.
        let by = By::new("ada", "a drill");
        let ledger = company.engine.ledger().await.expect("a ledger");
        for finding in &joined.findings.to_vec().unwrap() {
            ledger.decide(&finding.finding_id, &Decision::Resolve, &by, at_end()).await.expect("decided");
        }
        company.write("rules.yml", &thrice().replace("level: high", "level: critical"));
        let anew = company.detect(&["thrice"]).await;
        assert_eq!((anew.sigma.events, opened(&anew), anew.findings.len()), (12, 0, 0));
        company.write("rules.yml", &thrice().replace("gte: 3", "gte: 5"));
        assert_eq!(opened(&company.detect(&["thrice"]).await), 0, "at an event that was told of already");
    });
}

fn at_end() -> UtcMicros {
    UtcMicros(4_102_444_800_000_000)
}

/// What has not happened yet is not counted, and a question about the past spoils nothing.
#[test]
fn runs_about_other_instants_count_what_had_happened() {
    block_on(async || {
        let mut company = Company::new(&thrice());
        let minutes = [1430, 1435, 1439, 1442, 2880];
        let events = minutes.iter().map(|minute| fails(&format!("m{minute}"), *minute, "ada"));
        company.ingest(&events.collect::<Vec<_>>()).await;
        assert_eq!(opened(&company.run(&["thrice"], "2026-05-01T23:56:00Z").await), 0);
        let report = company.run(&["thrice"], "2026-05-02T12:00:00Z").await;
        assert_eq!((opened(&report), report.sigma.events), (1, 2));
        assert_eq!(events_of(&report), ["okta/00uada m1430 m1435 m1439"]);
        let past = company.run(&["thrice"], "2026-05-01T23:50:00Z").await;
        assert_eq!(events_of(&past), Vec::<String>::new());
        let report = company.detect(&["thrice"]).await;
        assert_eq!((opened(&report), report.findings.len()), (0, 1));
    });
}

/// Every kind of correlation, with its events in two files of which the second comes first.
#[test]
fn every_kind_is_found_across_runs() {
    let ordered = "  rules: [fails, signs_in]\n";
    let many = correlation("many", "event_count", "  rules: [fails]\n  condition: {gte: 2}\n");
    let from_one =
        correlation("spray", "value_count", "  rules: [fails]\n  condition: {field: actor.id, gte: 2}\n")
            .replace("[actor.alternateId]", "[client.ipAddress]");
    let aliased = correlation(
        "aliased",
        "temporal",
        &format!("{ordered}  aliases:\n    who: {{fails: actor.alternateId, signs_in: actor.alternateId}}\n"),
    )
    .replace("group-by: [actor.alternateId]", "group-by: [who]");
    let cases = [
        (
            "ordered",
            correlation("ordered", "temporal_ordered", ordered),
            vec!["okta/00uada f1 s1", "okta/00ucyd f4 f5 s3"],
        ),
        (
            "together",
            correlation("together", "temporal", ordered),
            vec!["okta/00uada f1 s1", "okta/00uben s2 f2", "okta/00ucyd f4 f5 s3"],
        ),
        ("aliased", aliased, vec!["okta/00uada f1 s1", "okta/00uben s2 f2", "okta/00ucyd f4 f5 s3"]),
        // The address is no account, so the event stands for it.
        ("spray", from_one, vec!["okta/f3 f1 f3"]),
        (
            "chained",
            format!(
                "{many}---\n{}",
                correlation("chained", "temporal_ordered", "  rules: [many, signs_in]\n")
            ),
            vec!["okta/00ucyd f4 f5 s3"],
        ),
    ];
    let ip = "198.51.100.7";
    let events = [
        event("f1", 1435, "ada", "FAILURE", ip),
        event("s1", 1441, "ada", "SUCCESS", "203.0.113.2"),
        event("s2", 1436, "ben", "SUCCESS", "203.0.113.3"),
        event("f2", 1442, "ben", "FAILURE", "203.0.113.4"),
        event("f3", 1443, "dan", "FAILURE", ip),
        event("f4", 1438, "cyd", "FAILURE", "203.0.113.5"),
        event("f5", 1439, "cyd", "FAILURE", "203.0.113.5"),
        event("s3", 1445, "cyd", "SUCCESS", "203.0.113.5"),
    ];
    let (before, after): (Vec<Value>, Vec<Value>) =
        events.into_iter().partition(|event| event["published"].as_str().expect("a time") < "2026-05-02");
    block_on(async || {
        for (id, rules, expected) in cases {
            let rules =
                format!("{}---\n{}---\n{rules}", base("fails", "FAILURE"), base("signs_in", "SUCCESS"));
            for batches in [[&before, &after], [&after, &before]] {
                let mut company = Company::new(&rules);
                for batch in batches {
                    company.ingest(batch).await;
                    company.detect(&[id]).await;
                }
                let report = company.detect(&[id]).await;
                let expected: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
                assert_eq!((events_of(&report), opened(&report)), (expected, 0), "{id}");
                assert!(report.findings.heads().iter().all(|finding| finding.severity == Severity::High));
                assert!(report.findings.iter().all(|finding| finding.unwrap().controls == ["ATT&CK T1110"]));
            }
        }
    });
}

/// A rule that is only counted does not report itself; one whose correlation says `generate` does.
#[test]
fn base_rules_report_themselves_only_when_told_to() {
    block_on(async || {
        let sigma = |report: &RunReport| {
            let mut detectors: Vec<String> = report
                .findings
                .heads()
                .iter()
                .filter(|finding| &*finding.code == "SIGMA")
                .map(|finding| finding.detector.to_string())
                .collect();
            detectors.sort();
            detectors.dedup();
            detectors
        };
        let events: Vec<Value> = (0..3).map(|minute| fails(&format!("m{minute}"), minute, "ada")).collect();
        let mut company = Company::new(&thrice());
        company.ingest(&events).await;
        let report = company.detect(&[]).await;
        assert_eq!(sigma(&report), ["sigma/thrice"]);
        assert_eq!(
            (report.not_run.clone(), report.sigma),
            (Vec::<String>::new(), SigmaRun { rules: 1, events: 3 })
        );
        company.write("rules.yml", &format!("{}  generate: true\n", thrice()));
        let report = company.detect(&[]).await;
        assert_eq!(sigma(&report), ["sigma/fails", "sigma/thrice"]);
    });
}

/// Else a typing error at night would switch a correlation off, or one bad file every run.
#[test]
fn what_is_broken_runs_as_it_last_was_and_what_cannot_run_is_told_of() {
    block_on(async || {
        let mut company = Company::new(&base("fails", "FAILURE"));
        let three = correlation("thrice", "event_count", "  rules: [fails]\n  condition: {gte: 3}\n");
        company.write("thrice.yml", &three);
        company.ingest(&[fails("a", 0, "ada"), fails("b", 1, "ada")]).await;
        assert_eq!(company.detect(&["thrice"]).await.incomplete, Vec::<String>::new());
        company.write("thrice.yml", &three.replace("event_count", "value_avg"));
        company.ingest(&[fails("c", 2, "ada")]).await;
        let report = company.detect(&["thrice"]).await;
        assert_eq!((opened(&report), events_of(&report)), (1, vec!["okta/00uada a b c".to_owned()]));
        let says = report.incomplete.join("\n");
        assert!(says.contains("thrice.yml:7 cannot be used") && says.contains("runs instead"), "{says}");

        company.write("thrice.yml", &three);
        let one = |id: &str, rules: &str| correlation(id, "temporal", &format!("  rules: [{rules}]\n"));
        company.write("circle.yml", &format!("{}---\n{}", one("one", "two"), one("two", "one")));
        company.write("nobody.yml", &one("nobody", "fails, absent"));
        company.write(
            "windows.yml",
            &base("windows", "x").replace("product: okta, service: okta", "product: windows"),
        );
        company.write("over.yml", &one("over", "fails, windows"));
        company.write("old.yml", &one("old", "fails").replace("level: high", "status: deprecated"));
        company.write("same.yml", &three);
        let report = company.detect(&[]).await;
        let told = report.not_run.join("\n");
        for (file, why) in [
            ("circle.yml", "in a circle: one, two"),
            ("nobody.yml", "no rule is called absent"),
            ("nobody.yml", "does not run: the rules that it looks at do not"),
            ("windows.yml", "no format that is read"),
            ("over.yml", "does not run: the rules that it looks at do not"),
            ("old.yml", "its status is deprecated"),
            ("thrice.yml", "same.yml has its id"),
        ] {
            let lines = report.not_run.iter().filter(|line| line.contains(file));
            assert!(lines.into_iter().any(|line| line.contains(why)), "{file}: {told}");
        }
        assert!(report.findings.heads().iter().any(|finding| &*finding.detector == "sigma/thrice"), "{told}");
    });
}
