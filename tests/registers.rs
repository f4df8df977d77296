//! Rules that rest on registers of their own, and on what an application was sent: from files to findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lychgate::domain::{UtcMicros, Verdict};
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::{At, Session};
use serde_json::json;

use crate::fields;
use crate::support::{block_on, now, tables};

const LATER: UtcMicros = UtcMicros(4_102_444_800_000_000);

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Code and subject of what these detectors fail.
fn failed(engine: &Engine, as_of: &str, detectors: &[&str], record: bool) -> BTreeSet<(String, String)> {
    // Only a run that knows nothing of what is to come is recorded.
    let known_at = if record { now() } else { LATER };
    let at = At { as_of: UtcMicros::parse(as_of).unwrap(), known_at };
    let detectors = detectors.iter().map(|code| (*code).to_owned()).collect();
    let request = DetectRequest { at, profile: "default".to_owned(), detectors, record };
    let report = block_on(async || engine.detect(&request).await.unwrap());
    let failed = report.findings.heads().iter().filter(|finding| finding.verdict == Verdict::Fail);
    failed.map(|finding| (finding.code.to_string(), finding.subject_id.to_string())).collect()
}

fn set(expected: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    expected.iter().map(|(code, subject)| ((*code).to_owned(), (*subject).to_owned())).collect()
}

/// Ada and Bo of Sales and Finance, with what they hold in the ERP, and twelve of their colleagues.
fn company(files: &Path) {
    let mut roster = String::from("Employee ID,Name,Email,Hire Date,Termination Date,Department,Title\n");
    let mut accounts = String::from("User ID,Username,Email,Status,Created Date\n");
    for n in 0..14 {
        let department = if n == 1 { "Finance" } else { "Sales" };
        roster += &format!("E{n},Person {n},p{n}@acme.example,2020-01-01,,{department},Clerk\n");
        accounts += &format!("a{n},p{n},p{n}@acme.example,Active,2020-02-01\n");
    }
    for day in ["2026-06-01", "2026-06-29"] {
        write(files, &format!("hr/roster_{day}.csv"), &roster);
    }
    write(files, "apps/erp/accounts_2026-06-29.csv", &accounts);
    write(
        files,
        "apps/erp/grants_2026-06-29.csv",
        "Account ID,Account Name,Group ID,Group Name,Granted At\na0,p0,pay,Pay,2026-01-01\na1,p1,pay,Pay,2026-01-01\n\
         a1,p1,trained,Trained,2026-01-01\na2,p2,helpdesk,Helpdesk,2026-01-01\n",
    );
    write(
        files,
        "registers/entitlements_2026-06-29.csv",
        "app_id,entitlement_id,kind,name,privileged,sensitivity,owner,tenant_admin,jit\nerp,admins,group,Admins,true,high,p3@acme.example,false,false\n",
    );
    write(
        files,
        "registers/companions_2026-06-29.csv",
        "rule_id,title,holds,requires,severity\nc1,Paying needs training,erp/pay,erp/trained,medium\n",
    );
    write(
        files,
        "registers/nested_groups_2026-06-29.csv",
        "app_id,group_id,member_group_id\nerp,operators,helpdesk\nerp,admins,operators\n",
    );
    write(
        files,
        "registers/review_decisions_2026-06-29.csv",
        "item_id,review,reviewer,beneficiary,app_id,entitlement_id,decision,decided_at\n\
         i1,Q2,p3@acme.example,p1@acme.example,erp,pay,Revoke,2026-06-10\n\
         i2,Q2,p3@acme.example,p0@acme.example,erp,pay,Approve,2026-06-10\n",
    );
    // Each account was made with the department Sales, also that of the one who is in Finance.
    let mut log = String::new();
    for n in 0..14 {
        let line = json!({
            "time": format!("2026-05-01T10:00:{n:02}Z"), "connection": "erp", "method": "POST", "path": "/scim/v2/Users",
            "status": 201, "resource_id": format!("a{n}"), "request": {"userName": format!("p{n}"), "externalId": format!("x{n}"),
                "active": true, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "sales"}},
        });
        log += &format!("{line}\n");
    }
    let poll = json!({"time": "2026-06-29T23:50:00Z", "connection": "erp", "method": "GET",
        "path": "/scim/v2/ServiceProviderConfig", "status": 200});
    write(files, "scim/erp.ndjson", &format!("{log}{poll}\n"));
}

/// If it failed, people would keep registers that nobody reads.
#[test]
fn what_registers_say_of_access_is_held_against_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    company(&files);
    let engine = Engine::new(&folder.path().join("data"), "acme");
    block_on(async || {
        let paths = lychgate::ingest::files(&[files]).unwrap();
        let report = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
        assert!(
            report.files.iter().all(|file| file.refused.is_none() && file.quarantined == 0),
            "{report:?}"
        );
    });
    let asked = ["OVP-07", "OVP-10", "GOV-03", "PRV-09"];
    let expected =
        [("OVP-07", "E0/c1"), ("OVP-10", "erp/a2/admins"), ("GOV-03", "erp/a1/pay"), ("PRV-09", "erp/a1")];
    assert_eq!(failed(&engine, "2026-06-30T00:00:00Z", &asked, false), set(&expected));

    // What was recorded and is past its deadline is told of, once it has been known for long enough.
    let late = ["GOV-03", "GOV-06"];
    assert_eq!(failed(&engine, "2026-06-30T00:00:00Z", &late, true), set(&[("GOV-03", "erp/a1/pay")]));
    let told = failed(&engine, "2099-01-01T00:00:00Z", &["GOV-06"], false);
    assert_eq!(told, set(&[("GOV-06", "GOV-03")]));
}

/// Else one owner would hide another, and an entitlement its namesake in another application: what nobody
/// answers for any more would not be told, and what somebody does would be.
#[test]
fn each_owner_of_an_object_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    write(
        &files,
        "hr/roster_2026-06-29.csv",
        "Employee ID,Name,Email,Hire Date,Termination Date,Department,Title\n\
         E1,Ann,ann@acme.example,2020-01-01,,Sales,Clerk\nE2,Leo,leo@acme.example,2020-01-01,2026-05-01,Sales,Clerk\n",
    );
    write(
        &files,
        "registers/owners_2026-06-29.csv",
        "object_kind,object_id,owner,app_id\nentitlement,admins,ann@acme.example,github\n\
         entitlement,admins,leo@acme.example,slack\nworkflow,joiners,ann@acme.example,\nworkflow,joiners,leo@acme.example,\n",
    );
    let engine = Engine::new(&folder.path().join("data"), "acme");
    let paths = [files.join("hr/roster_2026-06-29.csv"), files.join("registers/owners_2026-06-29.csv")];
    block_on(async || engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap());
    let found = failed(&engine, "2026-06-30", &["ORP-03"], false);
    assert_eq!(found, set(&[("ORP-03", "entitlement/slack/admins")]));
}

/// Else whoever the register names for a role would never hear of those who should not have it.
#[test]
fn the_owner_that_the_entitlement_register_names_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    let given = [
        (
            "hr/roster_2026-06-29.csv",
            "Employee ID,Name,Email,Hire Date,Termination Date,Department,Title\n\
             E1,Ann,ann@acme.example,2020-01-01,,Sales,Clerk\nE2,Bob,bob@x.example,2020-01-01,,Sales,Clerk\n",
        ),
        (
            "apps/crm/accounts_2026-06-29.csv",
            "User ID,Username,Email,Status,Created Date\nu1,ann,ann@acme.example,Active,2020-02-01\n",
        ),
        (
            "apps/crm/grants_2026-06-29.csv",
            "Account ID,Account Name,Role ID,Role Name,Granted At,Expires At\nu1,ann,admin,Admin,2026-01-01,2026-05-01\n",
        ),
        (
            "registers/entitlements_2026-06-29.csv",
            "app_id,entitlement_id,kind,name,privileged,sensitivity,owner,tenant_admin,jit\n\
             crm,Admin,role,Admin,true,high,Bob@x.example,false,false\n",
        ),
    ];
    for (name, text) in given {
        write(&files, name, text);
    }
    let engine = Engine::new(&folder.path().join("data"), "acme");
    let at = At { as_of: UtcMicros::parse("2026-06-30T00:00:00Z").unwrap(), known_at: LATER };
    let (profile, detectors) = ("default".to_owned(), vec!["TBA-02".to_owned()]);
    let request = DetectRequest { at, profile, detectors, record: false };
    let report = block_on(async || {
        let paths = lychgate::ingest::files(&[files]).unwrap();
        engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
        engine.detect(&request).await.unwrap()
    });
    let findings = report.findings.to_vec().unwrap();
    let owner = |subject: &str| {
        let finding = findings.iter().find(|finding| finding.subject.id == subject).expect(subject);
        finding.owner.as_ref().map(|owner| (owner.email.clone().unwrap(), owner.decided_by.clone()))
    };
    let bob = ("bob@x.example".to_owned(), "entitlement register: admin".to_owned());
    assert_eq!(owner("crm/u1/admin"), Some(bob));
}

/// Else a damaged line would be taken for an empty one, and what it decides for decided otherwise.
#[test]
fn a_line_that_ingest_did_not_write_is_not_taken_for_empty() {
    let error = |attributes: &str| {
        let line = fields! {
            "kind" => "entitlements", "key" => "crm/admin", "attributes" => attributes,
            "listing_id" => "r1", "listed_at" => LATER, "ingested_at" => LATER,
        };
        let rows = BTreeMap::from([("registers", vec![line])]);
        let at = At { as_of: LATER, known_at: LATER };
        let opened = block_on(async || Session::open(tables(&rows), at).await.map(|_| ()));
        opened.err().map(|error| error.to_string())
    };
    assert_eq!(error(r#"{"app_id": "crm", "privileged": "true", "owner": null}"#), None);
    let cell = "cannot read \"perhaps\" in column \"privileged\" of register \"entitlements\"";
    assert_eq!(error(r#"{"app_id": "crm", "privileged": "perhaps"}"#).as_deref(), Some(cell));
    let line = "cannot read line \"crm/admin\" of register \"entitlements\"";
    for damaged in [r#"{"app_id": "#, r#"{"privileged": true}"#] {
        assert_eq!(error(damaged).as_deref(), Some(line), "{damaged}");
    }
}
