//! An organisation that renames all its departments, or its e-mail domain, in one go: nobody's access changed,
//! so no finding may come or go.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lychgate::domain::UtcMicros;
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::At;
use lychgate::simulate::{Faults, Noise, Plan, write};

use crate::support::block_on;

/// 2100-01-01: by then everything that was read is known.
const LATER: UtcMicros = UtcMicros(4_102_444_800_000_000);
const OLD: &str = "@harbour.example";
const NEW: &str = "@harbour-group.example";

/// Code, subject and verdict of every finding in these files.
fn found(files: &Path, as_of: UtcMicros) -> BTreeSet<String> {
    let data = tempfile::tempdir().unwrap();
    block_on(async || {
        let engine = Engine::new(data.path(), "acme");
        let rooms =
            ["hr", "okta", "entra", "google", "scim", "apps", "registers"].map(|room| files.join(room));
        let paths = lychgate::ingest::files(&rooms).unwrap();
        let report = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
        assert!(report.files.iter().all(|file| file.refused.is_none()), "{report:?}");
        let at = At { as_of, known_at: LATER };
        let request =
            DetectRequest { at, profile: "default".to_owned(), detectors: Vec::new(), record: false };
        let findings = engine.detect(&request).await.unwrap().findings;
        findings.heads().iter().map(|f| format!("{} {} {:?}", f.code, f.subject_id, f.verdict)).collect()
    })
}

/// The files of a room whose name begins so, the newest first.
fn newest(files: &Path, room: &str, prefix: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(files.join(room)).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(prefix);
    entries.filter(named).max().unwrap()
}

/// Changes a file and says that something in it changed.
fn edit(path: &Path, change: impl Fn(&str) -> String) {
    let before = fs::read_to_string(path).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "{}", path.display());
    fs::write(path, after).unwrap();
}

fn unchanged(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let come: Vec<&String> = after.difference(before).collect();
    let gone: Vec<&String> = before.difference(after).collect();
    assert!(come.is_empty() && gone.is_empty(), "come {come:#?} gone {gone:#?}");
}

/// If it failed, a reorganisation would bury the findings that matter under hundreds that mean nothing.
#[test]
fn a_bulk_rename_of_departments_or_of_the_domain_changes_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let end_at = UtcMicros::parse("2026-06-30T00:00:00Z").unwrap();
    let plan = Plan { people: 150, days: 200, seed: 11, end_at, noise: Noise::NONE, faults: Faults::ALL };
    let before = folder.path().join("before");
    write(&plan, &before).unwrap();
    let known = found(&before, end_at);
    assert!(known.len() > 100, "{} findings", known.len());

    // Every department gets another name, in the newest roster.
    let roster = newest(&before, "hr", "workers_");
    let text = fs::read_to_string(&roster).unwrap();
    edit(&roster, |text| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = reader.headers().unwrap().clone();
        let department = header.iter().position(|name| name == "Cost Center").unwrap();
        writer.write_record(&header).unwrap();
        for record in reader.records() {
            let record = record.unwrap();
            let cells = record.iter().enumerate();
            writer
                .write_record(cells.map(|(at, cell)| {
                    if at == department { format!("Group {cell} and Services") } else { cell.to_owned() }
                }))
                .unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    });
    unchanged(&known, &found(&before, end_at));
    fs::write(&roster, text).unwrap();

    // Everybody gets an address in another domain, which the register of domains names as an alias.
    edit(&roster, |text| text.replace(OLD, NEW));
    let domains = newest(&before, "registers", "trusted_domains_");
    edit(&domains, |text| format!("{text}harbour-group.example,alias,harbour.example\n"));
    unchanged(&known, &found(&before, end_at));
}
