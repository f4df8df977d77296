//! A match of a Sigma rule, or a window of a correlation, told as a finding about what happened. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{Correlation, Heading, Rule};
use crate::domain::digest;
use crate::domain::finding::{FindingAccount, NamedRef, Remediation, Subject};
use crate::domain::{Evidence, Finding, Status, UtcMicros, Verdict};
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

/// The most events that a finding names one by one.
const EVIDENCE_MAX: usize = 100;

impl Rule {
    /// The finding that `event` is, not weighed yet. Its id is of the rule and the event alone, so that the same event
    /// gives the same finding, whenever it comes.
    pub fn occurrence(&self, event: &Match, telling: &Telling<'_>) -> Finding {
        let heading = &self.heading;
        let what = event.event_type.as_deref().unwrap_or("an event");
        let (who, at, source) = (event.who(), event.occurred_at, &event.source);
        let id = [heading.detector().as_str(), telling.tenant, source, &event.event_id].map(str::to_owned);
        let told = OccurrenceParts {
            finding_id: hashed(&id),
            subject: subject(event),
            account: account(event),
            org: event.org.clone(),
            since: at,
            explanation: format!("{}: {what} by {who} at {at}, recorded by {source}.", heading.title),
            evidence: vec![event.proves(heading)],
        };
        heading.told(told, "Look at the event.", telling)
    }
}

impl Correlation {
    /// The id of the finding for a group for which the correlation began to hold at an event. Of nothing else: so that
    /// the same window is the same finding, whenever and beside whatever it is found.
    pub fn finding_id(&self, key: &BTreeMap<String, String>, event: &Match, tenant: &str) -> String {
        let key = self.group_by.iter().map(|field| key.get(field).cloned().unwrap_or_default());
        let parts =
            [self.heading.detector(), tenant.to_owned(), event.source.clone(), event.event_id.clone()];
        hashed(&parts.into_iter().chain(key).collect::<Vec<String>>())
    }

    /// The finding that a window is, not weighed yet: `event` made the correlation hold for the group `key`, and
    /// `within` are the events up to then, in order of time, each with what it matches.
    pub fn occurrence(
        &self,
        key: &BTreeMap<String, String>,
        event: &Match,
        within: &[(&Match, &Heading)],
        telling: &Telling<'_>,
    ) -> Finding {
        let heading = &self.heading;
        let events: Vec<&Match> = within.iter().map(|(event, _)| *event).collect();
        let different: BTreeSet<(&str, &str)> = events.iter().map(|event| event.key()).collect();
        let group: Vec<String> = key.iter().map(|(field, value)| format!("{field} {value}")).collect();
        let of = if group.is_empty() { String::new() } else { format!(" of {}", group.join(", ")) };
        let from = events.first().map_or(event.occurred_at, |first| first.occurred_at);
        let (title, at, number) = (&heading.title, event.occurred_at, different.len());
        let noun = if number == 1 { "event" } else { "events" };
        // The latest are named: with them it began to hold.
        let named = &within[within.len().saturating_sub(EVIDENCE_MAX)..];
        let one_account = account(event).filter(|_| events.iter().all(|other| other.about_same(event)));
        let told = OccurrenceParts {
            finding_id: self.finding_id(key, event, telling.tenant),
            subject: shared_subject(&events, event, &group),
            account: one_account,
            org: event.org.clone().filter(|_| events.iter().all(|other| other.org == event.org)),
            since: at,
            explanation: format!("{title}: {number} {noun}{of} from {from} to {at}."),
            evidence: named.iter().map(|(event, rule)| event.proves(rule)).collect(),
        };
        heading.told(told, "Look at the events.", telling)
    }
}

impl Match {
    /// What tells the event from all others.
    pub fn key(&self) -> (&str, &str) {
        (&self.source, &self.event_id)
    }

    /// The account that the event is about.
    fn about(&self) -> Option<Subject> {
        let app = self.account_app.as_ref().unwrap_or(&self.source);
        let id = format!("{app}/{}", self.account_id.as_ref()?);
        Some(Subject { kind: "account".to_owned(), id, name: self.account_name.clone() })
    }

    /// The account of whoever acted.
    fn acted(&self) -> Option<Subject> {
        let id = format!("{}/{}", self.source, self.actor_id.as_ref()?);
        Some(Subject { kind: "account".to_owned(), id, name: self.actor_name.clone() })
    }

    fn about_same(&self, other: &Match) -> bool {
        (&self.account_app, &self.account_id) == (&other.account_app, &other.account_id)
    }

    fn itself(&self, name: Option<String>) -> Subject {
        Subject { kind: "event".to_owned(), id: format!("{}/{}", self.source, self.event_id), name }
    }

    fn who(&self) -> &str {
        let who = [&self.actor_name, &self.actor_id, &self.account_name, &self.account_id];
        who.into_iter().flatten().next().map_or("somebody unnamed", String::as_str)
    }

    fn proves(&self, rule: &Heading) -> Evidence {
        Evidence {
            table: "events".to_owned(),
            key: format!("{}/{}", self.source, self.event_id),
            event_id: Some(self.event_id.clone()),
            at: Some(self.occurred_at),
            says: format!("matches the Sigma rule in {}", rule.file.display()),
        }
    }
}

/// What differs between the findings of one rule.
struct OccurrenceParts {
    finding_id: String,
    subject: Subject,
    account: Option<FindingAccount>,
    org: Option<String>,
    since: UtcMicros,
    explanation: String,
    evidence: Vec<Evidence>,
}

impl Heading {
    fn told(&self, told: OccurrenceParts, otherwise: &str, telling: &Telling<'_>) -> Finding {
        Finding {
            finding_id: told.finding_id,
            detector: self.detector(),
            code: CODE.to_owned(),
            title: self.title.clone(),
            verdict: Verdict::Fail,
            severity: self.severity(),
            severity_base: None,
            severity_steps: Vec::new(),
            score: 0.0,
            score_terms: Vec::new(),
            status: Status::Open,
            subject: told.subject,
            identity: None,
            app: told.account.as_ref().map(|account| NamedRef { id: account.app.clone(), name: None }),
            account: told.account,
            entitlement: None,
            org: told.org,
            owner: None,
            as_of: telling.at.as_of,
            known_at: telling.at.known_at,
            since: Some(told.since),
            first_seen_at: None,
            last_seen_at: None,
            due_at: None,
            explanation: told.explanation,
            evidence: told.evidence,
            threshold: None,
            profile: telling.profile.to_owned(),
            link: None,
            controls: self.controls(),
            remediation: Some(self.advice(otherwise)),
            ages_out_at: Some(telling.ages_out_at),
            cause: None,
            held_because: None,
            unknown_because: None,
        }
    }

    fn advice(&self, otherwise: &str) -> Remediation {
        let mut text = self.description.as_deref().unwrap_or(otherwise).trim().to_owned();
        for mistaken in &self.false_positives {
            text += &format!(" May be mistaken: {mistaken}.");
        }
        Remediation { kind: "investigate".to_owned(), text, request: None, inverse: None, reach: 0 }
    }
}

fn hashed(parts: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        digest::add(&mut hash, part);
    }
    digest::id(hash)
}

/// The account that the event is about, else whoever acted, else the event itself.
fn subject(event: &Match) -> Subject {
    let known = event.about().or_else(|| event.acted());
    known.unwrap_or_else(|| event.itself(None))
}

/// The account that all events are about, else whoever acted in all of them, else the event that made it so,
/// under the name of what the events have in common.
fn shared_subject(events: &[&Match], event: &Match, group: &[String]) -> Subject {
    let all = |of: fn(&Match) -> Option<Subject>| {
        let id = of(event)?.id;
        let same = |event: &&Match| of(event).is_some_and(|subject| subject.id == id);
        events.iter().all(same).then(|| of(event)).flatten()
    };
    let name = (!group.is_empty()).then(|| group.join(", "));
    all(Match::about).or_else(|| all(Match::acted)).unwrap_or_else(|| event.itself(name))
}

fn account(event: &Match) -> Option<FindingAccount> {
    let (app, id) = (event.account_app.clone()?, event.account_id.clone()?);
    let (name, email) = (event.account_name.clone(), event.account_email.clone());
    Some(FindingAccount { app, id, name, email, external_id: None })
}
