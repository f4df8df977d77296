//! A detector's answer about one subject, with the rows that prove it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::UtcMicros;

/// One finding, in the shape that every output and the API share. Fields that do not
/// apply are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable across runs: a hash of detector, tenant, application, native id and discriminator.
    pub finding_id: String,
    /// The rule's id, for example `dormant_account`.
    pub detector: String,
    /// The catalogue's code, for example `DOR-01`.
    pub code: String,
    pub title: String,
    pub verdict: Verdict,
    pub severity: Severity,
    /// What the severity was before its steps; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub severity_base: Option<Severity>,
    /// Why the severity is another than the rule's: at most a level up and a level down in all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub severity_steps: Vec<SeverityStep>,
    /// 0–100.
    pub score: f64,
    /// What the score is made of: the points add up to it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub score_terms: Vec<ScoreTerm>,
    pub status: Status,
    pub subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identity: Option<IdentityRef>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<FindingAccount>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app: Option<NamedRef>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entitlement: Option<NamedRef>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub org: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Owner>,
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// When the condition began to hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_seen_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_seen_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<UtcMicros>,
    /// One or two sentences that an auditor can recount.
    pub explanation: String,
    pub evidence: Vec<Evidence>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threshold: Option<Threshold>,
    pub profile: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub controls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remediation: Option<Remediation>,
    /// Of an occurrence, which is about an event and not about what holds: when it ends if nobody
    /// decides on it. No run resolves it or opens it again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ages_out_at: Option<UtcMicros>,
    /// What it has in common with others: a broken connection, a feed, evidence that is missing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<String>,
    /// Why nobody is sent after it yet: a feed that may have made it up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_because: Option<String>,
    /// Why the verdict is unknown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown_because: Option<String>,
}

/// One reason for another severity than the rule's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityStep {
    /// `privilege`, `activity`, `spread`, `shut_out`, or `rule` for the rule's own condition.
    pub modifier: String,
    /// 1 or -1.
    pub levels: i8,
    pub says: String,
}

/// One term of the score, `1 − weight · value` of its product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreTerm {
    /// `privilege`, `exposure`, `activity`, `reach`, `credential` or `link`.
    pub term: String,
    /// 0–1.
    pub value: f64,
    pub weight: f64,
    /// Its part of the score, in tenths.
    pub points: f64,
    pub says: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `account`, `identity`, `grant`, `application`, `token`, `source`.
    pub kind: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRef {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingAccount {
    pub app: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub external_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedRef {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// Who must act, and the line that decided it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Identity id.
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    /// For example `owner register: app salesforce`.
    pub decided_by: String,
}

/// One row that proves the finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub table: String,
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<UtcMicros>,
    pub says: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    pub name: String,
    pub value: String,
    /// The regime's clause, or `house`.
    pub source: String,
}

/// How the account was tied to the identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub method: String,
    /// In [0, 1].
    pub confidence: f64,
}

/// What to send, how far it reaches, and what undoes it. Never sent by us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remediation {
    pub kind: String,
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inverse: Option<Json>,
    /// How many accounts or grants the request touches.
    pub reach: u32,
}

/// A JSON value as its text: a tree of it takes many times the memory, and nobody here looks into it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    pub fn new(value: &Value) -> Option<Json> {
        to_raw_value(value).ok().map(Json)
    }

    /// The tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.0.get() == other.0.get()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fail,
    Pass,
    Unknown,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Fail => "fail",
            Verdict::Pass => "pass",
            Verdict::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Verdict> {
        Some(match text {
            "fail" => Verdict::Fail,
            "pass" => Verdict::Pass,
            "unknown" => Verdict::Unknown,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The gravest last.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    pub fn parse(text: &str) -> Option<Severity> {
        Some(match text {
            "info" => Severity::Info,
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            _ => return None,
        })
    }
}

/// Where a finding stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
    Acknowledged,
    InProgress,
    Resolved,
    AcceptedRisk,
    Superseded,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Acknowledged => "acknowledged",
            Status::InProgress => "in_progress",
            Status::Resolved => "resolved",
            Status::AcceptedRisk => "accepted_risk",
            Status::Superseded => "superseded",
        }
    }

    pub fn parse(text: &str) -> Option<Status> {
        Some(match text {
            "open" => Status::Open,
            "acknowledged" => Status::Acknowledged,
            "in_progress" => Status::InProgress,
            "resolved" => Status::Resolved,
            "accepted_risk" => Status::AcceptedRisk,
            "superseded" => Status::Superseded,
            _ => return None,
        })
    }
}
