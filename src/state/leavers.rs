//! The leaver's clock: how long after the end of an employment the last access ended.
//!
//! Takes the view `leaver_steps`, gives leavers with their steps, and clocks over many of them.
//! Pure but for the one query. A leaver who still has access has a clock that runs; it counts
//! with the time so far, so that slow cases are not left out just because they are slow.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::UtcMicros;
use crate::query::{Error, Rows, Session};

const SQL: &str = "
SELECT
  identity_id, name, department, left_at, end_date_only, end_known_at, step, app_id, account_id,
  credential_id, link_confidence, state, closed_at
FROM leaver_steps
ORDER BY left_at, identity_id, step, app_id, account_id, credential_id";

/// Whether an access has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Closed,
    /// It was over when a listing first named it; nobody knows since when.
    Undated,
    /// No source says whether the account is enabled.
    Unknown,
    Open,
}

impl Ending {
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::Closed => "closed",
            Ending::Undated => "undated",
            Ending::Unknown => "unknown",
            Ending::Open => "open",
        }
    }

    /// Whether a clock can be read off it.
    fn counts(self) -> bool {
        matches!(self, Ending::Closed | Ending::Open)
    }
}

/// One account or credential that has to end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// `identity_provider`, `application` or `credential`.
    pub step: String,
    pub app_id: String,
    pub account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<String>,
    pub state: Ending,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<UtcMicros>,
}

/// One person who left with access, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leaver {
    pub identity_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The end of the last employment.
    pub left_at: UtcMicros,
    /// The roster names the day only; `left_at` is its end where the person works.
    pub end_date_only: bool,
    /// When a roster first told of this end; a late roster is why many clocks are slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_known_at: Option<UtcMicros>,
    /// When the last account of an identity provider was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_disabled_at: Option<UtcMicros>,
    /// When the last account of any other application was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apps_disabled_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_revoked_at: Option<UtcMicros>,
    /// When nothing was left; absent while anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_access_at: Option<UtcMicros>,
    pub state: Ending,
    /// Seconds from the end to zero access, or until `as_of` while the clock runs; 0 when all was
    /// closed before the end. Absent where no clock can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_s: Option<i64>,
    /// Past the deadline, whether or not it ended meanwhile.
    pub late: bool,
    pub steps: Vec<Step>,
}

/// The clocks of several leavers together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Clock {
    pub leavers: usize,
    pub closed: usize,
    pub open: usize,
    /// Over, at a time that nobody knows; not in the percentiles.
    pub undated: usize,
    /// Not in the percentiles: their sources do not say.
    pub unknown: usize,
    pub late: usize,
    /// Seconds, by the nearest rank; absent without a leaver to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_s: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_s: Option<i64>,
    /// The percentile is a lower bound: a clock at or below it still runs.
    pub p50_at_least: bool,
    pub p95_at_least: bool,
}

/// What the clock is read against.
#[derive(Clone, Copy, Debug)]
pub struct Against {
    pub as_of: UtcMicros,
    /// Ends before this are not asked about.
    pub since: UtcMicros,
    /// From the end to the deadline, and the same where only the day of the end is known.
    pub deadline_micros: i64,
    pub date_only_micros: i64,
    /// Weaker links to a person do not count.
    pub confidence_min: f64,
}

/// Everyone who left with access, by end and identity.
///
/// # Errors
/// Those of the query.
pub async fn leavers(session: &Session, against: Against) -> Result<Vec<Leaver>, Error> {
    let mut found: Vec<Leaver> = Vec::new();
    for batch in session.collect("leaver_steps", SQL).await? {
        let rows = Rows::new("leaver_steps", &batch);
        let text = |column: &str| rows.texts(column);
        let (identity, name, department) = (text("identity_id")?, text("name")?, text("department")?);
        let (step, app, account) = (text("step")?, text("app_id")?, text("account_id")?);
        let (credential, state) = (text("credential_id")?, text("state")?);
        let (left, known, closed) =
            (rows.times("left_at")?, rows.times("end_known_at")?, rows.times("closed_at")?);
        let (date_only, confidence) = (rows.booleans("end_date_only")?, rows.numbers("link_confidence")?);
        for row in 0..rows.len() {
            let Some(left_at) = left.get(row).filter(|at| *at >= against.since) else { continue };
            if confidence.value(row) < against.confidence_min {
                continue;
            }
            let identity_id = identity.owned(row).unwrap_or_default();
            if found.last().is_none_or(|leaver| leaver.identity_id != identity_id) {
                let (name, department) = (name.owned(row), department.owned(row));
                found.push(Leaver {
                    name,
                    department,
                    end_date_only: date_only.value(row),
                    end_known_at: known.get(row),
                    ..Leaver::new(identity_id, left_at)
                });
            }
            let Some(leaver) = found.last_mut() else { continue };
            leaver.steps.push(Step {
                step: step.owned(row).unwrap_or_default(),
                app_id: app.owned(row).unwrap_or_default(),
                account_id: account.owned(row).unwrap_or_default(),
                credential_id: credential.owned(row),
                state: ending(state.get(row)),
                closed_at: closed.get(row),
            });
        }
    }
    found.iter_mut().for_each(|leaver| leaver.read(against));
    Ok(found)
}

fn ending(word: Option<&str>) -> Ending {
    match word {
        Some("closed") => Ending::Closed,
        Some("undated") => Ending::Undated,
        Some("open") => Ending::Open,
        _ => Ending::Unknown,
    }
}

impl Leaver {
    fn new(identity_id: String, left_at: UtcMicros) -> Leaver {
        Leaver {
            identity_id,
            name: None,
            department: None,
            left_at,
            end_date_only: false,
            end_known_at: None,
            idp_disabled_at: None,
            apps_disabled_at: None,
            credentials_revoked_at: None,
            zero_access_at: None,
            state: Ending::Closed,
            elapsed_s: None,
            late: false,
            steps: Vec::new(),
        }
    }

    /// Reads the clock off the steps.
    fn read(&mut self, against: Against) {
        let last_of = |step: &str| last(self.steps.iter().filter(|each| each.step == step)).1;
        self.idp_disabled_at = last_of("identity_provider");
        self.apps_disabled_at = last_of("application");
        self.credentials_revoked_at = last_of("credential");
        (self.state, self.zero_access_at) = last(self.steps.iter());
        (self.elapsed_s, self.late) = self.reading((self.state, self.zero_access_at), against);
    }

    /// Seconds on the clock, and whether they are past the deadline; nothing where it cannot be read.
    fn reading(
        &self,
        (state, closed_at): (Ending, Option<UtcMicros>),
        against: Against,
    ) -> (Option<i64>, bool) {
        if !state.counts() {
            return (None, false);
        }
        let end = closed_at.unwrap_or(against.as_of);
        let elapsed_s = (end.0.saturating_sub(self.left_at.0) / 1_000_000).max(0);
        let date_only_micros = if self.end_date_only { against.date_only_micros } else { 0 };
        (Some(elapsed_s), elapsed_s > against.deadline_micros.max(date_only_micros) / 1_000_000)
    }
}

/// The state of several steps together, and when the last of them ended; none while one has not.
/// Beside steps with a date, those without one say nothing about the clock.
fn last<'a>(steps: impl Iterator<Item = &'a Step>) -> (Ending, Option<UtcMicros>) {
    let (mut state, mut closed_at, mut undated) = (Ending::Closed, None, true);
    for step in steps.filter(|step| step.state != Ending::Undated) {
        undated = false;
        state = state.max(step.state);
        closed_at = closed_at.max(step.closed_at);
    }
    let state = if undated { Ending::Undated } else { state };
    (state, closed_at.filter(|_| state == Ending::Closed))
}

/// The clock over all leavers.
pub fn overall(leavers: &[Leaver]) -> Clock {
    clock(leavers.iter().map(|leaver| (leaver.state, leaver.elapsed_s, leaver.late)).collect())
}

/// The clock of each application, its credentials included.
pub fn by_app(leavers: &[Leaver], against: Against) -> BTreeMap<String, Clock> {
    let mut readings: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
    for leaver in leavers {
        let mut apps: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
        for step in &leaver.steps {
            apps.entry(&step.app_id).or_default().push(step);
        }
        for (app, steps) in apps {
            let ended = last(steps.into_iter());
            let (elapsed_s, late) = leaver.reading(ended, against);
            let state = ended.0;
            readings.entry(app.to_owned()).or_default().push((state, elapsed_s, late));
        }
    }
    readings.into_iter().map(|(app, readings)| (app, clock(readings))).collect()
}

/// How one clock stands, its seconds where it can be read, and whether it is late.
type Reading = (Ending, Option<i64>, bool);

fn clock(readings: Vec<Reading>) -> Clock {
    let count = |state: Ending| readings.iter().filter(|(found, ..)| *found == state).count();
    let mut counted: Vec<(i64, Ending)> =
        readings.iter().filter_map(|(state, elapsed_s, _)| Some(((*elapsed_s)?, *state))).collect();
    counted.sort_unstable();
    let (p50_s, p50_at_least) = percentile(&counted, 50);
    let (p95_s, p95_at_least) = percentile(&counted, 95);
    Clock {
        leavers: readings.len(),
        closed: count(Ending::Closed),
        open: count(Ending::Open),
        undated: count(Ending::Undated),
        unknown: count(Ending::Unknown),
        late: readings.iter().filter(|(.., late)| *late).count(),
        p50_s,
        p95_s,
        p50_at_least,
        p95_at_least,
    }
}

/// The nearest rank of sorted readings, and whether it can only grow: clocks that run move up, so
/// that with one of them at or below the rank the percentile is a lower bound.
fn percentile(sorted: &[(i64, Ending)], percent: usize) -> (Option<i64>, bool) {
    let rank = (sorted.len() * percent).div_ceil(100);
    let Some((value, _)) = rank.checked_sub(1).and_then(|at| sorted.get(at)) else { return (None, false) };
    let runs = sorted.iter().any(|(elapsed_s, state)| *state == Ending::Open && elapsed_s <= value);
    (Some(*value), runs)
}
