//! The typed face of `models/sigma/aliases/*.yml`: which of our sources a Sigma logsource
//! means, and where its records keep the fields that rules name.
//!
//! It knows nothing of rules: `detect::sigma` compiles them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Error, parse_yaml};

/// The tables that are compiled in. A new logsource is one line here and one file there.
const TABLES: [(&str, &str); 13] = [
    ("aws_cloudtrail", include_str!("../../models/sigma/aliases/aws_cloudtrail.yml")),
    ("azure_activitylogs", include_str!("../../models/sigma/aliases/azure_activitylogs.yml")),
    ("azure_auditlogs", include_str!("../../models/sigma/aliases/azure_auditlogs.yml")),
    ("azure_pim", include_str!("../../models/sigma/aliases/azure_pim.yml")),
    ("azure_riskdetection", include_str!("../../models/sigma/aliases/azure_riskdetection.yml")),
    ("azure_signinlogs", include_str!("../../models/sigma/aliases/azure_signinlogs.yml")),
    ("gcp_audit", include_str!("../../models/sigma/aliases/gcp_audit.yml")),
    ("github_audit", include_str!("../../models/sigma/aliases/github_audit.yml")),
    ("google_workspace_admin", include_str!("../../models/sigma/aliases/google_workspace_admin.yml")),
    ("google_workspace_login", include_str!("../../models/sigma/aliases/google_workspace_login.yml")),
    ("m365", include_str!("../../models/sigma/aliases/m365.yml")),
    ("okta_okta", include_str!("../../models/sigma/aliases/okta_okta.yml")),
    ("onelogin_events", include_str!("../../models/sigma/aliases/onelogin_events.yml")),
];

/// One logsource: the sources that store its events, and other names of their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasTable {
    pub logsource: Logsource,
    /// Names of the formats whose events these are; empty when none is read.
    pub sources: Vec<String>,
    /// A rule's field to the paths that may hold it, the first one first.
    pub fields: BTreeMap<String, Vec<String>>,
    /// By a rule's field, values that records call otherwise than rules do.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a Sigma rule says about where its events come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logsource {
    pub product: Option<String>,
    pub service: Option<String>,
    pub category: Option<String>,
}

impl Logsource {
    /// True when every part that `self` names is the same in `other` or left open there, letters'
    /// case aside, and at least one is the same.
    pub fn fits(&self, other: &Logsource) -> bool {
        let parts = [
            (&self.product, &other.product),
            (&self.service, &other.service),
            (&self.category, &other.category),
        ];
        let same = |(mine, theirs): &(&Option<String>, &Option<String>)| match (mine, theirs) {
            (Some(mine), Some(theirs)) => Some(mine.eq_ignore_ascii_case(theirs)),
            _ => None,
        };
        parts.iter().all(|pair| same(pair) != Some(false))
            && parts.iter().any(|pair| same(pair) == Some(true))
    }
}

impl AliasTable {
    /// The paths that may hold `field`, the first one first; the field's own name comes last.
    pub fn paths<'a>(&'a self, field: &'a str) -> Vec<&'a str> {
        let named = self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
        let mut paths: Vec<&str> =
            named.iter().flat_map(|(_, paths)| paths.iter().map(String::as_str)).collect();
        if !paths.iter().any(|path| path.eq_ignore_ascii_case(field)) {
            paths.push(field);
        }
        paths
    }

    /// What records call the value of `field` that rules call `value`, where that is something else.
    pub fn recorded(&self, field: &str, value: &str) -> Option<&str> {
        let (_, values) = self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(field))?;
        let (_, recorded) = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(value))?;
        Some(recorded)
    }
}

/// The built-in tables, in order of their names.
///
/// # Errors
/// [`Error::Parse`] for a file that does not have a table's shape.
pub fn alias_tables() -> Result<Vec<AliasTable>, Error> {
    TABLES.iter().map(|(name, text)| parse_yaml(&format!("{name}.yml"), text)).collect()
}
