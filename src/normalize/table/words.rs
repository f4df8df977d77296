//! Header texts as words: `LAST_SUCCESS_LOGIN`, `lastSuccessLogin` and `Last success login`
//! are one header. Takes a header as written, gives lower-case words without accents. Knows
//! no field: what the words mean is said by the field lists.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that say nothing about what a column holds.
const EMPTY_WORDS: [&str; 14] =
    ["the", "of", "a", "in", "de", "der", "des", "du", "field", "value", "utc", "gmt", "iso8601", "current"];

/// Words that only repeat that the column holds times.
const TIME_WORDS: [&str; 8] = ["date", "time", "timestamp", "datetime", "at", "on", "ts", "datum"];

/// Words that turn a column into one about somebody or something else, so that a header
/// with one of them must not match a phrase without it.
const TURNING_WORDS: [&str; 40] = [
    "manager",
    "managers",
    "supervisor",
    "boss",
    "approver",
    "approved",
    "by",
    "modified",
    "updated",
    "changed",
    "owner",
    "parent",
    "home",
    "personal",
    "private",
    "emergency",
    "previous",
    "former",
    "old",
    "original",
    "failed",
    "failure",
    "failures",
    "invalid",
    "secondary",
    "next",
    "requested",
    "ip",
    "count",
    "number",
    "days",
    "not",
    "no",
    "non",
    "invited",
    "password",
    "key",
    "device",
    "sync",
    "review",
];

/// The lower-case words of a header, separated by one blank. A remark in brackets, as in
/// `Status [READ ONLY]`, is left off.
pub fn normal(header: &str) -> String {
    let header = match header.split_once('[') {
        Some((words, remark)) if remark.trim_end().ends_with(']') && !words.trim().is_empty() => words,
        _ => header,
    };
    let mut words = String::with_capacity(header.len());
    let folded: Vec<char> = header.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    for (i, &c) in folded.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(' ');
            continue;
        }
        if starts_word(&folded, i) {
            words.push(' ');
        }
        match c {
            'ß' => words.push_str("ss"),
            _ => words.extend(c.to_lowercase()),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a capital at `i` opens a word: `lastLogin`, and the `E` of `MFAEnabled`.
fn starts_word(text: &[char], i: usize) -> bool {
    if i == 0 || !text[i].is_uppercase() {
        return false;
    }
    let after_lower = text[i - 1].is_lowercase();
    let before_lower = text.get(i + 1).is_some_and(|c| c.is_lowercase());
    after_lower || (text[i - 1].is_uppercase() && before_lower)
}

/// The words without blanks, so that `lastlogin` equals `last login`.
pub fn squashed(words: &str) -> String {
    words.replace(' ', "")
}

/// The words without those that say nothing; for columns of times also without `date` and its kin.
pub fn core(words: &str, times: bool) -> String {
    let says = |word: &&str| !(EMPTY_WORDS.contains(word) || times && TIME_WORDS.contains(word));
    words.split(' ').filter(says).collect::<Vec<_>>().join(" ")
}

/// Whether `header` holds all of `phrase` in order, with one or two further words that do
/// not turn its meaning.
pub fn holds(header: &str, phrase: &str) -> bool {
    let header: Vec<&str> = header.split(' ').collect();
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let extra = header.len().saturating_sub(phrase.len());
    if extra == 0 || extra > 2 || (phrase.len() == 1 && phrase[0].chars().count() < 6) {
        return false;
    }
    let Some(at) = header.windows(phrase.len()).position(|window| window == phrase) else { return false };
    let others = header[..at].iter().chain(&header[at + phrase.len()..]);
    !others.into_iter().any(|word| TURNING_WORDS.contains(word))
}

/// Whether the text names Coordinated Universal Time, as in `Last login (UTC)`.
pub fn says_utc(words: &str) -> bool {
    words.split(' ').any(|word| word == "utc" || word == "gmt")
}
