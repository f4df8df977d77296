//! Accounts that nothing describes, and of which something else tells: their uses, or what they were given.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::{asked, event, instant};
use crate::fields;
use crate::support::{Fields, block_on, lychgate};

fn person(number: &str, end: Option<i64>) -> Fields {
    let mut row = fields! {
        "listing_id" => "r1", "listed_at" => instant(0), "ingested_at" => instant(0), "complete" => true,
        "employee_id" => number, "name" => format!("Person {number}"), "email" => format!("{number}@example.com"),
        "start_at" => instant(-100), "end_date_only" => false, "on_leave" => false,
    };
    row.extend(end.map(|hours| ("end_at", instant(hours).into())));
    row
}

const STATES: &str = "SELECT string_agg(concat(account_id, ' ', state, ' ', identity_id), ', ' ORDER BY account_id) AS answer \
                      FROM accounts_now";

/// A log of 90 days has sign-ins of everybody and the creation of hardly anybody. Whoever was there before it would have no
/// account at all. What failed, and a workload, proves nobody's account; and who is described keeps what is said.
#[test]
fn an_account_that_is_used_is_there_and_somebodys() {
    let mut failed = event("okta", "o5", "signin", 6, &[("account_email", "n1@example.com")]);
    failed.insert("outcome", "failure".into());
    let events = vec![
        event("okta", "o1", "signin", 5, &[("account_email", "n1@example.com")]),
        event("okta", "o2", "signin", 25, &[("account_name", "N2@example.com")]),
        event("okta", "o3", "group.member.add", 26, &[("account_email", "n3@example.com")]),
        event("okta", "o4", "signin.workload", 27, &[]),
        failed,
        event("okta", "o6", "account.create", 2, &[("account_email", "n3@example.com")]),
        event("okta", "o6", "account.deactivate", 3, &[]),
        event("okta", "o6", "signin", 28, &[("account_email", "n1@example.com")]),
    ];
    let people = ["n1", "n2", "n3"].map(|number| person(number, Some(20))).to_vec();
    let rows = BTreeMap::from([("events", events), ("employments", people)]);
    block_on(async || {
        let all = "o1 unknown n1, o2 unknown n2, o3 unknown n3, o6 inactive n3";
        assert_eq!(asked(&rows, STATES).await, all);
        let clock = "SELECT string_agg(concat(account_id, ' ', state), ', ' ORDER BY account_id) AS answer FROM leaver_steps";
        assert_eq!(asked(&rows, clock).await, "o1 unknown, o2 unknown, o3 unknown, o6 closed");
        // How old it is nobody knows.
        let old =
            "SELECT CAST(count(created_at) AS VARCHAR) AS answer FROM accounts_now WHERE state = 'unknown'";
        assert_eq!(asked(&rows, old).await, "0");
    });
}

/// A complete listing that does not name an account knows that it is gone, and its uses until then do not bring it back.
/// But it proves no deletion, and takes nothing from who may be no account of those that it lists.
#[test]
fn a_listing_is_believed_about_accounts_that_are_only_used() {
    let listed = |at: i64| {
        fields! {
            "listing_id" => format!("l{at}"), "source" => "accounts", "app_id" => "okta", "listed_at" => instant(at),
            "ingested_at" => instant(at), "complete" => true, "row_kind" => "account", "account_id" => "o9",
            "active" => true,
        }
    };
    let group = [("entitlement_kind", "group"), ("entitlement_id", "g1")];
    let events = vec![
        event("okta", "o1", "signin", 5, &[]),
        event("okta", "o2", "signin", 5, &[]),
        event("okta", "o2", "signin", 32, &[]),
        event("okta", "o1", "group.member.add", 6, &group),
    ];
    let rows = BTreeMap::from([("events", events), ("snapshots", vec![listed(10), listed(30)])]);
    block_on(async || {
        assert_eq!(asked(&rows, STATES).await, "o2 unknown , o9 active ");
        let gone = "SELECT concat(account_id, ' ', how) AS answer FROM deleted_accounts";
        assert_eq!(asked(&rows, gone).await, "o1 mention");
        let held = "SELECT concat(account_id, ' ', account_active IS NULL) AS answer FROM grants_now";
        assert_eq!(asked(&rows, held).await, "o1 true");
    });
}

/// Who left and went on signing in had no account, no finding and no clock, because the log is younger than the account.
#[test]
fn a_leaver_known_from_use_alone_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = String::new();
    let mut tell = |at: &str, event_type: &str, login: &str, more: Option<Value>| {
        let user = json!({ "id": format!("00u{login}"), "type": "User", "alternateId": format!("{login}@corp.example") });
        let target: Vec<Value> = [user.clone()].into_iter().chain(more).collect();
        let event = json!({
            "uuid": format!("{login}-{at}"), "published": at, "eventType": event_type, "actor": user,
            "outcome": { "result": "SUCCESS" }, "target": target,
        });
        log.push_str(&format!("{event}\n"));
    };
    for day in ["2026-06-01", "2026-06-10", "2026-06-28"] {
        tell(&format!("{day}T08:00:00Z"), "user.session.start", "ada", None);
        tell(&format!("{day}T08:00:00Z"), "user.session.start", "bo", None);
    }
    let group = json!({ "id": "g1", "type": "UserGroup", "displayName": "Admins" });
    tell("2026-06-05T08:00:00Z", "group.user_membership.add", "ada", Some(group));
    tell("2026-06-29T23:30:00Z", "user.session.start", "bo", None);
    let roster = "employee_id,name,email,department,start_on,end_on,status\n\
                  101,Ada Low,ada@corp.example,Sales,2020-01-01,2026-06-20,Terminated\n\
                  102,Bo Ruiz,bo@corp.example,Sales,2020-01-01,,Active\n";
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::write(files.join("okta.ndjson"), &log).unwrap();
    fs::write(files.join("roster_2026-06-29T2300Z.csv"), roster).unwrap();
    let data = folder.path().join("data");
    let told = lychgate(&data, &["ingest", files.to_str().unwrap()]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let answer = |arguments: &[&str]| -> Value {
        let arguments = [&["--output", "json"], arguments, &["--as-of", "2026-06-30T00:00:00Z"]].concat();
        let told = lychgate(&data, &arguments);
        let lines = String::from_utf8_lossy(&told.stderr).into_owned();
        serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{lines}"))
    };
    let found = answer(&["detect", "--detector", "ZMB-01", "--detector", "ZMB-03"]);
    let found: Vec<String> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!("{} {}", finding["code"].as_str().unwrap(), finding["verdict"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.contains(&"ZMB-01 unknown".to_owned()) && found.contains(&"ZMB-03 fail".to_owned()),
        "{found:?}"
    );
    let access = answer(&["access", "--identity", "101"]);
    assert_eq!(access["access"][0]["state"], "unknown", "{access}");
    assert_eq!(access["access"][0]["entitlement_id"], "g1", "{access}");
    let clock = answer(&["time-to-zero-access"]);
    assert_eq!(clock["clocks"][0]["unknown"], 1, "{clock}");
}
