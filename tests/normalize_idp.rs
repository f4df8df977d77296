//! The formats of the identity providers: Okta, Entra (three logs) and Google Workspace.
//!
//! Here the spellings of verbs and the published fixtures, where they are at hand; in the
//! files beside, one a vendor, a case of our own making for each trap that real logs hold.
//! What the rows do to accounts is tested with `state`.

mod entra;
mod google;
mod okta;
mod okta_fields;

use std::path::PathBuf;

use lychgate::models::verbs;
use lychgate::normalize::{self, JsonFormat};
use serde_json::{Value, json};

use crate::support::{context, each, holds, rows_as_json};

const FORMATS: [JsonFormat; 5] = [
    normalize::okta::FORMAT,
    normalize::entra_provisioning::FORMAT,
    normalize::entra_signin::FORMAT,
    normalize::entra_audit::FORMAT,
    normalize::google_workspace::FORMAT,
];

/// Normalises a record and asserts that the rows hold at least what is expected: an
/// array of rows, the one row, or `{"rejection": code}`. A null asks for an absent field.
fn check(given: (&str, Value), expect: Value) {
    holds(&rows(given.0, &given.1), each(&expect), &given.1);
}

fn rows(format: &str, record: &Value) -> Vec<Value> {
    let format = FORMATS.iter().find(|own| own.name == format).expect("a format of this test");
    let rows = rows_as_json((format.normalize)(&record.to_string(), &context(None)));
    assert!(!rows.is_empty(), "a record gives a row or a rejection: {record}");
    rows
}

fn recognised_by(record: &Value) -> Vec<&'static str> {
    FORMATS.iter().filter(|format| (format.recognises)(record)).map(|format| format.name).collect()
}

/// `base` with the fields of `more` put over it.
fn with(base: Value, more: Value) -> Value {
    let mut fields = base.as_object().cloned().unwrap();
    fields.extend(more.as_object().cloned().unwrap());
    Value::Object(fields)
}

/// Microsoft's own spellings would fall to `other` and change nothing.
#[test]
fn verbs_are_found_in_every_spelling() {
    let spellings = [
        ("entra_audit", "Update application – Certificates and secrets management", "token.create"),
        ("entra_audit", " update application - certificates  and secrets management ", "token.create"),
        ("entra_audit", "Redeem extern user invite", "account.invite.redeemed"),
        ("entra_audit", "Don’t know decision", "review.decide"),
        ("okta", "user.authentication.auth_via_idp", "signin.federated"),
        ("entra_provisioning", "StagedDelete", "provision.delete.scheduled"),
    ];
    for (source, event_type, verb) in spellings {
        assert_eq!(
            verbs::verb(source, event_type).map(|v| v.to_string()).as_deref(),
            Some(verb),
            "{event_type}"
        );
    }
    assert_eq!(verbs::verb("okta", "no.such.event"), None);
    assert_eq!(verbs::verb("no_such_source", "user.lifecycle.create"), None);
}

fn fixture(path: &str) -> Option<String> {
    let folder = std::env::var("LYCHGATE_FIXTURES").unwrap_or("../shared/fixtures".to_owned());
    let text = std::fs::read_to_string(PathBuf::from(folder).join(path)).ok();
    if text.is_none() {
        println!("skipped: no fixture {path} here");
    }
    text
}

fn records(path: &str) -> Vec<Value> {
    let text = fixture(path).unwrap_or_default();
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    text.lines().map(parse).map(|row| row.get("log").cloned().unwrap_or(row)).collect()
}

/// An event type of a vendor's catalogue would be stored and never counted.
#[test]
fn every_catalogued_event_type_has_its_verb() {
    let table = fixture("verb_map/event_verb_map.tsv").unwrap_or_default();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let own = FORMATS.iter().any(|format| format.name == columns[0])
            || ["scim_http", "scim_set", "ssf"].contains(&columns[0]);
        let found = verbs::verb(columns[0], columns[1]).map(|verb| verb.to_string());
        // Who asks for an extension has none yet; the catalogue has one verb for both.
        let expected = match columns[1].ends_with("requested (extend)") {
            true => "role.extend.request",
            false => columns[2],
        };
        assert!(!own || found.as_deref() == Some(expected), "{line}: {found:?}");
    }
}

/// Real events that people have labelled would mean something else to us.
#[test]
fn labelled_events_get_their_verbs() {
    let labels = fixture("verb_map/expected_on_open_events.ndjson").unwrap_or_default();
    let mut checked = 0;
    for label in labels.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let source = label["source"].as_str().unwrap();
        if !FORMATS.iter().any(|format| format.name == source) {
            continue;
        }
        let (file, line) = label["event"].as_str().unwrap().split_once('#').unwrap();
        let mut record = records(file)[line.parse::<usize>().unwrap()].clone();
        assert_eq!(recognised_by(&record), [source], "{label}");
        // Some of these records were shortened by their authors until they lost their time.
        if rows(source, &record)[0]["rejection"] == "missing_field" {
            record["p_event_time"] = json!("2025-03-01T10:00:00Z");
        }
        let found = rows(source, &record);
        let verb_is_expected = |row: &Value| label["verb"].as_array().unwrap().contains(&row["verb"]);
        assert!(found.iter().any(verb_is_expected), "{label}: {}", found[0]);
        assert_eq!(found[0]["event_type"], label["event_type"], "{label}");
        checked += 1;
    }
    assert!(labels.is_empty() || checked == 33, "{checked} labels checked");
}

/// A strange record would stop an ingest, or a file of one vendor be read as another's.
#[test]
fn fixtures_give_rows_or_rejections_and_are_told_apart() {
    let mut counts = [0, 0];
    for (file, sources) in [
        ("panther/okta.ndjson", &["okta"][..]),
        ("panther/google_workspace.ndjson", &["google_workspace"]),
        ("panther/entra_signin_audit.ndjson", &["entra_signin", "entra_audit"]),
        ("entra_provisioning/graph_docs.ndjson", &["entra_provisioning"]),
        ("panther/github.ndjson", &[]),
        ("panther/slack.ndjson", &[]),
        ("panther/aws_cloudtrail.ndjson", &[]),
        ("panther/onelogin.ndjson", &[]),
        ("panther/gcp_audit.ndjson", &[]),
        ("panther/azure_activity.ndjson", &[]),
    ] {
        for record in records(file) {
            let found = recognised_by(&record);
            assert!(
                found.len() <= 1 && found.iter().all(|name| sources.contains(name)),
                "{file}: {found:?} {record}"
            );
            for format in FORMATS {
                let rows = rows(format.name, &record);
                let own = found.contains(&format.name);
                let rejected = rows[0].get("rejection").is_some();
                counts[usize::from(rejected)] += usize::from(own);
                assert!(!own || rejected || rows.iter().all(|row| row["source"] == format.name));
            }
        }
    }
    println!("{} records gave rows, {} were rejected", counts[0], counts[1]);
}
