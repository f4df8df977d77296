//! What a run says of a finding, as the ledger keeps it: its JSON and a hash of it.

use serde::Serialize;

use super::Error;
use crate::domain::digest;
use crate::domain::finding::{
    FindingAccount, IdentityRef, Link, NamedRef, Owner, Remediation, ScoreTerm, SeverityStep, Subject,
    Threshold,
};
use crate::domain::{Evidence, Finding, Severity, Status, UtcMicros, Verdict};

/// A finding in the shape of [`Finding`], with a fixed word for what changes while it says the same:
/// the columns beside the text have these.
#[derive(Serialize)]
struct Said<'a> {
    finding_id: &'a str,
    detector: &'a str,
    code: &'a str,
    title: &'a str,
    verdict: Verdict,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity_base: Option<Severity>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    severity_steps: &'a [SeverityStep],
    score: f64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    score_terms: &'a [ScoreTerm],
    status: Status,
    subject: &'a Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a IdentityRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a FindingAccount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a NamedRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entitlement: Option<&'a NamedRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a Owner>,
    as_of: UtcMicros,
    known_at: UtcMicros,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<UtcMicros>,
    explanation: &'a str,
    evidence: &'a [Evidence],
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<&'a Threshold>,
    profile: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a Link>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    controls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<&'a Remediation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ages_out_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_because: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_because: Option<&'a str>,
}

/// Appends what is said of a finding to `text`, as JSON.
///
/// # Errors
/// When the finding is no JSON.
pub(super) fn push_text(text: &mut Vec<u8>, finding: &Finding) -> Result<(), Error> {
    // Field by field, so that a new one is not forgotten.
    let Finding {
        finding_id,
        detector,
        code,
        title,
        verdict,
        severity,
        severity_base,
        severity_steps,
        score,
        score_terms,
        status: _,
        subject,
        identity,
        account,
        app,
        entitlement,
        org,
        owner,
        as_of: _,
        known_at: _,
        since,
        first_seen_at: _,
        last_seen_at: _,
        due_at,
        explanation,
        evidence,
        threshold,
        profile,
        link,
        controls,
        remediation,
        ages_out_at,
        cause,
        held_because,
        unknown_because,
    } = finding;
    let said = Said {
        finding_id,
        detector,
        code,
        title,
        verdict: *verdict,
        severity: *severity,
        severity_base: *severity_base,
        severity_steps,
        score: *score,
        score_terms,
        status: Status::Open,
        subject,
        identity: identity.as_ref(),
        account: account.as_ref(),
        app: app.as_ref(),
        entitlement: entitlement.as_ref(),
        org: org.as_deref(),
        owner: owner.as_ref(),
        as_of: UtcMicros(0),
        known_at: UtcMicros(0),
        since: *since,
        // Where nobody knows when it began, the deadline counts from the run, and does not move the first.
        due_at: since.and(*due_at),
        explanation,
        evidence,
        threshold: threshold.as_ref(),
        profile,
        link: link.as_ref(),
        controls,
        remediation: remediation.as_ref(),
        ages_out_at: *ages_out_at,
        cause: cause.as_deref(),
        held_because: held_because.as_deref(),
        unknown_because: unknown_because.as_deref(),
    };
    serde_json::to_writer(text, &said)
        .map_err(|source| Error::Json { what: format!("finding \"{finding_id}\""), source })
}

/// Identifies what a run says of a finding, all of it but when it says so: a run that says the same
/// needs not write it again.
pub(super) fn content(text: &[u8]) -> String {
    digest::id_of(text)
}
