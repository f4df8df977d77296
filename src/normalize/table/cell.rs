//! What one cell of a table says: absent, a flag, a list, a person's name. Takes the text as
//! exported; dates are read in `moment`, status words in `standing`.

use super::words::normal;

/// What exports write where there is nothing.
const ABSENT: [&str; 30] = [
    "",
    "-",
    "--",
    "---",
    "—",
    "–",
    "n/a",
    "na",
    "n.a.",
    "#n/a",
    "null",
    "(null)",
    "<null>",
    "none",
    "(none)",
    "nil",
    "nan",
    "\\n",
    "undefined",
    "(blank)",
    "(empty)",
    "unknown",
    "never",
    "not available",
    "no_information",
    "not_supported",
    "not applicable",
    "keine",
    "aucun",
    "jamais",
];

/// No text of [`ABSENT`] is longer.
const ABSENT_BYTES_MAX: usize = 16;

/// The trimmed text, or none where the cell stands for nothing.
pub fn present(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{a0}');
    if text.len() > ABSENT_BYTES_MAX {
        return Some(text);
    }
    let lower = text.to_lowercase();
    (!ABSENT.contains(&lower.as_str())).then_some(text)
}

/// Reads the yes and no of exports; none for any other word.
pub fn flag(text: &str) -> Option<bool> {
    match normal(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "on" | "x" | "enabled" | "ja" | "oui" | "si" | "wahr" | "vrai" => {
            Some(true)
        }
        "false" | "f" | "no" | "n" | "0" | "off" | "disabled" | "nein" | "non" | "falsch" | "faux" => {
            Some(false)
        }
        _ => None,
    }
}

/// The parts of a list separated by `;`, `|` or line breaks, blanks removed. A comma does
/// not separate: names of roles hold commas.
pub fn list(text: &str) -> Vec<&str> {
    text.split([';', '|', '\n']).filter_map(present).collect()
}

pub fn email_shaped(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace) && !domain.contains('@')
}

/// A person's name in reading order: `Doe, Jane` becomes `Jane Doe`, and the state that
/// some exports write behind it, as in `Jane Doe (On Leave)`, is left off.
pub fn person_name(text: &str) -> String {
    let text = match text.rsplit_once('(') {
        Some((name, state)) if state.ends_with(')') && !name.trim().is_empty() => name.trim(),
        _ => text.trim(),
    };
    match text.split_once(',') {
        Some((last, first)) if !first.contains(',') && !is_suffix(first) && !last.trim().is_empty() => {
            format!("{} {}", first.trim(), last.trim())
        }
        _ => text.to_string(),
    }
}

/// `Jane Doe, PhD` names a degree and no first name.
fn is_suffix(text: &str) -> bool {
    let words = normal(text).replace(' ', "");
    matches!(
        words.as_str(),
        "" | "phd" | "md" | "jr" | "sr" | "ii" | "iii" | "iv" | "cpa" | "esq" | "mba" | "pe"
    )
}
