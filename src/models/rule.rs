//! A declared rule: one question in SQL, with the prose and the tests that belong to it.
//!
//! Every rule's SQL gives `subject_kind`, `subject_id`, `subject_name`, `verdict` (`fail` or
//! `unknown`; a subject that passes is left out) and `since`. It may give `app_id`,
//! `account_id`, `account_name`, `account_email`, `identity_id`, `identity_name`,
//! `entitlement_id`, `entitlement_name`, `discriminator`, `severity`, `severity_up`,
//! `severity_down`, `link_method`, `link_confidence`, `rests_on`, `app_ids`, `reach`, `cause`, `unknown_because`,
//! and whatever the explanation and the evidence quote. Where it sees nothing of an application,
//! it gives one row about the application, with the number of accounts as `undecided`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Error, Param, Value};
use crate::domain::{Severity, UtcMicros, Verdict};

/// One rule, as its file states it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Also the name of the file.
    pub id: String,
    /// The catalogue's code, shown to people.
    pub code: String,
    pub title: String,
    pub group: String,
    pub severity: Severity,
    pub subject: String,
    pub on_by_default: bool,
    /// Sources whose completeness gates the verdict.
    pub needs: Vec<Need>,
    /// Columns of these sources, as `accounts.expires_at`, that the answer rests on: where a listing
    /// has one no more, the verdict is unknown.
    #[serde(default)]
    pub columns: Vec<String>,
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// The parameter that decides, shown with each finding.
    #[serde(default)]
    pub threshold: Option<String>,
    /// Below this confidence of the link to a person, a fail becomes unknown.
    #[serde(default)]
    pub link_confidence_min: Option<Param>,
    /// How long after its beginning the condition must have ended.
    #[serde(default)]
    pub due: Option<Value>,
    /// Kinds of register exceptions that answer this question; `approved` always does.
    #[serde(default)]
    pub suppressed_by: Vec<String>,
    /// What raises or lowers the severity by a level, beside the rule's own `severity_up` and
    /// `severity_down`.
    #[serde(default)]
    pub modifiers: Vec<Modifier>,
    /// Rules whose finding about the same application may be behind this one: a broken connection.
    #[serde(default)]
    pub caused_by: Vec<String>,
    /// Rules whose finding casts doubt on the feed that this one rests on.
    #[serde(default)]
    pub held_by: Vec<String>,
    pub sql: String,
    #[serde(default)]
    pub evidence: Vec<EvidenceTemplate>,
    pub explanation: String,
    pub why: String,
    pub false_positives: Vec<String>,
    pub remediation: Advice,
    pub controls: Vec<String>,
    /// One typical row a view, from which the tests start.
    #[serde(default)]
    pub example: BTreeMap<String, Row>,
    pub tests: Vec<RuleTest>,
}

/// Reads a rule's text; `file` is for messages.
///
/// # Errors
/// [`Error::Parse`] with the line, when the text is no YAML or not a rule's shape.
pub fn parse_rule(file: &str, text: &str) -> Result<Rule, Error> {
    super::parse_yaml(file, text)
}

/// A source that a rule cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    Roster,
    /// The account listing of the finding's application.
    Accounts,
    /// The grant listing of the finding's application.
    Grants,
    /// Sign-ins that cover the finding's application.
    Activity,
    /// An identity provider's log or listing.
    Idp,
    /// A log of provisioning requests.
    Provisioning,
}

impl Need {
    pub fn as_str(self) -> &'static str {
        match self {
            Need::Roster => "roster",
            Need::Accounts => "accounts",
            Need::Grants => "grants",
            Need::Activity => "activity",
            Need::Idp => "idp",
            Need::Provisioning => "provisioning",
        }
    }
}

/// What raises or lowers the severity of a finding by a level, whatever the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modifier {
    /// Up: the account or the entitlement is privileged, or the entitlement sensitive.
    Privilege,
    /// Up: the account was used after the condition began.
    Activity,
    /// Up: the rule says the same of the person in several applications.
    Spread,
    /// Down: the identity provider has shut the person out, the application has no other way in, and
    /// no credential is alive.
    ShutOut,
}

impl Modifier {
    pub fn as_str(self) -> &'static str {
        match self {
            Modifier::Privilege => "privilege",
            Modifier::Activity => "activity",
            Modifier::Spread => "spread",
            Modifier::ShutOut => "shut_out",
        }
    }
}

/// One row of proof. `{column}` stands for a column of the rule's SQL.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceTemplate {
    pub table: String,
    /// An entry whose key has a column without a value is left out.
    pub key: String,
    #[serde(default)]
    pub event_id: Option<String>,
    #[serde(default)]
    pub at: Option<String>,
    pub says: String,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    pub kind: AdviceKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdviceKind {
    /// Comes with a dry-run request that sets the account inactive.
    ScimDeactivate,
    /// Comes with a dry-run request that takes the account out of the group.
    ScimGroupRemove,
    AssignOwner,
    RotateToken,
    SetEnd,
    Investigate,
    RefreshSource,
}

impl AdviceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            AdviceKind::ScimDeactivate => "scim_deactivate",
            AdviceKind::ScimGroupRemove => "scim_group_remove",
            AdviceKind::AssignOwner => "assign_owner",
            AdviceKind::RotateToken => "rotate_token",
            AdviceKind::SetEnd => "set_end",
            AdviceKind::Investigate => "investigate",
            AdviceKind::RefreshSource => "refresh_source",
        }
    }
}

/// A row of a view in a test: columns left out are null.
pub type Row = BTreeMap<String, serde_json::Value>;

/// Rows in, subjects out. A view that `given` names holds these rows, each laid over the
/// example's row; every other view of the example holds that row; the rest are empty.
/// Times may be relative to `as_of`: `-90d`, `+12h`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTest {
    pub name: String,
    pub case: Case,
    #[serde(default)]
    pub as_of: Option<UtcMicros>,
    #[serde(default)]
    pub profile: Option<String>,
    #[serde(default)]
    pub given: BTreeMap<String, Vec<Row>>,
    pub expect: Vec<Expectation>,
}

/// The four questions that every detector's tests must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    Positive,
    Negative,
    Boundary,
    Unrelated,
}

/// A subject that must come out: a bare text is a fail.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expectation {
    Fails(String),
    Full {
        subject: String,
        #[serde(default)]
        verdict: Option<Verdict>,
        #[serde(default)]
        severity: Option<Severity>,
    },
}
