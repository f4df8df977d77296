//! Sigma rules over real events: which rule matches which event, as written down beforehand.

mod correlations;
mod detected;
mod oracle;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lychgate::detect::sigma::{Names, Placeholders, Program, Question, Reading, RuleSet};
use lychgate::models::sigma::{AliasTable, alias_tables};
use serde_json::Value;

use crate::support::fixtures;

/// Compiles the rules of a set for one table; the reasons of those that do not compile.
fn compile(set: &RuleSet, rules: &[usize], table: &AliasTable, names: Names) -> (Program, Vec<String>) {
    let questions: Vec<Question<'_>> = rules.iter().map(|rule| set.question(*rule)).collect();
    let placeholders = Placeholders::new();
    let reading = Reading { table: Some(table), names, placeholders: &placeholders };
    let (program, outcomes) = Program::compile(&questions, &[], reading).expect("a program");
    (program, outcomes.into_iter().filter_map(Result::err).collect())
}

fn table_of(set: &RuleSet, rule: usize) -> AliasTable {
    let wanted = set.rules[rule].logsource.clone();
    let fitting: Vec<AliasTable> =
        alias_tables().expect("tables").into_iter().filter(|table| wanted.fits(&table.logsource)).collect();
    fitting.first().cloned().unwrap_or(AliasTable {
        logsource: wanted,
        sources: Vec::new(),
        fields: BTreeMap::new(),
        values: BTreeMap::new(),
    })
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a fixture");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The raw record that a reference such as `panther/okta.ndjson#3` means.
fn record(folder: &Path, reference: &str, read: &mut BTreeMap<String, Vec<Value>>) -> String {
    let (file, line) = reference.split_once('#').expect("file#line");
    let records = read.entry(file.to_owned()).or_insert_with(|| lines(&folder.join(file)));
    records[line.parse::<usize>().expect("a line")]["log"].to_string()
}

/// A company brings the rules that it has; one that does not compile is one that never fires.
#[test]
fn all_given_sigma_rules_compile() {
    let Some(folder) = fixtures() else { return };
    let set = RuleSet::read(&[folder.join("sigma_rules")]).expect("rules");
    assert_eq!(set.unreadable, Vec::new());
    assert_eq!(set.rules.len(), 204);
    for rule in 0..set.rules.len() {
        let (_, refused) = compile(&set, &[rule], &table_of(&set, rule), Names::Folded);
        assert_eq!(refused, Vec::<String>::new(), "{}", set.rules[rule].heading.file.display());
    }
}

/// If it failed, a rule that somebody wrote down the answer for would fire on the wrong event, or on none.
#[test]
fn given_rules_match_given_events_by_the_names_that_vendors_use() {
    check_pairs("raw.ndjson", Names::AsWritten);
}

/// Published rules for Azure name fields that no record has; without the tables most would be silent.
#[test]
fn given_rules_match_given_events_by_the_names_that_rules_use() {
    check_pairs("aliased.ndjson", Names::Folded);
}

/// A rule and the events that it should match.
type Expected = (usize, BTreeSet<String>);

fn check_pairs(expected: &str, names: Names) {
    let Some(folder) = fixtures() else { return };
    let set = RuleSet::read(&[folder.join("sigma_rules")]).expect("rules");
    let sets: BTreeMap<String, Vec<String>> = serde_json::from_str(
        &fs::read_to_string(folder.join("sigma_expected/event_sets.json")).expect("sets"),
    )
    .expect("JSON");
    let mut read = BTreeMap::new();
    let mut wrong: BTreeSet<String> = BTreeSet::new();
    let mut pairs = 0;
    // All rules of an event set in one program: sharing must not make one rule answer for another.
    let mut by_set: BTreeMap<(String, String), Vec<Expected>> = BTreeMap::new();
    for line in lines(&folder.join("sigma_expected").join(expected)) {
        let name = line["rule"].as_str().expect("a rule");
        let rule =
            set.rules.iter().position(|rule| Path::new(name) == rule.heading.file).expect("a given rule");
        let matches = line["matches"].as_array().expect("matches").iter();
        let matches = matches.map(|reference| reference.as_str().expect("text").to_owned()).collect();
        let service = set.rules[rule].logsource.service.clone().unwrap_or_default();
        let key = (line["event_set"].as_str().expect("a set").to_owned(), service);
        by_set.entry(key).or_default().push((rule, matches));
    }
    for ((event_set, _), wanted) in by_set {
        let rules: Vec<usize> = wanted.iter().map(|(rule, _)| *rule).collect();
        let (program, refused) = compile(&set, &rules, &table_of(&set, rules[0]), names);
        assert_eq!(refused, Vec::<String>::new());
        let none = Vec::new();
        let references = sets.get(&event_set).unwrap_or(&none);
        let raws: Vec<String> = references.iter().map(|one| record(&folder, one, &mut read)).collect();
        let pass = program.run(raws.iter().map(String::as_str)).expect("a pass");
        assert_eq!(pass.unreadable, 0);
        for ((rule, wanted), matched) in wanted.iter().zip(&pass.matched) {
            let found: BTreeSet<String> =
                (0..raws.len()).filter(|at| matched.value(*at)).map(|at| references[at].clone()).collect();
            pairs += found.len();
            for pair in found.symmetric_difference(wanted) {
                let what = if wanted.contains(pair) { "missed" } else { "made up" };
                wrong.insert(format!("{} {pair} {what}", set.rules[*rule].heading.file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "of {pairs} pairs {}: {wrong:#?}", wrong.len());
    assert!(pairs > 100, "{pairs} pairs");
}

fn answers(
    rules: &[&str],
    names: Names,
    placeholders: &Placeholders,
    event: &str,
) -> Vec<Result<bool, String>> {
    let mut set = RuleSet::default();
    rules.iter().for_each(|text| set.add(Path::new("rule.yml"), text));
    assert_eq!(set.unreadable, Vec::new());
    let questions: Vec<Question<'_>> = (0..set.rules.len()).map(|rule| set.question(rule)).collect();
    let (program, outcomes) =
        Program::compile(&questions, &[], Reading { table: None, names, placeholders }).expect("a program");
    let pass = program.run([event].into_iter()).expect("a pass");
    outcomes.into_iter().map(|outcome| outcome.map(|number| pass.matched[number].value(0))).collect()
}

fn rule(detection: &str) -> String {
    format!("title: t\nlogsource: {{product: x}}\ndetection:\n{detection}")
}

/// What the other engine answers differently, and why ours is right for records of access logs.
#[test]
fn what_is_decided_here_stays_decided() {
    let cases = [
        // Letters of either case name the same field.
        ("  s: {EventType: a}\n  condition: s\n", r#"{"eventtype":"A"}"#, true),
        // An object has the values anywhere in it: some exports parse what the vendor writes as text.
        ("  s: {'f|contains': POSITIVE}\n  condition: s\n", r#"{"f":{"a":[{"b":"POSITIVE"}]}}"#, true),
        // Null everywhere is null, in arrays too.
        ("  s: {f.a: null}\n  condition: s\n", r#"{"f":[{"a":null},{"a":null}]}"#, true),
        ("  s: {f.a: null}\n  condition: s\n", r#"{"f":[{"a":null},{"a":1}]}"#, false),
        // A missing field is null among other values.
        ("  s: {f: [null, '']}\n  condition: s\n", "{}", true),
        ("  s: {f: [null, '']}\n  condition: s\n", r#"{"f":"x"}"#, false),
        // Around wildcards every sign means itself.
        ("  s: {f: '*<script>*'}\n  condition: s\n", r#"{"f":"a <script> b"}"#, true),
        ("  s: {f: '*<script>*'}\n  condition: s\n", r#"{"f":"a script b"}"#, false),
        (
            "  s: {f: '*!\"#$%&''()+,-./:;=@[]^_`{|}~*'}\n  condition: s\n",
            r##"{"f":"x!\"#$%&'()+,-./:;=@[]^_`{|}~y"}"##,
            true,
        ),
        // Nothing differs from a value by being missing.
        ("  s: {'f|neq': a}\n  condition: s\n", "{}", false),
        ("  s: {'f|neq': a}\n  condition: s\n", r#"{"f":"b"}"#, true),
        // Base64 of "xxabcy": what follows may change the last letter of what stands before.
        ("  s: {'f|base64offset|contains': abc}\n  condition: s\n", r#"{"f":"eHhhYmN5"}"#, true),
        // Keywords are looked for in every text, and in texts only.
        ("  k: [needle]\n  condition: k\n", r#"{"a":{"b":["a Needle here"]}}"#, true),
        ("  k: [needle]\n  condition: k\n", r#"{"needle":1}"#, false),
        ("  k: {'|all': [one, two]}\n  condition: k\n", r#"{"a":"one","b":"two"}"#, true),
        ("  k: {'|all': [one, two]}\n  condition: k\n", r#"{"a":"one"}"#, false),
        ("  a: {f: 1}\n  b: {g: 1}\n  c: {h: 1}\n  condition: 2 of them\n", r#"{"f":1,"h":1}"#, true),
        ("  a: {f: 1}\n  b: {g: 1}\n  c: {h: 1}\n  condition: 2 of them\n", r#"{"f":1}"#, false),
    ];
    for (detection, event, expected) in cases {
        let found = answers(&[&rule(detection)], Names::Folded, &Placeholders::new(), event);
        assert_eq!(found, vec![Ok(expected)], "{detection} on {event}");
    }
}

/// A rule that cannot be compiled says why; another that stands beside it is not hurt.
#[test]
fn a_rule_that_does_not_compile_says_why() {
    let cases = [
        ("  s: {'f|re': '('}\n  condition: s\n", "regex"),
        ("  s: {'f|cidr': 10.0.0.0/99}\n  condition: s\n", "is no network"),
        ("  s: {'f|contains|re': a}\n  condition: s\n", "more than one way"),
        ("  s: {f: a}\n  condition: other\n", "there is no detection \"other\""),
        ("  s: {f: a}\n  condition: all of filter_*\n", "no detection is called"),
        ("  s: {'f|expand': '%admins%'}\n  condition: s\n", "placeholder %admins% has no values"),
        ("  s: {'f|gt': a}\n  condition: s\n", "is no number"),
    ];
    for (detection, says) in cases {
        let good = rule("  s: {f: a}\n  condition: s\n");
        let found = answers(&[&rule(detection), &good], Names::Folded, &Placeholders::new(), r#"{"f":"a"}"#);
        let reason = found[0].clone().expect_err(detection);
        assert!(reason.contains(says), "{detection}: {reason}");
        assert_eq!(found[1], Ok(true));
    }
}

/// Names that a company keeps (its admins, its networks) come from outside of the rule.
#[test]
fn placeholders_are_filled_in_by_name() {
    let placeholders = Placeholders::from([("admins".to_owned(), vec!["ada".to_owned(), "bob*".to_owned()])]);
    let text = rule("  s: {'f|expand': 'x\\%admins%'}\n  condition: s\n");
    for (value, expected) in [("x\\\\ada", true), ("x\\\\bobby", true), ("x\\\\eve", false)] {
        let event = format!(r#"{{"f":"{value}"}}"#);
        assert_eq!(answers(&[&text], Names::Folded, &placeholders, &event), vec![Ok(expected)], "{event}");
    }
}

/// Published rules for Google Workspace name its services as Google Cloud does; else none of them could match.
#[test]
fn services_of_google_are_known_by_both_names() {
    for (service, field) in [("admin", "eventService"), ("login", "protoPayload.serviceName")] {
        for (name, expected) in [
            (format!("{service}.googleapis.com"), true),
            (service.to_owned(), true),
            ("drive.googleapis.com".to_owned(), false),
        ] {
            let mut set = RuleSet::default();
            let text = format!(
                "title: t\nlogsource: {{product: gcp, service: google_workspace.{service}}}\ndetection:\n  s: {{{field}: {name}, eventName: A}}\n  condition: s\n"
            );
            set.add(Path::new("rule.yml"), &text);
            let (program, refused) = compile(&set, &[0], &table_of(&set, 0), Names::Folded);
            assert_eq!(refused, Vec::<String>::new());
            let event = format!(r#"{{"id":{{"applicationName":"{service}"}},"events":[{{"name":"A"}}]}}"#);
            let pass = program.run([event.as_str()].into_iter()).expect("a pass");
            assert_eq!(pass.matched[0].value(0), expected, "{text}");
        }
    }
}

/// A filter takes from the rules that it names, within its logsource, and from no others.
#[test]
fn a_filter_takes_from_the_rules_that_it_names() {
    let base = |id: &str| {
        format!(
            "title: {id}\nid: {id}\nlogsource: {{product: okta}}\ndetection:\n  s: {{f: a}}\n  condition: s\n"
        )
    };
    let filter = "title: no svc\nlogsource: {product: okta}\nfilter:\n  rules: [one]\n  s: {g: svc}\n  condition: not s\n";
    let (one, two) = (base("one"), base("two"));
    let of = |event| answers(&[&one, &two, filter], Names::Folded, &Placeholders::new(), event);
    assert_eq!(of(r#"{"f":"a","g":"svc"}"#), vec![Ok(false), Ok(true)]);
    assert_eq!(of(r#"{"f":"a"}"#), vec![Ok(true), Ok(true)]);
}

/// A rule "can match" only when what it cannot do without is in what is stored.
#[test]
fn a_rule_can_match_what_has_its_fields() {
    let cases = [
        ("  s: {f: a, g: b}\n  condition: s\n", r#"{"f":1}"#, false, vec!["g"]),
        ("  s: {f: a}\n  t: {g: b}\n  condition: s and not t\n", r#"{"f":1}"#, true, vec!["g"]),
        ("  s: {f: a}\n  t: {g: b}\n  condition: s or t\n", r#"{"f":1}"#, true, vec!["g"]),
        ("  s: {f: a}\n  t: {g: null}\n  condition: s and t\n", r#"{"f":1}"#, true, vec!["g"]),
        ("  k: [word]\n  condition: k\n", r#"{"f":"text"}"#, true, vec![]),
        ("  k: [word]\n  condition: k\n", r#"{"f":1}"#, false, vec![]),
    ];
    for (detection, event, expected, missing) in cases {
        let mut set = RuleSet::default();
        set.add(Path::new("rule.yml"), &rule(detection));
        let placeholders = Placeholders::new();
        let reading = Reading { table: None, names: Names::Folded, placeholders: &placeholders };
        let (program, _) = Program::compile(&[set.question(0)], &[], reading).expect("a program");
        let seen = program.run([event].into_iter()).expect("a pass").seen;
        assert_eq!(program.can_match(0, &seen), expected, "{detection} on {event}");
        assert_eq!(program.missing(0, &seen), missing, "{detection} on {event}");
    }
}
