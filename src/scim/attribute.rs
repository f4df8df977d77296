//! Attribute names and values as senders write them, brought to one form.
//!
//! SCIM names ignore case (RFC 7643 §2.1) and may carry a schema URN. Gives the value
//! under a name, the canonical name, and booleans out of text; knows which names are
//! secrets, so that they are dropped before anything is kept.

use serde_json::Value;

use super::deviation;

/// The core schemas of RFC 7643, whose prefix says nothing that the bare name does not.
const CORE: [&str; 2] =
    ["urn:ietf:params:scim:schemas:core:2.0:user", "urn:ietf:params:scim:schemas:core:2.0:group"];

pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const KNOWN: [&str; 28] = [
    "active",
    "addresses",
    "displayName",
    "emails",
    "entitlements",
    "externalId",
    "groups",
    "id",
    "ims",
    "locale",
    "members",
    "meta",
    "name",
    "nickName",
    "password",
    "phoneNumbers",
    "photos",
    "preferredLanguage",
    "profileUrl",
    "roles",
    "schemas",
    "timezone",
    "title",
    "type",
    "userName",
    "userType",
    "value",
    "x509Certificates",
];

/// The value under `name`, whatever its case; an exact match comes first.
pub fn get<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields
        .get(name)
        .or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, found)| found))
}

/// The text under `name`; numbers come out as text, blanks are absent.
pub fn text(value: &Value, name: &str) -> Option<String> {
    scalar(get(value, name)?)
}

/// One value as text: strings that are not blank, and numbers.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A boolean, with the deviation of one that is not written as a JSON boolean.
pub fn boolean(value: &Value) -> Option<(bool, Option<&'static str>)> {
    match value {
        Value::Bool(flag) => Some((*flag, None)),
        Value::String(text) => {
            let word = text.trim();
            let flag = match word {
                "1" => true,
                "0" => false,
                _ if word.eq_ignore_ascii_case("true") => true,
                _ if word.eq_ignore_ascii_case("false") => false,
                _ => return None,
            };
            Some((flag, Some(deviation::BOOLEAN_AS_TEXT)))
        }
        Value::Number(number) => match number.as_i64()? {
            0 => Some((false, Some(deviation::BOOLEAN_AS_NUMBER))),
            1 => Some((true, Some(deviation::BOOLEAN_AS_NUMBER))),
            _ => None,
        },
        _ => None,
    }
}

/// The name without a core schema's URN, known names in the spelling of RFC 7643.
pub fn canonical(name: &str) -> String {
    let name = name.trim();
    let bare = CORE.iter().find_map(|urn| after_urn(name, urn)).unwrap_or(name);
    if is_urn(bare) {
        return bare.to_string();
    }
    let (first, rest) = bare.split_at(bare.find('.').unwrap_or(bare.len()));
    let first = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or(&first);
    format!("{first}{rest}")
}

/// What stands behind `urn` and its colon in `name`, whatever the case of the URN.
pub fn after_urn<'a>(name: &'a str, urn: &str) -> Option<&'a str> {
    let head = name.get(..urn.len())?;
    let rest = name[urn.len()..].strip_prefix(':')?;
    (head.eq_ignore_ascii_case(urn) && !rest.is_empty()).then_some(rest)
}

pub fn is_urn(name: &str) -> bool {
    let starts = |head: &str| name.get(..head.len()).is_some_and(|h| h.eq_ignore_ascii_case(head));
    starts("urn:") || starts("http://") || starts("https://")
}

/// The last name of an attribute path: `givenName` of `name.givenName`.
pub fn leaf(path: &str) -> &str {
    path.rsplit(['.', ':']).next().unwrap_or(path)
}

/// Names whose values must never be kept: passwords, tokens, secrets, private keys.
pub fn is_secret(path: &str) -> bool {
    let name: String =
        leaf(path).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    const SECRETS: [&str; 7] =
        ["password", "passwd", "secret", "token", "apikey", "privatekey", "passphrase"];
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// `value` without the secrets inside it; cost is linear in its size.
pub fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, inner)| (name.clone(), without_secrets(inner)))
            .collect(),
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        scalar => scalar.clone(),
    }
}
