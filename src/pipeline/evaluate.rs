//! Findings against the truth of a simulated organisation, class by class.
//!
//! A label says which verdict is the right one: `fail`, or `unknown` where the only evidence
//! is an export that stopped coming. Both are graded; the engine's own doubt excuses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::domain::{Finding, Verdict};

/// The right verdicts of one class, by subject.
pub type Labels = BTreeMap<String, BTreeMap<String, Verdict>>;

/// One class of findings.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClassScore {
    pub code: String,
    /// Subjects on which the right verdict is fail.
    pub labels: usize,
    /// Findings with verdict fail.
    pub found: usize,
    /// Found, and fail is right.
    pub right: usize,
    /// `right / found`; 1 when nothing was found.
    pub precision: f64,
    /// `right / labels`; 1 when nothing was to be found.
    pub recall: f64,
    /// Subjects on which the right verdict is unknown.
    pub undecidable: usize,
    /// Those of them that the engine gave that verdict.
    pub doubted: usize,
    /// All findings with verdict unknown.
    pub unknown: usize,
    /// Up to ten subjects that did not get the right verdict.
    pub missed: Vec<String>,
    /// Up to ten that got the verdict fail and should not have.
    pub wrong: Vec<String>,
}

/// Reads `labels.csv`: the right verdict on each subject, by code.
///
/// # Errors
/// When the file cannot be read or is no such table.
pub fn labels(path: &Path) -> Result<Labels, Error> {
    #[derive(Deserialize)]
    struct Line {
        code: String,
        subject: String,
        verdict: Verdict,
    }
    let failed = |source: csv::Error| Error::Labels { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let mut labels = Labels::new();
    for line in reader.deserialize() {
        let Line { code, subject, verdict } = line.map_err(failed)?;
        labels.entry(code).or_default().insert(subject, verdict);
    }
    Ok(labels)
}

/// Compares by code and subject id, in order of code. A code without labels and without
/// findings is left out.
pub fn score(labels: &Labels, findings: &[Finding]) -> Vec<ClassScore> {
    let none = BTreeMap::new();
    let mut given: BTreeMap<&str, [BTreeSet<&str>; 2]> = BTreeMap::new();
    for finding in findings {
        let [failed, unknown] = given.entry(&finding.code).or_default();
        let verdicts = if finding.verdict == Verdict::Fail { failed } else { unknown };
        verdicts.insert(&finding.subject.id);
    }
    let codes: BTreeSet<&str> = labels.keys().map(String::as_str).chain(given.keys().copied()).collect();
    let score = |code| {
        let [failed, unknown] = given.remove(code).unwrap_or_default();
        score_class(code, labels.get(code).unwrap_or(&none), &failed, &unknown)
    };
    codes.into_iter().map(score).collect()
}

fn score_class(
    code: &str,
    labels: &BTreeMap<String, Verdict>,
    failed: &BTreeSet<&str>,
    unknown: &BTreeSet<&str>,
) -> ClassScore {
    let of = |verdict| -> BTreeSet<&str> {
        labels.iter().filter(|(_, right)| **right == verdict).map(|(subject, _)| subject.as_str()).collect()
    };
    let (true_fails, undecidable) = (of(Verdict::Fail), of(Verdict::Unknown));
    let right = true_fails.intersection(failed).count();
    let doubts: BTreeSet<&str> = undecidable.intersection(unknown).copied().collect();
    let unanswered = undecidable.difference(&doubts);
    let some = |subjects: &mut dyn Iterator<Item = &&str>| -> Vec<String> {
        subjects.take(10).map(|subject| (*subject).to_owned()).collect()
    };
    ClassScore {
        code: code.to_owned(),
        labels: true_fails.len(),
        found: failed.len(),
        right,
        precision: share(right, failed.len()),
        recall: share(right, true_fails.len()),
        undecidable: undecidable.len(),
        doubted: doubts.len(),
        unknown: unknown.len(),
        missed: some(&mut true_fails.difference(failed).chain(unanswered)),
        wrong: some(&mut failed.difference(&true_fails)),
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}
