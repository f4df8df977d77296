//! Reads folders of Sigma rules, correlations and filters.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rsigma_parser::{Detections, FilterRule, FilterRuleTarget, LogSource, SigmaRule, parse_sigma_yaml};

use super::Error;
use super::correlation::Correlation;
use super::heading::Heading;
use crate::models::sigma::Logsource;

/// What a folder holds, in order of the files.
#[derive(Default)]
pub struct RuleSet {
    pub rules: Vec<Rule>,
    pub correlations: Vec<Correlation>,
    filters: Vec<FilterRule>,
    /// Files, or documents in them, that are no rules, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// A detection rule.
pub struct Rule {
    pub heading: Heading,
    /// Where its events come from.
    pub logsource: Logsource,
    document: SigmaRule,
}

/// What a rule looks for: its own detections, and those of the filters laid over it; all hold.
pub struct Question<'a> {
    pub(super) parts: Vec<&'a Detections>,
}

impl RuleSet {
    /// Reads every `.yml` and `.yaml` below the folders.
    ///
    /// # Errors
    /// When a folder or a file cannot be read at all.
    pub fn read(folders: &[impl AsRef<Path>]) -> Result<RuleSet, Error> {
        let mut set = RuleSet::default();
        for folder in folders.iter().map(AsRef::as_ref) {
            for file in files(folder)? {
                let text =
                    fs::read_to_string(&file).map_err(|source| Error::Read { path: file.clone(), source })?;
                let name = file.strip_prefix(folder).unwrap_or(&file);
                set.add(name, &text);
            }
        }
        Ok(set)
    }

    /// Adds the documents of one file.
    pub fn add(&mut self, file: &Path, text: &str) {
        match parse_sigma_yaml(text) {
            Err(error) => self.unreadable.push((file.to_owned(), error.to_string())),
            Ok(read) => {
                self.rules.extend(read.rules.into_iter().map(|document| Rule::new(file, document)));
                self.filters.extend(read.filters);
                for document in &read.correlations {
                    match Correlation::read(file, document) {
                        Ok(correlation) => self.correlations.push(correlation),
                        Err(reason) => self.unreadable.push((file.to_owned(), reason)),
                    }
                }
                self.unreadable.extend(read.errors.into_iter().map(|reason| (file.to_owned(), reason)));
            }
        }
    }

    /// What rules and correlations say about themselves.
    pub fn headings(&self) -> impl Iterator<Item = &Heading> {
        let correlations = self.correlations.iter().map(|correlation| &correlation.heading);
        self.rules.iter().map(|rule| &rule.heading).chain(correlations)
    }

    /// Whether filters are among what was read.
    pub fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Whether what has these names is looked at by correlations, none of which lets it be told of by itself.
    pub fn is_silent(&self, names: &[String]) -> bool {
        let mut over = self
            .correlations
            .iter()
            .filter(|one| one.rules.iter().any(|wanted| names.contains(wanted)))
            .peekable();
        over.peek().is_some() && !over.any(|one| one.generates)
    }

    /// Whether a correlation looks at the matches of the rule with this number.
    pub fn is_correlated(&self, rule: usize) -> bool {
        let names = &self.rules[rule].heading.names;
        self.correlations.iter().flat_map(|one| &one.rules).any(|wanted| names.contains(wanted))
    }

    /// The fields whose values the correlations with these numbers ask for, each once.
    pub fn fields_of(&self, correlations: &BTreeSet<usize>) -> Vec<String> {
        let asking = correlations.iter().filter_map(|number| self.correlations.get(*number));
        let fields: BTreeSet<&str> = asking.flat_map(Correlation::fields).collect();
        fields.into_iter().map(str::to_owned).collect()
    }

    /// What the rule with this number looks for.
    pub fn question(&self, rule: usize) -> Question<'_> {
        let rule = &self.rules[rule].document;
        let over = self.filters.iter().filter(|filter| covers(filter, rule));
        let parts = std::iter::once(&rule.detection).chain(over.map(|filter| &filter.detection));
        Question { parts: parts.collect() }
    }
}

impl Rule {
    fn new(file: &Path, document: SigmaRule) -> Rule {
        let LogSource { product, service, category, .. } = document.logsource.clone();
        Rule {
            heading: Heading::of_rule(file, &document),
            logsource: Logsource { product, service, category },
            document,
        }
    }
}

/// A filter covers the rules that it names, by id, name or title, within its own logsource.
fn covers(filter: &FilterRule, rule: &SigmaRule) -> bool {
    let names = [rule.id.as_deref(), rule.name.as_deref(), Some(rule.title.as_str())];
    let named = match &filter.rules {
        FilterRuleTarget::Any => true,
        FilterRuleTarget::Specific(wanted) => wanted.iter().any(|name| names.contains(&Some(name.as_str()))),
    };
    let within = |mine: &Option<String>, theirs: &Option<String>| match (mine, theirs) {
        (None, _) => true,
        (Some(mine), Some(theirs)) => mine.eq_ignore_ascii_case(theirs),
        (Some(_), None) => false,
    };
    named
        && filter.logsource.as_ref().is_none_or(|of| {
            within(&of.product, &rule.logsource.product)
                && within(&of.service, &rule.logsource.service)
                && within(&of.category, &rule.logsource.category)
        })
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |source| Error::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_rule = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
            if path.is_dir() {
                folders.push(path);
            } else if is_rule {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
