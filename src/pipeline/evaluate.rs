//! Findings against the truth of a simulated organisation, class by class.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::Error;
use crate::domain::{Finding, Verdict};

/// One class of findings.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClassScore {
    pub code: String,
    pub labels: usize,
    /// Findings with verdict fail.
    pub found: usize,
    /// Found and true.
    pub right: usize,
    /// Found with verdict unknown: neither right nor wrong.
    pub unknown: usize,
    /// True, and the verdict was unknown because the evidence is stale or missing.
    pub undecided: usize,
    /// `right / found`; 1 when nothing was found.
    pub precision: f64,
    /// `right / (labels - undecided)`; 1 when nothing was to be found. A detector that says
    /// that it cannot know has not overlooked anything; `undecided` shows how often it did.
    pub recall: f64,
    /// Up to ten subjects that are true and were not found.
    pub missed: Vec<String>,
    /// Up to ten that were found and are not true.
    pub wrong: Vec<String>,
}

/// Reads `labels.csv` (`code,subject,…`): the subjects of each code.
///
/// # Errors
/// When the file cannot be read or is no such table.
pub fn labels(path: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let failed = |source: csv::Error| Error::Labels { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(failed)?;
        if let (Some(code), Some(subject)) = (record.get(0), record.get(1)) {
            labels.entry(code.to_owned()).or_default().insert(subject.to_owned());
        }
    }
    Ok(labels)
}

/// Compares by code and subject id, in order of code. A code without labels and without
/// findings is left out.
pub fn score(labels: &BTreeMap<String, BTreeSet<String>>, findings: &[Finding]) -> Vec<ClassScore> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut unknown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings {
        match finding.verdict {
            Verdict::Fail => {
                found.entry(&finding.code).or_default().insert(&finding.subject.id);
            }
            _ => {
                unknown.entry(&finding.code).or_default().insert(&finding.subject.id);
            }
        }
    }
    let codes: BTreeSet<&str> = labels
        .keys()
        .map(String::as_str)
        .chain(found.keys().copied())
        .chain(unknown.keys().copied())
        .collect();
    codes
        .into_iter()
        .map(|code| {
            let truth: BTreeSet<&str> = labels.get(code).into_iter().flatten().map(String::as_str).collect();
            let claimed = found.remove(code).unwrap_or_default();
            let doubted = unknown.remove(code).unwrap_or_default();
            let right = truth.intersection(&claimed).count();
            let undecided =
                truth.intersection(&doubted).filter(|subject| !claimed.contains(**subject)).count();
            let missed = truth.difference(&claimed).filter(|subject| !doubted.contains(**subject));
            let some = |set: Vec<&&str>| set.into_iter().take(10).map(|text| (*text).to_owned()).collect();
            ClassScore {
                code: code.to_owned(),
                labels: truth.len(),
                found: claimed.len(),
                right,
                unknown: doubted.len(),
                undecided,
                precision: share(right, claimed.len()),
                recall: share(right, truth.len() - undecided),
                missed: some(missed.collect()),
                wrong: some(claimed.difference(&truth).collect()),
            }
        })
        .collect()
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
