//! The command line, through the program itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{begun, lychgate};

const ROSTER: &str = "Employee ID,Full Name,Work Email,Department,Job Title,Hire Date,Termination Date\n\
    E100,Ada Park,ada@example.com,Engineering,Engineer,2020-01-15,\n\
    E101,Ben Ortiz,ben@example.com,Finance,Analyst,2021-03-01,2026-05-31\n";

const ACCOUNTS: &str = "User ID,Username,Full Name,Email,Status,Created Date,Last Login\n\
    u1,ada,Ada Park,ada@example.com,Active,2020-01-16,2026-06-20\n\
    u2,ben,Ben Ortiz,ben@example.com,Active,2021-03-02,2026-06-22\n";

/// A company of two, one of whom left a month before 2026-06-30 and kept an account.
pub fn with_a_leaver() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let files = [("hr/roster_2026-06-29.csv", ROSTER), ("crm/accounts_2026-06-29.csv", ACCOUNTS)];
    let data = ingested(folder.path(), &files);
    (folder, data)
}

/// Exit code, standard output and standard error.
pub fn said(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn run(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(lychgate(data, arguments))
}

/// Else "no findings" would be read of a company whose name was mistyped, and a lake begun for it.
#[test]
fn a_tenant_of_whom_nothing_was_ingested_is_no_empty_company() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let commands: [&[&str]; 11] = [
        &["access", "--app", "okta"],
        &["backtest", "--detector", "ZMB-01", "--from", "2026-01-01"],
        &["compact"],
        &["costs"],
        &["detect"],
        &["findings", "list"],
        &["quarantine", "list"],
        &["rebuild"],
        &["sources"],
        &["sql", "SELECT 1"],
        &["verify"],
    ];
    for command in commands {
        let (code, stdout, stderr) = run(&data, command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{command:?}: {stderr}");
        assert!(stderr.starts_with("error: nothing was ever ingested for tenant \"default\""), "{stderr}");
        assert!(!data.exists(), "{command:?} left something");
    }
}

/// Else one column's values would stand under the heading of another, and be believed.
#[test]
fn columns_of_one_name_are_refused_by_name() {
    const PAIR: &str = "FROM (VALUES (1)) AS a(id) CROSS JOIN (VALUES (2)) AS b(id)";
    let folder = begun();
    let (code, stdout, stderr) = run(folder.path(), &["sql", &format!("SELECT a.id, b.id {PAIR}")]);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("two columns \"id\"") && stderr.contains("alias"), "{stderr}");
    let (code, stdout, stderr) =
        run(folder.path(), &["--output", "csv", "sql", &format!("SELECT a.id, b.id AS other {PAIR}")]);
    assert_eq!((code, stdout.as_str()), (0, "id,other\n1,2\n"), "{stderr}");
}

/// Else a name in a log could clear the screen of whoever looks for its bearer, or make a link of a report.
#[test]
fn what_a_source_wrote_is_shown_and_not_obeyed() {
    const WRITTEN: &str = "a\u{1b}[2Jb\u{9b}c\u{7f}d\u{202e}e\tf";
    const SHOWN: &str = r"a\u{1b}[2Jb\u{9b}c\u{7f}d\u{202e}e\u{9}f";
    let folder = begun();
    let asked = |format: &str, written: &str| {
        let statement = format!("SELECT name FROM (VALUES ('{written}')) AS t(name)");
        run(folder.path(), &["--output", format, "sql", &statement]).1
    };
    assert!(asked("table", WRITTEN).contains(SHOWN));
    assert_eq!(asked("csv", WRITTEN), format!("name\n{SHOWN}\n"));
    assert_eq!(asked("ndjson", WRITTEN), format!("{}\n", serde_json::json!({ "name": WRITTEN })));
    let markup = asked("md", "<b>&[x](y)`|`\u{1b}");
    assert!(markup.ends_with("| &lt;b&gt;&amp;\\[x\\](y)\\`\\|\\`\\\\u{1b} |\n"), "{markup}");
    let (code, _, stderr) = run(folder.path(), &["findings", "show", WRITTEN]);
    assert_eq!(code, 2);
    assert!(stderr.starts_with(&format!("error: there is no finding \"{SHOWN}\"")), "{stderr}");
}

/// Else nobody would get in once the first token expired or was lost, and nobody could be shut out.
#[test]
fn tokens_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (data, config) = (folder.path().join("data"), folder.path().join("lychgate.toml"));
    let add = |label: &str| run(&data, &["token", "add", "--label", label, "--scope", "reader"]);
    let states = || -> Vec<String> {
        let (_, listed, _) = run(&data, &["--output", "ndjson", "token", "list"]);
        let told = listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        told.map(|token| format!("{} {}", token["label"], token["state"]).replace('"', "")).collect()
    };
    let (code, token, stderr) = add("ada");
    assert_eq!(code, 0, "{stderr}");
    assert!(token.starts_with("lychgate_") && !stderr.contains(token.trim()), "{stderr}");
    assert_eq!(states(), ["ada live"]);
    assert_eq!(add("ada").0, 2, "a label of its own");
    assert_eq!(add(" ").0, 2, "a label");
    let revoke = || run(&data, &["token", "revoke", "ada"]);
    assert_eq!((revoke().0, states()), (0, vec!["ada revoked".to_owned()]));
    assert_eq!(revoke().0, 2, "once");
    let init = || {
        let _ = std::fs::remove_file(&config);
        run(&data, &["init", "--file", config.to_str().unwrap()])
    };
    let (code, made, stderr) = init();
    assert_eq!((code, made.as_str()), (0, ""), "{stderr}");
    assert!(stderr.contains("lychgate token add"), "{stderr}");
    add("bo");
    assert!(!init().2.contains("token"), "bo gets in");
}

/// Ingests these files into the folder that is given back.
fn ingested(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let data = folder.join("data");
    for (name, text) in files {
        let path = folder.join("files").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (code, _, stderr) = run(&data, &["ingest", folder.join("files").to_str().unwrap()]);
    assert_eq!(code, 0, "{stderr}");
    data
}

/// Else one command would hold a company against the regime that it configured, and another against none.
#[test]
fn the_profile_is_that_of_the_configuration_unless_a_flag_names_one() {
    let folder = tempfile::tempdir().unwrap();
    // Ten hours after he left: late where an hour is allowed, and not where a day is.
    let roster = ROSTER.replace("2026-05-31", "2026-05-31T12:00:00Z");
    let files = [
        ("hr/roster_2026-05-31.csv", roster.as_str()),
        ("crm/accounts_2026-05-31.csv", ACCOUNTS),
        ("registers/licences_2026-05-31.csv", "app_id,sku,seats,unit_price,currency\ncrm,std,50,12.00,EUR\n"),
    ];
    let data = ingested(folder.path(), &files);
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "profile = \"pci-4.0\"\n").unwrap();
    let said = |profile: &[&str], command: &[&str]| {
        let mut arguments = vec!["--config", file.to_str().unwrap(), "--output", "json"];
        arguments.extend(command.iter().chain(profile));
        arguments.extend(["--as-of", "2026-05-31T22:00:00Z"]);
        let (_, stdout, stderr) = run(&data, &arguments);
        (serde_json::from_str::<serde_json::Value>(&stdout).expect(&stderr), stderr)
    };
    for (profile, named, seats) in [(&[][..], "pci-4.0", 1), (&["--profile", "default"], "default", 0)] {
        let (_, told) = said(profile, &["time-to-zero-access"]);
        assert!(told.contains(&format!("of profile {named} ")), "{told}");
        let (costs, told) = said(profile, &["costs"]);
        assert_eq!(costs["licences"].as_array().unwrap().len(), seats, "{profile:?}: {costs} {told}");
    }
}

/// Else a full disk would be told as a file that cannot be read, and `| head` as a failure.
#[test]
fn normalize_tells_that_its_output_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crm/accounts_2026-06-29.csv");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let normalize = |to: Stdio| {
        let program = Command::new(env!("CARGO_BIN_EXE_lychgate"))
            .args(["normalize", path.to_str().unwrap()])
            .stdout(to)
            .output();
        let (code, _, stderr) = said(program.unwrap());
        (code, stderr)
    };
    // What fits into the buffer is written at the end, what does not on the way.
    for lines in [1, 2_000] {
        let more =
            (0..lines).map(|n| format!("w{n},w{n},Wim,w{n}@example.com,Active,2021-03-02,2026-06-22\n"));
        std::fs::write(&path, ACCOUNTS.to_owned() + &more.collect::<String>()).unwrap();
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, stderr) = normalize(full.into());
        assert_eq!(code, 3, "{lines}: {stderr}");
        assert!(stderr.starts_with("error: cannot write standard output"), "{lines}: {stderr}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(normalize(writer.into()), (0, String::new()), "{lines}");
    }
}

/// Else what is accepted of a subject would have to be accepted again with each finding, or could not be seen.
#[test]
fn risk_is_accepted_of_all_that_a_detector_finds_about_a_subject() {
    let (_folder, data) = with_a_leaver();
    let waive = |more: &[&str]| {
        let by = ["--actor", "ada", "--reason", "legal hold", "--approver", "bo", "--until", "now+10d"];
        run(&data, &[&["findings", "waive"], more, &by].concat())
    };
    let detect = || {
        let (_, found, stderr) =
            run(&data, &["--output", "ndjson", "detect", "--detector", "ZMB-01", "--as-of", "2026-06-30"]);
        let finding: serde_json::Value = serde_json::from_str(found.trim()).expect(&stderr);
        finding["status"].as_str().unwrap().to_owned()
    };
    let refused: [(&[&str], &str); 4] = [
        (&[], "required"),
        (&["--detector", "ZMB-01"], "--subject"),
        (&["0123456789ab", "--detector", "ZMB-01", "--subject", "crm/u2"], "cannot be used with"),
        (&["--detector", "ZMB-99", "--subject", "crm/u2"], "there is no detector \"ZMB-99\""),
    ];
    for (more, says) in refused {
        let (code, _, stderr) = waive(more);
        assert!(code == 2 && stderr.contains(says), "{more:?}: {code} {stderr}");
    }
    let (code, _, stderr) = waive(&["--detector", "zmb-01", "--subject", "crm/u2"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.starts_with("0 findings of leaver_active_account about crm/u2 accepted"), "{stderr}");
    assert_eq!(detect(), "accepted_risk");
    let (_, listed, stderr) = run(&data, &["--output", "ndjson", "findings", "waivers"]);
    let listed: serde_json::Value = serde_json::from_str(listed.trim()).expect(&stderr);
    let scope = serde_json::json!({
        "scope": "subject", "detector": "leaver_active_account", "subject_id": "crm/u2",
    });
    assert_eq!((&listed["scope"], &listed["approver"]), (&scope, &"bo".into()), "{listed}");
    // What is open already is accepted at once.
    let id = {
        let (_, found, _) = run(&data, &["--output", "ndjson", "findings", "list"]);
        let finding: serde_json::Value = serde_json::from_str(found.trim()).unwrap();
        finding["finding_id"].as_str().unwrap().to_owned()
    };
    let reopened = run(&data, &["findings", "reopen", &id, "--actor", "bo", "--reason", "over"]);
    assert_eq!(reopened.0, 0, "{}", reopened.2);
    assert_eq!(detect(), "open");
    let (_, _, stderr) = waive(&["--detector", "ZMB-01", "--subject", "crm/u2"]);
    assert!(stderr.starts_with("1 finding of leaver_active_account"), "{stderr}");
    assert_eq!(detect(), "accepted_risk");
}

/// Else a pipeline would stop at what was accepted, or go on past what no longer is.
#[test]
fn accepted_risk_fails_no_run_until_it_ends() {
    let (_folder, data) = with_a_leaver();
    let detect = |more: &[&str]| {
        let mut arguments = vec!["--output", "ndjson", "detect", "--detector", "ZMB-01"];
        arguments.extend(["--as-of", "2026-06-30", "--fail-on", "low"].iter().chain(more));
        let (code, found, stderr) = run(&data, &arguments);
        let finding: serde_json::Value = serde_json::from_str(found.trim()).expect(&stderr);
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        (code, text("status"), text("finding_id"))
    };
    let (code, status, id) = detect(&[]);
    assert_eq!((code, status.as_str()), (1, "open"));
    let by = ["--actor", "ada", "--reason", "migration", "--approver", "bo", "--until", "now+10d"];
    let mut waive = vec!["findings", "waive", id.as_str()];
    waive.extend(by);
    assert_eq!(run(&data, &waive).0, 0);
    for more in [&["--no-record"][..], &[]] {
        let (code, status, _) = detect(more);
        assert_eq!((code, status.as_str()), (0, "accepted_risk"), "{more:?}");
    }
}

/// Else a folder that happens to be called demo would be gone, with all that is in it.
#[test]
fn a_demonstration_removes_only_what_one_made() {
    let data = tempfile::tempdir().unwrap();
    let (demo, own) = (data.path().join("demo"), data.path().join("demo/files/own.txt"));
    // Too few people to simulate: refused once the folder is made.
    let show = || run(data.path(), &["demo", "--people", "1", "--no-serve"]);
    let write = |text: &str| {
        std::fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::fs::write(&own, text).unwrap();
    };
    write("kept");
    let (code, _, stderr) = show();
    assert!(code == 2 && stderr.contains(demo.to_str().unwrap()), "{code}: {stderr}");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "kept");
    std::fs::remove_dir_all(&demo).unwrap();
    assert_eq!(show().0, 3);
    write("of the demonstration before");
    assert_eq!(show().0, 3);
    assert!(demo.is_dir() && !own.exists());
}

/// Else a watch of a folder would read what it has just written, for ever; and a folder without files would look read.
#[test]
fn a_folder_is_read_without_the_lake_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, given) = (folder.path().join("data"), folder.path().to_str().unwrap());
    let (code, _, stderr) = run(&data, &["ingest", given]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("there is no file to read in"), "{stderr}");
    std::fs::write(folder.path().join("roster_2026-06-29.csv"), ROSTER).unwrap();
    for new in [2, 0] {
        let (code, report, stderr) = run(&data, &["--output", "ndjson", "ingest", given]);
        assert_eq!(code, 0, "{stderr}");
        let files: Vec<serde_json::Value> =
            report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((files.len(), &files[0]["new"]), (1, &serde_json::json!(new)), "{report}");
    }
}

/// Else half a lake would be taken for a whole one, and the rest of a damaged one would not be looked at.
#[test]
fn what_is_absent_or_damaged_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let roster = folder.path().join("roster_2026-06-29.csv");
    std::fs::write(&roster, ROSTER).unwrap();
    assert_eq!(run(&data, &["ingest", roster.to_str().unwrap()]).0, 0);
    assert_eq!(run(&data, &["verify"]).0, 0, "no run was ever made, so there is no ledger");
    let detect = ["detect", "--detector", "GOV-05", "--as-of", "2026-06-30"];
    assert!([0, 4].contains(&run(&data, &detect).0));
    let lake = data.join("lake/default");
    let log = lake.join("registers/_delta_log/00000000000000000000.json");
    std::fs::write(&log, "not a log\n").unwrap();
    std::fs::remove_dir_all(lake.join("snapshots")).unwrap();
    std::fs::remove_file(data.join("state.db")).unwrap();
    for _ in 0..2 {
        let (code, tables, stderr) = run(&data, &["--output", "ndjson", "verify"]);
        assert_eq!((code, tables.lines().count()), (4, 7), "{stderr}");
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{stderr}");
        assert!(lines[0].starts_with("snapshots ") && lines[0].ends_with("the table is absent"), "{stderr}");
        assert!(lines[1].contains(log.to_str().unwrap()), "{stderr}");
        assert!(lines[2].starts_with("ledger state.db: is absent"), "{stderr}");
    }
}
