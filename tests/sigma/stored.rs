//! `sigma check` over a lake: what compiles, what can match, what matches, and what nobody can see.

use std::fs;

use lychgate::detect::sigma::{Names, Placeholders};
use lychgate::domain::UtcMicros;
use lychgate::pipeline::{Engine, Reading, SigmaReport, SigmaRequest, WriteOptions};
use lychgate::query::At;
use serde_json::{Value, json};

const TWICE: &str = "title: twice\ncorrelation:\n  type: event_count\n  rules: [fails.yml]\n  \
    group-by: [actor.alternateId]\n  timespan: 3d\n  condition: {gte: 2}\n";

const RULES: [(&str, &str, &str); 4] = [
    ("fails.yml", "okta", "  s: {EventType: user.session.start, outcome.result: FAILURE}\n  condition: s\n"),
    ("nowhere.yml", "okta", "  s: {eventType: user.session.start, outcome.colour: red}\n  condition: s\n"),
    ("broken.yml", "okta", "  s: {'eventType|re': '('}\n  condition: s\n"),
    ("windows.yml", "windows", "  s: {EventID: 4625}\n  condition: s\n"),
];

fn event(number: usize, result: &str) -> Value {
    json!({
        "uuid": format!("u-{number}"), "published": format!("2026-03-0{}T10:00:00Z", number + 1),
        "eventType": "user.session.start",
        "actor": {"id": "00uada", "type": "User", "alternateId": "ada@acme.example", "displayName": "Ada"},
        "outcome": {"result": result, "reason": null},
        "target": [],
    })
}

async fn checked(raw_kept: bool, since: &str) -> SigmaReport {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, rules) = (folder.path().join("okta.ndjson"), folder.path().join("rules"));
    let results = ["FAILURE", "SUCCESS", "FAILURE"];
    let lines = results.iter().enumerate().map(|(number, result)| format!("{}\n", event(number, result)));
    fs::write(&log, lines.collect::<String>()).expect("a log");
    fs::create_dir(&rules).expect("a folder");
    for (name, product, detection) in RULES {
        let text =
            format!("title: {name}\nlogsource: {{product: {product}}}\ndetection:\n{detection}level: high\n");
        fs::write(rules.join(name), text).expect("a rule");
    }
    fs::write(rules.join("twice.yaml"), TWICE).expect("a rule");
    let options = WriteOptions { raw_kept, ..WriteOptions::default() };
    let engine = Engine::new(&folder.path().join("data"), "acme").writing(options);
    engine.ingest(&[log], &|_| Reading::default(), &mut |_| {}).await.expect("ingested");
    let end = UtcMicros::parse("2100-01-01").expect("a day");
    let request = SigmaRequest {
        folders: vec![rules],
        at: At { as_of: end, known_at: end },
        since: since.to_owned(),
        names: Names::Folded,
        placeholders: Placeholders::new(),
    };
    engine.sigma(&request).await.expect("a report")
}

fn told(report: &SigmaReport) -> Vec<(String, bool, bool, usize, String)> {
    let because = |because: &Option<String>| because.clone().unwrap_or_default();
    let rules = report.rules.iter();
    rules.map(|r| (r.title.clone(), r.compiles, r.can_match, r.matched, because(&r.because))).collect()
}

/// A rule that is silent because nothing could ever wake it would pass for a clean log.
#[tokio::test]
async fn each_rule_says_whether_it_can_match_what_is_stored() {
    let report = checked(true, "0001-01-01").await;
    let told = told(&report);
    assert_eq!(told[1], ("fails.yml".into(), true, true, 2, String::new()));
    assert_eq!(told[2], ("nowhere.yml".into(), true, false, 0, "no stored record has outcome.colour".into()));
    assert_eq!(
        told[3],
        ("windows.yml".into(), true, false, 0, "no format that is read gives such events".into())
    );
    assert_eq!((told[0].1, told[0].2, told[0].3), (false, false, 0));
    assert!(told[0].4.contains("regex"), "{}", told[0].4);
    assert_eq!(told[4], ("twice".into(), true, true, 1, String::new()));
    assert_eq!(report.rules[4].groups[0].key["actor.alternateId"], "ada@acme.example");
    assert_eq!(report.rules[4].groups[0].event_id, "u-2");
    assert_eq!(report.events, 3);
    assert_eq!(report.without_raw, Vec::new());
}

/// Days before the one asked for are not read.
#[tokio::test]
async fn only_the_days_asked_for_are_looked_at() {
    let report = checked(true, "2026-03-02").await;
    assert_eq!(report.events, 2);
    assert_eq!(told(&report)[1].3, 1);
}

/// A lake without raw records would answer "no match" to every rule.
#[tokio::test]
async fn events_without_their_raw_record_are_told_of() {
    let report = checked(false, "0001-01-01").await;
    assert_eq!(report.without_raw, vec![("okta".to_owned(), 3)]);
    assert_eq!(
        told(&report)[1],
        ("fails.yml".into(), true, false, 0, "such events are stored without their raw records".into())
    );
}
