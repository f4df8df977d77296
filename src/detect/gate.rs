//! The completeness gate: whether the sources that a rule needs reach far enough.
//!
//! Takes `sources_now` and the staleness limits of the profile; says for an application why
//! a verdict about it must be unknown. A stale roster or identity provider concerns every
//! finding, a stale listing only those of its application.

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;

use super::Error;
use super::cells::Cells;
use super::rule::{Run, query};
use super::template::elapsed;
use crate::domain::UtcMicros;
use crate::models::rule::Need;
use crate::models::{Interval, Profile, Rule};
use crate::query::At;

const SQL: &str = "
SELECT
  source,
  app_id,
  kind,
  watermark_at,
  rows,
  previous_rows,
  complete
FROM sources_now";

/// What a rule could not see in this run: a finding that is missing there has not gone away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Why no subject at all could be decided.
    pub all: Option<String>,
    /// Why subjects in these applications could not be decided.
    pub apps: BTreeMap<String, String>,
}

/// How far the sources of a rule reach, whether or not it found anything.
///
/// # Errors
/// When `sources_now` or `applications` cannot be read.
pub async fn reach(rule: &Rule, run: Run<'_>) -> Result<Reach, Error> {
    let gate = Gate::read(rule, run.profile, run.session, run.at).await?;
    if let Some(reason) = gate.unknown_because(None) {
        return Ok(Reach { all: Some(reason), ..Reach::default() });
    }
    if rule.needs.is_empty() {
        return Ok(Reach::default());
    }
    let applications = query(rule, run.session, "SELECT app_id FROM applications", None).await?;
    let lacking = applications.iter().filter_map(|row| {
        let app_id = row.text("app_id")?;
        let reason = gate.unknown_because(Some(&app_id))?;
        Some((app_id, reason))
    });
    Ok(Reach { all: None, apps: lacking.collect() })
}

/// The newest load of every source, measured against a profile.
pub struct Gate<'a> {
    sources: Vec<Source>,
    needs: &'a [Need],
    profile: &'a Profile,
    as_of: UtcMicros,
}

struct Source {
    name: String,
    app_id: Option<String>,
    kind: String,
    watermark_at: Option<UtcMicros>,
    rows: f64,
    previous_rows: Option<f64>,
    incomplete: bool,
}

impl<'a> Gate<'a> {
    /// Reads `sources_now`, unless the rule needs nothing.
    pub async fn read(
        rule: &'a Rule,
        profile: &'a Profile,
        session: &SessionContext,
        at: At,
    ) -> Result<Gate<'a>, Error> {
        let rows = if rule.needs.is_empty() { Vec::new() } else { query(rule, session, SQL, None).await? };
        let sources = rows.iter().map(Source::new).collect();
        Ok(Gate { sources, needs: &rule.needs, profile, as_of: at.as_of })
    }

    /// Why a verdict about a subject in this application (or in none) must be unknown.
    pub fn unknown_because(&self, app_id: Option<&str>) -> Option<String> {
        self.needs.iter().find_map(|need| self.lacking(*need, app_id))
    }

    fn lacking(&self, need: Need, app_id: Option<&str>) -> Option<String> {
        match need {
            Need::Roster => self.first_fresh(|s| s.kind == "roster", "roster"),
            Need::Idp => {
                self.first_fresh(Source::speaks_for_a_directory, "log or listing of an identity provider")
            }
            Need::Provisioning => self.first_fresh(Source::tells_provisioning, "provisioning log"),
            Need::Accounts => self.application(app_id?, "accounts"),
            Need::Grants => self.application(app_id?, "grants"),
            Need::Activity => {
                let signins = self.first_fresh(|s| s.kind == "events", "sign-in log");
                signins.filter(|_| app_id.is_none_or(|app| self.application(app, "accounts").is_some()))
            }
        }
    }

    /// A listing of the application, or a log that reports each change of its accounts.
    fn application(&self, app_id: &str, kind: &str) -> Option<String> {
        let log = self.first_fresh(|s| s.logs_changes_of(app_id), "log");
        let listing = self.first_fresh(
            |s| s.kind == kind && s.app_id.as_deref() == Some(app_id),
            &format!("{} listing of {app_id}", kind.trim_end_matches('s')),
        );
        listing.filter(|_| log.is_some())
    }

    /// None when one of the matching sources is fresh; else what is wrong with the freshest.
    fn first_fresh(&self, matches: impl Fn(&Source) -> bool, what: &str) -> Option<String> {
        let freshest =
            self.sources.iter().filter(|s| matches(s)).max_by_key(|s| (!s.incomplete, s.watermark_at));
        let Some(source) = freshest else { return Some(format!("no {what} has been read")) };
        let Some(watermark_at) = source.watermark_at else {
            return Some(format!("the {what} holds no time"));
        };
        let limit = self.limit(&source.kind);
        if limit.after(watermark_at) < self.as_of {
            let age = elapsed(watermark_at, self.as_of);
            return Some(format!("the newest {what} is {age} old, and may be {limit} old"));
        }
        if source.incomplete {
            return Some(format!("the newest {what} is not complete"));
        }
        self.shrunken(source).then(|| {
            let before = source.previous_rows.unwrap_or_default();
            format!("the newest {what} shrank from {before} rows to {}", source.rows)
        })
    }

    fn limit(&self, kind: &str) -> Interval {
        let key = match kind {
            "roster" => "staleness_roster",
            "events" => "staleness_idp",
            _ => "staleness_listing",
        };
        self.profile.interval(key).unwrap_or_default()
    }

    /// A listing that lost more than the allowed share is a damaged export, not mass leaving.
    fn shrunken(&self, source: &Source) -> bool {
        let lost = source.previous_rows.map_or(0.0, |previous| previous - source.rows);
        let share = self.profile.number("shrink_max").unwrap_or(0.0) * source.previous_rows.unwrap_or(0.0);
        let floor = self.profile.number("shrink_rows_min").unwrap_or(0.0);
        source.kind != "events" && lost > share.max(floor)
    }
}

impl Source {
    fn new(cells: &Cells) -> Source {
        Source {
            name: cells.text("source").unwrap_or_default(),
            app_id: cells.text("app_id"),
            kind: cells.text("kind").unwrap_or_default(),
            watermark_at: cells.time("watermark_at"),
            rows: cells.number("rows").unwrap_or(0.0),
            previous_rows: cells.number("previous_rows"),
            // A source that does not say is taken at its word when it lists.
            incomplete: cells.text("complete").as_deref() == Some("false"),
        }
    }

    fn directory(&self) -> Option<&'static str> {
        match self.name.as_str() {
            "okta" => Some("okta"),
            "entra_audit" | "entra_signin" => Some("entra"),
            "google_workspace" => Some("google_workspace"),
            _ => None,
        }
    }

    fn speaks_for_a_directory(&self) -> bool {
        let listed = self.app_id.as_deref().is_some_and(|app| DIRECTORIES.contains(&app));
        self.directory().is_some() || (self.kind == "accounts" && listed)
    }

    fn tells_provisioning(&self) -> bool {
        let sources = ["okta", "entra_provisioning", "scim_http", "scim_set", "google_workspace"];
        self.kind == "events" && sources.contains(&self.name.as_str())
    }

    fn logs_changes_of(&self, app_id: &str) -> bool {
        let own = self.app_id.as_deref() == Some(app_id) && self.name == "scim_http";
        self.kind == "events" && (own || self.directory() == Some(app_id))
    }
}

/// Applications that are identity providers.
const DIRECTORIES: [&str; 3] = ["okta", "entra", "google_workspace"];
