//! What the command line answers to what a person typed: exit codes, times, formats, widths and slips.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::cli::{run, said, with_a_leaver};
use crate::support::{begun, lychgate};

/// The program with variables and in a folder, without `--data`.
fn in_folder(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lychgate"));
    command.current_dir(folder).env("NO_COLOR", "1").envs(variables.iter().copied());
    said(command.args(arguments).output().unwrap())
}

/// Else a pipeline that stops at what was found would go on because something else could not be seen, or a question
/// without an answer would pass.
#[test]
fn what_was_found_goes_before_what_could_not_be_seen() {
    let (_folder, data) = with_a_leaver();
    let detect = |as_of: &str, more: &[&str]| {
        let arguments = ["detect", "--no-record", "--detector", "ZMB-01", "--as-of", as_of];
        run(&data, &[&arguments[..], more].concat()).0
    };
    // The listing is fresh, then stale: what it says of the leaver is a finding, then unknown.
    assert_eq!(detect("2026-06-30", &["--fail-on", "low"]), 1);
    assert_eq!(detect("2026-06-30", &[]), 0);
    for more in [&[][..], &["--fail-on", "low"]] {
        assert_eq!(detect("2026-07-30", more), 4, "{more:?}");
    }
    let roster_only = ["detect", "--no-record", "--as-of", "2026-06-30", "--fail-on", "high"];
    let (code, _, stderr) = run(&data, &roster_only);
    assert!(stderr.contains("incomplete evidence"), "{stderr}");
    assert_eq!(code, 1, "{stderr}");
}

/// Else nobody could tell later to whom a finding was given, and a slip of a script would take its owner away.
#[test]
fn an_assignment_names_who_has_it() {
    let (_folder, data) = with_a_leaver();
    let detect = ["--output", "ndjson", "detect", "--detector", "ZMB-01", "--as-of", "2026-06-30"];
    let (_, found, _) = run(&data, &detect);
    let found: Value = serde_json::from_str(found.trim()).unwrap();
    let id = found["finding_id"].as_str().unwrap();
    let assign =
        |to: &str| run(&data, &["findings", "assign", id, "--actor", "ada", "--reason", "hers", "--to", to]);
    let (code, _, stderr) = assign(" ");
    assert!(code == 2 && stderr.contains("an assignment needs the id"), "{code}: {stderr}");
    assert_eq!(assign("bo@example.com").0, 0);
    let page = run(&data, &["findings", "show", id]).1;
    assert!(page.contains("assigned to bo@example.com by ada: hers"), "{page}");
}

/// Else an answer "as of the 1st" would be of two in the morning there, against what `init` writes.
#[test]
fn a_time_without_a_zone_is_of_the_organisation() {
    let (folder, data) = with_a_leaver();
    let data = data.to_str().unwrap();
    let as_of = |at: &str| {
        let arguments = ["--data", data, "sql", "--as-of", at, "SELECT 1"];
        let (code, _, stderr) = in_folder(folder.path(), &[("LYCHGATE_ZONE", "Asia/Tokyo")], &arguments);
        assert_eq!(code, 0, "{stderr}");
        let summary = ["--data", data, "sources", "--as-of", at];
        in_folder(folder.path(), &[("LYCHGATE_ZONE", "Asia/Tokyo")], &summary).2
    };
    assert!(as_of("2026-06-30").contains("as of 2026-06-29T15:00:00Z"));
    assert!(as_of("2026-06-30T09:00:00").contains("as of 2026-06-30T00:00:00Z"));
    assert!(as_of("2026-06-30T09:00:00Z").contains("as of 2026-06-30T09:00:00Z"));
}

/// Else a file that a script waits for would not be there, or not be what its name says.
#[test]
fn rows_go_where_they_were_sent() {
    let (folder, data) = with_a_leaver();
    let roster = folder.path().join("files/hr/roster_2026-06-29.csv");
    let (roster, out) = (roster.to_str().unwrap(), folder.path().join("out.nd"));
    let sent = |format: &str| run(&data, &["--output", format, "normalize", roster]);
    let printed = sent("ndjson").1;
    assert_eq!(printed.lines().count(), 2);
    let (code, stdout, stderr) = sent(&format!("ndjson={}", out.display()));
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert_eq!(std::fs::read_to_string(out).unwrap().lines().count(), 2);
    let (code, stdout, stderr) = sent("csv");
    assert!(code == 2 && stdout.is_empty() && stderr.contains("ndjson"), "{code}: {stderr}");
}

/// Else an id would have to be put together again from two lines before anything can be done with it.
#[test]
fn what_is_copied_from_a_table_is_not_broken() {
    let folder = begun();
    let statement = "SELECT repeat('0123456789', 10) AS id, repeat('word ', 60) AS explanation";
    let (_, table, _) = run(folder.path(), &["sql", statement]);
    assert!(table.contains(&"0123456789".repeat(10)), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 160), "{table}");
}

/// Else a setting with a slip would be without effect, or be found only by the file that it is for.
#[test]
fn slips_of_the_configuration_are_told_with_their_file() {
    let folder = begun();
    let told = |text: &str, variables: &[(&str, &str)]| {
        std::fs::write(folder.path().join("lychgate.toml"), text).unwrap();
        let (code, _, stderr) = in_folder(folder.path(), variables, &["sources"]);
        assert_eq!(code, 2, "{text} {variables:?}: {stderr}");
        stderr
    };
    let mapping = |more: &str| told(&format!("[[mapping]]\nfiles = \"hr/*.csv\"\n{more}\n"), &[]);
    let cases = [
        (mapping("columns = { employe_id = \"No\" }"), "did you mean employee_id?"),
        (mapping("source = \"grants\"\ncolumns = { manager_id = \"No\" }"), "\"manager_id\""),
        (mapping("zone = \"Mars/X\""), "zone of the mapping of \"hr/*.csv\" \"Mars/X\""),
        (told("[[mapping]]\nfiles = \"hr/?.csv\"", &[]), "no other wildcard"),
        (told("zone = \"Mars/X\"", &[]), "zone (from lychgate.toml) \"Mars/X\""),
    ];
    for (stderr, says) in cases {
        assert!(stderr.contains(says) && stderr.contains("lychgate.toml"), "{stderr}");
    }
    let stderr = told("", &[("LYCHGATE_TENNANT", "acme")]);
    assert!(stderr.contains("LYCHGATE_TENNANT; did you mean LYCHGATE_TENANT?"), "{stderr}");
}

/// Else the first token would be of a folder that the next command does not look into.
#[test]
fn init_writes_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let init = ["--config", "my.toml", "--data", "books", "init"];
    let (code, _, stderr) = in_folder(folder.path(), &[], &init);
    assert_eq!(code, 0, "{stderr}");
    let text = std::fs::read_to_string(folder.path().join("my.toml")).unwrap();
    assert!(text.contains("\ndata = \"books\"\n"), "{text}");
    assert!(folder.path().join("books/state.db").is_file() && !folder.path().join("lychgate.toml").exists());
}

/// Else a newcomer would look for a view of ours that is broken, or wait for a stream that is read once.
#[test]
fn what_cannot_be_done_is_told_as_the_readers_own() {
    let folder = begun();
    let (code, _, stderr) = run(folder.path(), &["sql", "SELECT nothing FROM nowhere"]);
    assert!(code == 2 && stderr.contains("your statement") && stderr.contains("sql --tables"), "{stderr}");
    let watched: Output = lychgate(folder.path(), &["ingest", "--watch", "-"]);
    assert_eq!(said(watched).0, 2);
}
