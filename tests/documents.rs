//! Lists in `docs/` that follow from the source: what a reader takes from them must be what the program does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lychgate::detect::rule_test;
use lychgate::domain::RegisterKind;
use lychgate::models;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
}

/// The words in backticks that begin the rows of tables.
fn first_cells(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|rest| &rest[..rest.find('`').expect("a closing backtick")])
        .collect()
}

/// If it failed, somebody who writes a register by its description would find it refused, or a column of it
/// without effect.
#[test]
fn every_register_is_described_column_by_column() {
    let text = document("docs/formats/tables.md");
    for kind in RegisterKind::ALL {
        let name = kind.as_str();
        let heading = format!("### `{name}`\n");
        let from = text.find(&heading).unwrap_or_else(|| panic!("{name} is not described")) + heading.len();
        let part = &text[from..];
        let part = &part[..part.find("\n### ").unwrap_or(part.len())];
        let columns: Vec<&str> = kind.columns().iter().map(|(column, _)| *column).collect();
        assert_eq!(first_cells(part), columns, "{name}");
        let keys = part.lines().filter(|line| line.contains("` (key) |")).count();
        assert_eq!(keys, kind.key_columns(), "{name}");
        let example = part.split("```csv\n").nth(1).and_then(|rest| rest.split("```").next());
        let example = example.unwrap_or_else(|| panic!("{name} has no example"));
        let mut reader = csv::Reader::from_reader(example.as_bytes());
        assert_eq!(reader.headers().expect("a header").iter().collect::<Vec<_>>(), columns, "{name}");
        let lines: Vec<_> = reader.records().map(|line| line.expect(name)).collect();
        assert_eq!(lines.len(), 1, "{name}");
    }
}

/// If it failed, a code in a finding would have no explanation anywhere but in the source.
#[test]
fn every_deviation_of_a_scim_request_is_described() {
    let text = document("docs/formats/scim_request_log.md");
    let part = text.split("## Codes of deviations").nth(1).expect("the list of codes");
    let described: BTreeSet<&str> = first_cells(part).into_iter().collect();
    let source = include_str!("../src/scim/deviation.rs");
    let stated = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
    assert_eq!(described, stated.collect());
}

/// If it failed, the first rule that a company writes, after the example, would be refused.
#[tokio::test]
async fn the_example_of_a_rule_is_a_rule_whose_tests_pass() {
    let text = document("docs/rules.md");
    let example = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("an example").to_owned();
    let profiles = models::builtin_profiles().expect("profiles");
    let file = "account_without_email.yml".to_owned();
    assert_eq!(models::check::rules(&[(file.clone(), example.clone())], &profiles), []);
    let rule = models::parse_rule(&file, &example).expect("a rule");
    assert!(models::builtin_rules().expect("rules").iter().all(|other| other.code != rule.code));
    let profile = models::profile("default").expect("a profile");
    let outcomes = rule_test::run(&rule, &profile).await.expect("tests that run");
    assert_eq!(outcomes.len(), rule.tests.len());
    for outcome in outcomes {
        assert_eq!(outcome.difference, None, "{}", outcome.name);
    }
}

/// If it failed, a field of rules would be told of nowhere.
#[test]
fn every_field_of_a_rule_is_described() {
    let text = document("docs/rules.md");
    let source = include_str!("../src/models/rule.rs");
    let fields = source.split("pub struct Rule {").nth(1).and_then(|rest| rest.split("\n}").next());
    let fields = fields.expect("the fields").lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let part = text.split("## Fields").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a table");
    let fields: Vec<&str> = fields.filter_map(|field| field.split(':').next()).collect();
    assert!(fields.len() > 20, "{fields:?}");
    for field in fields {
        assert!(part.contains(&format!("`{field}`")), "{field} is not described");
    }
}
