//! Sigma rules over the stored events: which compile, which can match, which match.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use super::sigma_events::{Day, Events, NEVER, Shown};
use super::{Engine, Error};
use crate::detect::sigma::{
    Fired, Heading, Hit, Names, Placeholders, Program, Question, Reading, RuleSet, correlate,
};
use crate::domain::UtcMicros;
use crate::models::sigma::{AliasTable, alias_tables};
use crate::query::{At, Session};

/// What is asked of a folder of rules.
#[derive(Clone, Debug)]
pub struct SigmaRequest {
    pub folders: Vec<PathBuf>,
    pub at: At,
    /// The first day of events that is looked at, as `2026-03-31`.
    pub since: String,
    pub names: Names,
    pub placeholders: Placeholders,
}

/// One rule and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct SigmaRule {
    pub file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<&'static str>,
    /// The sources whose events the rule asks about.
    pub sources: BTreeSet<String>,
    pub compiles: bool,
    /// Whether what is stored has the fields without which the rule never matches.
    pub can_match: bool,
    /// Stored events that match.
    pub matched: usize,
    /// Why the rule does not compile, or cannot match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Of a correlation: the groups for which it began to hold, and when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<SigmaGroup>,
}

/// A group of events for which a correlation began to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SigmaGroup {
    /// What the events have in common, by field.
    pub key: BTreeMap<String, String>,
    pub at: UtcMicros,
    /// The event that made it hold.
    pub event_id: String,
}

/// What came of a folder.
#[derive(Clone, Debug, Default)]
pub struct SigmaReport {
    /// Rules in order of the files, then correlations.
    pub rules: Vec<SigmaRule>,
    /// Files or documents that are no rules, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Events that were looked at.
    pub events: usize,
    /// By source: stored events that kept no raw record, so that no rule can see their fields.
    pub without_raw: Vec<(String, i64)>,
    /// Raw records that are not JSON.
    pub no_json: usize,
}

/// The rules of one alias table and how far they have come.
struct Group {
    table: AliasTable,
    /// Rules of the set, as the program numbers them.
    rules: Vec<usize>,
    program: Program,
    seen: Vec<bool>,
    /// Fields whose values correlations ask for.
    kept: Vec<String>,
}

impl Engine {
    /// Runs the rules of a folder over the stored events, one pass for all of them.
    ///
    /// # Errors
    /// When the folder or the lake cannot be read.
    pub async fn sigma(&self, request: &SigmaRequest) -> Result<SigmaReport, Error> {
        let set = RuleSet::read(&request.folders)?;
        let mut report = SigmaReport { unreadable: set.unreadable.clone(), ..SigmaReport::default() };
        let mut groups = compiled(&set, request, &mut report)?;
        let session = Session::over(self.tables().await?.0, request.at)?;
        let asked: BTreeSet<String> =
            groups.iter().flat_map(|group| group.table.sources.iter().cloned()).collect();
        let mut stored = BTreeSet::new();
        let mut hits = Vec::new();
        let all = Shown { session: &session, since: &request.since, seen: NEVER, new: true };
        for day in all.days().await?.into_iter().filter(|day| asked.contains(&day.source)) {
            note_missing_raw(&day, &mut report);
            if day.raws == 0 {
                continue;
            }
            stored.insert(day.source.clone());
            for events in all.events(&day).await? {
                report.events += events.len();
                hits.extend(count(&events, &set, &mut groups, &mut report)?);
            }
        }
        for group in &groups {
            group.conclude(&stored, &mut report);
        }
        let wanted = (0..set.correlations.len()).filter(|one| set.footing(*one).is_ok()).collect();
        let fired = correlate(&set.correlations, &wanted, &hits).await?;
        let told = (0..set.correlations.len()).map(|one| correlated(one, &set, &hits, &fired, &report));
        let told = told.collect::<Vec<_>>();
        report.rules.extend(told);
        Ok(report)
    }
}

/// Runs every program that asks about `source`, and gives the matches that correlations look at.
/// A rule of two programs counts an event once.
fn count(
    events: &Events,
    set: &RuleSet,
    groups: &mut [Group],
    report: &mut SigmaReport,
) -> Result<Vec<Hit>, Error> {
    let mut matched: BTreeSet<(usize, usize)> = BTreeSet::new();
    let (mut hits, mut no_json) = (Vec::new(), 0);
    for group in groups.iter_mut().filter(|group| asks_about(group, events)) {
        let pass = group.program.run(events.raws().into_iter())?;
        no_json = no_json.max(pass.unreadable);
        group.seen.iter_mut().zip(&pass.seen).for_each(|(seen, here)| *seen |= *here);
        for (rule, here) in group.rules.iter().zip(&pass.matched).filter(|(_, here)| here.true_count() > 0) {
            let asked = set.is_correlated(*rule);
            for row in (0..here.len()).filter(|row| here.value(*row)) {
                if matched.insert((*rule, row)) && asked {
                    let values = group.kept.iter().zip(&pass.kept);
                    let fields =
                        values.filter_map(|(field, values)| Some((field.clone(), values[row].clone()?)));
                    let event = events.event(row);
                    hits.push(Hit {
                        names: set.rules[*rule].heading.names.clone(),
                        at_us: event.occurred_at.0,
                        event_id: event.event_id,
                        fields: fields.collect(),
                    });
                }
            }
        }
    }
    report.no_json += no_json;
    for (rule, _) in matched {
        report.rules[rule].matched += 1;
    }
    Ok(hits)
}

/// A correlation as a line of the report.
fn correlated(
    number: usize,
    set: &RuleSet,
    hits: &[Hit],
    fired: &[Fired],
    report: &SigmaReport,
) -> SigmaRule {
    let of = &set.correlations[number];
    let footing = set.footing(number);
    let rules: BTreeSet<usize> = footing.iter().flat_map(|footing| footing.rules.iter().copied()).collect();
    let can_fire = set.can_fire(number, &|rule| report.rules[rule].can_match);
    let mine = fired.iter().filter(|fired| fired.correlation == number);
    let groups: Vec<SigmaGroup> = mine
        .map(|fired| SigmaGroup {
            key: fired.key.clone(),
            at: UtcMicros(fired.at_us),
            event_id: hits[fired.hit].event_id.clone(),
        })
        .collect();
    let because = match &footing {
        Err(circle) => Some(circle.clone()),
        Ok(_) if can_fire => None,
        Ok(footing) => Some(match footing.unknown.iter().next() {
            Some(name) => format!("no rule is called {name}"),
            None => "the rules that it looks at cannot match".to_owned(),
        }),
    };
    SigmaRule {
        sources: rules.iter().flat_map(|rule| report.rules[*rule].sources.iter().cloned()).collect(),
        compiles: footing.is_ok(),
        can_match: can_fire,
        matched: groups.len(),
        because,
        groups,
        ..unasked(&of.heading)
    }
}

fn asks_about(group: &Group, events: &Events) -> bool {
    group.table.sources.iter().any(|source| source == events.source())
}

impl Group {
    /// Says of each rule whether it can match what is stored.
    fn conclude(&self, stored: &BTreeSet<String>, report: &mut SigmaReport) {
        let here = self.table.sources.iter().any(|source| stored.contains(source));
        let bare = report.without_raw.iter().any(|(source, _)| self.table.sources.contains(source));
        for (number, rule) in self.rules.iter().enumerate() {
            let rule = &mut report.rules[*rule];
            rule.sources.extend(self.table.sources.iter().cloned());
            if here && self.program.can_match(number, &self.seen) {
                (rule.can_match, rule.because) = (true, None);
            } else if !rule.can_match {
                rule.because = Some(match (here, self.table.sources.is_empty()) {
                    (_, true) => "no format that is read gives such events".to_owned(),
                    (false, _) if bare => "such events are stored without their raw records".to_owned(),
                    (false, _) => "no such events are stored".to_owned(),
                    _ => missing(&self.program.missing(number, &self.seen)),
                });
            }
        }
    }
}

fn missing(fields: &[&str]) -> String {
    match fields {
        [] => "the records that are stored have no values to match".to_owned(),
        fields => format!("no stored record has {}", fields.join(", ")),
    }
}

/// Compiles the rules by alias table; rules of no table are compiled alone, and cannot match.
fn compiled(set: &RuleSet, request: &SigmaRequest, report: &mut SigmaReport) -> Result<Vec<Group>, Error> {
    report.rules = set.rules.iter().map(|rule| unasked(&rule.heading)).collect();
    let tables = alias_tables()?;
    let mut placed = vec![false; set.rules.len()];
    let mut groups = Vec::new();
    for table in tables {
        let fitting: Vec<usize> =
            (0..set.rules.len()).filter(|rule| set.rules[*rule].logsource.fits(&table.logsource)).collect();
        fitting.iter().for_each(|rule| placed[*rule] = true);
        if !fitting.is_empty() {
            groups.push(group(set, &fitting, table, request, report)?);
        }
    }
    let homeless: Vec<usize> = (0..set.rules.len()).filter(|rule| !placed[*rule]).collect();
    if !homeless.is_empty() {
        groups.push(group(set, &homeless, AliasTable::default(), request, report)?);
    }
    Ok(groups)
}

fn group(
    set: &RuleSet,
    rules: &[usize],
    table: AliasTable,
    request: &SigmaRequest,
    report: &mut SigmaReport,
) -> Result<Group, Error> {
    let questions: Vec<Question<'_>> = rules.iter().map(|rule| set.question(*rule)).collect();
    let reading = Reading { table: Some(&table), names: request.names, placeholders: &request.placeholders };
    let kept = set.fields_of(&(0..set.correlations.len()).collect());
    let (program, outcomes) = Program::compile(&questions, &kept, reading)?;
    let mut compiled = Vec::new();
    for (rule, outcome) in rules.iter().zip(outcomes) {
        let rule_report = &mut report.rules[*rule];
        rule_report.compiles = outcome.is_ok();
        match outcome {
            Ok(_) => compiled.push(*rule),
            Err(reason) => rule_report.because = Some(reason),
        }
    }
    let seen = vec![false; program.fields().count()];
    Ok(Group { table, rules: compiled, program, seen, kept })
}

fn unasked(heading: &Heading) -> SigmaRule {
    SigmaRule {
        file: heading.file.clone(),
        id: heading.id.clone(),
        title: heading.title.clone(),
        level: heading.level,
        sources: BTreeSet::new(),
        compiles: false,
        can_match: false,
        matched: 0,
        because: None,
        groups: Vec::new(),
    }
}

fn note_missing_raw(day: &Day, report: &mut SigmaReport) {
    let gone = day.events - day.raws;
    if gone == 0 {
        return;
    }
    match report.without_raw.iter_mut().find(|(source, _)| *source == day.source) {
        Some((_, events)) => *events += gone,
        None => report.without_raw.push((day.source.clone(), gone)),
    }
}
