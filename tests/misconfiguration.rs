//! What is wrong with a SCIM connection, from the log that shows it: raw requests in, one
//! finding a case out; and nothing out of a log that is as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lychgate::domain::{Severity, UtcMicros, Verdict};
use lychgate::models::builtin_rules;
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::At;
use serde_json::{Value, json};

use crate::support::block_on;

const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// Entries of the catalogue that are questions of their own: the entry, the rule, its code.
const ELSEWHERE: [(&str, &str, &str); 2] =
    [("SCM-30", "delete_without_disable", "DEL-02"), ("SCM-32", "flapping", "PRV-13")];

/// Codes that leave a leaver with access, and therefore are critical.
const CRITICAL: [&str; 6] = ["SCM-07", "SCM-08", "SCM-11", "SCM-27", "SCM-28", "SCM-31"];

/// One request at a minute of 28 June, with what else the log says of it.
fn request(app: &str, minute: i64, method: &str, path: &str, status: u16, more: Value) -> Value {
    let start = UtcMicros::parse("2026-06-28T00:00:00Z").unwrap();
    let at = UtcMicros(start.0 + minute * 60_000_000);
    let mut line = json!({
        "time": at.to_string(), "connection": app, "method": method, "path": path, "status": status,
        "user_agent": "Okta SCIM Client 1.0.0", "request_id": format!("{app}/{minute}/{method}"),
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        line[name] = value.clone();
    }
    line
}

/// The same request at minute 0, 10 and so on.
fn times(n: i64, app: &str, method: &str, path: &str, status: u16, more: Value) -> Vec<Value> {
    (0..n).map(|n| request(app, n * 10, method, path, status, more.clone())).collect()
}

fn patch(op: &str, path: &str, value: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": op, "path": path, "value": value}],
    })
}

/// The same request with its answer.
fn answered(request: Value, response: Value) -> Value {
    json!({"request": request, "response": response})
}

/// A page of a listing of six accounts, two at a time.
fn page(start: usize, total: usize, ids: &[usize]) -> Value {
    let resources: Vec<Value> = ids.iter().map(|id| json!({"id": format!("a{id}")})).collect();
    json!({"response": {"totalResults": total, "startIndex": start, "itemsPerPage": 2, "Resources": resources}})
}

fn refused(scim_type: &str, detail: &str, request: Value) -> Value {
    json!({"scim_type": scim_type, "detail": detail, "request": request})
}

/// A connection for each case, named by its code in lower case.
fn broken() -> Vec<Value> {
    const USER: &str = "/scim/v2/Users/a1";
    const GROUP: &str = "/scim/v2/Groups/g1";
    let off = || patch("replace", "active", json!(false));
    let title = || patch("replace", "title", json!("x"));
    let person = |n: i64| json!({"request": {"userName": format!("u{n}"), "externalId": format!("x{n}"), "active": true}});
    let mut lines = Vec::new();
    let mut say = |more: Vec<Value>| lines.extend(more);
    say(times(2, "scm-01", "GET", "/Users?filter=userName%20eq%20%22a%22", 404, json!({})));
    say(times(2, "scm-02", "GET", "/scim/v2//Users?count=1", 404, json!({})));
    say(vec![request("scm-02", 50, "GET", "/scim/v2/Users?count=1", 200, json!({}))]);
    say(times(1, "scm-03", "POST", "/scim/v2/Users", 301, person(1)));
    let elsewhere = json!({"id": "a1", "meta": {"location": "http://scim.internal:8080/Users/a1"}});
    say(times(2, "scm-04", "PATCH", USER, 200, answered(title(), elsewhere)));
    say(times(2, "scm-05", "GET", "/scim/v2/Users?startIndex=1&count=2", 200, json!({"response": []})));
    let as_text =
        json!({"response": {"totalResults": "0", "startIndex": "1", "itemsPerPage": "0", "Resources": []}});
    say(times(2, "scm-06", "GET", "/scim/v2/Users?filter=userName%20eq%20%22a%22", 200, as_text));
    let as_text = "expected value type 'boolean' but found 'string'";
    say(times(
        1,
        "scm-07",
        "PATCH",
        USER,
        400,
        refused("invalidValue", as_text, patch("Replace", "active", json!("False"))),
    ));
    let no_add = "operation add is not supported on active";
    say(times(
        1,
        "scm-08",
        "PATCH",
        USER,
        400,
        refused("invalidSyntax", no_add, patch("Add", "active", json!(false))),
    ));
    let by_value = patch("Remove", "members", json!([{"value": "a1"}]));
    let no_value = "values must not be set for remove operation";
    say(times(1, "scm-09", "PATCH", GROUP, 400, refused("invalidValue", no_value, by_value.clone())));
    say(vec![
        request("scm-10", 10, "PATCH", GROUP, 204, json!({"request": by_value.clone()})),
        request(
            "scm-10",
            11,
            "GET",
            GROUP,
            200,
            json!({"response": {"id": "g1", "displayName": "G", "members": []}}),
        ),
    ]);
    let kept = json!({"id": "g2", "displayName": "G", "members": [{"value": "a1"}, {"value": "a2"}]});
    say(vec![request("scm-11", 20, "PATCH", "/scim/v2/Groups/g2", 200, answered(by_value.clone(), kept))]);
    say(vec![request("scm-11", -11_520, "PATCH", GROUP, 204, json!({"request": by_value}))]);
    let work = patch("replace", "emails[type eq \"work\"].value", json!("a@corp.example"));
    say(times(2, "scm-12", "PATCH", USER, 400, refused("noTarget", "no such address", work)));
    for (n, kinds) in [&["home", "work"][..], &["home", "work", "work"], &["home", "work", "work", "work"]]
        .iter()
        .enumerate()
    {
        let emails: Vec<Value> =
            kinds.iter().map(|kind| json!({"type": kind, "value": "a@corp.example"})).collect();
        let work = patch("replace", "emails[type eq \"work\"].value", json!("a@corp.example"));
        let answer = json!({"id": "a1", "userName": "ada", "emails": emails});
        say(vec![request("scm-13", n as i64 * 10, "PATCH", USER, 200, answered(work, answer))]);
    }
    let manager = patch("Replace", MANAGER, json!("m1"));
    say(times(2, "scm-14", "PATCH", USER, 400, refused("invalidValue", "expected an object", manager)));
    let dotted = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department";
    let dotted = patch("Replace", dotted, json!("Sales"));
    say(times(2, "scm-15", "PATCH", USER, 400, refused("invalidPath", "no such attribute", dotted)));
    let group =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", ADSCIM], "displayName": "G"});
    say(times(
        1,
        "scm-16",
        "POST",
        "/scim/v2/Groups",
        400,
        refused("invalidSyntax", "Unknown extension schemas", group),
    ));
    let join = patch("add", "members", json!([{"value": "ghost"}]));
    let ghost = "One or more group members do not exist";
    say(times(2, "scm-17", "PATCH", GROUP, 400, refused("invalidValue", ghost, join)));
    say(times(1, "scm-18", "POST", "/scim/v2/Users", 415, person(1)));
    for n in 0..2 {
        let sought = "/scim/v2/Users?filter=userName%20eq%20%22ada%22";
        say(vec![
            request("scm-19", n * 40, "GET", sought, 200, json!({})),
            request(
                "scm-19",
                n * 40 + 1,
                "POST",
                "/scim/v2/Users",
                409,
                json!({"request": {"userName": "Ada"}}),
            ),
        ]);
    }
    say(times(
        5,
        "scm-20",
        "PATCH",
        USER,
        200,
        json!({"request": patch("replace", "userName", json!("Ada"))}),
    ));
    say(times(2, "scm-21", "GET", "/scim/v2/Users?filter=externalId%20eq%20%22x%22", 400, json!({})));
    for n in 0..10 {
        let body =
            json!({"request": {"userName": format!("u{n}"), "active": true}, "resource_id": format!("a{n}")});
        say(vec![request("scm-22", n, "POST", "/scim/v2/Users", 201, body)]);
    }
    for (n, start, ids) in [(0, 1, [1, 2]), (1, 3, [2, 3]), (2, 5, [3, 4])] {
        let path = format!("/scim/v2/Users?startIndex={start}&count=2");
        say(vec![request("scm-23", n, "GET", &path, 200, page(start, 6, &ids))]);
    }
    for n in 0..3 {
        for (millis, status) in [("00.000", 429), ("00.400", 200)] {
            let time = format!("2026-06-28T0{n}:00:{millis}Z");
            let more = json!({"time": time, "request": title(), "request_id": format!("{n}/{millis}")});
            say(vec![request("scm-24", 0, "PATCH", USER, status, more)]);
        }
    }
    for n in 0..1001 {
        let status = if n == 1000 { 429 } else { 201 };
        say(vec![request("scm-25", n / 50, "POST", &format!("/scim/v2/Users?n={n}"), status, {
            let mut more = person(n);
            more["request_id"] = json!(format!("flood/{n}"));
            more
        })]);
    }
    say(times(1, "scm-26", "POST", "/scim/v2/Bulk", 413, json!({})));
    say(vec![request("scm-27", -11_520, "PATCH", USER, 200, json!({"request": title()}))]);
    say((0..3)
        .map(|n| request("scm-27", n * 1000 - 4000, "PATCH", USER, 401, json!({"request": off()})))
        .collect());
    say(times(
        2,
        "scm-28",
        "PUT",
        USER,
        405,
        json!({"request": {"userName": "ada", "externalId": "x1", "active": false}}),
    ));
    let made =
        json!({"request": {"userName": "ada", "externalId": "x1", "active": true}, "resource_id": "a1"});
    let whole = json!({"userName": "ada", "externalId": "x1", "title": "x"});
    say(vec![
        request("scm-29", -100, "POST", "/scim/v2/Users", 201, made.clone()),
        request(
            "scm-29",
            0,
            "PUT",
            USER,
            200,
            answered(whole, json!({"id": "a1", "userName": "ada", "active": false})),
        ),
        request("scm-30", -100, "POST", "/scim/v2/Users", 201, made.clone()),
        request("scm-30", 0, "DELETE", USER, 204, json!({})),
        request("scm-32", -100, "POST", "/scim/v2/Users", 201, made.clone()),
    ]);
    for n in 0..3 {
        let whole =
            |active: bool| json!({"request": {"userName": "ada", "externalId": "x1", "active": active}});
        say(vec![
            request("scm-32", n * 20, "PUT", USER, 200, whole(true)),
            request("scm-32", n * 20 + 10, "PUT", USER, 200, whole(false)),
        ]);
    }
    let still = json!({"id": "a2", "userName": "bo", "active": true});
    say(vec![
        request("scm-31", 0, "PATCH", "/scim/v2/Users/a2", 200, json!({"request": off()})),
        request("scm-31", 1, "GET", "/scim/v2/Users/a2", 200, json!({"response": still})),
    ]);
    say(vec![request("scm-31", -11_520, "PATCH", USER, 200, json!({"request": off()}))]);
    let login = "userName must be an e-mail address";
    say(times(
        2,
        "scm-33",
        "POST",
        "/scim/v2/Users",
        400,
        refused("invalidValue", login, json!({"userName": "a"})),
    ));
    say(times(
        2,
        "scm-34",
        "PATCH",
        USER,
        400,
        refused("invalidValue", "No valid fields to update", title()),
    ));
    say(times(2, "scm-35", "PATCH", USER, 412, json!({"request": title()})));
    for agent in ["Okta SCIM Client 1.0.0", "Microsoft-Azure-AD-Provisioning"] {
        let more = json!({"request": title(), "user_agent": agent});
        let mut writes = times(3, "scm-37", "PATCH", USER, 200, more);
        writes
            .iter_mut()
            .enumerate()
            .for_each(|(n, line)| line["request_id"] = json!(format!("{agent}/{n}")));
        say(writes);
    }
    say(times(3, "scm-38", "GET", "/scim/v2/Users?count=1", 401, json!({})));
    lines
}

/// A connection on which everything happens that should, and is answered as it should be.
fn sound() -> Vec<Value> {
    let mut lines = Vec::new();
    for n in 0..12 {
        let user = format!("/scim/v2/Users/a{n}");
        let body = json!({"userName": format!("u{n}"), "externalId": format!("x{n}"), "active": true});
        let sought = format!("/scim/v2/Users?filter=userName%20eq%20%22u{n}%22");
        let off = patch("replace", "active", json!(false));
        let join = patch("add", "members", json!([{"value": format!("a{n}")}]));
        let shown = |active: bool| {
            json!({"id": format!("a{n}"), "userName": format!("u{n}"), "active": active,
                "emails": [{"type": "work", "value": "a@corp.example"}, {"type": "home", "value": "a@home.example"}],
                "meta": {"location": format!("https://scim.example.com/Users/a{n}")}})
        };
        let leave = patch("remove", &format!("members[value eq \"a{n}\"]"), Value::Null);
        let created = json!({"request": body, "resource_id": format!("a{n}")});
        lines.extend([
            request("fine", n * 20 - 5000, "GET", &sought, 200, json!({})),
            request("fine", n * 20 - 4999, "POST", "/scim/v2/Users", 201, created),
            request("fine", n * 20 - 4997, "GET", &user, 200, json!({"response": shown(true)})),
            request("fine", n * 20 - 4998, "PATCH", "/scim/v2/Groups/g1", 204, json!({"request": join})),
            request("fine", n * 20, "PATCH", "/scim/v2/Groups/g1", 204, json!({"request": leave})),
            request("fine", n * 20 + 1, "PATCH", &user, 200, answered(off, shown(false))),
            request("fine", n * 20 + 2, "GET", &user, 200, json!({"response": shown(false)})),
        ]);
    }
    for (n, start, ids) in [(0, 1, &[1, 2][..]), (1, 3, &[3, 4]), (2, 5, &[5]), (3, 7, &[])] {
        let path = format!("/scim/v2/Users?startIndex={start}&count=2");
        lines.push(request("fine", 1000 + n, "GET", &path, 200, page(start, 5, ids)));
    }
    lines
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The request log, with a poll at the end that shows how far it reaches.
fn write_log(folder: &Path, mut lines: Vec<Value>) {
    lines.push(request("fine", 2_800, "GET", "/scim/v2/ServiceProviderConfig", 200, json!({})));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    write(folder, "scim/requests.ndjson", &text);
}

/// Every finding about connections: code, subject and severity.
fn found(folder: &Path) -> BTreeMap<String, BTreeSet<(String, Severity)>> {
    let rules = builtin_rules().unwrap();
    let family = rules.iter().filter(|rule| {
        rule.group == "SCIM misconfiguration" || ELSEWHERE.iter().any(|(_, id, _)| *id == rule.id)
    });
    let detectors: Vec<String> = family.map(|rule| rule.id.clone()).collect();
    let as_of = UtcMicros::parse("2026-06-30T00:00:00Z").unwrap();
    let at = At { as_of, known_at: UtcMicros(4_102_444_800_000_000) };
    let files = folder.join("files");
    block_on(async || {
        let engine = Engine::new(&folder.join("data"), "acme");
        let paths = lychgate::ingest::files(&[files]).unwrap();
        let read = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
        for file in &read.files {
            assert!(file.refused.is_none() && file.quarantined == 0, "{file:?}");
        }
        let request = DetectRequest { at, profile: "default".to_owned(), detectors, record: false };
        let report = engine.detect(&request).await.unwrap();
        let mut found: BTreeMap<String, BTreeSet<(String, Severity)>> = BTreeMap::new();
        for finding in report.findings.iter().map(Result::unwrap) {
            assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
            assert!(!finding.evidence.is_empty(), "{finding:?}");
            // Where a template has nothing to quote it says "unknown".
            let mut words = finding.explanation.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(words.all(|word| word != "unknown"), "{finding:?}");
            found.entry(finding.code).or_default().insert((finding.subject.id, finding.severity));
        }
        found
    })
}

/// If it failed, a leaver would keep access because of a dialect, and the log would say so in vain.
#[test]
fn each_misconfiguration_is_found_in_the_log_that_shows_it_and_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write_log(&files, broken());
    let entra = |n: u32| {
        json!({
            "id": format!("p{n}"), "activityDateTime": format!("2026-06-28T10:0{n}:00Z"), "jobId": "job",
            "provisioningAction": "create", "servicePrincipal": {"id": "scm-36", "displayName": "scm-36"},
            "sourceIdentity": {"id": "o1", "identityType": "User", "details": {"UserPrincipalName": "ada@corp.example"}},
            "targetIdentity": {"id": "", "identityType": "User"},
            "provisioningStatusInfo": {"status": "failure", "errorInformation": {
                "errorCode": "SystemForCrossDomainIdentityManagementServiceIncompatible",
                "reason": "The response could not be parsed"}},
        })
    };
    write(&files, "entra/provisioning.ndjson", &format!("{}\n{}\n", entra(1), entra(2)));
    let accounts =
        "account_id,account_name,email,status,created_at\na1,ada,ada@corp.example,Active,2024-01-01\n";
    write(&files, "apps/scm-31/accounts_2026-06-28.csv", accounts);
    let grants: String = (0..5).map(|n| format!("a{n},u{n},g1,Sales\n")).collect();
    let grants = format!("Account ID,Account Name,Group ID,Group Name\n{grants}");
    write(&files, "apps/scm-10/grants_2026-06-20.csv", &grants);
    write(
        &files,
        "apps/scm-11/grants_2026-06-28.csv",
        "Account ID,Account Name,Group ID,Group Name\na1,ada,g1,Admins\n",
    );

    let found = found(folder.path());
    let rules = builtin_rules().unwrap();
    let family = rules.iter().filter(|rule| rule.group == "SCIM misconfiguration");
    let mut entries: BTreeMap<String, &str> =
        family.map(|rule| (rule.code.clone(), rule.code.as_str())).collect();
    entries.extend(ELSEWHERE.iter().map(|(entry, _, code)| ((*entry).to_owned(), *code)));
    let all: Vec<String> = (1..=38).map(|n| format!("SCM-{n:02}")).collect();
    assert_eq!(entries.keys().cloned().collect::<Vec<_>>(), all, "the catalogue of misconfigurations");
    for (entry, code) in entries {
        let connection = entry.to_lowercase();
        let subjects = found.get(code).cloned().unwrap_or_default();
        let apps: BTreeSet<&str> =
            subjects.iter().map(|(subject, _)| subject.split('/').next().unwrap()).collect();
        assert_eq!(apps, BTreeSet::from([connection.as_str()]), "{entry}: {subjects:?}");
        let critical = subjects.iter().all(|(_, severity)| *severity == Severity::Critical);
        assert_eq!(critical, CRITICAL.contains(&code), "{entry}: {subjects:?}");
    }
}

/// If it failed, people would learn to look away from these findings.
#[test]
fn a_sound_connection_gives_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write_log(&files, sound());
    let rows: String =
        (0..12).map(|n| format!("a{n},u{n},u{n}@corp.example,Inactive,2026-06-24\n")).collect();
    let accounts = format!("account_id,account_name,email,status,created_at\n{rows}");
    write(&files, "apps/fine/accounts_2026-06-29.csv", &accounts);
    assert_eq!(found(folder.path()), BTreeMap::new());
}
