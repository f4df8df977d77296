//! How addresses, logins and names are compared: what differs only in writing is the same.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The texts under which an account is looked for among former addresses and logins.
pub fn former_keys(
    name: Option<&str>,
    email: Option<&str>,
    domain_aliases: &BTreeMap<String, String>,
) -> [Option<String>; 2] {
    [name, email].map(|text| text.map(|text| canonical_email(text, domain_aliases)))
}

/// The texts by which a former address or login is found.
pub fn former_texts(text: &str, domain_aliases: &BTreeMap<String, String>) -> BTreeSet<String> {
    let text = canonical_email(text, domain_aliases);
    BTreeSet::from([text.split('@').next().unwrap_or_default().to_owned(), text])
}

/// Case-folded, plus-tag kept (it is part of the address), domain alias resolved.
pub fn canonical_email(email: &str, domain_aliases: &BTreeMap<String, String>) -> String {
    let email = email.trim().to_lowercase();
    match email.split_once('@') {
        Some((local, domain)) => match domain_aliases.get(domain) {
            Some(primary) => format!("{local}@{primary}"),
            None => email,
        },
        None => email,
    }
}

/// Letters and single blanks, case and diacritics folded, "Last, First" turned round.
pub fn folded_name(name: &str) -> String {
    let turned = match name.split_once(',') {
        Some((last, first)) => format!("{} {}", first.trim(), last.trim()),
        None => name.to_owned(),
    };
    let folded: String =
        turned.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first letter, by which names are found that may be alike.
pub fn initial(name: &str) -> Option<char> {
    folded_name(name).chars().next()
}
