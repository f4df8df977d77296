//! Sigma rules of the company over the events that are new to them. Each rule is shown every event once,
//! whenever it comes: by when it became known, and by when it happened. A match is an occurrence, which the
//! ledger keeps until somebody decides on it.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;

use super::checkpoint::Known;
use super::rules::CompanyRules;
use super::{Engine, Error};
use crate::detect as detectors;
use crate::detect::sigma::{Match, Names, Placeholders, Program, Question, Reading, Telling};
use crate::domain::{Finding, UtcMicros};
use crate::findings::{Evaluated, Ledger};
use crate::models::Profile;
use crate::models::sigma::{AliasTable, alias_tables};
use crate::query::{At, Rows, Session};

/// Before all events.
const NEVER: At = At { as_of: UtcMicros(i64::MIN), known_at: UtcMicros(i64::MIN) };
/// How long a profile gives people to decide.
const UNDECIDED: &str = "occurrence_undecided";

/// What came of the rules.
#[derive(Default)]
pub(super) struct Occurrences {
    pub findings: Vec<Finding>,
    /// Rules that do not run, and why.
    pub told: Vec<String>,
    /// Events that no rule could see.
    pub incomplete: Vec<String>,
    /// Rules that ran.
    pub rules: usize,
    /// Events that were new to some of them, and were read.
    pub events: usize,
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

/// Rules of one logsource that have come equally far.
struct Group {
    table: AliasTable,
    rules: Vec<usize>,
    program: Program,
}

impl Engine {
    /// Shows the rules the events that are new to them.
    ///
    /// # Errors
    /// When ledger or lake fails.
    pub(super) async fn occurrences(&self, ledger: &Ledger, asked: &Asked<'_>) -> Result<Occurrences, Error> {
        let mut found = Occurrences::default();
        let chosen = chosen(asked, &mut found);
        let at = asked.session.at();
        let known = ledger.evaluated().await?;
        let mut by_seen: BTreeMap<(UtcMicros, UtcMicros), Vec<usize>> = BTreeMap::new();
        for rule in chosen {
            let content = content(asked, rule);
            let seen = known.get(&asked.rules.sigma.rules[rule].detector());
            // A question about an instant before these has to be asked of all events.
            let seen = seen.filter(|seen| {
                seen.content == content && seen.as_of <= at.as_of && seen.known_at <= at.known_at
            });
            let seen = seen.map_or((NEVER.known_at, NEVER.as_of), |seen| (seen.known_at, seen.as_of));
            by_seen.entry(seen).or_default().push(rule);
        }
        let placeholders = &self.rules.placeholders;
        for ((known_at, as_of), rules) in by_seen {
            let groups = compiled(asked, placeholders, &rules, &mut found)?;
            self.show(asked, At { as_of, known_at }, &groups, &mut found).await?;
            let shown: BTreeSet<usize> =
                groups.iter().flat_map(|group| group.rules.iter().copied()).collect();
            found.rules += shown.len();
            // Everything known by the newest instant of the table is in it; a batch that began before
            // and is committed later becomes known after it.
            let Some(newest) = asked.events.newest_at else { continue };
            for rule in shown {
                let (as_of, known_at) = (at.as_of, at.known_at.min(newest));
                let evaluated = Evaluated { content: content(asked, rule), as_of, known_at };
                found.evaluated.push((asked.rules.sigma.rules[rule].detector(), evaluated));
            }
        }
        Ok(found)
    }

    async fn show(
        &self,
        asked: &Asked<'_>,
        seen: At,
        groups: &[Group],
        found: &mut Occurrences,
    ) -> Result<(), Error> {
        let session = asked.session;
        let (seen_as_of, seen_known_at) = (seen.as_of.0.to_string(), seen.known_at.0.to_string());
        let seen = [("seen_as_of", seen_as_of.as_str()), ("seen_known_at", seen_known_at.as_str())];
        let undecided =
            asked.profile.interval(UNDECIDED).ok_or_else(|| detectors::Error::MissingThreshold {
                rule: "sigma".to_owned(),
                profile: asked.profile.id.clone(),
                key: UNDECIDED.to_owned(),
            })?;
        let at = session.at();
        let ages_out_at = UtcMicros(at.known_at.0.saturating_add(undecided.micros_about()));
        let telling = Telling { tenant: self.tenant(), at, profile: &asked.profile.id, ages_out_at };
        let wanted: BTreeSet<&String> = groups.iter().flat_map(|group| &group.table.sources).collect();
        let mut bare: BTreeMap<String, i64> = BTreeMap::new();
        for batch in session.ask("occurrence_days", include_str!("occurrence_days.sql"), &seen).await? {
            let rows = Rows::new("occurrence_days", &batch);
            let (source, day) = (rows.texts("source")?, rows.texts("day")?);
            let (events, raws) = (rows.integers("events")?, rows.integers("raws")?);
            for row in 0..rows.len() {
                let (source, day) = (source.owned(row).unwrap_or_default(), day.get(row).unwrap_or_default());
                if !wanted.contains(&source) {
                    continue;
                }
                let without = events.value(row) - raws.value(row);
                if without > 0 {
                    *bare.entry(source.clone()).or_default() += without;
                }
                let texts = [seen[0], seen[1], ("source", source.as_str()), ("day", day)];
                let events = include_str!("occurrence_events.sql");
                for batch in session.ask("occurrence_events", events, &texts).await? {
                    found.events += batch.num_rows();
                    matches(&batch, &source, groups, asked, &telling, &mut found.findings)?;
                }
            }
        }
        found.incomplete.extend(bare.into_iter().map(|(source, events)| {
            format!("{events} new events of {source} are stored without their raw record, and no Sigma rule sees them")
        }));
        Ok(())
    }
}

/// Runs the rules of `source` over a batch, and tells what matches.
fn matches(
    batch: &RecordBatch,
    source: &String,
    groups: &[Group],
    asked: &Asked<'_>,
    telling: &Telling<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let rows = Rows::new("occurrence_events", batch);
    let raws = rows.texts("raw")?;
    let (event_id, at) = (rows.texts("event_id")?, rows.times("occurred_at")?);
    let named = ["event_type", "org", "account_app", "account_id", "account_name", "account_email"];
    let named = named.map(|column| rows.texts(column));
    let [event_type, org, account_app, account_id, account_name, account_email] = named;
    let (event_type, org, account_app) = (event_type?, org?, account_app?);
    let (account_id, account_name, account_email) = (account_id?, account_name?, account_email?);
    let (actor_id, actor_name) = (rows.texts("actor_id")?, rows.texts("actor_name")?);
    let records: Vec<&str> = (0..rows.len()).map(|row| raws.get(row).unwrap_or_default()).collect();
    // A rule of two logsources tells of an event once.
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for group in groups.iter().filter(|group| group.table.sources.contains(source)) {
        let pass = group.program.run(records.iter().copied())?;
        for (rule, here) in group.rules.iter().zip(&pass.matched) {
            for row in (0..here.len()).filter(|row| here.value(*row)) {
                if !told.insert((*rule, row)) {
                    continue;
                }
                let event = Match {
                    source: source.clone(),
                    event_id: event_id.owned(row).unwrap_or_default(),
                    occurred_at: at.get(row).unwrap_or(UtcMicros(0)),
                    event_type: event_type.owned(row),
                    org: org.owned(row),
                    account_app: account_app.owned(row),
                    account_id: account_id.owned(row),
                    account_name: account_name.owned(row),
                    account_email: account_email.owned(row),
                    actor_id: actor_id.owned(row),
                    actor_name: actor_name.owned(row),
                };
                findings.push(asked.rules.sigma.rules[*rule].occurrence(&event, telling));
            }
        }
    }
    Ok(())
}

/// The rules that are to run, by number; of the rest it is told why not.
fn chosen(asked: &Asked<'_>, found: &mut Occurrences) -> Vec<usize> {
    let set = &asked.rules.sigma;
    let mut names = BTreeMap::new();
    let mut chosen = Vec::new();
    for (number, rule) in set.rules.iter().enumerate() {
        let name = rule.detector();
        let wanted = asked.names.is_empty() || asked.names.contains(&name);
        let because = match (rule.retired, names.get(&name)) {
            _ if !wanted => continue,
            (Some(status), _) => format!("its status is {status}"),
            (None, Some(other)) => format!("{other} has its id"),
            (None, None) if set.is_silent(number) => "only a correlation looks at it".to_owned(),
            (None, None) => {
                names.insert(name, rule.file.display().to_string());
                chosen.push(number);
                continue;
            }
        };
        found.told.push(format!("Sigma rule {} does not run: {because}", rule.file.display()));
    }
    for correlation in set.correlations.iter().filter(|_| asked.names.is_empty()) {
        let file = correlation.file.display();
        found
            .told
            .push(format!("Sigma correlation {file} does not run here; `lychgate sigma check` counts it"));
    }
    chosen
}

/// Compiles rules by alias table. Those that do not compile, or whose events no format gives, are told of.
fn compiled(
    asked: &Asked<'_>,
    placeholders: &Placeholders,
    rules: &[usize],
    found: &mut Occurrences,
) -> Result<Vec<Group>, Error> {
    let set = &asked.rules.sigma;
    let mut told: BTreeMap<usize, String> =
        rules.iter().map(|rule| (*rule, "no format that is read gives such events".to_owned())).collect();
    let mut groups = Vec::new();
    for table in alias_tables()?.into_iter().filter(|table| !table.sources.is_empty()) {
        let fitting: Vec<usize> =
            rules.iter().copied().filter(|rule| set.rules[*rule].logsource.fits(&table.logsource)).collect();
        if fitting.is_empty() {
            continue;
        }
        let questions: Vec<Question<'_>> = fitting.iter().map(|rule| set.question(*rule)).collect();
        let reading = Reading { table: Some(&table), names: Names::Folded, placeholders };
        let (program, outcomes) = Program::compile(&questions, &[], reading)?;
        let mut compiled = Vec::new();
        for (rule, outcome) in fitting.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => {
                    told.remove(&rule);
                    compiled.push(rule);
                }
                Err(reason) => {
                    told.insert(rule, reason);
                }
            }
        }
        groups.push(Group { table, rules: compiled, program });
    }
    found.told.extend(
        told.into_iter()
            .map(|(rule, why)| format!("Sigma rule {} does not run: {why}", set.rules[rule].file.display())),
    );
    Ok(groups)
}

/// What a rule says, and about which table: with another of the two it begins anew.
fn content(asked: &Asked<'_>, rule: usize) -> String {
    let text = asked.rules.hashes.get(&asked.rules.sigma.rules[rule].file);
    format!("{}/{}", text.map(String::as_str).unwrap_or_default(), asked.events.table_id)
}
