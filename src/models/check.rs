//! `models check`: what a rule's file must have before anybody runs it.
//!
//! Takes rule texts and profiles, gives every complaint with file and line. It does not run
//! the rules' own tests, which need an engine: those live in `detect`.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Case, Need, Rule};
use super::{Error, Param, Profile, Value, parse_rule};

const TESTS_MIN: usize = 4;
const COLUMNS: [&str; 5] = ["subject_kind", "subject_id", "subject_name", "verdict", "since"];

/// Checks rules given as (file name, text) together, in order of the files.
pub fn rules(texts: &[(String, String)], profiles: &[Profile]) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    let stem = |file: &str| file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yml").to_owned();
    let given = texts.iter().map(|(file, _)| stem(file));
    let built_in = super::builtin_texts().iter().map(|(id, _)| (*id).to_owned());
    let known: BTreeSet<String> = given.chain(built_in).collect();
    for (file, text) in texts {
        match parse_rule(file, text) {
            Err(error) => errors.push(error),
            Ok(rule) => {
                errors.extend(rule_errors(file, text, &rule, profiles));
                errors.extend(
                    unknown_causes(&rule, &known).map(|(key, reason)| invalid(file, text, key, reason)),
                );
                if let Some(other) = codes.insert(rule.code.clone(), file.clone()) {
                    errors.push(invalid(
                        file,
                        text,
                        "code",
                        format!("{} is also the code of {other}", rule.code),
                    ));
                }
            }
        }
    }
    errors
}

fn unknown_causes<'a>(
    rule: &'a Rule,
    known: &'a BTreeSet<String>,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let lists = [("caused_by", &rule.caused_by), ("held_by", &rule.held_by)];
    lists.into_iter().flat_map(|(key, ids)| {
        let unknown = ids.iter().filter(|id| !known.contains(*id));
        unknown.map(move |id| (key, format!("there is no rule \"{id}\"")))
    })
}

/// Checks the rules that are built in, and the other models beside them.
pub fn builtin() -> Vec<Error> {
    let mut errors = builtin_rules();
    errors.extend(super::risk_model().err());
    errors.extend(super::semantics::semantics().err());
    errors.extend(super::costs::cost_model().err());
    errors
}

fn builtin_rules() -> Vec<Error> {
    let texts: Vec<(String, String)> = super::builtin_texts()
        .iter()
        .map(|(file, text)| (format!("{file}.yml"), (*text).to_owned()))
        .collect();
    match super::builtin_profiles() {
        Ok(profiles) => rules(&texts, &profiles),
        Err(error) => vec![error],
    }
}

fn rule_errors(file: &str, text: &str, rule: &Rule, profiles: &[Profile]) -> Vec<Error> {
    let mut found: Vec<(&str, String)> = Vec::new();
    names(file, rule, &mut found);
    prose(rule, &mut found);
    quotes(rule, &mut found);
    params(rule, profiles, &mut found);
    columns(rule, &mut found);
    sql(rule, &mut found);
    tests(rule, &mut found);
    found.into_iter().map(|(key, reason)| invalid(file, text, key, reason)).collect()
}

fn names(file: &str, rule: &Rule, found: &mut Vec<(&str, String)>) {
    let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yml");
    if stem != rule.id {
        found.push(("id", format!("id \"{}\" is not the file's name \"{stem}\"", rule.id)));
    }
    let (letters, digits) = rule.code.split_once('-').unwrap_or((&rule.code, ""));
    let well_formed = letters.len() == 3
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && digits.len() == 2
        && digits.bytes().all(|b| b.is_ascii_digit());
    if !well_formed {
        found.push(("code", format!("code \"{}\" is not of the form ABC-01", rule.code)));
    }
}

fn prose(rule: &Rule, found: &mut Vec<(&str, String)>) {
    let texts = [
        ("title", &rule.title),
        ("group", &rule.group),
        ("subject", &rule.subject),
        ("explanation", &rule.explanation),
        ("why", &rule.why),
        ("remediation", &rule.remediation.text),
    ];
    for (key, text) in texts {
        if text.trim().is_empty() {
            found.push((key, "says nothing".to_owned()));
        }
    }
    let lists = [("false_positives", rule.false_positives.len()), ("controls", rule.controls.len())];
    for (key, length) in lists {
        if length == 0 {
            found.push((key, "is empty".to_owned()));
        }
    }
    if rule.evidence.is_empty() {
        found.push(("evidence", "names no row that proves the finding".to_owned()));
    }
}

/// A sentence that quotes what the rule does not have would read `unknown` to people.
fn quotes(rule: &Rule, found: &mut Vec<(&str, String)>) {
    let rows = rule.evidence.iter().flat_map(|row| {
        let optional = row.event_id.iter().chain(&row.at);
        [&row.table, &row.key, &row.says].into_iter().chain(optional).map(|text| ("evidence", text))
    });
    let words: BTreeSet<&str> = rule.sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for (key, text) in rows.chain([("explanation", &rule.explanation)]) {
        for name in quoted_names(text) {
            let known = match name.strip_prefix('$') {
                Some(parameter) => rule.params.contains_key(parameter),
                None => words.contains(name),
            };
            if !known {
                found.push((key, format!("quotes {{{name}}}, which the rule does not have")));
            }
        }
    }
}

/// The names between braces, without the form that may follow them.
fn quoted_names(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest));
    inside.map(|placeholder| placeholder.split('|').next().unwrap_or(placeholder))
}

/// A column of a listing that the rule does not need would never be looked for.
fn columns(rule: &Rule, found: &mut Vec<(&str, String)>) {
    for column in &rule.columns {
        let need = match column.split_once('.') {
            Some(("roster", _)) => Some(Need::Roster),
            Some(("accounts", _)) => Some(Need::Accounts),
            Some(("grants", _)) => Some(Need::Grants),
            _ => None,
        };
        if !need.is_some_and(|need| rule.needs.contains(&need)) {
            found.push((
                "columns",
                format!("\"{column}\" is not of the roster, accounts or grants that the rule needs"),
            ));
        }
    }
}

fn params(rule: &Rule, profiles: &[Profile], found: &mut Vec<(&str, String)>) {
    for param in rule.params.values().chain(&rule.link_confidence_min) {
        for profile in profiles {
            if let (None, Param::Profile(key)) = (profile.resolve(param), param) {
                found.push(("params", format!("profile \"{}\" has no \"{}\"", profile.id, key.profile)));
            }
        }
    }
    for name in bound_names(&rule.sql) {
        if !rule.params.contains_key(name) && name != "as_of" && name != "known_at" {
            found.push(("sql", format!("${name} is not among the parameters")));
        }
    }
    for name in rule.params.keys() {
        if !bound_names(&rule.sql).contains(name.as_str()) {
            found.push(("params", format!("parameter \"{name}\" is not used")));
        }
    }
    if let Some(name) = rule.threshold.as_ref().filter(|name| !rule.params.contains_key(*name)) {
        found.push(("threshold", format!("\"{name}\" is not among the parameters")));
    }
    if matches!(rule.due, Some(Value::Integer(_) | Value::Number(_) | Value::Text(_))) {
        found.push(("due", "is not an interval such as 24h".to_owned()));
    }
}

fn sql(rule: &Rule, found: &mut Vec<(&str, String)>) {
    for column in COLUMNS {
        if !rule.sql.contains(&format!("AS {column}")) {
            found.push(("sql", format!("gives no column {column}")));
        }
    }
    if rule.sql.contains("SELECT *") {
        found.push(("sql", "names no columns: SELECT *".to_owned()));
    }
}

fn tests(rule: &Rule, found: &mut Vec<(&str, String)>) {
    if rule.tests.len() < TESTS_MIN {
        found.push(("tests", format!("has {} tests and needs {TESTS_MIN}", rule.tests.len())));
    }
    let cases: BTreeSet<Case> = rule.tests.iter().map(|test| test.case).collect();
    for case in [Case::Positive, Case::Negative, Case::Boundary, Case::Unrelated] {
        if !cases.contains(&case) {
            found.push(("tests", format!("has no {case:?} case").to_lowercase()));
        }
    }
    let names: BTreeSet<&str> = rule.tests.iter().map(|test| test.name.as_str()).collect();
    if names.len() != rule.tests.len() {
        found.push(("tests", "has two tests of one name".to_owned()));
    }
}

/// The names after `$` in a text.
pub fn bound_names(sql: &str) -> BTreeSet<&str> {
    sql.split('$')
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            &rest[..end]
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// An error at the line where the rule's top-level `key` stands.
fn invalid(file: &str, text: &str, key: &str, reason: String) -> Error {
    let line = text
        .lines()
        .position(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')))
        .map_or(1, |index| index as u64 + 1);
    Error::Invalid { file: file.to_owned(), line, reason: format!("{key} {reason}") }
}
