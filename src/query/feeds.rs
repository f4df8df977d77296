//! Which exports of one application, or of one personnel system, continue each other: those of one feed. A complete
//! listing says who is gone of what its own feed has named, and nothing of what another names.
//!
//! A feed is known by the name of its files without what changes from one day to the next. Whoever names files
//! otherwise says the feed (`--feed`).

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::digest;
use crate::domain::month::month_number;

/// `feed_name(file)`, for views.
pub fn function() -> ScalarUDF {
    let named = |arguments: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let [files] = arrays.as_slice() else {
            return Err(DataFusionError::Plan("feed_name takes one text".to_owned()));
        };
        let names: StringArray = as_string_array(files)?.iter().map(|file| file.map(name)).collect();
        Ok(ColumnarValue::Array(Arc::new(names) as ArrayRef))
    };
    create_udf("feed_name", vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(named))
}

/// A feed that has listed nothing for so long, while others of the application have, is taken to have ended.
pub const LAPSES_AFTER_DAYS: i64 = 90;

/// Words that say when, which copy, how much of it or in what form, and not what. `old` and `new` say what.
const PASSING: &str = "mon monday tue tues tuesday wed wednesday thu thurs thursday fri friday sat saturday sun sunday \
                       today yesterday latest newest copy kopie copie copia final corrected fixed updated delta changes \
                       changed incremental partial diff csv tsv txt json ndjson jsonl gz zst";
/// Words that say when, or which copy, where a number is behind them: `week47`, `v 2`. Parts and pages of one export are
/// feeds of their own: none of them knows what is in the others.
const COUNTED: &str = "q h fy week wk kw cw v ver version rev run copy";
/// Words of a time, behind a date.
const TIMED: &str = "t z at um am pm utc gmt bst cet cest est edt cst cdt mst mdt pst pdt ist jst";
/// How long the groups of a UUID are, some of which may look like words.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// The name of the feed of which this file is: `crm_guests` of `exports/CRM guests 2026-11-28 (1).csv`. Where the file's
/// name says nothing but when, that of its folder; empty where that does not either.
///
/// Only what looks like a date, a time, a copy's number or an id of the file is left out. Any other number may be a plant, a
/// company or a cloud account, and two of those that became one feed would end each other.
///
/// What was sent to the API has no name: all of it is one feed, where nothing else was said.
pub fn name(file: &str) -> String {
    if is_body(file) {
        return BODIES.to_owned();
    }
    let mut parts = file.rsplit(['/', '\\']).map(lasting_words);
    let own = parts.next().unwrap_or_default();
    if own.is_empty() { parts.next().unwrap_or_default() } else { own }
}

/// The feed of what was sent to the API without a word of its feed.
pub const BODIES: &str = "api";
/// Hexadecimal digits of a body's hash in its name.
const HASH_DIGITS: usize = 16;

/// The name under which a body is kept: who sent it, and the beginning of its hash.
pub fn body(sender: &str, hash: &[u8]) -> String {
    format!("{BODIES}/{sender}/{}", digest::hex(&hash[..hash.len().min(HASH_DIGITS / 2)]))
}

/// `api/hr-sync/0123456789abcdef`: neither the token nor the hash says what is listed.
fn is_body(file: &str) -> bool {
    let sent = file.strip_prefix(BODIES).and_then(|sent| sent.strip_prefix('/'));
    let hash = sent.and_then(|sent| sent.rsplit_once('/')).map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == HASH_DIGITS && is_hex(hash))
}

/// A feed as it was said, spelt as one that is named by its files.
pub fn spelt(said: &str) -> String {
    let said = folded(said);
    said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn lasting_words(name: &str) -> String {
    let name = without_copy_numbers(&folded(name));
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let (mut lasting, mut rest) = (Vec::with_capacity(words.len()), words.as_slice());
    while let Some((word, behind)) = rest.split_first() {
        let passing = passing(rest);
        if passing > 0 {
            rest = &rest[passing..];
            continue;
        }
        lasting.extend(lasting_part(word));
        rest = behind;
    }
    lasting.join("_")
}

/// Small letters without accents.
fn folded(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// `users (2)` is a copy of `users`.
fn without_copy_numbers(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for part in name.split_inclusive(')') {
        let copy = part.rsplit_once('(').filter(|(_, number)| {
            let digits = number.trim_end_matches(')');
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        });
        kept.push_str(copy.map_or(part, |(before, _)| before));
    }
    kept
}

/// How many of the first words are a date with its time, a UUID, or a word and its count; nought where they are none.
fn passing(words: &[&str]) -> usize {
    let is_group = |(word, length): (&&str, usize)| word.len() == length && is_hex(word);
    if words.len() >= UUID.len() && words.iter().zip(UUID).all(is_group) {
        return UUID.len();
    }
    let [first, behind @ ..] = words else { return 0 };
    let counts = |next: &&str| next.len() <= 3 && is_number(next);
    if among(COUNTED, first) && behind.first().is_some_and(counts) {
        return 2;
    }
    let date = date(words);
    if date == 0 {
        return 0;
    }
    let mut numbers = 0;
    let time = words[date..].iter().take_while(|word| {
        let is_digits = is_number(word) && word.len() <= 6;
        numbers += usize::from(is_digits);
        is_digits && numbers <= 3 || among(TIMED, word) || is_time(word)
    });
    date + time.count()
}

/// How many of the first words are a date.
fn date(words: &[&str]) -> usize {
    let year = |at: usize| words.get(at).is_some_and(|word| is_year(word));
    let small = |at: usize| words.get(at).is_some_and(|word| is_small(word));
    let month = |at: usize| words.get(at).is_some_and(|word| month_number(word).is_some());
    match words {
        [] => 0,
        _ if year(0) => 1 + (1..3).take_while(|at| small(*at)).count(),
        _ if small(0) && small(1) && year(2) => 3,
        _ if month(0) && (small(1) || year(1)) || small(0) && month(1) => 2,
        [first, ..] => usize::from(month(0) || is_whole_date(first)),
    }
}

/// A day or a month: `7`, `28`, `nov`, or a day with its time, `28t2300z`.
fn is_small(word: &str) -> bool {
    let day = word.split_once('t').filter(|(_, time)| is_number(time.trim_end_matches('z')));
    let day = day.map_or(word, |(day, _)| day);
    day.len() <= 2 && is_number(day) || month_number(word).is_some()
}

/// A date, or date and time, in one word: `20261128`, `202611`, `20261128t030000z`, `28nov2026`, seconds since 1970.
fn is_whole_date(word: &str) -> bool {
    let (day, time) = word.split_once('t').unwrap_or((word, ""));
    let is_month = |text: &str| text.parse().is_ok_and(|month: u8| (1..=12).contains(&month));
    if is_number(day) && (time.is_empty() || is_number(time.trim_end_matches('z'))) {
        let begins = day.len() >= 6 && is_year(&day[..4]) && is_month(&day[4..6]);
        let ends = day.len() == 8 && is_year(&day[4..]) && is_month(&day[2..4]);
        let counts = [10, 13].contains(&day.len()) && day.starts_with('1');
        return begins && [6, 8, 10, 12, 14].contains(&day.len()) || ends || counts;
    }
    let name = word.trim_matches(|c: char| c.is_ascii_digit());
    name.len() < word.len() && month_number(name).is_some()
}

fn is_time(word: &str) -> bool {
    let digits = word.trim_start_matches('t').trim_end_matches(['z', 'a', 'p', 'm']);
    digits.len() < word.len() && digits.len() <= 6 && is_number(digits)
}

/// What of a word says what is listed: without a date at its end, and nothing of an id.
fn lasting_part(word: &str) -> Option<&str> {
    let (name, number) = word.split_at(word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len()));
    if among(PASSING, word) || !number.is_empty() && among(COUNTED, name) {
        return None;
    }
    let groups = word.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).count();
    if word.len() >= 8
        && !is_number(word)
        && (groups > 1 && !is_whole_date(number) || groups > 0 && is_hex(word))
    {
        return None;
    }
    if is_year(number) {
        let month = (3..name.len()).rev().find(|at| name.get(*at..).and_then(month_number).is_some());
        return Some(month.map_or(name, |at| &name[..at]));
    }
    Some(if !name.is_empty() && is_whole_date(number) { name } else { word })
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse().is_ok_and(|year: u16| (2010..2040).contains(&year))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn among(list: &str, word: &str) -> bool {
    list.split(' ').any(|one| one == word)
}
