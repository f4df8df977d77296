//! Who held what, as `access` tells it: whether the answer may lack something, since when, and by which file.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::lychgate;

/// Bo has had a role since January; the listing that shows it is of June.
fn lake(folder: &Path) {
    let files = [
        (
            "crm/accounts_2026-06-29.csv",
            "account_id,login,email,status,created_at\nc1,bo,bo@example.com,active,2020-01-05\n",
        ),
        ("crm/roles_2026-06-29.csv", "account_id,role,granted_at\nc1,Admin,2026-01-05\n"),
        (
            "erp/accounts_2026-06-29.csv",
            "account_id,login,email,status,created_at\ne1,bo,bo@example.com,active,2020-01-05\n",
        ),
        ("applications_2026-06-01.csv", "app_id,name,idp_app_id\ncrm,CRM Suite,0oaCRM\nwiki,Wiki,0oaWIKI\n"),
        (
            "hr/roster_2026-06-29T2300Z.csv",
            "employee_id,name,email,department,title,start_date,end_date\nE1,Bo Ruiz,bo@example.com,Sales,Clerk,2020-01-01,\n\
             E2,Ada Park,ada@example.com,Sales,Clerk,2020-01-01,\n",
        ),
    ];
    for (name, text) in files {
        let path = folder.join("files").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let files = folder.join("files");
    let read = lychgate(&folder.join("data"), &["ingest", files.to_str().unwrap()]);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

/// Exit code, lines of the answer and what people are told beside it.
fn asked(folder: &Path, subject: &[&str], as_of: &str) -> (i32, Vec<Value>, String) {
    let asked = [&["--output", "json", "access", "--as-of", as_of], subject].concat();
    let answer = lychgate(&folder.join("data"), &asked);
    let told: Value = serde_json::from_slice(&answer.stdout).expect("an answer as JSON");
    let lines = told["access"].as_array().unwrap().clone();
    (answer.status.code().unwrap(), lines, String::from_utf8_lossy(&answer.stderr).into_owned())
}

/// An answer from old files, or about a name with a slip in it, reads like proof that somebody had no access.
#[test]
fn an_answer_that_may_lack_something_says_so() {
    let folder = tempfile::tempdir().unwrap();
    lake(folder.path());
    let asked = |subject: &[&str], as_of: &str| asked(folder.path(), subject, as_of);
    let fresh = "2026-06-30T00:00:00Z";
    let (code, lines, told) = asked(&["--identity", "bo@example.com"], fresh);
    assert_eq!((code, lines.len()), (0, 2), "{told}");
    let (code, lines, told) = asked(&["--identity", "ada@example.com"], fresh);
    assert_eq!((code, lines.len()), (0, 0), "{told}");
    assert!(told.contains("nothing was held"), "{told}");
    for subject in [
        ["--identity", "bob@example.com"],
        ["--account", "crm/c9"],
        ["--app", "crn"],
        ["--entitlement", "Owner"],
    ] {
        let (code, lines, told) = asked(&subject, fresh);
        assert_eq!((code, lines.len()), (4, 0), "{subject:?}: {told}");
        assert!(told.contains(&format!("no source names that {}", &subject[0][2..])), "{told}");
    }
    for (subject, lacks) in [
        (["--app", "wiki"], "nothing that was read by then tells of accounts of wiki"),
        (["--account", "erp/e1"], "nothing that was read by then tells of what accounts of erp hold"),
    ] {
        let (code, _, told) = asked(&subject, fresh);
        assert!(code == 4 && told.contains(lacks), "{subject:?}: {told}");
    }
    let (code, lines, told) = asked(&["--app", "crm suite"], fresh);
    assert_eq!((code, lines.len()), (0, 1), "{told}");
    let (code, lines, told) = asked(&["--app", "CRM"], "2026-07-29T00:00:00Z");
    assert_eq!((code, lines.len()), (4, 1), "{told}");
    assert!(told.contains("incomplete evidence: the newest grant listing of crm is 30 days old"), "{told}");
    assert!(!told.contains("roster"), "{told}");
    // By when nothing had been listed, nothing is known.
    let (code, lines, told) = asked(&["--account", "bo"], "2026-06-28T00:00:00Z");
    assert_eq!((code, lines.len()), (4, 0), "{told}");
    let (_, _, told) = asked(&["--identity", "E1"], "2026-07-29T00:00:00Z");
    assert!(told.contains("incomplete evidence: the newest roster is"), "{told}");
}

/// A grant of years ago looked as if it had come with the first export.
#[test]
fn a_grant_is_held_since_its_source_says_and_by_which_file() {
    let folder = tempfile::tempdir().unwrap();
    lake(folder.path());
    let (_, lines, _) = asked(folder.path(), &["--account", "crm/c1"], "2026-06-30T00:00:00Z");
    assert_eq!(lines[0]["granted_at"], "2026-01-05T00:00:00Z");
    assert_eq!(lines[0]["held_since"], "2026-06-29T00:00:00Z");
    assert!(lines[0]["grant_file"].as_str().unwrap().ends_with("crm/roles_2026-06-29.csv"), "{lines:?}");
    let asked = ["--output", "md", "access", "--account", "crm/c1", "--as-of", "2026-06-30"];
    let shown = lychgate(&folder.path().join("data"), &asked);
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains("| Admin | 2026-01-05T00:00:00Z | grants roles_2026-06-29.csv |"), "{shown}");
}
