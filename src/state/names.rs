//! How addresses, logins and names are compared: what differs only in writing is the same.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ahash::RandomState;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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

/// Addresses and logins as they are compared. Of most texts their first letters tell that they are none of these.
#[derive(Default)]
pub struct Names {
    texts: HashSet<String>,
    starts: HashSet<u64, RandomState>,
}

impl Names {
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether it has this text, which is written as texts are compared.
    pub fn has(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    /// Whether it has an address or a login that is written like this.
    pub fn has_written(&self, written: &str, domain_aliases: &BTreeMap<String, String>) -> bool {
        self.may_have(written) && self.has(&canonical_email(written, domain_aliases))
    }

    /// Whether it may have an address or a login that is written like this.
    pub fn may_have(&self, written: &str) -> bool {
        start(written).is_none_or(|start| self.starts.contains(&start))
    }
}

impl Extend<String> for Names {
    fn extend<T: IntoIterator<Item = String>>(&mut self, texts: T) {
        for text in texts {
            self.starts.extend(start(&text));
            self.texts.insert(text);
        }
    }
}

/// The first letters of an address or a login in lower case, which neither an alias of its domain nor the case of what
/// follows changes. None where there are others than those of ASCII: what these are in lower case is not asked.
fn start(written: &str) -> Option<u64> {
    let mut start = [0; 8];
    for (place, byte) in start.iter_mut().zip(written.trim().bytes().take_while(|byte| *byte != b'@')) {
        if !byte.is_ascii() {
            return None;
        }
        *place = byte.to_ascii_lowercase();
    }
    Some(u64::from_le_bytes(start))
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
