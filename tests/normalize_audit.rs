//! The formats of audit logs other than the three identity providers': one file a vendor
//! beside this one, with a case for each trap that its records hold.
//!
//! Here what goes for all of them: every published fixture gives rows or rejections, each
//! is recognised as one format at most, and labelled events get their verbs.

mod auth0;
mod aws_cloudtrail;
mod gcp_audit;
mod github;
mod jumpcloud;
mod keycloak;
mod m365;
mod ocsf;
mod onelogin;
mod pingfederate;
mod pingone;
mod salesforce;
mod slack;

use lychgate::models::verbs;
use lychgate::normalize::JSON_FORMATS;
use serde_json::{Value, json};

use crate::support::{context, each, fixtures, holds, rows_as_json};

/// Normalises a record as the one format that recognises it, and asserts that the rows hold
/// at least what is expected: an array of rows, one row, or `{"rejection": code}`. A null
/// asks for an absent field.
fn check(format: &str, given: Value, expect: Value) {
    assert_eq!(recognised_by(&given), Some(format), "{given}");
    holds(&rows(format, &given), each(&expect), &given);
}

fn rows(format: &str, record: &Value) -> Vec<Value> {
    let format = JSON_FORMATS.iter().find(|own| own.name == format).expect("a format");
    let rows = rows_as_json((format.normalize)(&record.to_string(), &context(None)));
    assert!(!rows.is_empty(), "a record gives a row or a rejection: {record}");
    rows
}

/// The first format that recognises the record, which is the one that has it.
fn recognised_by(record: &Value) -> Option<&'static str> {
    JSON_FORMATS.iter().find(|format| (format.recognises)(record)).map(|format| format.name)
}

/// `base` with the fields of `more` put over it.
fn with(base: &Value, more: Value) -> Value {
    let mut fields = base.as_object().cloned().unwrap();
    fields.extend(more.as_object().cloned().unwrap());
    Value::Object(fields)
}

/// The records of one fixture, none where the fixtures are not at hand.
fn records(path: &str) -> Vec<Value> {
    let Some(folder) = fixtures() else { return Vec::new() };
    let text = std::fs::read_to_string(folder.join(path)).unwrap();
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    text.lines().map(parse).map(|row| row.get("log").cloned().unwrap_or(row)).collect()
}

/// The fixtures that have a format, which it is, and how many records lack what a row needs:
/// their authors have shortened these until they lost their time.
const FIXTURES: [(&str, &str, usize); 8] = [
    ("panther/github.ndjson", "github", 5),
    ("panther/slack.ndjson", "slack", 10),
    ("panther/aws_cloudtrail.ndjson", "aws_cloudtrail", 13),
    ("panther/onelogin.ndjson", "onelogin", 13),
    ("panther/auth0.ndjson", "auth0", 0),
    ("panther/gcp_audit.ndjson", "gcp_audit", 29),
    ("panther/salesforce.ndjson", "salesforce", 0),
    ("panther/m365.ndjson", "m365", 0),
];

/// A strange record would stop an ingest, or a vendor's file be quarantined as a whole.
#[test]
fn fixtures_give_rows() {
    for (file, format, poor) in FIXTURES {
        let records = records(file);
        let lost = |record: &&Value| rows(format, record)[0].get("rejection").is_some();
        let rejected = records.iter().filter(lost).count();
        assert!(records.is_empty() || rejected == poor, "{file}: {rejected} of {}", records.len());
        let recognised = records.iter().filter(|record| recognised_by(record) == Some(format)).count();
        assert!(recognised + poor >= records.len(), "{file}: {recognised} of {}", records.len());
    }
}

/// A file of one vendor would be read as another's.
#[test]
fn fixtures_are_told_apart() {
    let Some(folder) = fixtures() else { return };
    for path in lychgate::ingest::files(&[folder.join("panther")]).unwrap() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for record in records(&format!("panther/{name}")) {
            let found = recognised_by(&record);
            let own = FIXTURES.iter().find(|(file, ..)| file.ends_with(&format!("/{name}")));
            let idp = ["okta.ndjson", "google_workspace.ndjson", "entra_signin_audit.ndjson"];
            let expected = own.map(|(_, format, _)| *format);
            let right = found.is_none() || found == expected || idp.contains(&name.as_str());
            assert!(right, "{name}: {found:?} {record}");
        }
    }
}

/// An event type of a vendor's catalogue would be stored and never counted.
#[test]
fn every_catalogued_event_type_has_its_verb() {
    let Some(folder) = fixtures() else { return };
    let table = std::fs::read_to_string(folder.join("verb_map/event_verb_map.tsv")).unwrap();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let own = FIXTURES.iter().any(|(_, format, _)| *format == columns[0]);
        let found = verbs::verb(columns[0], columns[1]).map(|verb| verb.to_string());
        assert!(!own || found.as_deref() == Some(columns[2]), "{line}: {found:?}");
    }
}

/// Real events that people have labelled would mean something else to us.
#[test]
fn labelled_events_get_their_verbs() {
    let labels = records("verb_map/expected_on_open_events.ndjson");
    let mut checked = 0;
    for label in &labels {
        let source = label["source"].as_str().unwrap();
        let (file, line) = label["event"].as_str().unwrap().split_once('#').unwrap();
        if !FIXTURES.iter().any(|(_, format, _)| *format == source) {
            continue;
        }
        let mut record = records(file)[line.parse::<usize>().unwrap()].clone();
        assert_eq!(recognised_by(&record), Some(source), "{label}");
        if rows(source, &record)[0]["rejection"] == "missing_field" {
            record["p_event_time"] = json!("2025-03-01T10:00:00Z");
        }
        let found = rows(source, &record);
        let verb_is_expected = |row: &Value| label["verb"].as_array().unwrap().contains(&row["verb"]);
        assert!(found.iter().any(verb_is_expected), "{label}: {}", found[0]);
        assert_eq!(found[0]["event_type"], label["event_type"], "{label}");
        checked += 1;
    }
    assert!(labels.is_empty() || checked == 70, "{checked} labels checked");
}
