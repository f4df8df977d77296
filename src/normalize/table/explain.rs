//! What was understood of a table, in lines for a person. Takes the match, gives text; the
//! same text is shown when a table is ingested and when `--explain` asks for it.

use std::fmt::Write;

use super::TableKind;
use super::columns::{Claim, Sampled};
use super::dates::aside;
use super::field::{NAME_PART, NAME_SURE};
use super::kinds::Candidate;
use super::moment::DateOrder;
use super::question::{kind_name, quoted};

/// The lines about a whole table.
pub fn table(
    candidate: &Candidate,
    sampled: &Sampled,
    order: Option<DateOrder>,
    app: Option<&str>,
    complete: bool,
    passed_over: usize,
) -> String {
    let mut text = format!("read as {}\n", kind_name(candidate.kind));
    for (field, claims) in candidate.found.claims.iter().filter(|(field, _)| !aside(field)) {
        for claim in claims {
            line(&mut text, field, claim, sampled);
        }
    }
    let read =
        |at: &usize| candidate.found.of_field.iter().any(|(field, of)| !aside(field) && of.contains(at));
    let left: Vec<usize> = (0..sampled.words.len()).filter(|at| !read(at)).collect();
    if !left.is_empty() {
        line_of(&mut text, "not read", &quoted(sampled, left));
    }
    if let Some(order) = order {
        line_of(&mut text, "dates", order_name(order));
    }
    if candidate.kind == TableKind::Accounts && candidate.found.has("role") {
        line_of(&mut text, "roles", "read for privilege only; load the file as grants as well to list them");
    }
    if candidate.kind == TableKind::Accounts && !tells_state(candidate) {
        line_of(
            &mut text,
            "status",
            "no column tells whether an account is active: verdicts will be unknown",
        );
    }
    line_of(&mut text, "listing", if complete { "complete" } else { "partial" });
    if let Some(app) = app {
        line_of(&mut text, "application", app);
    }
    if passed_over > 0 {
        line_of(
            &mut text,
            "passed over",
            &format!("{passed_over} title, total or header lines in the sample"),
        );
    }
    text
}

fn tells_state(candidate: &Candidate) -> bool {
    candidate.found.count(&["active", "status", "disabled", "deactivated_at", "credential_active"]) > 0
}

fn line(text: &mut String, field: &str, claim: &Claim, sampled: &Sampled) {
    let header = sampled.written[claim.column].trim();
    let name = match claim.name {
        name if name >= NAME_SURE => "header fits",
        name if name > NAME_PART => "header is general",
        _ => "header fits in part",
    };
    let values = match claim.values {
        None => "no values to check".to_string(),
        Some(share) => format!("{:.0} % of values fit", share * 100.0),
    };
    line_of(text, field, &format!("\"{header}\" ({name}, {values})"));
}

fn line_of(text: &mut String, field: &str, says: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "  {field}: {says}");
}

fn order_name(order: DateOrder) -> &'static str {
    match order {
        DateOrder::YearFirst => "year first",
        DateOrder::DayFirst => "day first",
        DateOrder::MonthFirst => "month first",
    }
}
