//! Which Sigma rules and correlations of the company run, together with those that have come equally far; of
//! the rest it is told why not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Error;
use super::occurrences::{Asked, Occurrences};
use super::sigma_events::{Events, NEVER};
use crate::detect::sigma::{Footing, Heading, Names, Placeholders, Program, Question, Reading, RuleSet};
use crate::domain::UtcMicros;
use crate::findings::Evaluated;
use crate::models::sigma::{AliasTable, alias_tables};
use crate::query::At;

/// Rules and correlations that have come equally far. All are numbers of the set.
pub(super) struct Unit {
    /// The instants up to which they were shown all events.
    pub seen: At,
    pub rules: BTreeSet<usize>,
    /// Correlations, each with what it rests on.
    pub correlations: BTreeMap<usize, Footing>,
}

/// Rules of one logsource, compiled together.
pub(super) struct Group {
    pub table: AliasTable,
    pub rules: Vec<usize>,
    program: Program,
    kept: Vec<String>,
}

impl Unit {
    /// The rules whose matches its correlations look at.
    pub fn bases(&self) -> BTreeSet<usize> {
        self.correlations.values().flat_map(|footing| &footing.rules).copied().collect()
    }
}

impl Group {
    /// Runs the rules over events: each match as the rule, the row, and the values of fields that
    /// correlations ask for.
    pub fn run(
        &self,
        events: &Events,
        mut each: impl FnMut(usize, usize, BTreeMap<String, String>),
    ) -> Result<(), Error> {
        let pass = self.program.run(events.raws().into_iter())?;
        for (rule, here) in self.rules.iter().zip(&pass.matched).filter(|(_, here)| here.true_count() > 0) {
            for row in (0..here.len()).filter(|row| here.value(*row)) {
                let fields = self.kept.iter().zip(&pass.kept);
                let fields = fields.filter_map(|(field, values)| Some((field.clone(), values[row].clone()?)));
                each(*rule, row, fields.collect());
            }
        }
        Ok(())
    }
}

/// What is to run, in order of what it was shown.
pub(super) fn units(
    asked: &Asked<'_>,
    known: &BTreeMap<String, Evaluated>,
    found: &mut Occurrences,
) -> Vec<Unit> {
    let set = &asked.rules.sigma;
    let at = asked.session.at();
    // In order of what they have been shown, so that runs are alike.
    let mut by_seen: BTreeMap<(UtcMicros, UtcMicros), Unit> = BTreeMap::new();
    let seen = |detector: &str, content: String| {
        // A question about an instant before these has to be asked of all events.
        let seen = known
            .get(detector)
            .filter(|seen| seen.content == content && seen.as_of <= at.as_of && seen.known_at <= at.known_at);
        seen.map_or((NEVER.known_at, NEVER.as_of), |seen| (seen.known_at, seen.as_of))
    };
    let unit = |seen: (UtcMicros, UtcMicros)| Unit {
        seen: At { known_at: seen.0, as_of: seen.1 },
        rules: BTreeSet::new(),
        correlations: BTreeMap::new(),
    };
    let mut taken = BTreeMap::new();
    for (number, rule) in set.rules.iter().enumerate() {
        if runs(asked, &rule.heading, &mut taken, "rule", found) {
            let seen = seen(&rule.heading.detector(), rule_content(asked, number));
            by_seen.entry(seen).or_insert_with(|| unit(seen)).rules.insert(number);
        }
    }
    for (number, correlation) in set.correlations.iter().enumerate() {
        let file = correlation.heading.file.display();
        match set.footing(number) {
            Err(because) if is_named(asked, &correlation.heading) => {
                found.not_run.push(format!("Sigma correlation {file} does not run: {because}"));
            }
            Ok(footing) if runs(asked, &correlation.heading, &mut taken, "correlation", found) => {
                let nobody = footing.unknown.iter();
                let told = nobody.map(|name| format!("Sigma correlation {file}: no rule is called {name}"));
                found.not_run.extend(told);
                let seen = seen(&correlation.heading.detector(), content(asked, number, &footing));
                let unit = by_seen.entry(seen).or_insert_with(|| unit(seen));
                unit.correlations.insert(number, footing);
            }
            _ => {}
        }
    }
    by_seen.into_values().collect()
}

fn is_named(asked: &Asked<'_>, heading: &Heading) -> bool {
    asked.names.is_empty() || asked.names.contains(&heading.detector())
}

/// Whether a rule or correlation is to be told of by itself.
fn runs(
    asked: &Asked<'_>,
    heading: &Heading,
    taken: &mut BTreeMap<String, String>,
    kind: &str,
    found: &mut Occurrences,
) -> bool {
    if !is_named(asked, heading) {
        return false;
    }
    let name = heading.detector();
    let named = !asked.names.is_empty();
    let silent = asked.rules.sigma.is_silent(&heading.names);
    let because = match (heading.retired, taken.get(&name)) {
        (Some(status), _) => format!("its status is {status}"),
        (None, Some(other)) => format!("{other} has its id"),
        (None, None) if silent && named => "only a correlation looks at it".to_owned(),
        // It runs for the correlations, which is what its author asked for.
        (None, None) if silent => return false,
        (None, None) => {
            taken.insert(name, heading.file.display().to_string());
            return true;
        }
    };
    found.not_run.push(format!("Sigma {kind} {} does not run: {because}", heading.file.display()));
    false
}

/// Compiles the rules of a unit by alias table. Those that do not compile, or whose events no format gives, are
/// told of; so are correlations that cannot hold without them, and they are taken out.
pub(super) fn compiled(
    asked: &Asked<'_>,
    placeholders: &Placeholders,
    unit: &mut Unit,
    found: &mut Occurrences,
) -> Result<Vec<Group>, Error> {
    let set = &asked.rules.sigma;
    let wanted: BTreeSet<usize> = unit.rules.union(&unit.bases()).copied().collect();
    let (groups, refused) = groups(set, placeholders, &wanted, &kept(set, unit))?;
    let file = |rule: &usize| set.rules[*rule].heading.file.display();
    found
        .not_run
        .extend(refused.iter().map(|(rule, why)| format!("Sigma rule {} does not run: {why}", file(rule))));
    let runs = |rule: usize| !refused.contains_key(&rule);
    unit.rules.retain(|rule| runs(*rule));
    unit.correlations.retain(|correlation, _| {
        let can_fire = set.can_fire(*correlation, &runs);
        if !can_fire {
            let file = set.correlations[*correlation].heading.file.display();
            let because = "the rules that it looks at do not";
            found.not_run.push(format!("Sigma correlation {file} does not run: {because}"));
        }
        can_fire
    });
    Ok(groups)
}

/// The rules alone that correlations of a unit look at.
pub(super) fn bases(set: &RuleSet, placeholders: &Placeholders, unit: &Unit) -> Result<Vec<Group>, Error> {
    Ok(groups(set, placeholders, &unit.bases(), &kept(set, unit))?.0)
}

fn kept(set: &RuleSet, unit: &Unit) -> Vec<String> {
    let correlations = unit.correlations.values().flat_map(|footing| &footing.correlations).copied();
    set.fields_of(&correlations.collect())
}

type Refused = BTreeMap<usize, String>;

fn groups(
    set: &RuleSet,
    placeholders: &Placeholders,
    rules: &BTreeSet<usize>,
    kept: &[String],
) -> Result<(Vec<Group>, Refused), Error> {
    let nowhere = "no format that is read gives such events";
    let mut refused: Refused = rules.iter().map(|rule| (*rule, nowhere.to_owned())).collect();
    let mut groups = Vec::new();
    for table in alias_tables()?.into_iter().filter(|table| !table.sources.is_empty()) {
        let fits = |rule: &usize| set.rules[*rule].logsource.fits(&table.logsource);
        let fitting: Vec<usize> = rules.iter().copied().filter(fits).collect();
        if fitting.is_empty() {
            continue;
        }
        let questions: Vec<Question<'_>> = fitting.iter().map(|rule| set.question(*rule)).collect();
        let reading = Reading { table: Some(&table), names: Names::Folded, placeholders };
        let (program, outcomes) = Program::compile(&questions, kept, reading)?;
        let mut compiled = Vec::new();
        for (rule, outcome) in fitting.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => {
                    refused.remove(&rule);
                    compiled.push(rule);
                }
                Err(reason) => {
                    refused.insert(rule, reason);
                }
            }
        }
        groups.push(Group { table, rules: compiled, program, kept: kept.to_vec() });
    }
    Ok((groups, refused))
}

/// What a rule says, and about which table: with another of the two it begins anew.
pub(super) fn rule_content(asked: &Asked<'_>, rule: usize) -> String {
    said(asked, BTreeSet::from([&asked.rules.sigma.rules[rule].heading.file]))
}

/// The same of a correlation, and of all that it rests on.
pub(super) fn content(asked: &Asked<'_>, correlation: usize, footing: &Footing) -> String {
    let set = &asked.rules.sigma;
    let rules = footing.rules.iter().map(|rule| &set.rules[*rule].heading.file);
    let others = footing.correlations.iter().chain([&correlation]);
    said(asked, rules.chain(others.map(|one| &set.correlations[*one].heading.file)).collect())
}

fn said(asked: &Asked<'_>, files: BTreeSet<&PathBuf>) -> String {
    let texts = files.iter().filter_map(|file| asked.rules.hashes.get(*file)).map(String::as_str);
    format!("{}/{}", texts.collect::<Vec<&str>>().join("+"), asked.events.log.table_id())
}
