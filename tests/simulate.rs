//! The organisation generator: same plan same bytes, labels that tell the truth, and a clean
//! organisation that stays clean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lychgate::domain::UtcMicros;
use lychgate::simulate::{CODES, Faults, Noise, Plan, Summary, write};
use sha2::{Digest, Sha256};

const END: &str = "2026-06-30T00:00:00Z";

fn plan(people: u32, seed: u64, noise: Noise, faults: Faults) -> Plan {
    Plan { people, days: 300, seed, end_at: UtcMicros::parse(END).unwrap(), noise, faults }
}

struct Written {
    folder: tempfile::TempDir,
    summary: Summary,
}

fn written(plan: &Plan) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(plan, folder.path()).unwrap();
    Written { folder, summary }
}

impl Written {
    /// Names and hashes of all files, or of those whose name begins so.
    fn hashes(&self, prefix: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.folder.path()).unwrap().to_string_lossy().into_owned();
                let hash = Sha256::digest(fs::read(&path).unwrap());
                found.insert(name, hash.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
        found.retain(|name: &String, _: &mut String| name.starts_with(prefix));
        found
    }

    fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.folder.path().join(name))
    }

    fn labels(&self, code: &str) -> BTreeSet<String> {
        let rows = self.rows("labels.csv").into_iter();
        rows.filter(|row| row["code"] == code).map(|row| row["subject"].clone()).collect()
    }
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// Codes with their number of labels under a plan.
fn check(given: &Plan, expect: impl Fn(&BTreeMap<&'static str, u64>) -> bool) {
    let summary = written(given).summary;
    assert!(expect(&summary.labels), "{given:?} gave {:?}", summary.labels);
    assert_eq!(summary.unproven, [], "{given:?} planted what is not true");
}

/// If it failed, no measured figure could be repeated by anyone else.
#[test]
fn same_plan_same_bytes_and_another_seed_differs() {
    let full = |seed| plan(150, seed, Noise::FULL, Faults::ALL);
    let first = written(&full(7)).hashes("");
    assert_eq!(first, written(&full(7)).hashes(""));
    let other = written(&full(8)).hashes("");
    for folder in ["hr/", "okta/", "entra/", "google/", "scim/", "apps/", "registers/", "labels", "truth/"] {
        let of = |all: &BTreeMap<String, String>| -> Vec<String> {
            all.iter().filter(|(name, _)| name.starts_with(folder)).map(|(_, hash)| hash.clone()).collect()
        };
        assert!(!of(&first).is_empty(), "nothing under {folder}");
        assert_ne!(of(&first), of(&other), "{folder} does not depend on the seed");
    }
}

/// If it failed, a detector could be graded on nothing and pass.
#[test]
fn every_code_has_labels_when_all_are_planted() {
    for seed in [1, 2, 3] {
        check(&plan(400, seed, Noise::NONE, Faults::ALL), |labels| {
            CODES.iter().all(|code| labels.contains_key(code))
        });
    }
}

/// If it failed, false alarms on a clean organisation would be counted as true.
#[test]
fn clean_organisation_has_no_labels() {
    for (seed, noise) in [(1, Noise::NONE), (2, Noise::FULL), (3, Noise::FULL)] {
        check(&plan(400, seed, noise, Faults::NONE), BTreeMap::is_empty);
    }
    check(&plan(40, 4, Noise::FULL, Faults::NONE), BTreeMap::is_empty);
}

/// If it failed, planting a code would not plant it, or would plant what it says not to.
#[test]
fn each_code_can_be_planted_alone() {
    for code in CODES {
        check(&plan(250, 11, Noise::NONE, Faults::NONE.with(code)), |labels| labels.contains_key(code));
    }
}

/// If it failed, noise would change what is true instead of how well it can be seen.
#[test]
fn noise_moves_no_label() {
    let mut quiet = Noise::FULL;
    // Two people of one name are other people, so this switch stays as it is.
    quiet.homonyms = false;
    let noisy = written(&plan(200, 5, quiet, Faults::ALL)).rows("labels.csv");
    assert_eq!(noisy, written(&plan(200, 5, Noise::NONE, Faults::ALL)).rows("labels.csv"));
}

/// If it failed, two runs that differ in one fault could not be compared.
#[test]
fn a_fault_changes_no_roster_and_no_other_fault() {
    let without = Faults::NONE.with("DOR-01").with("ZMB-01").with("OVP-08");
    let before = written(&plan(200, 9, Noise::FULL, without));
    let after = written(&plan(200, 9, Noise::FULL, without.with("ZMB-02").with("TOK-01").with("DEL-01")));
    assert_eq!(before.hashes("hr/"), after.hashes("hr/"));
    let subjects = |all: &Written| -> BTreeSet<(String, String)> {
        let planted = all.rows("labels.csv").into_iter().filter(|row| row["planted"] == "true");
        planted.map(|row| (row["code"].clone(), row["subject"].clone())).collect()
    };
    let lost: Vec<_> = subjects(&before).difference(&subjects(&after)).cloned().collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!(subjects(&after).len() > subjects(&before).len());
}

/// If it failed, a leaver at the far end of the date line would be accused a day early or
/// found a day late.
#[test]
fn date_only_ends_hold_until_midnight_where_the_person_worked() {
    let all = written(&plan(150, 13, Noise::NONE, Faults::NONE.with("ZMB-01")));
    let links: BTreeMap<String, String> = all
        .rows("truth/links.csv")
        .into_iter()
        .map(|r| (format!("{}/{}", r["app_id"], r["account_id"]), r["person_id"].clone()))
        .collect();
    let accused: BTreeSet<String> =
        all.labels("ZMB-01").iter().map(|account| links[account].clone()).collect();
    let end_at = UtcMicros::parse(END).unwrap();
    for zone in ["Pacific/Auckland", "Pacific/Pago_Pago"] {
        let mut seen = BTreeSet::new();
        for row in all.rows("hr/workers_2026-06-29.csv") {
            let Ok(last_day) = row["Termination Date"].parse::<Date>() else { continue };
            let days_ago = "2026-06-30".parse::<Date>().unwrap().since(last_day).unwrap().get_days();
            if row["Time Zone"] != zone || !(0..4).contains(&days_ago) {
                continue;
            }
            let midnight = last_day.tomorrow().unwrap();
            let end = UtcMicros::start_of(midnight, &TimeZone::get(zone).unwrap()).unwrap();
            let late = end_at.0 - end.0 > UtcMicros::MICROS_PER_DAY;
            assert_eq!(accused.contains(&row["Universal ID"]), late, "{row:?}");
            seen.insert(late);
        }
        assert_eq!(seen.len(), 2, "{zone} has not both sides of the boundary");
    }
}

/// If it failed, the logs would not be what the vendors' readers read.
#[test]
fn logs_are_one_json_object_a_line_and_none_is_later_than_the_end() {
    let all = written(&plan(120, 17, Noise::FULL, Faults::ALL));
    let mut lines = 0;
    for name in all.hashes("").keys().filter(|name| name.ends_with(".ndjson")) {
        for line in fs::read_to_string(all.folder.path().join(name)).unwrap().lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let time = ["published", "time"].iter().find_map(|key| value[key].as_str());
            let at = UtcMicros::parse(time.or(value["id"]["time"].as_str()).unwrap()).unwrap();
            assert!(at < UtcMicros::parse(END).unwrap(), "{name}: {line}");
            lines += 1;
        }
    }
    assert_eq!(lines, all.summary.events);
}

/// If it failed, a label would name an account that no file shows.
#[test]
fn account_labels_name_accounts_that_exist() {
    let all = written(&plan(200, 19, Noise::NONE, Faults::ALL));
    let accounts: BTreeSet<String> = all
        .rows("truth/links.csv")
        .into_iter()
        .map(|r| format!("{}/{}", r["app_id"], r["account_id"]))
        .collect();
    for code in
        ["ZMB-01", "ZMB-02", "ZMB-03", "ZMB-05", "ORP-01", "ORP-06", "ORP-07", "DOR-01", "DOR-06", "DEL-03"]
    {
        let unknown: Vec<_> = all.labels(code).difference(&accounts).cloned().collect();
        assert!(unknown.is_empty(), "{code}: {unknown:?}");
    }
}
