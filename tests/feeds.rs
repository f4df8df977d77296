//! Exports that continue each other, and exports that stand beside each other: what one leaves out is gone only of
//! what it named. Through the program itself, since names of files decide.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lychgate::domain::UtcMicros;
use lychgate::query::{At, Session, json_rows};
use serde_json::{Value, json};

use crate::support::{block_on, lychgate, tables};

/// A data folder, and what was put into it.
struct Lake {
    folder: tempfile::TempDir,
}

impl Lake {
    fn new() -> Lake {
        Lake { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn ingest(&self, file: &str, text: &str, flags: &[&str]) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let read = lychgate(&self.data(), &[&["ingest", path.to_str().unwrap()], flags].concat());
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    }

    fn accounts(&self, file: &str, ids: &[&str], flags: &[&str]) {
        let line = |id: &&str| format!("{id},{id},{id}@example.com,active,2020-01-05\n");
        let text: String = ids.iter().map(line).collect();
        self.ingest(file, &format!("account_id,login,email,status,created_at\n{text}"), flags);
    }

    fn roster(&self, file: &str, numbers: &[&str]) {
        let line = |n: &&str| format!("{n},Person {n},{n}@example.com,Sales,Clerk,2020-01-05,\n");
        let text: String = numbers.iter().map(line).collect();
        let header = "employee_id,name,email,department,title,start_date,end_date";
        self.ingest(file, &format!("{header}\n{text}"), &["--source", "roster"]);
    }

    fn answer(&self, sql: &str) -> BTreeSet<String> {
        let asked = ["--output", "json", "sql", "--as-of", "2026-06-30", sql];
        let answer = lychgate(&self.data(), &asked);
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        let told: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let rows = told["rows"].as_array().unwrap().iter();
        rows.map(|row| row["answer"].as_str().unwrap().to_owned()).collect()
    }

    fn there(&self) -> BTreeSet<String> {
        self.answer("SELECT account_id AS answer FROM accounts_now")
    }
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// An export of guests that came an hour after that of members ended all members, and a leaver among them was gone from
/// every finding while the account was open.
#[test]
fn an_export_ends_only_what_its_own_feed_named() {
    let lake = Lake::new();
    lake.accounts("crm/members_2026-06-01.csv", &["m1", "m2"], &[]);
    lake.accounts("crm/guests_2026-06-02.csv", &["g1", "g2"], &[]);
    assert_eq!(lake.there(), set(&["g1", "g2", "m1", "m2"]));
    lake.accounts("crm/guests_2026-06-03.csv", &["g1"], &[]);
    assert_eq!(lake.there(), set(&["g1", "m1", "m2"]));
    // A guest becomes a member, and is there as long as one of both says so.
    lake.accounts("crm/members_2026-06-04.csv", &["m1", "m2", "g1"], &[]);
    lake.accounts("crm/guests_2026-06-05.csv", &["g9"], &[]);
    assert_eq!(lake.there(), set(&["g1", "g9", "m1", "m2"]));
    lake.accounts("crm/members_2026-06-06.csv", &["m1", "m2"], &[]);
    assert_eq!(lake.there(), set(&["g9", "m1", "m2"]));
    let sources = lychgate(&lake.data(), &["--output", "json", "sources", "--as-of", "2026-06-07"]);
    let told: Value = serde_json::from_slice(&sources.stdout).unwrap();
    let feeds = told["sources"].as_array().unwrap().iter().map(|source| source["feed"].as_str().unwrap());
    assert_eq!(feeds.collect::<Vec<_>>(), ["guests", "members"], "{told}");
}

/// A roster of contractors beside one of employees: whoever the one lacks was never in it, and has not vanished.
#[test]
fn a_roster_misses_only_people_whom_its_own_feed_named() {
    let lake = Lake::new();
    lake.roster("contractors_2026-06-01.csv", &["C1", "C2"]);
    for day in ["02", "03", "04"] {
        lake.roster(&format!("employees_2026-06-{day}.csv"), &["E1", "E2"]);
    }
    let missed =
        "SELECT concat(employee_id, ' ', CAST(rosters_missed AS VARCHAR)) AS answer FROM identities_now";
    assert_eq!(lake.answer(missed), set(&["C1 0", "C2 0", "E1 0", "E2 0"]));
    lake.roster("contractors_2026-06-05.csv", &["C2"]);
    lake.roster("employees_2026-06-05.csv", &["E1"]);
    assert_eq!(lake.answer(missed), set(&["C1 1", "C2 0", "E1 0", "E2 1"]));
    // The contractor is an employee now.
    lake.roster("employees_2026-06-06.csv", &["E1", "C1"]);
    assert_eq!(lake.answer(missed), set(&["C1 0", "C2 0", "E1 0", "E2 2"]));
}

/// A guest whom only the log tells of was gone with the next export of members, and so was a leaver among them.
#[test]
fn whom_no_export_has_named_yet_is_there_until_each_could_have() {
    let lake = Lake::new();
    lake.accounts("okta/members_2026-06-01.csv", &["m1"], &[]);
    lake.accounts("okta/guests_2026-06-01.csv", &["g0"], &[]);
    let made = |id: &str, at: &str| {
        json!({
            "uuid": format!("e-{id}-{at}"), "published": at, "eventType": "user.lifecycle.create", "outcome": {"result": "SUCCESS"},
            "actor": {"id": "adm", "type": "User"}, "target": [{"id": id, "type": "User", "alternateId": format!("{id}@example.com")}],
        })
        .to_string()
    };
    lake.ingest("okta_1.ndjson", &made("g1", "2026-06-02T00:00:00Z"), &[]);
    lake.accounts("okta/members_2026-06-03.csv", &["m1"], &[]);
    assert_eq!(lake.there(), set(&["g0", "g1", "m1"]));
    lake.accounts("okta/guests_2026-06-08.csv", &["g0"], &[]);
    assert_eq!(lake.there(), set(&["g0", "m1"]));
    // Made again, and named by the other: that it was no guest before is no news.
    lake.ingest("okta_2.ndjson", &made("g1", "2026-06-09T00:00:00Z"), &[]);
    lake.accounts("okta/guests_2026-06-10.csv", &["g0"], &[]);
    lake.accounts("okta/members_2026-06-11.csv", &["m1", "g1"], &[]);
    let since = "SELECT CAST(valid_from AS VARCHAR) AS answer FROM account_spans \
                 WHERE account_id = 'g1' AND valid_to IS NULL AND state <> 'deleted'";
    assert_eq!(lake.answer(since), set(&["2026-06-09T00:00:00Z"]));
}

/// Who lost a role weeks ago held it for ever, because the export goes on to show it.
#[test]
fn a_grant_that_is_shown_as_over_is_held_no_more() {
    let lake = Lake::new();
    let grants = |day: &str, over: usize, of: usize| {
        let status = |n| if n < over { "Revoked" } else { "Active" };
        let lines: String =
            (0..of).map(|n| format!("a{n},a{n}@example.com,Clerk,2026-01-01,{}\n", status(n))).collect();
        let text = format!("user_id,login,role,granted_on,status\n{lines}");
        lake.ingest(&format!("crm/grants_2026-06-{day}.csv"), &text, &[]);
    };
    let held = || lake.answer("SELECT account_id AS answer FROM grants_now").len();
    grants("01", 1, 3);
    assert_eq!(held(), 2);
    grants("02", 2, 3);
    assert_eq!(held(), 1);
    let sources = lychgate(&lake.data(), &["--output", "json", "sources", "--as-of", "2026-06-03"]);
    let told: Value = serde_json::from_slice(&sources.stdout).unwrap();
    assert_eq!(told["sources"][0]["state"], "ok", "{told}");
    // However many are over, the listing has not shrunk.
    grants("03", 0, 90);
    grants("04", 60, 90);
    assert_eq!(held(), 30);
}

/// An export of a header alone would be an application without an account, and all would be well.
#[test]
fn a_listing_without_a_row_is_not_whole() {
    let lake = Lake::new();
    for day in ["01", "02"] {
        lake.accounts(&format!("crm/members_2026-06-{day}.csv"), &[], &["--source", "accounts"]);
        let sources = lychgate(&lake.data(), &["--output", "json", "sources", "--as-of", "2026-06-03"]);
        let told: Value = serde_json::from_slice(&sources.stdout).unwrap();
        assert_eq!(told["sources"][0]["state"], "partial", "{told}");
        assert_eq!(told["sources"][0]["reasons"][0], "the newest account listing of crm holds no row");
    }
}

/// A file that is read again, to say how, is the listing that it was: it does not vouch for itself.
#[test]
fn a_listing_that_is_read_again_is_one_listing() {
    let lake = Lake::new();
    let many: Vec<String> = (0..60).map(|n| format!("a{n:02}")).collect();
    let all: Vec<&str> = many.iter().map(String::as_str).collect();
    lake.accounts("crm/members_2026-06-01.csv", &all, &[]);
    for flags in [&[][..], &["--feed", "Members"]] {
        lake.accounts("crm/members_2026-06-02.csv", &all[..20], flags);
        assert_eq!(lake.there().len(), 60, "{flags:?}");
        let sources = lychgate(&lake.data(), &["--output", "json", "sources", "--as-of", "2026-06-03"]);
        let told: Value = serde_json::from_slice(&sources.stdout).unwrap();
        assert_eq!(told["sources"][0]["state"], "shrunken", "{told}");
    }
    for day in ["01", "02"] {
        lake.roster(&format!("workers_2026-06-{day}.csv"), &["E1", "E3"]);
    }
    let missed =
        "SELECT concat(employee_id, ' ', CAST(rosters_missed AS VARCHAR)) AS answer FROM identities_now";
    lake.roster("workers_2026-06-03.csv", &["E1"]);
    let path = lake.folder.path().join("workers_2026-06-03.csv");
    let again = ["ingest", path.to_str().unwrap(), "--source", "roster", "--feed", "workers"];
    assert!(lychgate(&lake.data(), &again).status.success());
    assert_eq!(lake.answer(missed), set(&["E1 0", "E3 1"]));
}

/// Two companies that count from 1001 on. Whom the later roster named was both of them, and the leaver of the other was
/// nobody.
#[test]
fn one_number_in_two_companies_is_two_people() {
    let lake = Lake::new();
    let header = "employee_id,name,email,department,title,manager_id,start_date,end_date";
    let uk = "1001,Ada Low,ada@uk.example.com,Sales,Clerk,1002,2019-06-01,2026-03-31\n\
              1002,Eve Hart,eve@uk.example.com,Sales,Head,,2019-06-01,\n";
    let us = "1001,Zed Moe,zed@us.example.com,Sales,Clerk,1002,2019-06-01,\n\
              1002,Bob Ray,bob@us.example.com,Sales,Head,,2019-06-01,\n\
              1003,Kim Tan,kim@us.example.com,Sales,Clerk,1002,2019-06-01,\n";
    lake.ingest("roster_uk_2026-06-01.csv", &format!("{header}\n{uk}"), &["--source", "roster"]);
    lake.ingest("roster_us_2026-06-01.csv", &format!("{header}\n{us}"), &["--source", "roster"]);
    let people = "SELECT concat(i.name, ' ', i.employee_id, ' ', coalesce(m.name, '-')) AS answer FROM identities_now AS i \
                  LEFT JOIN identities_now AS m ON m.identity_id = i.manager_id";
    let told = set(&[
        "Ada Low 1001 (roster_uk) Eve Hart",
        "Eve Hart 1002 (roster_uk) -",
        "Zed Moe 1001 (roster_us) Bob Ray",
        "Bob Ray 1002 (roster_us) -",
        "Kim Tan 1003 Bob Ray",
    ]);
    assert_eq!(lake.answer(people), told);
    lake.ingest(
        "crm/accounts_2026-06-02.csv",
        "account_id,login,email,status,created_at,employee_id\na,ada,ada@uk.example.com,active,2020-01-05,1001\n\
         z,zed,zed@us.example.com,active,2020-01-05,1001\nx,x,,active,2020-01-05,1001\n",
        &[],
    );
    let links = "SELECT concat(account_id, ' ', coalesce(identity_id, '-')) AS answer FROM accounts_now";
    assert_eq!(lake.answer(links), set(&["a 1001 (roster_uk)", "z 1001 (roster_us)", "x -"]));
}

/// An export whose files got another name: without a word about it, whoever was removed since would be there for ever.
#[test]
fn a_feed_goes_on_under_another_name_where_that_is_said() {
    let lake = Lake::new();
    lake.accounts("crm/members_2026-06-01.csv", &["m1", "m2"], &[]);
    lake.accounts("crm/people_2026-06-02.csv", &["m1"], &[]);
    assert_eq!(lake.there(), set(&["m1", "m2"]));
    // The same file again, to say it.
    lake.accounts("crm/people_2026-06-02.csv", &["m1"], &["--feed", "Members"]);
    assert_eq!(lake.there(), set(&["m1"]));
    let feeds = "SELECT DISTINCT feed AS answer FROM listings";
    assert_eq!(lake.answer(feeds), set(&["members"]));
    let config = lake.data().with_file_name("lychgate.toml");
    fs::write(&config, "[[mapping]]\nfiles = \"crm/all_*.csv\"\nfeed = \"members\"\n").unwrap();
    lake.accounts("crm/all_2026-06-03.csv", &["m3"], &["--config", config.to_str().unwrap()]);
    assert_eq!(lake.there(), set(&["m3"]));
}

/// A name that changed every day would make a feed of each file, and nobody would ever be gone.
#[test]
fn a_feed_is_named_by_what_stays_of_the_names_of_its_files() {
    let named = [
        ("users.csv", "users"),
        ("exports/Users 2026-11-28 (1).CSV", "users"),
        ("users_final.csv", "users"),
        ("users_delta_2026-11-28.csv", "users"),
        ("users-28-Nov-2026-03-45-PM.csv.gz", "users"),
        ("User Report 2026-10-30 08_57 PDT.csv", "user_report"),
        ("User Report 2026-11-06 08_57 PST.csv", "user_report"),
        ("users_11-28-2026.csv", "users"),
        ("users-2026-11-28T2300Z.csv", "users"),
        ("users20261128T030000Z.ndjson", "users"),
        ("users_20261128_030000.csv", "users"),
        ("users_1732780800.csv", "users"),
        ("UsersNovember2026.csv", "users"),
        ("users_28nov2026.csv", "users"),
        ("users_week47_v2.csv", "users"),
        ("users week 47.csv", "users"),
        ("users-3f2504e0-abcd-41d3-9a0c-fedcbabcdefa.csv", "users"),
        ("users_d41d8cd98f00b204e9800998ecf8427e.csv", "users"),
        ("users_k7qx2zb9.csv", "users"),
        ("Benutzer_M\u{e4}rz_2026.csv", "benutzer"),
        (r"C:\exports\CRM Guests.csv", "crm_guests"),
        ("crm_members.csv", "crm_members"),
        ("users_part1_2026-06-28.csv", "users_part1"),
        ("plant1_roster_2026-06.csv", "plant1_roster"),
        ("plant_2_roster_2026-06.csv", "plant_2_roster"),
        ("users_us-east-1_2026-06-28.csv", "users_us_east_1"),
        ("credential_report_111111111111_2026-06-28.csv", "credential_report_111111111111"),
        ("roster_2000_2026-06-28.csv", "roster_2000"),
        ("roster_w2_2026-06-28.csv", "roster_w2"),
        ("1st_shift_roster.csv", "1st_shift_roster"),
        ("AM_roster.csv", "am_roster"),
        ("old_employees.csv", "old_employees"),
        ("1password_users.csv", "1password_users"),
        ("m365_users_june.csv", "m365_users"),
        ("crm/guests/2026-11-28.csv", "guests"),
        ("2026-11-28.csv", ""),
        ("-", ""),
    ];
    block_on(async || {
        let at = At { as_of: UtcMicros(0), known_at: UtcMicros(0) };
        let session = Session::open(tables(&Default::default()), at).await.unwrap();
        for (file, feed) in named {
            let asked =
                session.ask("feed", "SELECT feed_name($file) AS feed", &[("file", file)]).await.unwrap();
            assert_eq!(json_rows(&asked)[0]["feed"], feed, "{file}");
        }
    });
}
