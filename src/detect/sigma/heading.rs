//! What a document says about itself, whether it is a rule or a correlation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsigma_parser::{CorrelationRule, Level, SigmaRule, Status};

use crate::domain::Severity;

/// The part that rules and correlations share.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The file that it stands in, as named below the folder.
    pub file: PathBuf,
    pub id: Option<String>,
    pub title: String,
    pub level: Option<&'static str>,
    /// `deprecated` or `unsupported`: its author says not to run it.
    pub retired: Option<&'static str>,
    pub tags: Vec<String>,
    pub description: Option<String>,
    pub false_positives: Vec<String>,
    /// The names by which correlations and filters may mean it: id, name, title.
    pub names: Arc<[String]>,
}

impl Heading {
    pub(super) fn of_rule(file: &Path, rule: &SigmaRule) -> Heading {
        Heading {
            file: file.to_owned(),
            id: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level.as_ref().map(Level::as_str),
            retired: retired(rule.status),
            tags: rule.tags.clone(),
            description: rule.description.clone(),
            false_positives: rule.falsepositives.clone(),
            names: names([&rule.id, &rule.name], &rule.title),
        }
    }

    pub(super) fn of_correlation(file: &Path, rule: &CorrelationRule) -> Heading {
        Heading {
            file: file.to_owned(),
            id: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level.as_ref().map(Level::as_str),
            retired: retired(rule.status),
            tags: rule.tags.clone(),
            description: rule.description.clone(),
            false_positives: rule.falsepositives.clone(),
            names: names([&rule.id, &rule.name], &rule.title),
        }
    }

    /// What it is called among detectors: by its id, or by file and title where it has none.
    pub fn detector(&self) -> String {
        match &self.id {
            Some(id) => format!("sigma/{id}"),
            None => format!("sigma/{}#{}", self.file.display(), self.title),
        }
    }

    /// By its level; one that states none is taken for medium.
    pub fn severity(&self) -> Severity {
        match self.level {
            Some("informational") => Severity::Info,
            Some(level) => Severity::parse(level).unwrap_or(Severity::Medium),
            None => Severity::Medium,
        }
    }

    /// The tags as controls: techniques and tactics of ATT&CK by name, the rest as it is.
    pub fn controls(&self) -> Vec<String> {
        self.tags.iter().map(|tag| control(tag)).collect()
    }
}

fn names(of: [&Option<String>; 2], title: &str) -> Arc<[String]> {
    of.into_iter().flatten().map(String::as_str).chain([title]).map(str::to_owned).collect()
}

fn retired(status: Option<Status>) -> Option<&'static str> {
    match status? {
        Status::Deprecated => Some("deprecated"),
        Status::Unsupported => Some("unsupported"),
        Status::Stable | Status::Test | Status::Experimental => None,
    }
}

fn control(tag: &str) -> String {
    match tag.split_once('.') {
        Some((space, name)) if space.eq_ignore_ascii_case("attack") => {
            let technique = name.strip_prefix(['t', 'T', 's', 'S', 'g', 'G']);
            let is_id = technique.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            format!("ATT&CK {}", if is_id { name.to_ascii_uppercase() } else { name.to_owned() })
        }
        Some((space, name)) if space.eq_ignore_ascii_case("cve") => format!("CVE-{name}"),
        _ => tag.to_owned(),
    }
}
