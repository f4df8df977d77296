//! Another engine's answer to the same question: rules and events given, and every modifier
//! against every kind of value.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lychgate::detect::sigma::{Names, Placeholders, Program, Reading, RuleSet};
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{Engine, compile_rule, evaluate_rule};
use rsigma_parser::parse_sigma_yaml;
use serde_json::Value;

use super::lines;
use crate::support::fixtures;

/// Titles of the rules that another engine matches with `event`.
fn theirs(engine: &Engine, event: &Value) -> BTreeSet<String> {
    engine.evaluate(&JsonEvent::borrow(event)).into_iter().map(|result| result.header.rule_title).collect()
}

/// Titles of the rules that ours matches, by event.
fn ours(set: &RuleSet, events: &[Value]) -> Vec<BTreeSet<String>> {
    let questions: Vec<_> = (0..set.rules.len()).map(|rule| set.question(rule)).collect();
    let placeholders = Placeholders::new();
    let reading = Reading { table: None, names: Names::AsWritten, placeholders: &placeholders };
    let (program, outcomes) = Program::compile(&questions, &[], reading).expect("a program");
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let pass = program.run(texts.iter().map(String::as_str)).expect("a pass");
    let title = |rule: usize| set.rules[rule].heading.title.clone();
    (0..events.len())
        .map(|event| {
            let of = |outcome: &Result<usize, String>| {
                outcome.as_ref().is_ok_and(|number| pass.matched[*number].value(event))
            };
            outcomes
                .iter()
                .enumerate()
                .filter(|(_, outcome)| of(outcome))
                .map(|(rule, _)| title(rule))
                .collect()
        })
        .collect()
}

/// Rules that never meet the events they were written for still must not match them.
#[test]
fn every_given_rule_agrees_with_another_engine_on_every_given_event() {
    let Some(folder) = fixtures() else { return };
    let set = RuleSet::read(&[folder.join("sigma_rules")]).expect("rules");
    let mut engine = Engine::new();
    for rule in &set.rules {
        let text = fs::read_to_string(folder.join("sigma_rules").join(&rule.heading.file)).expect("a rule");
        engine.add_collection(&parse_sigma_yaml(&text).expect("YAML")).expect("compiles");
    }
    let (mut events, mut matched) = (Vec::new(), 0);
    for entry in fs::read_dir(folder.join("panther")).expect("events") {
        let path = entry.expect("a file").path();
        events.extend(lines(&path).into_iter().map(|line| line["log"].clone()));
    }
    for (event, ours) in events.iter().zip(ours(&set, &events)) {
        assert_eq!(ours, theirs(&engine, event), "{event}");
        matched += ours.len();
    }
    assert!(matched > 190, "{matched} matches");
}

/// One rule an item: what a field is asked.
const ITEMS: [&str; 40] = [
    "f: abc",
    "f: ABC",
    "f|cased: abc",
    "f: a*",
    "f: 'a?c'",
    "f: 'a\\*c'",
    "f: ''",
    "f: 5",
    "f: '5'",
    "f: 1.5",
    "f: true",
    "f: 'true'",
    "f: null",
    "f: [abc, '5', x]",
    "f|contains: b",
    "f|contains|cased: B",
    "f|contains: 5",
    "f|contains: ['q', 'C:\\Win']",
    "f|contains|all: [a, c]",
    "f|startswith: AB",
    "f|endswith: Bc",
    "f|startswith: 'a*c'",
    "f|re: '^a.c$'",
    "f|re|i: '^A.C$'",
    "f|cidr: 10.0.0.0/8",
    "f|cidr: 2001:db8::/32",
    "f|gt: 4",
    "f|gte: 5",
    "f|lt: 5",
    "f|lte: 5",
    "f|exists: true",
    "f|exists: false",
    "f|fieldref: g",
    "f|base64: abc",
    "f|base64offset|contains: abc",
    "f|wide|base64: abc",
    "f|windash|contains: ' -x'",
    "f|hour: 13",
    "k.h: abc",
    "f|month: 3",
];

/// Values that records really have. An object in the place of a value is left out: the other
/// engine never matches one, ours looks into it, as records that hold JSON in a text ask for.
const VALUES: [&str; 30] = [
    "{}",
    r#"{"f":null}"#,
    r#"{"f":"abc"}"#,
    r#"{"f":"ABC"}"#,
    r#"{"f":"xabcx"}"#,
    r#"{"f":"a*c"}"#,
    r#"{"f":"axc","g":"AXC"}"#,
    r#"{"f":""}"#,
    r#"{"f":5}"#,
    r#"{"f":"5"}"#,
    r#"{"f":5.0}"#,
    r#"{"f":-5}"#,
    r#"{"f":1.5}"#,
    r#"{"f":true}"#,
    r#"{"f":"True"}"#,
    r#"{"f":"yes"}"#,
    r#"{"f":["abc","q"]}"#,
    r#"{"f":["q",5]}"#,
    r#"{"f":[["abc"]]}"#,
    r#"{"f":"10.1.2.3"}"#,
    r#"{"f":"11.1.2.3"}"#,
    r#"{"f":"2001:db8:1::1"}"#,
    r#"{"f":"YWJj"}"#,
    r#"{"f":"eHhhYmM="}"#,
    r#"{"f":"YQBiAGMA"}"#,
    r#"{"f":"cmd /x"}"#,
    r#"{"f":"c:\\windows"}"#,
    r#"{"f":"2026-03-31T13:05:00Z"}"#,
    r#"{"k":[{"h":"q"},{"h":"abc"}]}"#,
    r#"{"k.h":"abc"}"#,
];

fn rule(title: &str, item: &str, condition: &str) -> String {
    format!(
        "title: '{title}'\nlogsource: {{product: x}}\ndetection:\n  selection:\n    {item}\n  condition: {condition}\n"
    )
}

/// If one modifier read one kind of value otherwise than everybody else, a rule that a company
/// trusts elsewhere would be silent here.
#[test]
fn every_modifier_agrees_with_another_engine_on_every_kind_of_value() {
    let events: Vec<Value> = VALUES.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    for (number, item) in ITEMS.iter().enumerate() {
        let mut set = RuleSet::default();
        let mut rules = Vec::new();
        for condition in ["selection", "not selection"] {
            let text = rule(&format!("{number} {condition}"), item, condition);
            set.add(Path::new("rule.yml"), &text);
            let parsed = parse_sigma_yaml(&text).expect("YAML").rules;
            rules.extend(parsed.iter().map(|rule| compile_rule(rule).expect("compiles")));
        }
        assert_eq!(set.unreadable, Vec::new());
        for (event, ours) in events.iter().zip(ours(&set, &events)) {
            // Not through the engine: its index passes over rules that ask what an event has not.
            let theirs = rules.iter().filter(|rule| evaluate_rule(rule, &JsonEvent::borrow(event)).is_some());
            let theirs: BTreeSet<String> = theirs.map(|rule| rule.title.clone()).collect();
            assert_eq!(ours, theirs, "{item} on {event}");
        }
    }
}
