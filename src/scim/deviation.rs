//! Where a request leaves the standard, or takes a legal form that receivers trip over.
//!
//! A deviation never stops the reading: the change it was found in is still given.
//! What a deviation means for the organisation is for detectors to say.

/// One oddity of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Stable word to count by; one of the constants of this module.
    pub code: &'static str,
    /// What was sent, without values that could be secret.
    pub detail: String,
}

impl Deviation {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Deviation {
        Deviation { code, detail: detail.into() }
    }
}

/// `"op": "Replace"`: RFC 7644 §3.5.2 writes the words in lower case (Entra's older form).
pub const OP_CAPITALISED: &str = "op_capitalised";
pub const OP_UNKNOWN: &str = "op_unknown";
/// No `path`. Legal for add and replace (RFC 7644 §3.5.2), and Okta's form, but many
/// receivers look for a path.
pub const PATHLESS: &str = "pathless";
/// A path that is no attribute path of RFC 7644 §3.10.
pub const PATH_UNREADABLE: &str = "path_unreadable";
/// `"False"` where the schema says boolean.
pub const BOOLEAN_AS_TEXT: &str = "boolean_as_text";
pub const BOOLEAN_AS_NUMBER: &str = "boolean_as_number";
/// `"name.givenName"` as a key of a pathless value.
pub const DOTTED_KEY: &str = "dotted_key";
/// `"urn:…:User:department"` as a key of a pathless value.
pub const URN_KEY: &str = "urn_key";
/// `urn:…:User.department`, with a dot where RFC 7644 §3.10 has a colon.
pub const URN_WITH_DOT: &str = "urn_with_dot";
/// A `value` on a remove, which names what to remove where the standard wants a filter.
pub const REMOVE_WITH_VALUE: &str = "remove_with_value";
/// The manager as a bare string, not as `{"value": …}`.
pub const BARE_MANAGER: &str = "bare_manager";
/// `[{"value": x}]` around the value of a single-valued attribute.
pub const VALUE_WRAPPED: &str = "value_wrapped";
/// A member as a bare string, not as `{"value": …}`.
pub const MEMBER_AS_TEXT: &str = "member_as_text";
/// Null or an empty string in place of a remove.
pub const EMPTY_CLEARS: &str = "empty_clears";
/// `id`, `meta`, `groups` or `schemas` among the attributes to change.
pub const READ_ONLY: &str = "read_only";
/// A password or another secret in the body; it is dropped here.
pub const SECRET_SENT: &str = "secret_sent";
/// A schema URI outside RFC 7643, as Entra sends with groups.
pub const SCHEMA_UNKNOWN: &str = "schema_unknown";
/// A PATCH body without a list of `Operations`.
pub const OPERATIONS_MISSING: &str = "operations_missing";
/// `/users` for `/Users`: RFC 7644 paths are case-sensitive.
pub const PATH_CASE: &str = "path_case";
/// `//Users`: a base URL that ends in a slash, joined to a path that begins with one.
pub const PATH_DOUBLE_SLASH: &str = "path_double_slash";
