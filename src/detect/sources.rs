//! The sources of a run: how far each reaches, and what speaks against resting on it.
//!
//! Takes `sources_now`, `loads`, `source_silences`, `source_uses` and `applications`; gives feeds with every doubt
//! about them in words. Which verdicts a doubt touches is the gate's to say.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::prelude::SessionContext;

use super::cells::Cells;
use super::listing::Listing;
use super::omitted::Omitted;
use super::rule::query;
use super::template::elapsed;
use super::{Error, omitted};
use crate::domain::UtcMicros;
use crate::models::{Interval, Profile};
use crate::query::feeds::LAPSES_AFTER_DAYS;
use crate::query::trust;

const FEEDS: &str = "
SELECT
  source, kind, app_id, feed, first_at, watermark_at, last_ingested_at, rows, previous_rows, complete,
  quarantined, read_rows, announced_rows, control_rows, damage
FROM sources_now
ORDER BY source, kind, app_id, feed";

const LISTINGS: &str = "
SELECT kind, app_id, feed, listed_at, rows, filled
FROM loads
WHERE kind IN ('roster', 'accounts', 'grants')
  AND listed_at <= $as_of
ORDER BY listed_at, ingested_at, load_id";

const SILENCES: &str = "
SELECT source, from_at, to_at, hours, usual_hours
FROM source_silences
ORDER BY source, from_at";

const USES: &str = "SELECT source, app_id, first_at FROM source_uses";

/// How many of the listings before the newest one say which columns the source has.
const LISTINGS_COMPARED: usize = 5;
const HOUR_MICROS: f64 = 3_600_000_000.0;

/// Every source that was read, as it stands at one instant.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub feeds: Vec<Feed>,
    /// Every application that anything speaks of.
    pub apps: BTreeSet<String>,
    /// The logs that tell of the use of an application.
    told_by: BTreeMap<String, BTreeSet<String>>,
}

/// One log, one register, or listings that continue each other.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    pub name: String,
    pub kind: String,
    pub app_id: Option<String>,
    /// Of listings: which of the application's, or of the rosters, they are.
    pub feed: Option<String>,
    /// Whether there are others of the kind and the application.
    pub has_siblings: bool,
    /// Where a log begins.
    pub first_at: Option<UtcMicros>,
    pub watermark_at: Option<UtcMicros>,
    pub last_ingested_at: Option<UtcMicros>,
    pub rows: f64,
    /// Whether it is known that there is no row.
    is_empty: bool,
    pub previous_rows: Option<f64>,
    pub quarantined: f64,
    pub read_rows: f64,
    pub announced_rows: Option<f64>,
    pub control_rows: Option<f64>,
    pub damage: Option<String>,
    /// Said by the source itself: it lists only a part.
    pub partial: bool,
    /// Of a log its usual longest silence, of a listing the usual time between two.
    pub cadence: Option<Interval>,
    pub silences: Vec<Silence>,
    /// Columns that earlier listings had and this one lacks, with the largest share of rows.
    pub lost: Vec<(String, f64)>,
    /// Whether a listing tells last use; none where that was not noted when it was read.
    pub tells_use: Option<bool>,
    /// What is taken to be there though the newest listing does not name it, since it is not trusted to.
    pub omitted: Omitted,
}

/// A stretch without an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silence {
    pub from_at: UtcMicros,
    pub to_at: UtcMicros,
    pub hours: f64,
    pub usual_hours: Option<f64>,
}

/// Kind, application and feed.
type Key = (String, Option<String>, Option<String>);

impl Sources {
    /// Reads the views of one instant.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub async fn read(session: &SessionContext, as_of: UtcMicros) -> Result<Sources, Error> {
        let params = || Some(super::bind::as_of(as_of));
        let mut feeds: Vec<Feed> =
            query("sources", session, FEEDS, None).await?.iter().map(Feed::new).collect();
        let mut listings: BTreeMap<Key, Vec<Listing>> = BTreeMap::new();
        for row in query("sources", session, LISTINGS, params()).await? {
            listings.entry(key(&row)).or_default().push(Listing::new(&row));
        }
        let mut silences: BTreeMap<String, Vec<Silence>> = BTreeMap::new();
        for row in query("sources", session, SILENCES, None).await? {
            let source = row.text("source").unwrap_or_default();
            silences.entry(source).or_default().extend(Silence::new(&row));
        }
        let mut told_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in query("sources", session, USES, None).await? {
            if let (Some(app_id), Some(source)) = (row.text("app_id"), row.text("source")) {
                told_by.entry(app_id).or_default().insert(source);
            }
        }
        let mut siblings: BTreeMap<_, usize> = BTreeMap::new();
        for feed in feeds.iter().filter(|feed| feed.feed.is_some()) {
            *siblings.entry((feed.kind.clone(), feed.app_id.clone())).or_default() += 1;
        }
        for feed in &mut feeds {
            feed.has_siblings =
                siblings.get(&(feed.kind.clone(), feed.app_id.clone())).is_some_and(|many| *many > 1);
            let key = (feed.kind.clone(), feed.app_id.clone(), feed.feed.clone());
            match feed.kind.as_str() {
                "events" => feed.hear(silences.get(&feed.name).map(Vec::as_slice).unwrap_or_default()),
                _ => feed.compare(listings.get(&key).map(Vec::as_slice).unwrap_or_default()),
            }
        }
        omitted::look_for(&mut feeds, session).await?;
        let apps = query("sources", session, "SELECT app_id FROM applications", None).await?;
        let apps = apps.iter().filter_map(|row| row.text("app_id")).collect();
        Ok(Sources { feeds, apps, told_by })
    }

    /// The logs that tell of the use of an application; none when no log has lately.
    pub fn logs_of_use(&self, app_id: &str) -> Vec<&Feed> {
        let Some(names) = self.told_by.get(app_id) else { return Vec::new() };
        self.feeds.iter().filter(|feed| feed.kind == "events" && names.contains(&feed.name)).collect()
    }
}

impl Feed {
    fn new(cells: &Cells) -> Feed {
        Feed {
            name: cells.text("source").unwrap_or_default(),
            kind: cells.text("kind").unwrap_or_default(),
            app_id: cells.text("app_id"),
            feed: cells.text("feed"),
            first_at: cells.time("first_at"),
            watermark_at: cells.time("watermark_at"),
            last_ingested_at: cells.time("last_ingested_at"),
            rows: cells.number("rows").unwrap_or(0.0),
            is_empty: cells.number("rows") == Some(0.0),
            previous_rows: cells.number("previous_rows"),
            quarantined: cells.number("quarantined").unwrap_or(0.0),
            read_rows: cells.number("read_rows").unwrap_or(0.0),
            announced_rows: cells.number("announced_rows"),
            control_rows: cells.number("control_rows"),
            damage: cells.text("damage"),
            // A source that does not say is taken at its word when it lists.
            partial: cells.text("complete").as_deref() == Some("false"),
            ..Feed::default()
        }
    }

    fn hear(&mut self, silences: &[Silence]) {
        self.silences = silences.to_vec();
        let usual = silences.iter().find_map(|silence| silence.usual_hours);
        self.cadence = usual.map(hours);
    }

    fn compare(&mut self, listings: &[Listing]) {
        let Some((newest, earlier)) = listings.split_last() else { return };
        let steps = listings.windows(2).map(|pair| pair[1].at.0 - pair[0].at.0);
        // One that was read again is the same.
        let mut steps: Vec<i64> = steps.filter(|step| *step > 0).collect();
        steps.sort_unstable();
        self.cadence = steps.get(steps.len() / 2).map(|micros| hours(*micros as f64 / HOUR_MICROS));
        let Some(filled) = &newest.filled else { return };
        self.tells_use = Some(filled.contains_key("last_active_at"));
        let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
        for listing in earlier.iter().rev().take(LISTINGS_COMPARED) {
            for (column, rows) in listing.filled.iter().flatten().filter(|(_, rows)| **rows >= LOST_ROWS_MIN)
            {
                let share = shares.entry(column).or_default();
                *share = share.max(rows / listing.rows.max(1.0));
            }
        }
        let lost = shares.into_iter().filter(|(column, _)| !filled.contains_key(*column));
        self.lost = lost.map(|(column, share)| (column.to_owned(), share)).collect();
    }

    /// How old a source of this kind may be.
    pub fn limit(&self, profile: &Profile) -> Interval {
        let key = match self.kind.as_str() {
            "roster" => "staleness_roster",
            "events" if PROVISIONING_LOGS.contains(&self.name.as_str()) => "staleness_provisioning",
            "events" => "staleness_idp",
            _ => "staleness_listing",
        };
        profile.interval(key).unwrap_or_default()
    }

    /// Why the feed as a whole cannot be rested on at an instant; `what` names it.
    pub fn doubt(&self, what: &str, profile: &Profile, as_of: UtcMicros) -> Option<String> {
        self.stale(what, profile, as_of).or_else(|| self.damaged(what, profile))
    }

    /// The same in one word and in a sentence, with what lessens it only for some questions.
    pub fn state(&self, profile: &Profile, as_of: UtcMicros) -> (&'static str, Vec<String>) {
        let what = self.what();
        let stale = if self.kind == "register" { None } else { self.stale(&what, profile, as_of) };
        let damaged = self.damaged(&what, profile);
        let word = match (&stale, &damaged) {
            (Some(_), _) => "stale",
            (None, Some(_)) if self.damage.is_some() => "truncated",
            (None, Some(_)) if self.partial || self.rows + self.previous_rows.unwrap_or(0.0) == 0.0 => {
                "partial"
            }
            (None, Some(_)) if self.unread(profile) => "quarantined",
            (None, Some(_)) => "shrunken",
            (None, None) if !self.lost_columns(profile).is_empty() => "lacking columns",
            (None, None) if self.unsure().is_some() => "quarantined",
            (None, None) if self.gaps(profile).next().is_some() => "gaps",
            (None, None) => "ok",
        };
        let lost = self.lost_columns(profile);
        let lost = lost.iter().map(|(column, share)| lacks(&what, column, *share));
        let gaps = self.gaps(profile).map(|gap| self.silent(gap));
        let unsure = self.unsure().filter(|_| damaged.is_none());
        (word, stale.into_iter().chain(damaged).chain(unsure).chain(lost).chain(gaps).collect())
    }

    /// How a person would call the feed.
    pub fn what(&self) -> String {
        let feed = self.feed.as_ref().filter(|_| self.has_siblings);
        let feed = feed.map(|feed| format!(" \"{feed}\"")).unwrap_or_default();
        match (self.kind.as_str(), &self.app_id) {
            ("events", Some(app_id)) => format!("{} log of {app_id}", self.name),
            ("events", None) => format!("{} log", self.name),
            ("accounts", Some(app_id)) => format!("account listing{feed} of {app_id}"),
            ("grants", Some(app_id)) => format!("grant listing{feed} of {app_id}"),
            ("register", _) => format!("register {}", self.name),
            _ => format!("{}{feed}", self.name),
        }
    }

    /// Whether it is taken to have ended: it has listed nothing for long.
    pub fn has_lapsed(&self, as_of: UtcMicros) -> bool {
        let since = as_of.0.saturating_sub(LAPSES_AFTER_DAYS * UtcMicros::MICROS_PER_DAY);
        self.watermark_at.is_none_or(|watermark_at| watermark_at.0 < since)
    }

    /// Whether it reaches near enough to an instant.
    pub fn is_fresh(&self, profile: &Profile, as_of: UtcMicros) -> bool {
        self.watermark_at.is_some_and(|watermark_at| self.limit(profile).after(watermark_at) >= as_of)
    }

    fn stale(&self, what: &str, profile: &Profile, as_of: UtcMicros) -> Option<String> {
        let Some(watermark_at) = self.watermark_at else { return Some(format!("the {what} holds no time")) };
        (!self.is_fresh(profile, as_of)).then(|| {
            let (age, limit) = (elapsed(watermark_at, as_of), self.limit(profile));
            format!("the newest {what} is {age} old (limit: {limit})")
        })
    }

    fn damaged(&self, what: &str, profile: &Profile) -> Option<String> {
        if self.partial {
            return Some(format!("the newest {what} is not complete"));
        }
        let rows = self.rows;
        let damage = match (self.damage.as_deref(), self.control_rows, self.announced_rows) {
            (Some("control_rows"), Some(stated), _) => {
                Some(format!("the newest {what} holds {rows} rows, and its control total says {stated}"))
            }
            (Some("announced"), _, Some(stated)) => {
                Some(format!("the newest {what} holds {rows} of the {stated} rows that it announces"))
            }
            (Some("control_sha256"), ..) => {
                Some(format!("the newest {what} is not the file whose SHA-256 its control total states"))
            }
            (Some(_), ..) => Some(format!("the newest {what} ends inside a record")),
            (None, ..) => None,
        };
        damage.or_else(|| {
            if self.unread(profile) {
                let (lost, read) = (self.quarantined, self.read_rows);
                return Some(format!("{lost} of the {read} records of the newest {what} could not be read"));
            }
            self.shrunken().then(|| match self.previous_rows.filter(|before| *before > 0.0) {
                Some(before) => format!("the newest {what} shrank from {before} rows to {rows}"),
                None => format!("the newest {what} holds no row"),
            })
        })
    }

    /// So much of it is in quarantine that what it does not say means nothing.
    fn unread(&self, profile: &Profile) -> bool {
        let most = profile.number("quarantine_share_max").unwrap_or(0.0);
        self.quarantined > most * self.read_rows
    }

    /// A listing that lost more than the allowed share is a damaged export, not mass leaving.
    fn shrunken(&self) -> bool {
        let lost = self.previous_rows.map_or(0.0, |previous| previous - self.rows);
        let allowed = trust::shrink_allowed(self.previous_rows.unwrap_or(0.0));
        // One without a row is more likely an export that failed than an application that everybody left.
        let empty = self.is_empty && (lost > 0.0 || self.control_rows.or(self.announced_rows).is_none());
        !matches!(self.kind.as_str(), "events" | "register") && (empty || lost > allowed)
    }

    /// Columns that earlier listings had in enough rows and this one has in none.
    pub fn lost_columns(&self, profile: &Profile) -> Vec<(String, f64)> {
        let least = profile.number("lost_column_share_min").unwrap_or(0.0);
        self.lost.iter().filter(|(_, share)| *share >= least).cloned().collect()
    }

    /// Why a column that a question rests on cannot be asked, though earlier listings had it.
    pub fn lacks(&self, column: &str, what: &str, profile: &Profile) -> Option<String> {
        let lost = self.lost_columns(profile);
        lost.iter().find(|(name, _)| name == column).map(|(_, share)| lacks(what, column, *share))
    }

    /// The silences that are far longer than this log's own.
    pub fn gaps(&self, profile: &Profile) -> impl Iterator<Item = &Silence> {
        let factor = profile.number("gap_factor").unwrap_or(f64::MAX);
        let least = profile.interval("gap_min").map_or(0.0, |i| i.micros_about() as f64 / HOUR_MICROS);
        self.silences.iter().filter(move |silence| {
            silence.usual_hours.is_some_and(|usual| silence.hours > (usual * factor).max(least))
        })
    }

    /// A gap in words.
    pub fn silent(&self, gap: &Silence) -> String {
        let (from, to) = (gap.from_at, gap.to_at);
        let (length, usual) = (hours(gap.hours), hours(gap.usual_hours.unwrap_or_default()));
        format!(
            "the {} has no event from {from} to {to} ({length}; its usual longest silence is {usual})",
            self.what()
        )
    }
}

/// Fewer values than these may have gone for good by themselves.
const LOST_ROWS_MIN: f64 = 5.0;

/// Logs of provisioning requests alone.
const PROVISIONING_LOGS: [&str; 3] = ["scim_http", "entra_provisioning", "scim_set"];

fn lacks(what: &str, column: &str, share: f64) -> String {
    let percent = (share * 100.0).round();
    format!("the newest {what} has no {column}, which {percent} % of the rows had before")
}

fn hours(hours: f64) -> Interval {
    let whole = hours.round() as i64;
    match whole {
        0..48 => Interval { micros: whole * 3_600_000_000, ..Interval::default() },
        _ => Interval { days: i32::try_from(whole / 24).unwrap_or(i32::MAX), ..Interval::default() },
    }
}

impl Silence {
    fn new(row: &Cells) -> Option<Silence> {
        Some(Silence {
            from_at: row.time("from_at")?,
            to_at: row.time("to_at")?,
            hours: row.number("hours")?,
            usual_hours: row.number("usual_hours"),
        })
    }
}

fn key(row: &Cells) -> Key {
    (row.text("kind").unwrap_or_default(), row.text("app_id"), row.text("feed"))
}
