//! The completeness gate: whether the sources that a rule needs reach far enough.
//!
//! Takes the sources of a run and the limits of the profile; says for an application why
//! a verdict about it must be unknown. A stale roster or identity provider concerns every
//! finding, a stale listing only those of its application, a gap in a log those that are about
//! what nobody did meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use ahash::RandomState;

use super::cells::Cells;
use super::rule::Run;
use super::sources::{Feed, Sources};
use super::template::elapsed;
use super::{Error, bind};
use crate::domain::{Finding, UtcMicros};
use crate::models::rule::Need;
use crate::models::{Interval, Param, Profile, Rule, Value};

/// What a rule could not see in this run: a finding that is missing there has not gone away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Why no subject at all could be decided.
    pub all: Option<String>,
    /// Why subjects in these applications could not be decided.
    pub apps: BTreeMap<String, String>,
    /// Which listings, of those that it rests on, do not say who is gone: what they leave out is undecided.
    pub unsure: BTreeSet<String>,
}

impl Reach {
    /// Takes out the applications about which the rule itself said that it sees nothing there.
    pub fn leave_out(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| finding.subject.kind == "application") {
            if let (Some(app), Some(because)) = (&finding.app, &finding.unknown_because) {
                self.apps.entry(app.id.clone()).or_insert_with(|| because.clone());
            }
        }
    }
}

/// How far the sources of a rule reach, whether or not it found anything.
///
/// # Errors
/// When the profile lacks a threshold of the rule.
pub fn reach(rule: &Rule, run: Run<'_>) -> Result<Reach, Error> {
    let gate = Gate::new(rule, run)?;
    let unsure = gate.unsure();
    if let Some(reason) = gate.unknown_because(None) {
        return Ok(Reach { all: Some(reason), unsure, ..Reach::default() });
    }
    if rule.needs.is_empty() {
        return Ok(Reach::default());
    }
    let lacking = run.sources.apps.iter().filter_map(|app_id| {
        let reason = gate.unknown_because(Some(app_id))?;
        Some((app_id.clone(), reason))
    });
    Ok(Reach { all: None, apps: lacking.collect(), unsure })
}

/// The sources of a run, measured against what one rule needs.
pub struct Gate<'a> {
    sources: &'a Sources,
    rule: &'a Rule,
    profile: &'a Profile,
    as_of: UtcMicros,
    /// How far back the rule looks for use that was not there.
    window: Interval,
    /// By application what was said of it: findings are many, and applications few.
    said: Mutex<HashMap<Box<str>, Option<String>, RandomState>>,
}

impl<'a> Gate<'a> {
    pub fn new(rule: &'a Rule, run: Run<'a>) -> Result<Gate<'a>, Error> {
        let Run { sources, profile, at, .. } = run;
        Ok(Gate {
            sources,
            rule,
            profile,
            as_of: at.as_of,
            window: window(rule, profile)?,
            said: Mutex::default(),
        })
    }

    /// Why a verdict about a subject in this application (or in none) must be unknown.
    pub fn unknown_because(&self, app_id: Option<&str>) -> Option<String> {
        let lacking = || self.rule.needs.iter().find_map(|need| self.lacking(*need, app_id));
        let Some(app_id) = app_id else { return lacking() };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = said.get(app_id) {
            return said.clone();
        }
        let because = lacking();
        said.insert(app_id.into(), because.clone());
        because
    }

    fn unsure(&self) -> BTreeSet<String> {
        let rests_on = |feed: &&Feed| {
            self.rule.needs.iter().any(|need| match need {
                Need::Roster => feed.kind == "roster",
                Need::Accounts => feed.kind == "accounts",
                Need::Grants => feed.kind == "grants",
                Need::Activity | Need::Idp | Need::Provisioning => false,
            })
        };
        self.sources.feeds.iter().filter(rests_on).filter_map(Feed::unsure).collect()
    }

    /// Why a verdict about an account or a grant must be unknown that the newest listing leaves out, without being trusted
    /// to: nothing else says that it is still there.
    pub fn omitted(&self, app_id: &str, account_id: &str, entitlement_id: Option<&str>) -> Option<String> {
        let rests_on_listings = |need: &Need| matches!(need, Need::Accounts | Need::Grants);
        if !self.rule.needs.iter().any(rests_on_listings) {
            return None;
        }
        let omits = |feed: &&Feed| match feed.kind.as_str() {
            "accounts" => feed.omitted.has(account_id, ""),
            _ => entitlement_id.is_some_and(|held| feed.omitted.has(account_id, held)),
        };
        let of_app = self.sources.feeds.iter().filter(|feed| feed.app_id.as_deref() == Some(app_id));
        let feed = of_app.filter(|feed| !feed.omitted.is_empty()).find(omits)?;
        let log = self.first_fresh(|s| logs_changes_of(s, app_id), "log");
        log.and_then(|_| feed.unsure())
    }

    /// The same about what a row says that it rests on: sources in `rests_on`, applications in `app_ids`; of what it does
    /// not say, all that the rule needs, and its own application.
    pub fn unknown_because_of(&self, row: &Cells) -> Option<String> {
        let (app_id, app_ids, rests_on) = (row.text("app_id"), row.text("app_ids"), row.text("rests_on"));
        if app_ids.is_none() && rests_on.is_none() {
            return self.unknown_because(app_id.as_deref());
        }
        let rests = |need: &&Need| {
            rests_on.as_ref().is_none_or(|named| named.split(';').any(|name| name == need.as_str()))
        };
        let apps: Vec<Option<&str>> = match &app_ids {
            Some(app_ids) => app_ids.split(';').map(Some).collect(),
            None => vec![app_id.as_deref()],
        };
        let needs = self.rule.needs.iter().filter(rests);
        needs
            .flat_map(|need| apps.iter().map(move |app| (need, app)))
            .find_map(|(need, app)| self.lacking(*need, *app))
    }

    fn lacking(&self, need: Need, app_id: Option<&str>) -> Option<String> {
        match need {
            Need::Roster => self.first_fresh(|s| s.kind == "roster", "roster"),
            Need::Idp => {
                let named = app_id.filter(|app| DIRECTORIES.contains(app));
                let matches =
                    |feed: &Feed| named.map_or(speaks_for_a_directory(feed), |app| is_of(feed, app));
                self.first_fresh(matches, "log or listing of an identity provider")
            }
            Need::Provisioning => {
                let own = |feed: &Feed| tells_provisioning(feed) && feed.app_id.as_deref() == app_id;
                // The log of the application itself says more than that of another.
                if app_id.is_some() && self.sources.feeds.iter().any(own) {
                    return self.first_fresh(own, "provisioning log");
                }
                self.first_fresh(tells_provisioning, "provisioning log")
            }
            Need::Accounts => self.application(app_id?, "accounts"),
            Need::Grants => self.application(app_id?, "grants"),
            Need::Activity => match app_id {
                Some(app_id) => self.activity(app_id),
                None => self.first_fresh(|s| s.kind == "events", "sign-in log"),
            },
        }
    }

    /// A listing of the application, or a log that reports each change of its accounts.
    fn application(&self, app_id: &str, kind: &str) -> Option<String> {
        let log = self.first_fresh(|s| logs_changes_of(s, app_id), "log");
        let listing = self.first_fresh(
            |s| s.kind == kind && s.app_id.as_deref() == Some(app_id),
            &format!("{} listing of {app_id}", kind.trim_end_matches('s')),
        );
        listing.filter(|_| log.is_some())
    }

    /// A listing that tells last use, or logs that tell of the application's use and cover all of
    /// the time that the rule is about.
    fn activity(&self, app_id: &str) -> Option<String> {
        let what = format!("account listing of {app_id}");
        let listings = self.rested_on(|s| s.kind == "accounts" && s.app_id.as_deref() == Some(app_id));
        let tells = |feed: &&Feed| {
            feed.tells_use != Some(false) && feed.doubt(&what, self.profile, self.as_of).is_none()
        };
        if !listings.is_empty() && listings.iter().all(tells) {
            return None;
        }
        let logs = self.sources.logs_of_use(app_id);
        if logs.is_empty() {
            // Then the rule itself says that nothing tells of use; here only what is there no more.
            let lost = listings.iter().find_map(|feed| feed.lacks("last_active_at", &what, self.profile));
            let signins = self.first_fresh(|s| s.kind == "events", "sign-in log");
            return lost.or_else(|| signins.filter(|_| self.application(app_id, "accounts").is_some()));
        }
        let stale =
            logs.iter().find_map(|log| log.doubt(&format!("{} log", log.name), self.profile, self.as_of));
        stale.or_else(|| self.uncovered(&logs))
    }

    /// Why logs do not cover the time that the rule is about.
    fn uncovered(&self, logs: &[&Feed]) -> Option<String> {
        let from_at = self.window.before(self.as_of);
        let oldest = logs.iter().filter_map(|log| Some((log.first_at?, &log.name))).min();
        if let Some((first_at, name)) = oldest.filter(|(first_at, _)| *first_at > from_at) {
            let (age, window) = (elapsed(first_at, self.as_of), self.window);
            return Some(format!("the {name} log begins {age} before, and the question is about {window}"));
        }
        logs.iter().find_map(|log| {
            let gap = log.gaps(self.profile).find(|gap| gap.to_at > from_at)?;
            Some(log.silent(gap))
        })
    }

    fn freshest(&self, matches: impl Fn(&Feed) -> bool) -> Option<&'a Feed> {
        self.sources.feeds.iter().filter(|s| matches(s)).max_by_key(|s| (!s.partial, s.watermark_at))
    }

    /// The freshest of the matching sources. Of listings also its siblings: each has accounts or people of its own. One
    /// that has lapsed is taken to have ended, or there would be no verdict ever again.
    fn rested_on(&self, matches: impl Fn(&Feed) -> bool) -> Vec<&'a Feed> {
        let Some(freshest) = self.freshest(&matches) else { return Vec::new() };
        let is_sibling = |feed: &&Feed| {
            let of = |feed: &Feed| (feed.kind.clone(), feed.app_id.clone());
            feed.feed.is_some() && feed.feed != freshest.feed && of(feed) == of(freshest)
        };
        let siblings = self.sources.feeds.iter().filter(is_sibling);
        let siblings = siblings.filter(|feed| !feed.partial && !feed.has_lapsed(self.as_of));
        std::iter::once(freshest).chain(siblings).collect()
    }

    /// None when the matching sources are fresh and whole; else what is wrong with them.
    fn first_fresh(&self, matches: impl Fn(&Feed) -> bool, what: &str) -> Option<String> {
        let feeds = self.rested_on(matches);
        if feeds.is_empty() {
            return Some(format!("no {what} has been read"));
        }
        feeds.into_iter().find_map(|feed| match feed.has_siblings {
            true => self.doubt(feed, &feed.what()),
            false => self.doubt(feed, what),
        })
    }

    fn doubt(&self, feed: &Feed, what: &str) -> Option<String> {
        feed.doubt(what, self.profile, self.as_of).or_else(|| {
            let asked = self.rule.columns.iter().filter_map(|column| column.split_once('.'));
            let own = asked.filter(|(kind, _)| *kind == feed.kind).map(|(_, column)| column);
            let always = COLUMNS.iter().filter(|(kind, _)| *kind == feed.kind).map(|(_, column)| *column);
            always.chain(own).find_map(|column| feed.lacks(column, what, self.profile))
        })
    }
}

/// The longest interval that a rule takes from its profile.
fn window(rule: &Rule, profile: &Profile) -> Result<Interval, Error> {
    let taken = rule.params.values().filter(|param| matches!(param, Param::Profile(_)));
    let mut window = Interval::default();
    for param in taken {
        if let Value::Interval(interval) = bind::setting(rule, profile, param)?.value
            && interval.micros_about() > window.micros_about()
        {
            window = interval;
        }
    }
    Ok(window)
}

fn directory(feed: &Feed) -> Option<&'static str> {
    match feed.name.as_str() {
        "okta" => Some("okta"),
        "entra_audit" | "entra_signin" => Some("entra"),
        "google_workspace" => Some("google_workspace"),
        _ => None,
    }
}

fn speaks_for_a_directory(feed: &Feed) -> bool {
    DIRECTORIES.iter().any(|app_id| is_of(feed, app_id))
}

fn is_of(feed: &Feed, app_id: &str) -> bool {
    directory(feed) == Some(app_id) || (feed.kind == "accounts" && feed.app_id.as_deref() == Some(app_id))
}

fn tells_provisioning(feed: &Feed) -> bool {
    let sources = ["okta", "entra_provisioning", "scim_http", "scim_set", "google_workspace"];
    feed.kind == "events" && sources.contains(&feed.name.as_str())
}

fn logs_changes_of(feed: &Feed, app_id: &str) -> bool {
    let own = feed.app_id.as_deref() == Some(app_id) && feed.name == "scim_http";
    feed.kind == "events" && (own || directory(feed) == Some(app_id))
}

/// Applications that are identity providers.
const DIRECTORIES: [&str; 3] = ["okta", "entra", "google_workspace"];

/// The columns without which a kind of listing answers no question that needs it.
const COLUMNS: [(&str, &str); 3] =
    [("roster", "end_at"), ("accounts", "active"), ("grants", "entitlement_id")];
