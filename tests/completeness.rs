//! Whether evidence that is not whole is told: one organisation, run clean; then one of its sources
//! comes late, cut, shrunken, damaged or silent, and nothing but the verdicts that rest on it moves.

use std::collections::BTreeMap;
use std::fs;

use lychgate::models::builtin_rules;
use lychgate::models::rule::Need;
use serde_json::{Value, json};

use crate::support::lychgate;

const PEOPLE: usize = 60;
const AS_OF: &str = "2026-06-30T06:00:00Z";
const KNOWN_AT: &str = "2100-01-01T00:00:00Z";
const DAY_MICROS: i64 = 86_400_000_000;

/// What a company hands over: files by their names.
type Files = BTreeMap<String, String>;

/// What a run says: exit code, findings by id, what people read.
struct Told {
    code: i32,
    findings: BTreeMap<String, Value>,
    summary: String,
}

fn name(n: usize) -> String {
    format!("p{n:02}")
}

fn lines(header: &str, line: impl Fn(usize) -> String, of: impl Iterator<Item = usize>) -> String {
    of.fold(format!("{header}\n"), |text, n| text + &line(n) + "\n")
}

/// The fifth left in May; the tenth has not used the CRM since January.
fn roster() -> String {
    let end = |n| if n % 12 == 5 { "2026-05-31" } else { "" };
    lines(
        "Employee ID,Name,Email,Department,Job Title,Hire Date,Termination Date",
        |n| format!("E{n:02},Person {n:02},{}@example.com,Sales,Clerk,2020-01-15,{}", name(n), end(n)),
        1..=PEOPLE,
    )
}

fn crm(of: impl Iterator<Item = usize>) -> String {
    let last = |n| if n % 10 == 0 { "2026-01-02" } else { "2026-06-28" };
    lines(
        "User ID,Username,Email,Status,Created,Last Login",
        |n| format!("c{n:02},{0},{0}@example.com,Active,2020-02-01,{1}", name(n), last(n)),
        of,
    )
}

/// Tells no last use: that is in the log of the identity provider.
fn erp() -> String {
    let line = |n| format!("e{n:02},{0},{0}@example.com,Active,2020-02-01,staff", name(n));
    lines("User ID,Username,Email,Status,Created,Type", line, 1..=PEOPLE)
}

fn grants(letter: &str) -> String {
    lines("User ID,Role Name,Granted On", |n| format!("{letter}{n:02},Reader,2020-02-01"), 1..=PEOPLE)
}

fn okta_accounts() -> String {
    let line = |n| format!("o{n:02},{0},{0}@example.com,ACTIVE,2020-02-01", name(n));
    lines("User ID,Login,Email,Status,Created", line, 1..=PEOPLE)
}

/// On each day since February somebody opens the ERP at 8 and at 16; the eleventh never does.
fn okta_log(without: impl Fn(i64) -> bool) -> String {
    let last = lychgate::domain::UtcMicros::parse("2026-06-30T00:00:00Z").unwrap();
    let mut text = String::new();
    for day in (0..140).rev().filter(|day| !without(*day)) {
        for n in (1..=PEOPLE).filter(|n| *n != 11) {
            let hour = 8 + (n % 2) as i64 * 8 - 24;
            let at = lychgate::domain::UtcMicros(last.0 - day * DAY_MICROS + hour * DAY_MICROS / 24);
            let event = json!({
                "uuid": format!("{day}-{n}"), "published": at.to_string(), "eventType": "user.authentication.sso",
                "actor": {"id": format!("o{n:02}"), "type": "User", "alternateId": format!("{}@example.com", name(n))},
                "outcome": {"result": "SUCCESS"},
                "target": [{"id": "erp", "type": "AppInstance", "displayName": "ERP", "alternateId": "ERP"}],
            });
            text += &format!("{event}\n");
        }
    }
    text
}

fn organisation() -> Files {
    let files = [
        ("hr/roster_2026-06-29T2300Z.csv", roster()),
        ("crm/accounts_2026-06-27.csv", crm(1..=PEOPLE)),
        ("crm/accounts_2026-06-29.csv", crm(1..=PEOPLE)),
        ("erp/accounts_2026-06-29.csv", erp()),
        ("crm/grants_2026-06-29.csv", grants("c")),
        ("erp/grants_2026-06-29.csv", grants("e")),
        ("okta/accounts_2026-06-29.csv", okta_accounts()),
        ("okta/system_log.ndjson", okta_log(|_| false)),
    ];
    files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

/// Files in, findings and sources out, through the program itself.
fn told(files: &Files) -> (Told, Value) {
    let folder = tempfile::tempdir().unwrap();
    let (handed, data) = (folder.path().join("files"), folder.path().join("data"));
    for (name, text) in files {
        let path = handed.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let read = lychgate(&data, &["ingest", handed.to_str().unwrap()]);
    assert!([0, 4].contains(&read.status.code().unwrap()), "{}", String::from_utf8_lossy(&read.stderr));
    let found = lychgate(&data, &["--output", "json", "detect", "--as-of", AS_OF, "--known-at", KNOWN_AT]);
    let answer: Value = serde_json::from_slice(&found.stdout).expect("findings as JSON");
    let finding = |finding: &Value| (finding["finding_id"].as_str().unwrap().to_owned(), finding.clone());
    let told = Told {
        code: found.status.code().unwrap(),
        findings: answer["findings"].as_array().unwrap().iter().map(finding).collect(),
        summary: String::from_utf8_lossy(&found.stderr).into_owned(),
    };
    let sources = lychgate(&data, &["--output", "json", "sources", "--as-of", AS_OF, "--known-at", KNOWN_AT]);
    assert_eq!(sources.status.code().unwrap(), told.code, "sources and detect judge alike: {}", told.summary);
    (told, serde_json::from_slice(&sources.stdout).unwrap())
}

fn source<'a>(sources: &'a Value, source: &str, app: Option<&str>) -> &'a Value {
    let list = sources["sources"].as_array().unwrap();
    let same = |row: &&Value| row["source"] == source && row["app_id"].as_str() == app;
    list.iter().find(same).unwrap_or_else(|| panic!("no {source} of {app:?} in {list:?}"))
}

/// What is to happen when one source is not whole.
struct Expected<'a> {
    /// Findings that rest on it: those in these applications of rules with one of these needs.
    apps: &'a [&'a str],
    needs: &'a [Need],
    /// Part of the reason.
    because: &'a str,
    /// The state of the source, and what it is called in `sources`.
    state: &'a str,
    of: (&'a str, Option<&'a str>),
    /// Codes of findings that come, because they are about the source itself.
    come: &'a [&'a str],
}

fn check(clean: &Told, files: &Files, expected: Expected<'_>) {
    let (told, sources) = told(files);
    let because = expected.because;
    assert_eq!(told.code, 4, "{because}: {}", told.summary);
    let first = told.summary.lines().next().unwrap_or_default();
    assert!(
        first.contains("incomplete evidence: ") && told.summary.contains(because),
        "{because}: {}",
        told.summary
    );
    let source = source(&sources, expected.of.0, expected.of.1);
    assert_eq!(source["state"], expected.state, "{source}");
    assert!(source["reasons"].to_string().contains(because), "{source}");
    let rules = builtin_rules().unwrap();
    let affected = |finding: &Value| {
        let rule = rules.iter().find(|rule| finding["detector"] == rule.id.as_str()).unwrap();
        let app = finding["app"]["id"].as_str().unwrap_or_default();
        expected.apps.contains(&app) && rule.needs.iter().any(|need| expected.needs.contains(need))
    };
    let mut turned = 0;
    for (id, before) in &clean.findings {
        let after = told.findings.get(id).unwrap_or_else(|| panic!("{because}: lost {before}"));
        if affected(before) {
            assert_eq!(after["verdict"], "unknown", "{because}: {after}");
            assert!(after["unknown_because"].as_str().unwrap().contains(because), "{because}: {after}");
            turned += 1;
        } else {
            assert!(before == after, "{because}: {before}\n{after}");
        }
    }
    assert!(turned > 0, "{because}: no finding rests on it");
    let come = told.findings.iter().filter(|(id, _)| !clean.findings.contains_key(*id));
    for (_, finding) in come {
        assert!(expected.come.contains(&finding["code"].as_str().unwrap()), "{because}: {finding}");
    }
}

fn clean() -> Told {
    let (clean, sources) = told(&organisation());
    assert_eq!(clean.code, 0, "{}", clean.summary);
    let states: Vec<&Value> = sources["sources"].as_array().unwrap().iter().map(|s| &s["state"]).collect();
    assert_eq!(states, vec!["ok"; 7], "{sources}");
    let of = |code: &str, app: &str| {
        let same = |f: &&Value| f["code"] == code && f["app"]["id"] == app && f["verdict"] == "fail";
        clean.findings.values().filter(same).count()
    };
    assert_eq!(["crm", "erp", "okta"].map(|app| of("ZMB-01", app)), [5, 5, 5]);
    assert_eq!(["crm", "erp"].map(|app| of("DOR-01", app)), [6, 1]);
    clean
}

/// If it failed, a damaged export would read as a clean quarter, or one bad file would make the
/// whole company unknown.
#[test]
fn a_source_that_is_not_whole_moves_only_what_rests_on_it() {
    let clean = clean();
    let newest = "crm/accounts_2026-06-29.csv";
    let listing = ("accounts", Some("crm"));
    let needs = &[Need::Accounts, Need::Activity];
    let of_crm = |because, state, come| Expected { apps: &["crm"], needs, because, state, of: listing, come };

    let mut late = organisation();
    late.remove(newest);
    late.remove("crm/accounts_2026-06-27.csv");
    late.insert("crm/accounts_2026-06-20.csv".to_owned(), crm(1..=PEOPLE));
    check(
        &clean,
        &late,
        of_crm("account listing of crm is 10 days old (limit: 7 days)", "stale", &["GOV-05"]),
    );

    // Ten of sixty rows are too few for the shrink guard; what was counted at the source shows them.
    let mut cut = organisation();
    cut.insert(newest.to_owned(), crm(1..=PEOPLE - 10));
    cut.insert("control_totals_2026-06-29.csv".to_owned(), format!("file,rows\n{newest},{PEOPLE}\n"));
    check(&clean, &cut, of_crm("holds 50 rows, and its control total says 60", "truncated", &[]));

    let mut shrunken = organisation();
    shrunken.insert(newest.to_owned(), crm(1..=PEOPLE - 30));
    check(&clean, &shrunken, of_crm("shrank from 60 rows to 30", "shrunken", &["PRV-11"]));

    // Of few accounts, twenty would be all of them.
    let of_few = |people| {
        let mut few = organisation();
        few.insert("crm/accounts_2026-06-27.csv".to_owned(), crm(1..=20));
        few.insert(newest.to_owned(), crm(1..=people));
        source(&told(&few).1, "accounts", Some("crm"))["state"].clone()
    };
    assert_eq!([13, 14, 20].map(of_few), ["shrunken", "ok", "ok"]);
}

/// One line that cannot be read may be anybody's. Whom such a listing leaves out would be called there, or be forgotten.
#[test]
fn whom_a_listing_with_unread_lines_leaves_out_is_undecided() {
    let without = |text: String, gone: &str, broken: &str| -> String {
        let lines = text.lines().filter(|line| !line.starts_with(gone));
        let line = |line: &str| match line.starts_with(broken) {
            true => line.replace("2020-0", "2020-3") + "\n",
            false => line.to_owned() + "\n",
        };
        lines.map(line).collect()
    };
    let mut files = organisation();
    files.insert("crm/accounts_2026-06-29.csv".to_owned(), without(crm(1..=PEOPLE), "c05,", "c06,"));
    for day in 25..30 {
        let unread = without(roster(), "E01,", "E02,");
        let text = if day < 27 { roster() } else { unread };
        files.insert(format!("hr/roster_2026-06-{day}T2300Z.csv"), text);
    }
    let (told, sources) = told(&files);
    let verdicts = |code: &str, subject: &str| -> Vec<Value> {
        let of = |f: &&Value| f["code"] == code && f["subject"]["id"] == subject;
        told.findings.values().filter(of).map(|finding| finding["verdict"].clone()).collect()
    };
    assert_eq!(verdicts("ZMB-01", "crm/c05"), ["unknown"]);
    assert_eq!(verdicts("ZMB-01", "crm/c17"), ["fail"], "what it names it decides");
    assert_eq!(verdicts("ZMB-07", "E01"), ["unknown"]);
    for (name, app) in [("accounts", Some("crm")), ("roster", None)] {
        let source = source(&sources, name, app);
        assert_eq!(source["state"], "quarantined", "{source}");
        assert!(source["reasons"].to_string().contains("could not be read"), "{source}");
    }
    assert_eq!(told.code, 4, "{}", told.summary);
}

/// If it failed, half an export, or one without the column that everything hangs on, would decide.
#[test]
fn a_listing_that_lost_rows_or_columns_decides_nothing_about_its_application() {
    let clean = clean();
    let newest = "crm/accounts_2026-06-29.csv";
    let listing = ("accounts", Some("crm"));
    let needs = &[Need::Accounts, Need::Activity];
    let of_crm = |because, state| Expected { apps: &["crm"], needs, because, state, of: listing, come: &[] };

    let mut unread = organisation();
    let broken = crm(1..=PEOPLE).replace("Active,2020-02-01,2026-01-02", "Active,2020-02-01,2026-31-02");
    unread.insert(newest.to_owned(), broken);
    check(
        &clean,
        &unread,
        of_crm("6 of the 60 records of the newest account listing of crm could not be read", "quarantined"),
    );

    let mut blank = organisation();
    blank.insert(newest.to_owned(), crm(1..=PEOPLE).replace(",Active,", ",,"));
    let because = "account listing of crm has no active, which 100 % of the rows had before";
    check(&clean, &blank, Expected { needs: &[Need::Accounts], ..of_crm(because, "lacking columns") });

    let mut unused = organisation();
    let columns = |line: &str| line.rsplit_once(',').map(|(rest, _)| rest.to_owned() + "\n").unwrap();
    unused.insert(newest.to_owned(), crm(1..=PEOPLE).lines().map(columns).collect());
    let because = "account listing of crm has no last_active_at, which 100 % of the rows had before";
    check(&clean, &unused, Expected { needs: &[Need::Activity], ..of_crm(because, "lacking columns") });

    // A response that says how many it holds; the days before it, the same as a table.
    let mut announced = organisation();
    let resources: Vec<Value> = (1..=PEOPLE - 10).map(|n| json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": format!("e{n:02}"), "userName": name(n), "active": true,
        "emails": [{"value": format!("{}@example.com", name(n)), "primary": true}], "meta": {"resourceType": "User"},
    })).collect();
    let response = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": PEOPLE, "startIndex": 1,
        "itemsPerPage": 50, "Resources": resources,
    });
    announced.insert("erp/users_2026-06-30T0100Z.json".to_owned(), response.to_string());
    let because = "holds 50 of the 60 rows that it announces";
    let of = ("scim_resource", Some("erp"));
    check(
        &clean,
        &announced,
        Expected { apps: &["erp"], needs: &[Need::Accounts], because, state: "truncated", of, come: &[] },
    );
}

/// If it failed, use that fell into a hole of the log would be told as months without use.
#[test]
fn a_log_with_a_gap_decides_nothing_about_who_was_idle_meanwhile() {
    let clean = clean();
    let mut silent = organisation();
    silent.insert("okta/system_log.ndjson".to_owned(), okta_log(|day| (20..32).contains(&day)));
    let because = "the okta log has no event from 2026-05-28";
    let idle = Expected {
        apps: &["erp", "okta"],
        needs: &[Need::Activity],
        because,
        state: "gaps",
        of: ("okta", None),
        come: &[],
    };
    check(&clean, &silent, idle);
}
