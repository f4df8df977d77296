//! Who must act on a finding: the first of the owner rules that leads to somebody who
//! works here, with the words that say which rule it was. Pure; the caller fills the
//! directory from the registers and the roster, and says "no owner on record" for none.
//!
//! The rules in order: owner of the entitlement, owner or sponsor of the account, owner
//! of the application in the owner register, owner in the application inventory, manager
//! of the identity. Whoever has left is passed over for their manager, and so is whoever
//! the finding is about, since nobody should judge their own access.

use std::collections::{HashMap, HashSet};

use crate::domain::Finding;
use crate::domain::finding::Owner;

/// A person who may own something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub identity_id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub employed: bool,
    pub manager_id: Option<String>,
}

/// A line of the owner register, its owner resolved to an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerLine {
    /// `entitlement`, `account` or `app`, also written `application`; others do not route.
    pub object_kind: String,
    pub object_id: String,
    /// Narrows an entitlement or account to one application.
    pub app_id: Option<String>,
    pub owner_id: String,
}

/// The people who answer for a non-human account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsor {
    pub app_id: String,
    pub account_id: String,
    /// Identity ids, the first asked first.
    pub sponsor_ids: Vec<String>,
}

/// Everything that the owner rules look things up in.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    people: HashMap<String, Person>,
    /// By kind, application (empty for any) and object.
    lines: HashMap<(&'static str, String, String), String>,
    inventory: HashMap<String, String>,
    entitlements: HashMap<(String, String), String>,
    sponsors: HashMap<(String, String), Vec<String>>,
}

/// What a finding is about, as far as ownership goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question<'a> {
    pub app_id: Option<&'a str>,
    pub entitlement_id: Option<&'a str>,
    pub account_id: Option<&'a str>,
    pub identity_id: Option<&'a str>,
}

impl<'a> From<&'a Finding> for Question<'a> {
    fn from(finding: &'a Finding) -> Question<'a> {
        let account = finding.account.as_ref();
        Question {
            app_id: finding.app.as_ref().map(|app| &app.id).or(account.map(|a| &a.app)).map(String::as_str),
            entitlement_id: finding.entitlement.as_ref().map(|entitlement| entitlement.id.as_str()),
            account_id: account.map(|account| account.id.as_str()),
            identity_id: finding.identity.as_ref().map(|identity| identity.id.as_str()),
        }
    }
}

/// A rule that named somebody.
struct Candidate<'a> {
    identity_id: &'a str,
    rule: String,
}

impl Directory {
    pub fn add_person(&mut self, person: Person) {
        self.people.insert(person.identity_id.clone(), person);
    }

    /// Adds a line of the owner register; a later line about the same object wins.
    pub fn add_line(&mut self, line: OwnerLine) {
        let kind = match line.object_kind.as_str() {
            "app" | "application" => "app",
            "account" => "account",
            "entitlement" => "entitlement",
            _ => return,
        };
        let app = if kind == "app" { None } else { line.app_id };
        self.lines.insert((kind, app.unwrap_or_default(), line.object_id), line.owner_id);
    }

    /// Adds the owner that the application inventory names.
    pub fn add_application(&mut self, app_id: &str, owner_id: &str) {
        self.inventory.insert(app_id.to_owned(), owner_id.to_owned());
    }

    /// Adds the owner that the entitlement register names. It may write ids in other letters than listings do.
    pub fn add_entitlement(&mut self, app_id: &str, entitlement_id: &str, owner_id: &str) {
        self.entitlements.insert((app_id.to_owned(), entitlement_id.to_lowercase()), owner_id.to_owned());
    }

    pub fn add_sponsor(&mut self, sponsor: Sponsor) {
        self.sponsors.insert((sponsor.app_id, sponsor.account_id), sponsor.sponsor_ids);
    }

    /// Gives who must act and why it is them; none when no rule leads to anybody employed.
    pub fn owner_of(&self, question: &Question<'_>) -> Option<Owner> {
        let candidates = self.candidates(question);
        candidates.iter().find_map(|candidate| self.employed(candidate, question.identity_id))
    }

    fn candidates<'a>(&'a self, question: &Question<'_>) -> Vec<Candidate<'a>> {
        let mut candidates = Vec::new();
        let mut name = |identity_id: &'a str, rule: String| candidates.push(Candidate { identity_id, rule });
        let pair = |id: Option<&str>| Some((question.app_id.unwrap_or("").to_owned(), id?.to_owned()));
        if let Some((app, id)) = pair(question.entitlement_id) {
            for owner in self.line("entitlement", &app, &id) {
                name(owner, format!("owner register: entitlement {id}"));
            }
            if let Some(owner) = self.entitlements.get(&(app, id.to_lowercase())) {
                name(owner, format!("entitlement register: {id}"));
            }
        }
        if let Some((app, id)) = pair(question.account_id) {
            // The register writes accounts bare or as findings name them, `<app>/<account>`.
            let written = [id.clone(), format!("{app}/{id}")];
            for owner in written.iter().flat_map(|text| self.line("account", &app, text)) {
                name(owner, format!("owner register: account {app}/{id}"));
            }
            for sponsor in self.sponsors.get(&(app.clone(), id.clone())).into_iter().flatten() {
                name(sponsor, format!("sponsor of {app}/{id}"));
            }
        }
        if let Some(app) = question.app_id {
            for owner in self.line("app", "", app) {
                name(owner, format!("owner register: app {app}"));
            }
            if let Some(owner) = self.inventory.get(app) {
                name(owner, format!("application inventory: {app}"));
            }
        }
        if let Some(person) = question.identity_id.and_then(|id| self.people.get(id))
            && let Some(manager) = &person.manager_id
        {
            name(manager, format!("manager of {}", called(person)));
        }
        candidates
    }

    /// Owners of an object: the line for this application, then the line for any.
    fn line(&self, kind: &'static str, app: &str, object: &str) -> impl Iterator<Item = &str> {
        let here = self.lines.get(&(kind, app.to_owned(), object.to_owned()));
        // Without an application both keys are one.
        let anywhere = self.lines.get(&(kind, String::new(), object.to_owned())).filter(|_| !app.is_empty());
        here.into_iter().chain(anywhere).map(String::as_str)
    }

    /// Follows managers upward from a candidate to somebody employed who is not the subject.
    fn employed(&self, candidate: &Candidate<'_>, subject: Option<&str>) -> Option<Owner> {
        let mut decided_by = candidate.rule.clone();
        let mut passed = HashSet::new();
        // An id that the roster does not know is nobody whom one could write to.
        let mut person = self.people.get(candidate.identity_id)?;
        loop {
            let is_subject = subject == Some(person.identity_id.as_str());
            if person.employed && !is_subject {
                return Some(Owner {
                    id: person.identity_id.clone(),
                    name: person.name.clone(),
                    email: person.email.clone(),
                    decided_by,
                });
            }
            if !passed.insert(person.identity_id.as_str()) {
                return None;
            }
            let why = if person.employed { "is the subject" } else { "has left" };
            decided_by.push_str(&format!("; {} {why}, so their manager", called(person)));
            person = self.people.get(person.manager_id.as_ref()?)?;
        }
    }
}

fn called(person: &Person) -> &str {
    person.name.as_deref().unwrap_or(&person.identity_id)
}
