//! Sigma rules and correlations of the company over the events that are new to them. Each is shown every event
//! once, whenever it comes: by when it became known, and by when it happened. A match, or a window of a
//! correlation, is an occurrence, which the ledger keeps until somebody decides on it.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::Known;
use super::detect::SigmaRun;
use super::rules::CompanyRules;
use super::sigma_events::{Day, FIRST_DAY, Shown};
use super::sigma_units::{self, Group, Unit};
use super::windows::Sightings;
use super::{Engine, Error};
use crate::detect as detectors;
use crate::detect::sigma::{Match, Telling};
use crate::domain::{Finding, UtcMicros};
use crate::findings::{Evaluated, Ledger};
use crate::models::Profile;
use crate::query::Session;

/// How long a profile gives people to decide.
const UNDECIDED: &str = "occurrence_undecided";

/// What came of the rules.
#[derive(Default)]
pub(super) struct Occurrences {
    pub findings: Vec<Finding>,
    /// Rules that do not run, and why.
    pub not_run: Vec<String>,
    /// Events that no rule could see.
    pub incomplete: Vec<String>,
    pub ran: SigmaRun,
    /// How far each has come, for the ledger to keep once the run is recorded.
    pub evaluated: Vec<(String, Evaluated)>,
}

/// What a run of the rules rests on.
pub(super) struct Asked<'a> {
    pub session: &'a Session,
    pub events: &'a Known,
    pub rules: &'a CompanyRules,
    /// Detectors that are named; empty for all.
    pub names: &'a [String],
    pub profile: &'a Profile,
}

impl Engine {
    /// Shows the rules the events that are new to them.
    ///
    /// # Errors
    /// When ledger or lake fails.
    pub(super) async fn occurrences(&self, ledger: &Ledger, asked: &Asked<'_>) -> Result<Occurrences, Error> {
        let mut found = Occurrences::default();
        let at = asked.session.at();
        let undecided =
            asked.profile.interval(UNDECIDED).ok_or_else(|| detectors::Error::MissingThreshold {
                rule: "sigma".to_owned(),
                profile: asked.profile.id.clone(),
                key: UNDECIDED.to_owned(),
            })?;
        let ages_out_at = UtcMicros(at.known_at.0.saturating_add(undecided.micros_about()));
        let telling = Telling { tenant: self.tenant(), at, profile: &asked.profile.id, ages_out_at };
        let placeholders = &self.rules.placeholders;
        for mut unit in sigma_units::units(asked, &ledger.evaluated().await?, &mut found) {
            let groups = sigma_units::compiled(asked, placeholders, &mut unit, &mut found)?;
            let new = Shown { session: asked.session, since: FIRST_DAY, seen: unit.seen, new: true };
            let sightings = matches(asked, &new, &groups, &unit, &telling, &mut found).await?;
            let told = self.windows(ledger, asked, &unit, sightings, &telling).await?;
            found.findings.extend(told);
            found.ran.rules += unit.rules.len() + unit.correlations.len();
            found.evaluated.extend(come_so_far(asked, &unit));
        }
        // A rule may run for itself and for correlations.
        found.not_run.sort();
        found.not_run.dedup();
        Ok(found)
    }
}

/// Shows new events to the rules of a unit, tells what matches, and keeps what correlations look at.
async fn matches(
    asked: &Asked<'_>,
    new: &Shown<'_>,
    groups: &[Group],
    unit: &Unit,
    telling: &Telling<'_>,
    found: &mut Occurrences,
) -> Result<Sightings, Error> {
    let mut sightings = Sightings::default();
    let (set, bases) = (&asked.rules.sigma, unit.bases());
    let mut bare: BTreeMap<String, i64> = BTreeMap::new();
    let wanted: BTreeSet<&String> = groups.iter().flat_map(|group| &group.table.sources).collect();
    for day in new.days().await?.into_iter().filter(|day| wanted.contains(&day.source)) {
        let without = day.events - day.raws;
        if without > 0 {
            *bare.entry(day.source.clone()).or_default() += without;
        }
        let each = |rule: usize, event: Match, fields| {
            if unit.rules.contains(&rule) {
                found.findings.push(set.rules[rule].occurrence(&event, telling));
            }
            if bases.contains(&rule) {
                sightings.add(&set.rules[rule].heading, rule, event, fields);
            }
        };
        found.ran.events += show(new, &day, groups, each).await?;
    }
    found.incomplete.extend(bare.into_iter().map(|(source, events)| {
        format!(
            "{events} new events of {source} are stored without their raw record, and no Sigma rule sees them"
        )
    }));
    Ok(sightings)
}

/// Shows a day's events to the rules that ask about their source, and gives every match once; how many there
/// were.
pub(super) async fn show(
    shown: &Shown<'_>,
    day: &Day,
    groups: &[Group],
    mut each: impl FnMut(usize, Match, BTreeMap<String, String>),
) -> Result<usize, Error> {
    let mut count = 0;
    for events in shown.events(day).await? {
        count += events.len();
        // A rule of two logsources tells of an event once.
        let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
        for group in groups.iter().filter(|group| group.table.sources.contains(&day.source)) {
            group.run(&events, |rule, row, fields| {
                if told.insert((rule, row)) {
                    each(rule, events.event(row), fields);
                }
            })?;
        }
    }
    Ok(count)
}

/// How far the rules of a unit have come with this run.
fn come_so_far(asked: &Asked<'_>, unit: &Unit) -> Vec<(String, Evaluated)> {
    // Everything known by the newest instant of the table is in it; a batch that began before
    // and is committed later becomes known after it.
    let Some(newest) = asked.events.newest_at else { return Vec::new() };
    let at = asked.session.at();
    let (as_of, known_at) = (at.as_of, at.known_at.min(newest));
    let (set, of) = (&asked.rules.sigma, |content| Evaluated { content, as_of, known_at });
    let rules = unit
        .rules
        .iter()
        .map(|rule| (set.rules[*rule].heading.detector(), of(sigma_units::rule_content(asked, *rule))));
    let correlations = unit.correlations.iter().map(|(number, footing)| {
        (set.correlations[*number].heading.detector(), of(sigma_units::content(asked, *number, footing)))
    });
    rules.chain(correlations).collect()
}
