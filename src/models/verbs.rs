//! The typed face of `models/verbs/*.tsv`: which verb a source's event type means.
//!
//! Takes the name of a source and the vendor's name of an event, gives a verb, or
//! nothing for a name that no table knows. It looks at the name only: what an event's
//! outcome or changed attributes make of the verb is decided by the source's format.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::Verb;

/// The tables, by source. A new source is one line here and one file there.
const TABLES: [(&str, &str); 21] = [
    ("auth0", include_str!("../../models/verbs/auth0.tsv")),
    ("aws_cloudtrail", include_str!("../../models/verbs/aws_cloudtrail.tsv")),
    ("entra_audit", include_str!("../../models/verbs/entra_audit.tsv")),
    ("entra_provisioning", include_str!("../../models/verbs/entra_provisioning.tsv")),
    ("entra_signin", include_str!("../../models/verbs/entra_signin.tsv")),
    ("gcp_audit", include_str!("../../models/verbs/gcp_audit.tsv")),
    ("github", include_str!("../../models/verbs/github.tsv")),
    ("google_workspace", include_str!("../../models/verbs/google_workspace.tsv")),
    ("jumpcloud", include_str!("../../models/verbs/jumpcloud.tsv")),
    ("keycloak", include_str!("../../models/verbs/keycloak.tsv")),
    ("m365", include_str!("../../models/verbs/m365.tsv")),
    ("ocsf", include_str!("../../models/verbs/ocsf.tsv")),
    ("okta", include_str!("../../models/verbs/okta.tsv")),
    ("onelogin", include_str!("../../models/verbs/onelogin.tsv")),
    ("pingfederate", include_str!("../../models/verbs/pingfederate.tsv")),
    ("pingone", include_str!("../../models/verbs/pingone.tsv")),
    ("salesforce", include_str!("../../models/verbs/salesforce.tsv")),
    ("scim_http", include_str!("../../models/verbs/scim_http.tsv")),
    ("scim_set", include_str!("../../models/verbs/scim_set.tsv")),
    ("slack", include_str!("../../models/verbs/slack.tsv")),
    ("ssf", include_str!("../../models/verbs/ssf.tsv")),
];

type VerbsByType = HashMap<Cow<'static, str>, &'static str, ahash::RandomState>;

static VERBS: LazyLock<HashMap<&'static str, VerbsByType, ahash::RandomState>> =
    LazyLock::new(|| TABLES.iter().map(|(source, table)| (*source, verbs_by_type(table))).collect());

/// The verb of `event_type` in `source`, whatever its case, its dashes and the blanks
/// around and inside it.
pub fn verb(source: &str, event_type: &str) -> Option<Verb> {
    let verbs = VERBS.get(source)?;
    // A name that is found as it is needs no folding.
    let found = verbs.get(event_type).or_else(|| verbs.get(folded(event_type).as_ref()));
    found.map(|found| Verb::new(found))
}

fn verbs_by_type(table: &'static str) -> VerbsByType {
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(event_type, verb)| (folded(event_type), verb.trim()))
        .collect()
}

/// The form in which names are compared. Microsoft writes one activity with a hyphen
/// and with an en dash, and log pipelines change case; a name that is already in this
/// form, as all of Okta's but one are, costs no allocation.
fn folded(event_type: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase() && !byte.is_ascii_whitespace();
    if event_type.bytes().all(plain) {
        return Cow::Borrowed(event_type);
    }
    let mut out = String::with_capacity(event_type.len());
    for word in event_type.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for letter in word.chars() {
            match letter {
                '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
                '\u{2018}' | '\u{2019}' => out.push('\''),
                other => out.extend(other.to_lowercase()),
            }
        }
    }
    Cow::Owned(out)
}
