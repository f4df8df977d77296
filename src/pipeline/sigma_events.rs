//! Stored events as Sigma rules are shown them: by source and day, with their raw records.

use arrow::array::RecordBatch;

use super::Error;
use crate::detect::sigma::Match;
use crate::domain::UtcMicros;
use crate::query::{At, Rows, Session, Texts, Times};

/// Before all events.
pub(super) const NEVER: At = At { as_of: UtcMicros(i64::MIN), known_at: UtcMicros(i64::MIN) };
/// A day before all events.
pub(super) const FIRST_DAY: &str = "0001-01-01";

/// The events of a session that are new after an instant, or those that are not.
pub(super) struct Shown<'a> {
    pub session: &'a Session,
    /// The first day that is looked at, as `2026-03-31`.
    pub since: &'a str,
    /// Up to where others were shown.
    pub seen: At,
    pub new: bool,
}

/// Events of one source and day.
pub(super) struct Day {
    pub source: String,
    /// As `2026-03-31`.
    pub day: String,
    pub events: i64,
    /// How many of them keep their raw record.
    pub raws: i64,
}

/// Events and their raw records, in order of time.
pub(super) struct Events {
    source: String,
    raw: Texts,
    event_id: Texts,
    occurred_at: Times,
    event_type: Texts,
    org: Texts,
    account_app: Texts,
    account_id: Texts,
    account_name: Texts,
    account_email: Texts,
    actor_id: Texts,
    actor_name: Texts,
    rows: usize,
}

impl Shown<'_> {
    /// The sources and days that have such events, in order.
    pub async fn days(&self) -> Result<Vec<Day>, Error> {
        let mut days = Vec::new();
        for batch in self.ask("sigma_days", include_str!("sigma_days.sql"), &[("since", self.since)]).await? {
            let rows = Rows::new("sigma_days", &batch);
            let (source, day) = (rows.texts("source")?, rows.texts("day")?);
            let (events, raws) = (rows.integers("events")?, rows.integers("raws")?);
            days.extend((0..rows.len()).map(|row| Day {
                source: source.owned(row).unwrap_or_default(),
                day: day.owned(row).unwrap_or_default(),
                events: events.value(row),
                raws: raws.value(row),
            }));
        }
        Ok(days)
    }

    /// Such events of a day that keep their raw record.
    pub async fn events(&self, of: &Day) -> Result<Vec<Events>, Error> {
        let texts = [("source", of.source.as_str()), ("day", of.day.as_str())];
        let batches = self.ask("sigma_events", include_str!("sigma_events.sql"), &texts).await?;
        batches.iter().map(|batch| Events::read(&of.source, batch)).collect()
    }

    async fn ask(&self, name: &str, sql: &str, more: &[(&str, &str)]) -> Result<Vec<RecordBatch>, Error> {
        let (as_of, known_at) = (self.seen.as_of.0.to_string(), self.seen.known_at.0.to_string());
        let new = self.new.to_string();
        let seen =
            [("seen_as_of", as_of.as_str()), ("seen_known_at", known_at.as_str()), ("new", new.as_str())];
        let texts: Vec<(&str, &str)> = seen.into_iter().chain(more.iter().copied()).collect();
        Ok(self.session.ask(name, sql, &texts).await?)
    }
}

impl Events {
    fn read(source: &str, batch: &RecordBatch) -> Result<Events, Error> {
        let rows = Rows::new("sigma_events", batch);
        Ok(Events {
            source: source.to_owned(),
            raw: rows.texts("raw")?,
            event_id: rows.texts("event_id")?,
            occurred_at: rows.times("occurred_at")?,
            event_type: rows.texts("event_type")?,
            org: rows.texts("org")?,
            account_app: rows.texts("account_app")?,
            account_id: rows.texts("account_id")?,
            account_name: rows.texts("account_name")?,
            account_email: rows.texts("account_email")?,
            actor_id: rows.texts("actor_id")?,
            actor_name: rows.texts("actor_name")?,
            rows: rows.len(),
        })
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// The raw records.
    pub fn raws(&self) -> Vec<&str> {
        (0..self.rows).map(|row| self.raw.get(row).unwrap_or_default()).collect()
    }

    /// The event in a row, as findings tell of it.
    pub fn event(&self, row: usize) -> Match {
        Match {
            source: self.source.clone(),
            event_id: self.event_id.owned(row).unwrap_or_default(),
            occurred_at: self.occurred_at.get(row).unwrap_or(UtcMicros(0)),
            event_type: self.event_type.owned(row),
            org: self.org.owned(row),
            account_app: self.account_app.owned(row),
            account_id: self.account_id.owned(row),
            account_name: self.account_name.owned(row),
            account_email: self.account_email.owned(row),
            actor_id: self.actor_id.owned(row),
            actor_name: self.actor_name.owned(row),
        }
    }
}
