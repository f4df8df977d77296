//! Time to zero access: how long leavers keep what they had, against a profile's deadline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Engine, Error};
use crate::detect::{self as detectors, Sources};
use crate::domain::UtcMicros;
use crate::models::{self, Profile};
use crate::query::{At, Session};
use crate::state::leavers::{self, Against, Clock, Leaver};

/// The rule that asks the same of one account, whose sources and thresholds are ours too.
const RULE: &str = "leaver_active_account";

/// What a profile allows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deadline {
    pub profile: String,
    pub seconds: i64,
    /// What is allowed where an end is known only as a date.
    pub date_only_seconds: i64,
    /// The regime's clause, or `house`.
    pub source: String,
}

/// The leavers' clocks at an instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeaverReport {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// Who left before this is not in the report.
    pub since: UtcMicros,
    pub deadline: Deadline,
    pub overall: Clock,
    pub apps: BTreeMap<String, Clock>,
    /// By the end of employment and identity.
    pub leavers: Vec<Leaver>,
    /// Why the figures may not be the whole truth: each reason once.
    pub incomplete: Vec<String>,
}

impl LeaverReport {
    /// A year before `as_of`: an older end says little about how leaving goes now.
    pub fn since_default(as_of: UtcMicros) -> UtcMicros {
        UtcMicros(as_of.0.saturating_sub(365 * UtcMicros::MICROS_PER_DAY))
    }
}

impl Engine {
    /// The clocks of everyone who left since `since` with access.
    ///
    /// # Errors
    /// When the profile is not known or the session cannot be opened or asked.
    pub async fn leavers(&self, at: At, since: UtcMicros, profile: &str) -> Result<LeaverReport, Error> {
        let session = self.session(at).await?;
        leaver_report(&session, self.tenant(), since, profile).await
    }
}

/// The same over a session that is open already.
///
/// # Errors
/// As [`Engine::leavers`].
pub async fn leaver_report(
    session: &Session,
    tenant: &str,
    since: UtcMicros,
    profile: &str,
) -> Result<LeaverReport, Error> {
    let profile = models::profile(profile)?;
    let at = session.at();
    let against = Against {
        as_of: at.as_of,
        since,
        deadline_micros: micros(&profile, "leaver_disable"),
        date_only_micros: micros(&profile, "date_only_grace"),
        confidence_min: profile.number("link_confidence_leaver").unwrap_or(1.0),
    };
    let found = leavers::leavers(session, against).await?;
    Ok(LeaverReport {
        as_of: at.as_of,
        known_at: at.known_at,
        since,
        deadline: Deadline {
            seconds: against.deadline_micros / 1_000_000,
            date_only_seconds: against.deadline_micros.max(against.date_only_micros) / 1_000_000,
            source: profile
                .thresholds
                .get("leaver_disable")
                .map_or_else(|| "house".to_owned(), |setting| setting.source.clone()),
            profile: profile.id.clone(),
        },
        overall: leavers::overall(&found),
        apps: leavers::by_app(&found, against),
        leavers: found,
        incomplete: incomplete(session, tenant, &profile).await?,
    })
}

fn micros(profile: &Profile, threshold: &str) -> i64 {
    profile.interval(threshold).map_or(0, |interval| interval.micros_about())
}

async fn incomplete(session: &Session, tenant: &str, profile: &Profile) -> Result<Vec<String>, Error> {
    let rules = models::builtin_rules()?;
    let Some(rule) = rules.iter().find(|rule| rule.id == RULE) else { return Ok(Vec::new()) };
    let sources = &Sources::read(session.context(), session.at().as_of).await?;
    let exceptions = &detectors::Exceptions::default();
    let run =
        detectors::Run { session: session.context(), at: session.at(), tenant, profile, sources, exceptions };
    let reach = detectors::reach(rule, run)?;
    let mut reasons: Vec<String> =
        reach.all.into_iter().chain(reach.apps.into_values()).chain(reach.unsure).collect();
    reasons.sort_unstable();
    reasons.dedup();
    Ok(reasons)
}
