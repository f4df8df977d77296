//! Sigma rules over the stored events: which compile, which can match, which match.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use serde::Serialize;

use super::{Engine, Error};
use crate::detect::sigma::{
    Correlation, Fired, Hit, Names, Placeholders, Program, Question, Reading, Rule, RuleSet, correlate,
};
use crate::domain::UtcMicros;
use crate::models::sigma::{AliasTable, alias_tables};
use crate::query::{At, Rows, Session};

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
        for day in days(&session, &request.since).await? {
            if !asked.contains(&day.source) {
                continue;
            }
            note_missing_raw(&day, &mut report);
            if day.raws == 0 {
                continue;
            }
            stored.insert(day.source.clone());
            let texts = [("source", day.source.as_str()), ("day", day.day.as_str())];
            for batch in session.ask("sigma_events", include_str!("sigma_events.sql"), &texts).await? {
                let records = Records::read(&batch)?;
                report.events += records.raws.len();
                hits.extend(count(&records, &day.source, &set, &mut groups, &mut report)?);
            }
        }
        for group in &groups {
            group.conclude(&stored, &mut report);
        }
        let fired = correlate(&set.correlations, hits).await?;
        let told =
            set.correlations.iter().map(|one| correlated(one, &set, &fired, &report)).collect::<Vec<_>>();
        report.rules.extend(told);
        Ok(report)
    }
}

/// Stored events and their raw records.
struct Records {
    raws: Vec<String>,
    event_ids: Vec<String>,
    times: Vec<UtcMicros>,
}

impl Records {
    fn read(batch: &RecordBatch) -> Result<Records, Error> {
        let rows = Rows::new("sigma_events", batch);
        let (raw, event_id, at) = (rows.texts("raw")?, rows.texts("event_id")?, rows.times("occurred_at")?);
        let rows = 0..rows.len();
        Ok(Records {
            raws: rows.clone().map(|row| raw.owned(row).unwrap_or_default()).collect(),
            event_ids: rows.clone().map(|row| event_id.owned(row).unwrap_or_default()).collect(),
            times: rows.map(|row| at.get(row).unwrap_or(UtcMicros(0))).collect(),
        })
    }
}

/// Runs every program that asks about `source`, and gives the matches that correlations look at.
/// A rule of two programs counts an event once.
fn count(
    records: &Records,
    source: &String,
    set: &RuleSet,
    groups: &mut [Group],
    report: &mut SigmaReport,
) -> Result<Vec<Hit>, Error> {
    let mut matched: BTreeSet<(usize, usize)> = BTreeSet::new();
    let (mut hits, mut no_json) = (Vec::new(), 0);
    for group in groups.iter_mut().filter(|group| group.table.sources.contains(source)) {
        let pass = group.program.run(records.raws.iter().map(String::as_str))?;
        no_json = no_json.max(pass.unreadable);
        group.seen.iter_mut().zip(&pass.seen).for_each(|(seen, here)| *seen |= *here);
        for (rule, here) in group.rules.iter().zip(&pass.matched).filter(|(_, here)| here.true_count() > 0) {
            let asked = set.is_correlated(*rule);
            for row in (0..here.len()).filter(|row| here.value(*row)) {
                if matched.insert((*rule, row)) && asked {
                    let values = group.kept.iter().zip(&pass.kept);
                    let fields =
                        values.filter_map(|(field, values)| Some((field.clone(), values[row].clone()?)));
                    hits.push(Hit {
                        names: set.rules[*rule].names.clone(),
                        at_us: records.times[row].0,
                        event_id: records.event_ids[row].clone(),
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
fn correlated(of: &Correlation, set: &RuleSet, fired: &[Fired], report: &SigmaReport) -> SigmaRule {
    let rules = || set.rules.iter().zip(&report.rules);
    let can_match = |name: &String| {
        rules().any(|(rule, told)| told.can_match && rule.names.contains(name))
            || set.correlations.iter().any(|other| other.names.contains(name))
    };
    let asked = rules().filter(|(rule, _)| rule.names.iter().any(|name| of.rules.contains(name)));
    let can_fire = of.can_fire(can_match);
    let mine = fired.iter().filter(|fired| fired.title == of.title);
    let groups: Vec<SigmaGroup> = mine
        .map(|fired| SigmaGroup {
            key: fired.key.clone(),
            at: UtcMicros(fired.at_us),
            event_id: fired.event_id.clone(),
        })
        .collect();
    SigmaRule {
        file: of.file.clone(),
        id: None,
        title: of.title.clone(),
        level: of.level,
        sources: asked.flat_map(|(_, told)| told.sources.iter().cloned()).collect(),
        compiles: true,
        can_match: can_fire,
        matched: groups.len(),
        because: (!can_fire).then(|| "the rules that it looks at cannot match".to_owned()),
        groups,
    }
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
    report.rules = set.rules.iter().map(unasked).collect();
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
    let kept = set.correlated_fields();
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

fn unasked(rule: &Rule) -> SigmaRule {
    SigmaRule {
        file: rule.file.clone(),
        id: rule.id.clone(),
        title: rule.title.clone(),
        level: rule.level,
        sources: BTreeSet::new(),
        compiles: false,
        can_match: false,
        matched: 0,
        because: None,
        groups: Vec::new(),
    }
}

/// Events of one source and day.
struct Day {
    source: String,
    day: String,
    events: i64,
    raws: i64,
}

async fn days(session: &Session, since: &str) -> Result<Vec<Day>, Error> {
    let mut days = Vec::new();
    for batch in session.ask("sigma_days", include_str!("sigma_days.sql"), &[("since", since)]).await? {
        let rows = Rows::new("sigma_days", &batch);
        let (source, day) = (rows.texts("source")?, rows.texts("day")?);
        let (events, raws) = (rows.integers("events")?, rows.integers("raws")?);
        for row in 0..rows.len() {
            days.push(Day {
                source: source.owned(row).unwrap_or_default(),
                day: day.owned(row).unwrap_or_default(),
                events: events.value(row),
                raws: raws.value(row),
            });
        }
    }
    Ok(days)
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
