//! The questions that a doubtful table leaves. Takes the match and the sample, gives
//! sentences, each with the flag that answers it. Decides nothing itself.

use std::collections::BTreeMap;

use super::columns::{Doubt, Sampled};
use super::kinds::{self, Candidate};
use super::standing::standing;
use super::{Refusal, TableKind, dates, roster};

/// Headers in quotation marks.
pub fn quoted(sampled: &Sampled, columns: impl IntoIterator<Item = usize>) -> String {
    let quoted: Vec<String> =
        columns.into_iter().map(|at| format!("\"{}\"", sampled.written[at].trim())).collect();
    quoted.join(", ")
}

/// The kind with its article.
pub fn kind_name(kind: TableKind) -> String {
    match kind {
        TableKind::Roster => "a roster".to_string(),
        TableKind::Accounts => "an account export".to_string(),
        TableKind::Grants => "a grant export".to_string(),
        TableKind::Register(kind) => format!("the register {}", kind.as_str()),
    }
}

/// All questions about the columns of the candidate.
pub fn columns(
    candidate: &Candidate,
    sampled: &Sampled,
    pins: &BTreeMap<&str, Option<usize>>,
) -> Vec<String> {
    let mut questions: Vec<String> =
        candidate.found.doubts.iter().map(|doubt| of_doubt(doubt, sampled)).collect();
    questions.extend(missing_key(candidate, sampled));
    let asked = |field: &str| pins.contains_key(field);
    if candidate.kind == TableKind::Roster && !asked("end_on") {
        questions.extend(missing_end(candidate, sampled));
    }
    if candidate.kind == TableKind::Accounts && !asked("status") && !asked("active") {
        questions.extend(missing_status(candidate, sampled));
    }
    questions
}

fn of_doubt(doubt: &Doubt, sampled: &Sampled) -> String {
    let field = doubt.field;
    let first = doubt.columns[0];
    let header = reference(first, sampled);
    let shape = &sampled.shapes[first];
    let example = &shape.example;
    if doubt.contrary && shape.serials == shape.present {
        return serials(field, &header, example);
    }
    if doubt.contrary && field == "status" && shape.bare_truths == shape.present {
        return truths(&header, example);
    }
    match (doubt.contrary, doubt.columns.len()) {
        (true, _) => format!(
            "column \"{header}\" is headed like {field}, but its values do not read like it (for example \
             \"{example}\"): --map {field}=\"{header}\" takes it all the same, --map {field}= leaves it out"
        ),
        (false, 1) => format!(
            "is column \"{header}\" the {field}? Answer with --map {field}=\"{header}\", or --map {field}= for no"
        ),
        (false, _) => format!(
            "which column is the {field}: {}? Answer with --map {field}=\"{header}\" or another of them",
            references(&doubt.columns, sampled)
        ),
    }
}

/// The header, or the column's number where the header is blank or stands twice.
fn reference(column: usize, sampled: &Sampled) -> String {
    let words = &sampled.words[column];
    let twice = sampled.words.iter().filter(|other| *other == words).count() > 1;
    if words.is_empty() || twice {
        format!("#{}", column + 1)
    } else {
        sampled.written[column].trim().to_string()
    }
}

fn references(columns: &[usize], sampled: &Sampled) -> String {
    let named: Vec<String> = columns.iter().map(|at| format!("\"{}\"", reference(*at, sampled))).collect();
    named.join(" or ")
}

fn missing_key(candidate: &Candidate, sampled: &Sampled) -> Option<String> {
    let found = &candidate.found;
    let needed: Vec<&[&str]> = match candidate.kind {
        TableKind::Roster => vec![&["employee_id"]],
        TableKind::Accounts => vec![&["account_id", "account_name", "email"]],
        TableKind::Grants => {
            vec![&["account_id", "account_name", "email"], &["entitlement_name", "entitlement_id"]]
        }
        TableKind::Register(kind) => {
            let missing = kind.columns()[..kind.key_columns()].iter().find(|(column, _)| !found.has(column));
            // The application of a register can come from the command line.
            let field = missing.map(|(column, _)| *column).filter(|column| *column != "app_id")?;
            return Some(which(field, candidate, sampled));
        }
    };
    let doubted = |field: &&str| found.doubts.iter().any(|doubt| doubt.field == *field);
    let missing =
        needed.into_iter().find(|any| !any.iter().any(|field| found.has(field) || doubted(field)))?;
    Some(which(missing[0], candidate, sampled))
}

fn which(field: &str, candidate: &Candidate, sampled: &Sampled) -> String {
    let free: Vec<usize> = (0..sampled.words.len()).filter(|at| !candidate.found.taken(*at)).collect();
    let free = if free.is_empty() { (0..sampled.words.len()).collect() } else { free };
    format!("which column is the {field}: {}? Answer with --map {field}=\"…\"", references(&free, sampled))
}

/// A roster whose end of employment is not understood would never show a leaver.
fn missing_end(candidate: &Candidate, sampled: &Sampled) -> Option<String> {
    let found = &candidate.found;
    if found.count(&roster::DISTINCT[1..]) > 0 {
        return None;
    }
    let dated = |at: &usize| {
        let shape = &sampled.shapes[*at];
        !found.taken(*at) && shape.present > 0 && shape.dates * 10 >= shape.present * 7
    };
    let open: Vec<usize> = (0..sampled.words.len()).filter(dated).collect();
    (!open.is_empty() && !found.doubts.iter().any(|doubt| doubt.field == "end_on")).then(|| {
        format!(
            "which column is the last day of employment: {}? Answer with --map end_on=\"{}\", or --map end_on= for none",
            references(&open, sampled),
            reference(open[0], sampled)
        )
    })
}

/// An account export with a column of status words that nobody reads.
fn missing_status(candidate: &Candidate, sampled: &Sampled) -> Option<String> {
    let found = &candidate.found;
    if found.count(&["active", "status", "disabled", "deactivated_at", "credential_active"]) > 0 {
        return None;
    }
    let wordy = |at: &usize| {
        let shape = &sampled.shapes[*at];
        let words =
            dates::values(*at, sampled).filter(|text| standing(text).is_some() && text.trim().len() > 2);
        !found.taken(*at) && shape.present > 0 && words.count() * 10 >= shape.present * 8
    };
    let open: Vec<usize> = (0..sampled.words.len()).filter(wordy).collect();
    let doubted = found.doubts.iter().any(|doubt| matches!(doubt.field, "active" | "status" | "disabled"));
    (!open.is_empty() && !doubted).then(|| {
        format!(
            "which column says whether an account is active: {}? Answer with --map status=\"{}\" (or --map \
             disabled=\"…\" for one that says the opposite), or --map status= for none",
            references(&open, sampled),
            reference(open[0], sampled)
        )
    })
}

/// Years of two digits.
pub fn years(times: &[(&'static str, usize)], sampled: &Sampled) -> Vec<String> {
    let mut questions = Vec::new();
    for &(field, column) in times {
        let shape = &sampled.shapes[column];
        let header = reference(column, sampled);
        if shape.two_digit_years > 0 {
            questions.push(format!(
                "column \"{header}\" has years of two digits (for example \"{}\"): export it with four, or leave it \
                 out with --map {field}=",
                shape.example
            ));
        }
    }
    questions
}

fn truths(header: &str, example: &str) -> String {
    format!(
        "column \"{header}\" holds only T and F (\"{example}\"): --map active=\"{header}\" takes T for true, --map \
         status=\"{header}\" takes it for terminated, --map status= leaves it out"
    )
}

fn serials(field: &str, header: &str, example: &str) -> String {
    format!(
        "column \"{header}\" holds day numbers of a spreadsheet (\"{example}\"): format it as a date YYYY-MM-DD and \
         export again, or leave it out with --map {field}="
    )
}

/// The refusal of a table that is nothing we read.
pub fn no_kind(mut objections: Vec<(f64, TableKind, String)>) -> Refusal {
    objections.sort_by(|a, b| b.0.total_cmp(&a.0));
    let nearest: Vec<String> = objections
        .iter()
        .take(3)
        .map(|(_, kind, objection)| format!("not {}: {objection}", kind_name(*kind)))
        .collect();
    let names: Vec<&str> = kinds::all().into_iter().map(TableKind::as_str).collect();
    Refusal {
        questions: vec![format!(
            "what does this table list? Answer with --source {}, and --map FIELD=HEADER for its columns",
            names.join("|")
        )],
        explanation: format!("not a table that can be recognised ({})", nearest.join("; ")),
    }
}

/// The refusal of a table that may be two things.
pub fn two_kinds(best: TableKind, rival: TableKind) -> Refusal {
    Refusal {
        questions: vec![format!(
            "is this {} or {}? Answer with --source {} or --source {}",
            kind_name(best),
            kind_name(rival),
            best.as_str(),
            rival.as_str()
        )],
        explanation: "the table fits two kinds about equally well".to_string(),
    }
}
