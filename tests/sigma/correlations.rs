//! Correlations: what is counted together, when it begins to hold, whatever the order of arrival.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lychgate::detect::sigma::{Fired, Hit, Names, Placeholders, Program, Reading, RuleSet, correlate};
use lychgate::domain::UtcMicros;
use serde_json::Value;

use crate::support::fixtures;

fn all(set: &RuleSet) -> BTreeSet<usize> {
    (0..set.correlations.len()).collect()
}

/// The matches of a set's rules on raw Okta records, with the fields that its correlations ask for.
fn hits(set: &RuleSet, records: &[Value]) -> Vec<Hit> {
    let kept = set.fields_of(&all(set));
    let questions: Vec<_> = (0..set.rules.len()).map(|rule| set.question(rule)).collect();
    let placeholders = Placeholders::new();
    let reading = Reading { table: None, names: Names::Folded, placeholders: &placeholders };
    let (program, _) = Program::compile(&questions, &kept, reading).expect("a program");
    let texts: Vec<String> = records.iter().map(Value::to_string).collect();
    let pass = program.run(texts.iter().map(String::as_str)).expect("a pass");
    let mut hits = Vec::new();
    for (rule, matched) in set.rules.iter().zip(&pass.matched) {
        for record in (0..records.len()).filter(|record| matched.value(*record)) {
            let fields = kept.iter().zip(&pass.kept);
            let fields = fields.filter_map(|(field, values)| Some((field.clone(), values[record].clone()?)));
            hits.push(Hit {
                names: rule.heading.names.clone(),
                at_us: UtcMicros::parse(records[record]["published"].as_str().expect("a time"))
                    .expect("a time")
                    .0,
                event_id: records[record]["uuid"].as_str().expect("an id").to_owned(),
                fields: fields.collect(),
            });
        }
    }
    hits
}

/// Five failures in ten minutes are five failures, in whatever order the log was read.
#[tokio::test]
async fn given_correlations_fire_for_the_given_groups_in_any_order() {
    let Some(folder) = fixtures() else { return };
    let folder = folder.join("correlation");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("a fixture");
    let mut set = RuleSet::default();
    set.add(Path::new("rules.yml"), &read("rules.yml"));
    let mut records: Vec<Value> =
        read("events.ndjson").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let expected: Value = serde_json::from_str(&read("expected.json")).expect("JSON");
    let expected: Vec<(BTreeMap<String, String>, i64)> = expected["c1_many_failed"]["groups_that_fire"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| {
            let at = UtcMicros::parse(group["first_fire_at"].as_str().expect("a time")).expect("a time");
            (serde_json::from_value(group["key"].clone()).expect("a key"), at.0)
        })
        .collect();
    for round in 0..5_usize {
        let fired = correlate(&set.correlations, &all(&set), &hits(&set, &records)).await.expect("fired");
        let found: Vec<(BTreeMap<String, String>, i64)> =
            fired.into_iter().map(|fired| (fired.key, fired.at_us)).collect();
        assert_eq!(found, expected, "round {round}");
        let middle = records.len() / 2;
        records.rotate_left(3 * round + 1);
        records[..middle].reverse();
    }
}

const MINUTE: i64 = 60_000_000;

/// Matches as (rule, minute, who, value).
fn given(matches: &[(&str, i64, &str, &str)]) -> Vec<Hit> {
    let fields = |who: &str, value: &str| {
        let fields = [("who", who), ("value", value)];
        fields
            .iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    let hit = |(number, (rule, minute, who, value)): (usize, &(&str, i64, &str, &str))| Hit {
        names: [(*rule).to_owned()].into(),
        at_us: minute * MINUTE,
        event_id: format!("e{number}"),
        fields: fields(who, value),
    };
    matches.iter().enumerate().map(hit).collect()
}

async fn check(correlation: &str, matches: &[(&str, i64, &str, &str)], expected: &[(&str, i64)]) {
    let mut set = RuleSet::default();
    set.add(Path::new("c.yml"), correlation);
    assert_eq!(set.unreadable, Vec::new());
    for hits in [given(matches), given(matches).into_iter().rev().collect()] {
        let fired = correlate(&set.correlations, &all(&set), &hits).await.expect("fired");
        let of =
            |fired: &Fired| (fired.key.values().next().cloned().unwrap_or_default(), fired.at_us / MINUTE);
        let last = set.correlations.len() - 1;
        let found: Vec<(String, i64)> =
            fired.iter().filter(|fired| fired.correlation == last).map(of).collect();
        let expected: Vec<(String, i64)> =
            expected.iter().map(|(who, minute)| ((*who).to_owned(), *minute)).collect();
        assert_eq!(found, expected, "{correlation} on {matches:?}");
    }
}

fn correlation(kind: &str, more: &str) -> String {
    format!("title: c\ncorrelation:\n  type: {kind}\n  group-by: [who]\n  timespan: 10m\n{more}")
}

/// Exactly the time span apart is together; a minute more is not; who is missing belongs to nobody.
#[tokio::test]
async fn events_are_counted_within_the_time_and_by_group() {
    let three = correlation("event_count", "  rules: [r]\n  condition: {gte: 3}\n");
    check(&three, &[("r", 0, "a", ""), ("r", 5, "a", ""), ("r", 10, "a", "")], &[("a", 10)]).await;
    check(&three, &[("r", 0, "a", ""), ("r", 5, "a", ""), ("r", 11, "a", "")], &[]).await;
    check(&three, &[("r", 0, "a", ""), ("r", 1, "b", ""), ("r", 2, "a", "")], &[]).await;
    check(&three, &[("r", 0, "", ""), ("r", 1, "", ""), ("r", 2, "", "")], &[]).await;
    check(&three, &[("r", 0, "a", ""), ("x", 1, "a", ""), ("r", 2, "a", "")], &[]).await;
    // It holds on until it ceases to, and may begin again.
    let again = [0, 1, 2, 3, 40, 41, 42].map(|minute| ("r", minute, "a", ""));
    check(&three, &again, &[("a", 2), ("a", 42)]).await;
}

/// One address that tries one account ten times is not ten accounts.
#[tokio::test]
async fn different_values_are_counted() {
    let two = correlation("value_count", "  rules: [r]\n  condition: {field: value, gte: 2}\n");
    check(&two, &[("r", 0, "a", "x"), ("r", 1, "a", "x"), ("r", 2, "a", "y")], &[("a", 2)]).await;
    check(&two, &[("r", 0, "a", "x"), ("r", 11, "a", "y")], &[]).await;
    check(&two, &[("r", 0, "a", "x"), ("r", 1, "b", "y"), ("r", 2, "a", "")], &[]).await;
}

/// "Created, granted, used" is a story only in this order, and only when it is short enough.
#[tokio::test]
async fn rules_match_together_and_in_their_order() {
    let together = correlation("temporal", "  rules: [r, s]\n");
    check(&together, &[("s", 0, "a", ""), ("r", 10, "a", "")], &[("a", 10)]).await;
    check(&together, &[("s", 0, "a", ""), ("r", 11, "a", "")], &[]).await;
    check(&together, &[("s", 0, "a", ""), ("r", 1, "b", "")], &[]).await;
    let either = correlation("temporal", "  rules: [r, s]\n  condition: r and not s\n");
    check(&either, &[("r", 0, "a", ""), ("s", 1, "b", ""), ("r", 2, "b", "")], &[("a", 0)]).await;
    let ordered = correlation("temporal_ordered", "  rules: [r, s, t]\n");
    check(&ordered, &[("r", 0, "a", ""), ("s", 4, "a", ""), ("t", 10, "a", "")], &[("a", 10)]).await;
    check(&ordered, &[("r", 0, "a", ""), ("t", 4, "a", ""), ("s", 10, "a", "")], &[]).await;
    check(&ordered, &[("r", 0, "a", ""), ("s", 4, "a", ""), ("t", 11, "a", "")], &[]).await;
    // The latest beginning counts.
    let late = [("r", 0, "a", ""), ("r", 3, "a", ""), ("s", 4, "a", ""), ("t", 13, "a", "")];
    check(&ordered, &late, &[("a", 13)]).await;
}

/// The same person has other names in other logs, and one correlation may look at another.
#[tokio::test]
async fn aliases_name_fields_and_correlations_are_chained() {
    let aliased = correlation("temporal", "  rules: [r, s]\n  aliases:\n    who: {r: who, s: value}\n");
    check(&aliased, &[("r", 0, "a", ""), ("s", 1, "", "a")], &[("a", 1)]).await;
    let chained = format!(
        "title: many\nname: many\ncorrelation:\n  type: event_count\n  rules: [r]\n  group-by: [who]\n  \
         timespan: 10m\n  condition: {{gte: 2}}\n---\n{}",
        correlation("temporal_ordered", "  rules: [many, s]\n")
    );
    check(&chained, &[("r", 0, "a", ""), ("r", 1, "a", ""), ("s", 2, "a", "")], &[("a", 2)]).await;
    check(&chained, &[("r", 0, "a", ""), ("s", 2, "a", ""), ("r", 3, "a", "")], &[]).await;
}

/// What would be counted wrongly is refused, and a circle never ends.
#[tokio::test]
async fn what_is_not_understood_is_said() {
    let mut set = RuleSet::default();
    set.add(
        Path::new("c.yml"),
        &correlation("value_avg", "  rules: [r]\n  condition: {field: value, gte: 2}\n"),
    );
    set.add(
        Path::new("d.yml"),
        &correlation("event_count", "  rules: [r]\n  window: tumbling\n  condition: {gte: 2}\n"),
    );
    assert_eq!(set.correlations.len(), 0);
    assert_eq!(set.unreadable.len(), 2);
    let circle = correlation("event_count", "  rules: [c]\n  condition: {gte: 2}\n");
    set.add(Path::new("e.yml"), &circle);
    let refused = correlate(&set.correlations, &all(&set), &[]).await.expect_err("a circle");
    assert!(refused.to_string().contains("circle"), "{refused}");
}
