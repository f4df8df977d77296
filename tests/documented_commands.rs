//! The command line (`src/cli`) beside what is written about it: every command that a reader is told to
//! type is one that the program takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lychgate::findings::{Coverage, Ledger};

use crate::findings::{day, finding, held, run as one_run};
use crate::support::{begun, block_on};

/// Markdown files of the repository, README first.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut folders) = (vec![root.join("README.md")], vec![root.join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of documents") {
            let path = entry.expect("entry").path();
            match path.extension().is_some_and(|e| e == "md") {
                true => files.push(path),
                false if path.is_dir() => folders.push(path),
                false => {}
            }
        }
    }
    files
}

/// The lines of a document that stand in code blocks, without prompts.
fn code_lines(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            lines.push(line.trim().trim_start_matches("$ ").to_owned());
        }
    }
    lines
}

/// The words of a line, as a shell reads it: quotes hold words together, `#` begins a comment, and what is
/// joined with `&&` or `|` is several commands.
fn commands(line: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote stays open: {line}");
    words.extend(word);
    for part in words.split(|word| word == "&&" || word == "|") {
        all.push(part.to_vec());
    }
    all
}

/// Those that are commands of ours, with the program's name first; also through cargo.
fn ours(line: &str) -> Vec<Vec<String>> {
    let through_cargo = |words: Vec<String>| match words.iter().position(|word| word == "--") {
        Some(at) if words.starts_with(&["cargo".to_owned(), "run".to_owned()]) => {
            std::iter::once("lychgate".to_owned()).chain(words[at + 1..].iter().cloned()).collect()
        }
        _ => words,
    };
    let is_ours = |words: &Vec<String>| words.first().is_some_and(|name| name == "lychgate");
    commands(line).into_iter().map(through_cargo).filter(is_ours).collect()
}

/// Why the program does not take `words`.
fn refusal(words: &[String]) -> Option<String> {
    let error = lychgate::cli::command().try_get_matches_from(words).err()?;
    error.use_stderr().then(|| error.to_string())
}

/// If it failed, the first thing that a newcomer copies would end in a usage error.
#[test]
fn every_command_in_the_documents_is_taken() {
    let mut taken = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).expect("a text file");
        for words in code_lines(&text).iter().flat_map(|line| ours(line)) {
            let refused = refusal(&words);
            assert!(refused.is_none(), "{}: {words:?}\n{}", path.display(), refused.unwrap_or_default());
            taken += 1;
        }
    }
    assert!(taken >= 15, "only {taken} commands were found in the documents");
}

/// If it failed, the demonstration would end by telling people to type what is refused.
#[test]
fn every_command_that_demo_prints_is_taken() {
    let source = include_str!("../src/cli/demo.rs");
    let lines = source.lines().map(str::trim).filter(|line| line.starts_with("lychgate "));
    let printed: Vec<_> = lines
        .map(|line| line.trim_end_matches('\\').trim_end_matches("\\n").replace("\\\"", "\u{1}"))
        .map(|line| line.replace('"', "").replace('\u{1}', "\""))
        .flat_map(|line| ours(&line))
        .collect();
    assert!(!printed.is_empty(), "no command was found in what demo prints");
    for words in printed {
        assert_eq!(refusal(&words), None, "{words:?}");
    }
}

/// A check that cannot fail protects nothing.
#[test]
fn a_command_that_the_program_does_not_know_is_refused() {
    let found = ours("lychgate findings list --filter 'severity eq \"high\"' | lychgate frobnicate # so");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].last().map(String::as_str), Some("severity eq \"high\""));
    assert_eq!(refusal(&found[0]), None);
    assert!(refusal(&found[1]).is_some_and(|why| why.contains("frobnicate")));
    assert!(refusal(&ours("lychgate access --as-of 2026-03-31")[0]).is_some());
}

/// What the program answers with on a data folder: exit code, standard output, standard error.
fn run(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lychgate"));
    command.current_dir(data).arg("--data").arg(data).args(arguments);
    let answer = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (answer.status.code().unwrap_or(-1), text(answer.stdout), text(answer.stderr))
}

/// A data folder whose ledger holds a finding of each of these ids.
fn ledger_of(ids: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let told = ids.iter().map(|id| {
        let mut told = finding("dormant", "crm", "0f7c11aa93be4d1c8a5d6b7e8f901234", "r1");
        told.finding_id = (*id).to_owned();
        told.severity = lychgate::domain::Severity::Critical;
        if let Some(account) = &mut told.account {
            account.name = Some("ada.lovelace".to_owned());
        }
        told
    });
    let told = held(&told.collect::<Vec<_>>());
    let at = day(1);
    block_on(async || {
        let ledger = Ledger::open(&folder.path().join("state.db"), "default").await.unwrap();
        ledger.record_run(&one_run(at, &[("dormant", Coverage::Complete)]), &told, at).await.unwrap();
        ledger.close().await;
    });
    folder
}

const ONE: &str = "aaaaaaaa11112222aaaaaaaa11112222";
const LIKE_ONE: &str = "aaaaaaaa33334444aaaaaaaa33334444";
const OTHER: &str = "bbbbbbbb11112222aaaaaaaa11112222";

/// If it failed, a person would have to query JSON for the id that the next command needs, and would see
/// 32 hexadecimal digits where a login is known.
#[test]
fn a_list_of_findings_can_be_read_and_acted_on() {
    let folder = ledger_of(&[ONE, LIKE_ONE, OTHER]);
    let (code, table, told) = run(folder.path(), &["findings", "list"]);
    assert_eq!((code, told.as_str()), (0, "3 of 3 findings\n"));
    for part in ["aaaaaaaa1111", "!!critical", "DOR-01", "open", "crm/ada.lovelace", "that nobody uses"] {
        assert!(table.contains(part), "no {part} in\n{table}");
    }
    assert!(!table.contains("0f7c11aa93be") && !table.contains("Unused for 30 days"), "{table}");
    let (_, csv, _) = run(folder.path(), &["-o", "csv", "findings", "list"]);
    assert!(csv.contains(&format!("{ONE},critical,50.0,DOR-01,")) && !csv.contains('!'), "{csv}");
    let (code, lines, told) = run(folder.path(), &["-o", "ndjson", "findings", "list", "--limit", "1"]);
    assert_eq!((code, lines.lines().count()), (0, 1));
    assert_eq!(told, "1 of 3 findings; --limit shows more\n");
    assert_eq!(run(folder.path(), &["findings", "list", "--limit", "0"]).0, 2);
}

/// If it failed, a decision would fall on another finding than the one that was meant.
#[test]
fn a_finding_is_named_by_the_beginning_of_its_id() {
    let folder = ledger_of(&[ONE, LIKE_ONE, OTHER]);
    let (code, page, _) = run(folder.path(), &["findings", "show", "bbbbbbbb"]);
    assert_eq!(code, 0);
    for part in [OTHER, "severity  critical", "status    open", "Evidence\n", "(accounts r1)", "History\n"] {
        assert!(page.contains(part), "no {part} in\n{page}");
    }
    let (_, json, _) = run(folder.path(), &["-o", "json", "findings", "show", OTHER]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["finding"][0]["finding"]["finding_id"], OTHER);
    let refused = [
        ("aaaaaaaa", "2 findings have an id that begins with \"aaaaaaaa\": aaaaaaaa1111"),
        ("cccccccc", "there is no finding whose id begins with \"cccccccc\""),
        ("bbbbbbb", "at least the first 8 hexadecimal digits"),
        ("dormant-crm", "there is no finding \"dormant-crm\""),
    ];
    for (given, says) in refused {
        let (code, _, told) =
            run(folder.path(), &["findings", "ack", given, "--actor", "bo", "--reason", "seen"]);
        assert!(code == 2 && told.contains(says), "{given}: {code} {told}");
    }
    let (code, _, told) =
        run(folder.path(), &["findings", "ack", "AAAAAAAA3333", "--actor", "bo", "--reason", "seen"]);
    assert_eq!((code, told), (0, format!("{LIKE_ONE} is acknowledged\n")));
}

/// If it failed, a script could not tell a slip of whoever wrote it from a run that broke, and would try again.
#[test]
fn a_name_that_does_not_exist_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let named: [&[&str]; 11] = [
        &["detect", "--profile", "pci-9"],
        &["detect", "--detector", "ZMB-99"],
        &["backtest", "--from", "now-2d", "--detector", "ZMB-99"],
        &["sources", "--profile", "pci-9"],
        &["costs", "--profile", "pci-9"],
        &["models", "explain", "ZMB-99"],
        &["sql", "SELECT nothing FROM accounts_now"],
        &["sql", "SELECT 1 FROM nowhere"],
        &["ingest", "nowhere.csv"],
        &["normalize", "nowhere.csv"],
        &["compact", "--hold", "evnets"],
    ];
    for arguments in named {
        let (code, answer, told) = run(folder.path(), arguments);
        assert_eq!((code, answer.as_str()), (2, ""), "{arguments:?} {told}");
    }
    let configured = [
        ("[[mapping]]\nfiles = \"*.csv\"\nsource = \"rosterr\"", "did you mean roster?"),
        ("[[mapping]]\nfiles = \"*.csv\"\ndate_order = \"dayfirst\"", "day-first"),
        ("legal_hold = [\"evnets\"]", "did you mean events?"),
        ("listen = \"here\"", "listen"),
        ("listen = \"0.0.0.0:7878\"", "loopback"),
        ("profile = \"pci-9\"", "pci-4.0"),
        ("durability = \"never\"", "fsync or os"),
        ("zone = \"Berlin\"", "IANA"),
    ];
    for (text, says) in configured {
        fs::write(folder.path().join("lychgate.toml"), text).expect("a file");
        let (code, _, told) = run(folder.path(), &["models", "list"]);
        assert!(code == 2 && told.contains(says), "{text}: {code} {told}");
    }
}

/// If it failed, what a question may be asked of would be found out by reading the source.
#[test]
fn every_view_that_is_listed_can_be_described_and_asked() {
    let folder = begun();
    let (code, lines, _) = run(folder.path(), &["-o", "ndjson", "sql", "--tables"]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(code == 0 && lines.len() > 40, "{code} {}", lines.len());
    let names: Vec<&str> = lines.iter().filter_map(|line| line["name"].as_str()).collect();
    let all = names.iter().map(|name| format!("SELECT count(*) AS n FROM {name}"));
    let (code, _, told) = run(folder.path(), &["sql", &all.collect::<Vec<_>>().join(" UNION ALL ")]);
    assert_eq!(code, 0, "{told}");
    let (code, columns, told) = run(folder.path(), &["-o", "csv", "sql", "--describe", "accounts_now"]);
    assert_eq!(code, 0, "{told}");
    for column in ["\naccount_id,text\n", "\nactive,boolean\n", "\ncreated_at,timestamp\n"] {
        assert!(columns.contains(column), "no {column} in\n{columns}");
    }
    let (code, _, told) = run(folder.path(), &["sql", "--describe", "account_now"]);
    assert!(code == 2 && told.contains("did you mean accounts_now?"), "{code} {told}");
}
