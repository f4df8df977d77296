//! Whether the evidence is whole, source by source.

use serde::Serialize;

use super::{Engine, Error};
use crate::detect::{Feed, Sources};
use crate::domain::UtcMicros;
use crate::models::{self, Profile};
use crate::query::{At, Session};

/// One log, one register, or listings that continue each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceReport {
    pub source: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Of listings, which of the application's, or of the rosters, they are: by the names of their files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// `ok`, `stale`, `truncated`, `quarantined`, `shrunken`, `partial`, `lacking columns` or `gaps`.
    pub state: &'static str,
    /// Everything that speaks against resting on it, in sentences.
    pub reasons: Vec<String>,
    /// How far it reaches.
    pub watermark_at: Option<UtcMicros>,
    /// Where a log begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<UtcMicros>,
    pub last_ingested_at: Option<UtcMicros>,
    /// How old it may be, by the profile; absent for registers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_be_old: Option<String>,
    /// Of a log its usual longest silence, of a listing the usual time between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cadence: Option<String>,
    /// Records of the newest load.
    pub rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_rows: Option<u64>,
    /// What a register of control totals, or the source itself, says that it should hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_rows: Option<u64>,
    pub complete: bool,
    /// Records that could not be read.
    pub quarantined: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Columns that earlier listings had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_columns: Vec<String>,
}

/// A stretch in which a log is silent for far longer than it usually is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gap {
    pub from_at: UtcMicros,
    pub to_at: UtcMicros,
}

impl SourceReport {
    /// Nothing speaks against resting on it.
    pub fn whole(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl Engine {
    /// Every source as known at an instant, by name, kind and application.
    ///
    /// # Errors
    /// When the profile is not known or the session cannot be opened or asked.
    pub async fn sources(&self, at: At, profile: &str) -> Result<Vec<SourceReport>, Error> {
        source_reports(&self.session(at).await?, profile).await
    }
}

/// The same over a session that is open already.
///
/// # Errors
/// As [`Engine::sources`].
pub async fn source_reports(session: &Session, profile: &str) -> Result<Vec<SourceReport>, Error> {
    let profile = models::profile(profile)?;
    let as_of = session.at().as_of;
    let sources = Sources::read(session.context(), as_of).await?;
    Ok(sources.feeds.into_iter().map(|feed| report(feed, &profile, as_of)).collect())
}

fn report(feed: Feed, profile: &Profile, as_of: UtcMicros) -> SourceReport {
    let (state, reasons) = feed.state(profile, as_of);
    let rows = |number: f64| number.max(0.0) as u64;
    SourceReport {
        state,
        reasons,
        watermark_at: feed.watermark_at,
        first_at: feed.first_at.filter(|_| feed.kind == "events"),
        last_ingested_at: feed.last_ingested_at,
        may_be_old: (feed.kind != "register").then(|| feed.limit(profile).to_string()),
        cadence: feed.cadence.map(|cadence| cadence.to_string()),
        rows: rows(feed.rows),
        previous_rows: feed.previous_rows.map(rows),
        control_rows: feed.control_rows.or(feed.announced_rows).map(rows),
        complete: !feed.partial,
        quarantined: rows(feed.quarantined),
        gaps: feed.gaps(profile).map(|gap| Gap { from_at: gap.from_at, to_at: gap.to_at }).collect(),
        lost_columns: feed.lost_columns(profile).into_iter().map(|(column, _)| column).collect(),
        source: feed.name,
        kind: feed.kind,
        app_id: feed.app_id,
        feed: feed.feed,
    }
}
