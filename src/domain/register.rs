//! Registers: small lists that people keep by hand and that decide much.

use std::collections::BTreeMap;

use serde::Serialize;

/// One line of a register. `attributes` hold canonical column names
/// (see [`RegisterKind::columns`]); columns that are empty are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegisterRow {
    pub kind: RegisterKind,
    /// The values of the kind's key columns, joined by `/`.
    pub key: String,
    pub attributes: BTreeMap<&'static str, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterKind {
    Applications,
    Owners,
    NonHumanIdentities,
    ScimTokens,
    SodRules,
    Entitlements,
    Exceptions,
    TrustedDomains,
    Requests,
    Licences,
    ControlTotals,
    Companions,
    NestedGroups,
    ReviewDecisions,
}

impl RegisterKind {
    pub const ALL: [RegisterKind; 14] = [
        RegisterKind::Applications,
        RegisterKind::Owners,
        RegisterKind::NonHumanIdentities,
        RegisterKind::ScimTokens,
        RegisterKind::SodRules,
        RegisterKind::Entitlements,
        RegisterKind::Exceptions,
        RegisterKind::TrustedDomains,
        RegisterKind::Requests,
        RegisterKind::Licences,
        RegisterKind::ControlTotals,
        RegisterKind::Companions,
        RegisterKind::NestedGroups,
        RegisterKind::ReviewDecisions,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            RegisterKind::Applications => "applications",
            RegisterKind::Owners => "owners",
            RegisterKind::NonHumanIdentities => "non_human_identities",
            RegisterKind::ScimTokens => "scim_tokens",
            RegisterKind::SodRules => "sod_rules",
            RegisterKind::Entitlements => "entitlements",
            RegisterKind::Exceptions => "exceptions",
            RegisterKind::TrustedDomains => "trusted_domains",
            RegisterKind::Requests => "requests",
            RegisterKind::Licences => "licences",
            RegisterKind::ControlTotals => "control_totals",
            RegisterKind::Companions => "companions",
            RegisterKind::NestedGroups => "nested_groups",
            RegisterKind::ReviewDecisions => "review_decisions",
        }
    }

    /// Canonical columns with their types; the first `key_columns` of them make the key.
    /// Times are stored as RFC 3339 in UTC, booleans as `true` or `false`; people are
    /// named by e-mail or employee id; lists are separated by `;`.
    pub fn columns(self) -> &'static [(&'static str, ColumnType)] {
        use ColumnType::{Bool, Number, Text, Time};
        match self {
            RegisterKind::Applications => &[
                ("app_id", Text),
                ("name", Text),
                ("idp_app_id", Text),
                ("owner", Text),
                ("idp_managed", Bool),
                ("sso_only", Bool),
                ("scim", Bool),
                ("soft_delete", Bool),
                ("activity_supported", Bool),
                ("criticality", Text),
            ],
            RegisterKind::Owners => {
                &[("object_kind", Text), ("object_id", Text), ("owner", Text), ("app_id", Text)]
            }
            RegisterKind::NonHumanIdentities => &[
                ("app_id", Text),
                ("account_id", Text),
                ("name", Text),
                ("class", Text),
                ("sponsors", Text),
                ("privileged", Bool),
                ("purpose", Text),
            ],
            RegisterKind::ScimTokens => &[
                ("token_id", Text),
                ("app_id", Text),
                ("name", Text),
                ("kind", Text),
                ("owner", Text),
                ("created_at", Time),
                ("rotated_at", Time),
                ("last_used_at", Time),
                ("expires_at", Time),
                ("scopes", Text),
            ],
            RegisterKind::SodRules => {
                &[("rule_id", Text), ("title", Text), ("side_a", Text), ("side_b", Text), ("severity", Text)]
            }
            RegisterKind::Entitlements => &[
                ("app_id", Text),
                ("entitlement_id", Text),
                ("kind", Text),
                ("name", Text),
                ("privileged", Bool),
                ("sensitivity", Text),
                ("owner", Text),
                ("tenant_admin", Bool),
                ("jit", Bool),
            ],
            RegisterKind::Exceptions => &[
                ("exception_id", Text),
                ("kind", Text),
                ("subject", Text),
                ("app_id", Text),
                ("detector", Text),
                ("reason", Text),
                ("approver", Text),
                ("valid_from", Time),
                ("valid_until", Time),
            ],
            RegisterKind::TrustedDomains => &[("domain", Text), ("kind", Text), ("alias_of", Text)],
            RegisterKind::Requests => &[
                ("request_id", Text),
                ("requester", Text),
                ("beneficiary", Text),
                ("app_id", Text),
                ("entitlement_id", Text),
                ("status", Text),
                ("requested_at", Time),
                ("decided_at", Time),
                ("approver", Text),
            ],
            RegisterKind::Licences => &[
                ("app_id", Text),
                ("sku", Text),
                ("seats", Number),
                ("unit_price", Number),
                ("currency", Text),
                ("renewal_on", Text),
                ("period", Text),
                ("price_low", Number),
                ("price_high", Number),
                ("seats_min", Number),
                ("starts_on", Text),
                ("ends_on", Text),
                ("lower_sku", Text),
            ],
            RegisterKind::ControlTotals => {
                &[("file", Text), ("rows", Number), ("sha256", Text), ("app_id", Text), ("listed_on", Text)]
            }
            RegisterKind::Companions => {
                &[("rule_id", Text), ("title", Text), ("holds", Text), ("requires", Text), ("severity", Text)]
            }
            RegisterKind::NestedGroups => &[("app_id", Text), ("group_id", Text), ("member_group_id", Text)],
            RegisterKind::ReviewDecisions => &[
                ("item_id", Text),
                ("review", Text),
                ("reviewer", Text),
                ("beneficiary", Text),
                ("app_id", Text),
                ("entitlement_id", Text),
                ("decision", Text),
                ("decided_at", Time),
            ],
        }
    }

    /// How many of the leading columns identify a line; of owners, an object, which may have several.
    pub fn key_columns(self) -> usize {
        match self {
            RegisterKind::Owners
            | RegisterKind::NonHumanIdentities
            | RegisterKind::Entitlements
            | RegisterKind::Licences => 2,
            RegisterKind::NestedGroups => 3,
            _ => 1,
        }
    }
}

/// The type of a register column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Bool,
    Time,
    Number,
}
