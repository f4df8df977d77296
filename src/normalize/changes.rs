//! What an event changed, as the `changes` column keeps it.
//!
//! Takes attribute names with the text before and after, gives a JSON array of
//! `{"attribute", "from", "to"}`. Attributes that may hold a secret are left out here,
//! once for every source. It does not say what a change means: the formats do.

use serde::Serialize;

/// One attribute that an event changed; an absent side was empty or was not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub attribute: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Parts of names of attributes whose values nobody should find in a log again.
const SECRET_PARTS: [&str; 8] =
    ["password", "passwd", "passcode", "secret", "token", "credential", "apikey", "privatekey"];

/// Whether an attribute of this name may hold a password, a key or a token.
pub fn secret(attribute: &str) -> bool {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric();
    let name: String =
        attribute.bytes().filter(letters).map(|byte| byte.to_ascii_lowercase() as char).collect();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The text of the `changes` column; absent when nothing that may be told changed.
pub fn to_column(changes: &[Change]) -> Option<String> {
    let told: Vec<&Change> = changes.iter().filter(|change| !secret(&change.attribute)).collect();
    if told.is_empty() {
        return None;
    }
    serde_json::to_string(&told).ok()
}
