//! Correlations over the matches that are new to them. A window may have begun in events that were shown long
//! ago, and an event that comes late may lie among such: around every new match the older events are read
//! again, as far as a window reaches. What held with the older events alone was told before.

use std::collections::{BTreeMap, BTreeSet};

use super::occurrences::{Asked, show};
use super::sigma_events::{FIRST_DAY, NEVER, Shown};
use super::sigma_units::{self, Unit};
use super::{Engine, Error};
use crate::detect::sigma::{Fired, Heading, Hit, Match, RuleSet, Telling, correlate};
use crate::domain::{Finding, UtcMicros};
use crate::findings::Ledger;

/// Matches of rules that correlations look at.
#[derive(Default)]
pub(super) struct Sightings {
    hits: Vec<Hit>,
    /// The event of each and the rule that it matches.
    events: Vec<(Match, usize)>,
}

impl Sightings {
    pub fn add(&mut self, of: &Heading, rule: usize, event: Match, fields: BTreeMap<String, String>) {
        let event_id = format!("{}/{}", event.source, event.event_id);
        let names = of.names.clone();
        self.hits.push(Hit { names, at_us: event.occurred_at.0, event_id, fields });
        self.events.push((event, rule));
    }
}

impl Engine {
    /// The windows of a unit's correlations that its new matches made, and that nobody was told of.
    pub(super) async fn windows(
        &self,
        ledger: &Ledger,
        asked: &Asked<'_>,
        unit: &Unit,
        new: Sightings,
        telling: &Telling<'_>,
    ) -> Result<Vec<Finding>, Error> {
        if unit.correlations.is_empty() || new.hits.is_empty() {
            return Ok(Vec::new());
        }
        let set = &asked.rules.sigma;
        let wanted = unit.correlations.values().flat_map(|footing| &footing.correlations).copied().collect();
        let mut all = match unit.seen == NEVER {
            true => Sightings::default(),
            false => self.around(asked, unit, &new).await?,
        };
        let before = correlate(&set.correlations, &wanted, &all.hits).await?;
        all.hits.extend(new.hits);
        all.events.extend(new.events);
        let now = correlate(&set.correlations, &wanted, &all.hits).await?;
        let mut findings = Vec::new();
        for correlation in unit.correlations.keys() {
            let of = |fired: &&Fired| fired.correlation == *correlation;
            let mut before_by_key: BTreeMap<&BTreeMap<String, String>, Vec<&Fired>> = BTreeMap::new();
            before.iter().filter(of).for_each(|one| before_by_key.entry(&one.key).or_default().push(one));
            let told = ledger.ids_of(&set.correlations[*correlation].heading.detector()).await?;
            for fired in now.iter().filter(of) {
                let before = before_by_key.get(&fired.key).map_or(&[][..], Vec::as_slice);
                if !goes_on(set, before, fired) && !is_told(set, &told, &all, fired, telling.tenant) {
                    findings.push(occurrence(set, &all, fired, telling));
                }
            }
        }
        Ok(findings)
    }

    /// The matches among events that were shown before, on the days that bear on the new ones.
    async fn around(&self, asked: &Asked<'_>, unit: &Unit, new: &Sightings) -> Result<Sightings, Error> {
        let mut reach: BTreeMap<usize, i64> = BTreeMap::new();
        for footing in unit.correlations.values() {
            for rule in &footing.rules {
                let known = reach.entry(*rule).or_default();
                *known = footing.reach_us.max(*known);
            }
        }
        let spans = new.events.iter().map(|(event, rule)| {
            let (at, reach) = (event.occurred_at.0, reach.get(rule).copied().unwrap_or_default());
            (UtcMicros(at.saturating_sub(reach)).days(), UtcMicros(at.saturating_add(reach)).days())
        });
        let spans = merged(spans.collect());
        let earliest = UtcMicros::parse(FIRST_DAY).map_or(0, UtcMicros::days);
        let first = spans.first().map_or(earliest, |(first, _)| (*first).max(earliest));
        let since = UtcMicros(i64::from(first).saturating_mul(UtcMicros::MICROS_PER_DAY)).to_string();
        let since = since.split_once('T').map_or(FIRST_DAY, |(day, _)| day);
        let older = Shown { session: asked.session, since, seen: unit.seen, new: false };
        let set = &asked.rules.sigma;
        let groups = sigma_units::bases(set, &self.rules.placeholders, unit)?;
        let sources: BTreeSet<&String> = groups.iter().flat_map(|group| &group.table.sources).collect();
        let mut sightings = Sightings::default();
        for day in older.days().await?.into_iter().filter(|day| sources.contains(&day.source)) {
            let number = UtcMicros::parse(&day.day).map_or(i32::MIN, UtcMicros::days);
            if spans.iter().any(|(from, to)| (*from..=*to).contains(&number)) {
                let each = |rule: usize, event, fields| {
                    sightings.add(&set.rules[rule].heading, rule, event, fields);
                };
                show(&older, &day, &groups, each).await?;
            }
        }
        Ok(sightings)
    }
}

/// Spans of days, in order, those that meet as one.
fn merged(mut spans: Vec<(i32, i32)>) -> Vec<(i32, i32)> {
    spans.sort_unstable();
    let mut merged: Vec<(i32, i32)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut().filter(|last| from <= last.1.saturating_add(1)) {
            Some(last) => last.1 = last.1.max(to),
            None => merged.push((from, to)),
        }
    }
    merged
}

/// Whether a window is one that held for its group before the new matches came, or meets one.
fn goes_on(set: &RuleSet, before: &[&Fired], fired: &Fired) -> bool {
    let span = set.correlations[fired.correlation].span_us;
    before.iter().any(|one| {
        fired.at_us <= one.until_us.saturating_add(span) && one.at_us <= fired.until_us.saturating_add(span)
    })
}

/// Whether the ledger knows the window: it may have begun elsewhere for a run that knew less, but at one of the
/// events at which it holds.
fn is_told(set: &RuleSet, told: &BTreeSet<String>, all: &Sightings, fired: &Fired, tenant: &str) -> bool {
    let correlation = &set.correlations[fired.correlation];
    let id = |hit: &usize| correlation.finding_id(&fired.key, &all.events[*hit].0, tenant);
    !told.is_empty() && fired.held.iter().any(|hit| told.contains(&id(hit)))
}

fn occurrence(set: &RuleSet, all: &Sightings, fired: &Fired, telling: &Telling<'_>) -> Finding {
    let within: Vec<(&Match, &Heading)> = fired
        .hits
        .iter()
        .map(|hit| &all.events[*hit])
        .map(|(event, rule)| (event, &set.rules[*rule].heading))
        .collect();
    set.correlations[fired.correlation].occurrence(&fired.key, &all.events[fired.hit].0, &within, telling)
}
