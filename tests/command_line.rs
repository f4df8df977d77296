//! The command line (`src/cli`) beside what is written about it: every command that a reader is told to
//! type is one that the program takes.

use std::fs;
use std::path::{Path, PathBuf};

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
