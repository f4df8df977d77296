//! What stands around a table: title lines above it, totals below it, a repeated header.
//! Takes rows, says which is the header and which rows are no data.

use super::cell::present;
use super::kinds;
use super::words::normal;

/// How far below the first line a header is looked for.
const TITLE_LINES_MAX: usize = 10;

/// Openings of lines that are about the table and not in it.
const REMARKS: [&str; 18] = [
    "total",
    "totals",
    "grand total",
    "sum",
    "summe",
    "gesamt",
    "count",
    "report",
    "generated",
    "exported",
    "printed",
    "confidential",
    "copyright",
    "page",
    "end of report",
    "filter",
    "filters",
    "run date",
];

/// The header: the first line, unless it names no column and one of the next lines does.
/// Gives how many sampled rows stand above or are it.
pub fn header(first: &[String], sample: &[Vec<String>]) -> (Vec<String>, usize) {
    let words: Vec<String> = all_words();
    let known = |row: &[String]| row.iter().filter(|cell| words.contains(&normal(cell))).count();
    if known(first) >= 2 {
        return (first.to_vec(), 0);
    }
    let rows = sample.iter().take(TITLE_LINES_MAX).enumerate();
    let best = rows.map(|(at, row)| (known(row), at)).max_by_key(|(known, at)| (*known, usize::MAX - at));
    match best {
        Some((known_there, at)) if known_there >= 3 && known_there > known(first) => {
            (sample[at].clone(), at + 1)
        }
        _ => (first.to_vec(), 0),
    }
}

fn all_words() -> Vec<String> {
    let fields = kinds::all().into_iter().flat_map(kinds::fields);
    fields
        .flat_map(|f| std::iter::once(normal(f.name)).chain(f.words.iter().map(|w| w.to_string())))
        .collect()
}

/// Whether the row is a title, a total or the header again.
pub fn remark(row: &[String], header: &[String]) -> bool {
    if row == header {
        return true;
    }
    let mut filled = row.iter().filter_map(|cell| present(cell));
    let Some(first) = filled.next() else { return true };
    if filled.nth(1).is_some() || header.len() < 3 {
        return false;
    }
    let opening = normal(first);
    let rest =
        |remark: &&str| opening.strip_prefix(remark).map(|rest| rest.is_empty() || rest.starts_with(' '));
    REMARKS.iter().any(|remark| rest(remark) == Some(true))
}
