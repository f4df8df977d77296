//! A match of a Sigma rule, told as a finding about what happened. Pure.

use sha2::{Digest, Sha256};

use super::Rule;
use crate::domain::finding::{FindingAccount, NamedRef, Remediation, Subject};
use crate::domain::{Evidence, Finding, Severity, Status, UtcMicros, Verdict};
use crate::query::At;

/// The code of all Sigma findings; which rule it was is in `detector`.
const CODE: &str = "SIGMA";

/// A stored event that a rule matches.
#[derive(Clone, Debug)]
pub struct Match {
    pub source: String,
    pub event_id: String,
    pub occurred_at: UtcMicros,
    pub event_type: Option<String>,
    pub org: Option<String>,
    pub account_app: Option<String>,
    pub account_id: Option<String>,
    pub account_name: Option<String>,
    pub account_email: Option<String>,
    pub actor_id: Option<String>,
    pub actor_name: Option<String>,
}

/// What all findings of a run share.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    pub tenant: &'a str,
    pub at: At,
    pub profile: &'a str,
    /// When what nobody decides on ends.
    pub ages_out_at: UtcMicros,
}

impl Rule {
    /// What the rule is called among detectors: by its id, or by file and title where it has none.
    pub fn detector(&self) -> String {
        match &self.id {
            Some(id) => format!("sigma/{id}"),
            None => format!("sigma/{}#{}", self.file.display(), self.title),
        }
    }

    /// By the rule's level; one that states none is taken for medium.
    pub fn severity(&self) -> Severity {
        match self.level {
            Some("informational") => Severity::Info,
            Some(level) => Severity::parse(level).unwrap_or(Severity::Medium),
            None => Severity::Medium,
        }
    }

    /// The tags as controls: techniques and tactics of ATT&CK by name, the rest as it is.
    pub fn controls(&self) -> Vec<String> {
        self.tags.iter().map(|tag| control(tag)).collect()
    }

    /// The finding that `event` is, not weighed yet. Its id is of the rule and the event alone, so that the same event
    /// gives the same finding, whenever it comes.
    pub fn occurrence(&self, event: &Match, telling: &Telling<'_>) -> Finding {
        let severity = self.severity();
        let account = account(event);
        let who = [&event.actor_name, &event.actor_id, &event.account_name, &event.account_id];
        let who = who.into_iter().flatten().next().map_or("somebody unnamed", String::as_str);
        let what = event.event_type.as_deref().unwrap_or("an event");
        let at = event.occurred_at;
        Finding {
            finding_id: self.finding_id(event, telling.tenant),
            detector: self.detector(),
            code: CODE.to_owned(),
            title: self.title.clone(),
            verdict: Verdict::Fail,
            severity,
            severity_base: None,
            severity_steps: Vec::new(),
            score: 0.0,
            score_terms: Vec::new(),
            status: Status::Open,
            subject: subject(event),
            identity: None,
            app: account.as_ref().map(|account| NamedRef { id: account.app.clone(), name: None }),
            account,
            entitlement: None,
            org: event.org.clone(),
            owner: None,
            as_of: telling.at.as_of,
            known_at: telling.at.known_at,
            since: Some(at),
            first_seen_at: None,
            last_seen_at: None,
            due_at: None,
            explanation: format!("{}: {what} by {who} at {at}, recorded by {}.", self.title, event.source),
            evidence: vec![Evidence {
                table: "events".to_owned(),
                key: format!("{}/{}", event.source, event.event_id),
                event_id: Some(event.event_id.clone()),
                at: Some(at),
                says: format!("matches the Sigma rule in {}", self.file.display()),
            }],
            threshold: None,
            profile: telling.profile.to_owned(),
            link: None,
            controls: self.controls(),
            remediation: Some(self.advice()),
            ages_out_at: Some(telling.ages_out_at),
            cause: None,
            held_because: None,
            unknown_because: None,
        }
    }

    fn advice(&self) -> Remediation {
        let mut text = self.description.as_deref().unwrap_or("Look at the event.").trim().to_owned();
        for mistaken in &self.false_positives {
            text += &format!(" May be mistaken: {mistaken}.");
        }
        Remediation { kind: "investigate".to_owned(), text, request: None, inverse: None, reach: 0 }
    }

    fn finding_id(&self, event: &Match, tenant: &str) -> String {
        let mut hash = Sha256::new();
        for part in [&self.detector(), tenant, &event.source, &event.event_id] {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The account that the event is about, else whoever acted, else the event itself.
fn subject(event: &Match) -> Subject {
    let of = |app: &str, id: &str| format!("{app}/{id}");
    let app = event.account_app.as_deref().unwrap_or(&event.source);
    let (id, name) = match (&event.account_id, &event.actor_id) {
        (Some(id), _) => (of(app, id), event.account_name.clone()),
        (None, Some(id)) => (of(&event.source, id), event.actor_name.clone()),
        (None, None) => {
            let id = of(&event.source, &event.event_id);
            return Subject { kind: "event".to_owned(), id, name: None };
        }
    };
    Subject { kind: "account".to_owned(), id, name }
}

fn account(event: &Match) -> Option<FindingAccount> {
    let (app, id) = (event.account_app.clone()?, event.account_id.clone()?);
    let (name, email) = (event.account_name.clone(), event.account_email.clone());
    Some(FindingAccount { app, id, name, email, external_id: None })
}

fn control(tag: &str) -> String {
    match tag.split_once('.') {
        Some((space, name)) if space.eq_ignore_ascii_case("attack") => {
            let technique = name.strip_prefix(['t', 'T', 's', 'S', 'g', 'G']);
            let is_id = technique.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            format!("ATT&CK {}", if is_id { name.to_ascii_uppercase() } else { name.to_owned() })
        }
        Some((space, name)) if space.eq_ignore_ascii_case("cve") => format!("CVE-{name}"),
        _ => tag.to_owned(),
    }
}
