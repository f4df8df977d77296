//! The house rules of docs/architecture.md, as a test: floors, homes of heavy libraries,
//! clock, printing, file sizes, and file name = id.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and their floors; imports point to lower floors only.
const FLOORS: [(&str, u8); 17] = [
    ("domain", 1),
    ("ingest", 2),
    ("store", 2),
    ("models", 2),
    ("scim", 2),
    ("simulate", 2),
    ("query", 3),
    ("normalize", 3),
    ("findings", 3),
    ("state", 4),
    ("detect", 5),
    ("assess", 5),
    ("notify", 5),
    ("report", 5),
    ("pipeline", 6),
    ("serve", 7),
    ("cli", 8),
];

/// Heavy libraries and the folders (or files) that may name them.
const HOMES: [(&str, &[&str]); 10] = [
    ("axum", &["serve/"]),
    ("datafusion", &["query/", "store/", "detect/"]),
    ("polars", &["detect/learned/features.rs"]),
    // A file in memory, which is safe only where nobody writes to it.
    ("polars_utils", &["store/checkpoint_table.rs"]),
    ("linfa", &["detect/learned/"]),
    ("rsigma_parser", &["detect/sigma/"]),
    ("sqlx", &["findings/"]),
    ("deltalake", &["store/"]),
    ("parquet", &["store/"]),
    ("object_store", &["store/"]),
];

const CLOCK_AND_DICE: [&str; 8] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "thread_rng",
    "from_entropy",
    "OsRng",
    "rand::random",
];

const LINES_MAX: usize = 400;

fn source_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path: PathBuf = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
                files.push((name, fs::read_to_string(&path).expect("a text file")));
            }
        }
    }
    files.sort();
    files
}

fn room(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Every rule that one file breaks, in words.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{path}: {lines} lines, which two things does it say?"));
    }
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let mut say = |what: String| found.push(format!("{path}:{}: {what}", number + 1));
        for above in imports_that_point_up(path, code) {
            say(format!("imports {above}, which is not on a lower floor"));
        }
        for (library, homes) in HOMES {
            let home = homes.iter().any(|home| path.starts_with(home));
            if names_crate(code, library) && !home {
                say(format!("{library} lives in {homes:?} only"));
            }
        }
        if !["cli", "pipeline", "main"].contains(&room(path)) {
            for word in CLOCK_AND_DICE.iter().filter(|word| code.contains(**word)) {
                say(format!("{word}: instants and seeds are arguments here"));
            }
        }
        if !["cli", "main"].contains(&room(path)) && (code.contains("println!") || code.contains("eprintln!"))
        {
            say("only cli prints".to_owned());
        }
        if path != "cli/config.rs" && code.contains("env::var") {
            say("only cli/config.rs reads the environment".to_owned());
        }
        if code.contains(".unwrap()") || code.contains(".expect(") || code.contains("panic!(") {
            say("a panic is a bug: return an error".to_owned());
        }
    }
    found
}

fn imports_that_point_up(path: &str, code: &str) -> Vec<String> {
    let here = room(path);
    if ["lib", "main"].contains(&here) {
        return Vec::new();
    }
    let my_floor = floor(here).unwrap_or_else(|| panic!("{path} is in no room of the house"));
    code.match_indices("crate::")
        .filter_map(|(at, found)| {
            let rest = &code[at + found.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            Some(&rest[..end]).filter(|target| *target != here)
        })
        .filter(|target| floor(target).is_some_and(|floor| floor >= my_floor))
        .map(str::to_owned)
        .collect()
}

fn names_crate(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + library.len()..];
        let starts_a_path = before.is_none_or(|c| !c.is_ascii_alphanumeric() && !"_:\"-.".contains(c));
        starts_a_path && after.starts_with("::")
    })
}

/// Who asks a view would have to read its SQL to know what a row of it is and says.
#[test]
fn views_begin_with_grain_columns_and_inputs() {
    for folder in ["src/query/views", "src/state/spans"] {
        let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder");
        for file in files.map(|entry| entry.expect("entry").path()) {
            let text = fs::read_to_string(&file).expect("a text file");
            let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("--")).collect();
            for what in ["-- Grain: ", "-- Columns: ", "-- Inputs: "] {
                assert!(head.iter().any(|line| line.starts_with(what)), "{}: no \"{what}\"", file.display());
            }
            assert!(!head.iter().any(|line| line.contains("docs/")), "{}: sends elsewhere", file.display());
        }
    }
}

/// A house whose floors are not kept becomes one room: every change then touches everything.
#[test]
fn the_house_is_in_order() {
    let broken: Vec<String> = source_files().iter().flat_map(|(path, text)| violations(path, text)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A check that cannot fail protects nothing.
#[test]
fn each_rule_can_be_broken() {
    let cases = [
        ("domain/event.rs", "use crate::store::Lake;", "not on a lower floor"),
        ("store/mod.rs", "use crate::ingest::Input;", "not on a lower floor"),
        ("cli/sql.rs", "let ctx = datafusion::prelude::SessionContext::new();", "datafusion lives in"),
        ("state/link.rs", "use polars::prelude::*;", "polars lives in"),
        ("notify/owner.rs", "let now = jiff::Timestamp::now();", "instants and seeds are arguments"),
        ("detect/mod.rs", "println!(\"found\");", "only cli prints"),
        ("serve/mod.rs", "let home = std::env::var(\"HOME\");", "reads the environment"),
        ("scim/patch.rs", "let op = ops.first().unwrap();", "return an error"),
    ];
    for (path, line, expected) in cases {
        let found = violations(path, line);
        assert!(found.iter().any(|what| what.contains(expected)), "{path} {line}: {found:?}");
    }
    assert!(violations("pipeline.rs", "use crate::detect::Rule; let t = jiff::Timestamp::now();").is_empty());
}

/// A rule is found by its id: in the catalogue, in findings, and as a file.
#[test]
fn rule_files_are_named_by_their_id() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/rules");
    let mut rules = 0;
    for entry in fs::read_dir(&folder).expect("models/rules") {
        let path = entry.expect("entry").path();
        let stem = path.file_stem().expect("stem").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a text file");
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("id:"))
            .map(|id| id.split('#').next().unwrap_or_default().trim());
        assert_eq!(id, Some(stem.as_str()), "{}", path.display());
        rules += 1;
    }
    assert!(rules > 0, "no rules in {}", folder.display());
}
