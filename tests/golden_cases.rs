//! Cases that people who run such systems really meet, one test a case: small files in, findings
//! out, through the whole pipeline. Named after the acceptance list of the detector catalogue and
//! the complaints behind it.
//!
//! An expectation names a code and every finding of it: `"ZMB-01: crm/u1, unknown crm/u2"`, or none:
//! `"ZMB-01:"`.

mod dormancy;
mod identity;
mod leavers;
mod provisioning;
mod sources;

use std::fs;
use std::path::PathBuf;

use lychgate::domain::{Finding, UtcMicros, Verdict};
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::At;
use serde_json::{Value, json};

use crate::support::{block_on, now};

/// When most cases are looked at; files of this day are six hours old.
const NOW: &str = "2026-06-30T06:00:00Z";

/// A file's path below the folder that is handed over, and its text.
type File<'a> = (&'a str, String);

/// One organisation's data folder.
struct Given {
    folder: tempfile::TempDir,
    engine: Engine,
}

impl Given {
    fn new(files: &[File<'_>]) -> Given {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(&folder.path().join("data"), "acme");
        let given = Given { folder, engine };
        given.read(files);
        given
    }

    /// Reads further files; none may be refused or lose a record.
    fn read(&self, files: &[File<'_>]) {
        let paths: Vec<PathBuf> =
            files.iter().map(|(name, _)| self.folder.path().join("files").join(name)).collect();
        for (path, (_, text)) in paths.iter().zip(files) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        block_on(async || {
            let report = self.engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
            for file in &report.files {
                assert!(file.refused.is_none() && file.quarantined == 0, "{file:?}");
            }
        });
    }

    /// The findings of the codes that are named, which must be exactly these.
    fn expect(&self, at: &str, expected: &[&str]) -> Vec<Finding> {
        let codes: Vec<String> =
            expected.iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
        let at =
            At { as_of: UtcMicros::parse(at).unwrap(), known_at: UtcMicros::parse("2100-01-01").unwrap() };
        let request =
            DetectRequest { at, profile: "default".to_owned(), detectors: codes.clone(), record: false };
        let found = block_on(async || self.engine.detect(&request).await.unwrap().findings.to_vec().unwrap());
        let said = |code: &String| {
            let mut subjects: Vec<String> = found
                .iter()
                .filter(|finding| finding.code == *code)
                .map(|finding| match finding.verdict {
                    Verdict::Unknown => format!("unknown {}", finding.subject.id),
                    _ => finding.subject.id.clone(),
                })
                .collect();
            subjects.sort();
            format!("{code}: {}", subjects.join(", ")).trim_end().to_owned()
        };
        let said: Vec<String> = codes.iter().map(said).collect();
        let told: Vec<&String> = found.iter().map(|finding| &finding.explanation).collect();
        assert_eq!(said, expected, "at {}: {told:#?}", request.at.as_of);
        found
    }
}

/// Files in, findings of the named codes out.
fn check(files: &[File<'_>], at: &str, expected: &[&str]) -> Vec<Finding> {
    Given::new(files).expect(at, expected)
}

fn table(header: &str, lines: &[&str]) -> String {
    format!("{header}\n{}\n", lines.join("\n"))
}

/// `employee id, name, e-mail, hire date, termination date`.
fn roster(lines: &[&str]) -> String {
    table("Employee ID,Name,Email,Hire Date,Termination Date", lines)
}

/// `id, login, e-mail, status, created, last login`.
fn accounts(lines: &[&str]) -> String {
    table("User ID,Username,Email,Status,Created,Last Login", lines)
}

/// The applications register: `app, name at the identity provider, soft delete`.
fn applications(lines: &[&str]) -> String {
    table("app_id,name,soft_delete", lines)
}

fn ndjson(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// One record of Okta's System Log about a person.
fn okta(at: &str, event: &str, result: &str, login: &str, more: Value) -> Value {
    let person =
        json!({"id": format!("00u{login}"), "type": "User", "alternateId": format!("{login}@example.com")});
    let mut record = json!({
        "uuid": format!("{at}/{event}/{login}"), "published": at, "eventType": event,
        "actor": person, "outcome": {"result": result}, "target": [person],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        record[key] = value.clone();
    }
    record
}

/// One request to an application's SCIM endpoint.
fn scim(at: &str, method: &str, path: &str, status: u16, body: Value) -> Value {
    let answered = (status < 300).then(|| body.clone());
    json!({
        "time": at, "connection": "crm", "method": method, "path": format!("/scim/v2{path}"), "status": status,
        "request": body, "response": answered, "request_id": format!("{at}{method}{path}"),
    })
}

/// The body of a created account, which the answer repeats with its id.
fn user(id: &str, login: &str, external_id: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": login, "active": true,
        "externalId": external_id, "emails": [{"value": format!("{login}@example.com"), "primary": true}],
    })
}

fn active(value: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": value}}],
    })
}
