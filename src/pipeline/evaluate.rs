//! Findings against the truth of a simulated organisation, class by class.
//!
//! A label says which verdict is the right one: `fail`, or `unknown` where the only evidence
//! is an export that stopped coming. Both are graded; the engine's own doubt excuses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Backtest, Error};
use crate::domain::{Findings, UtcMicros, Verdict};

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

/// How late the faults of one class were found that began while history was replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Delay {
    pub code: String,
    /// Subjects that could first be found within the replay.
    pub began: usize,
    /// Found within one run of that instant.
    pub in_time: usize,
    /// Found later than that, or not yet.
    pub late: usize,
    /// The longest time from when one could be found to the first run that found it.
    pub longest_hours: f64,
    /// Up to ten subjects that were late.
    pub subjects: Vec<String>,
}

/// Reads when each fault of `labels.csv` could first be found, by code and subject; those whose right verdict is
/// unknown are left out.
///
/// # Errors
/// As [`labels`].
pub fn detectable(path: &Path) -> Result<BTreeMap<(String, String), UtcMicros>, Error> {
    let mut times = BTreeMap::new();
    for Label { code, subject, verdict, detectable_from } in lines(path)? {
        if let (Verdict::Fail, Some(at)) = (verdict, UtcMicros::parse(&detectable_from)) {
            times.insert((code, subject), at);
        }
    }
    Ok(times)
}

/// The delay of each class over a replay. A fault counts when it could first be found after the replay's first
/// run and not after its last, so that there was a run to find it.
pub fn delays(detectable: &BTreeMap<(String, String), UtcMicros>, replayed: &Backtest) -> Vec<Delay> {
    let runs: Vec<UtcMicros> = replayed.steps.iter().map(|step| step.at).collect();
    let mut first_seen: BTreeMap<(&str, &str), UtcMicros> = BTreeMap::new();
    for seen in &replayed.findings {
        let at = first_seen.entry((&seen.code, &seen.subject)).or_insert(seen.first_seen_at);
        *at = seen.first_seen_at.min(*at);
    }
    let mut delays: BTreeMap<&str, Delay> = BTreeMap::new();
    for ((code, subject), from) in detectable {
        let next =
            runs.iter().find(|run| *run >= from).filter(|_| runs.first().is_some_and(|run| run < from));
        let Some(next) = next.copied() else { continue };
        let delay = delays.entry(code).or_insert_with(|| Delay { code: code.clone(), ..Delay::default() });
        delay.began += 1;
        let seen = first_seen.get(&(code.as_str(), subject.as_str())).copied();
        let waited = seen.unwrap_or_else(|| runs.last().copied().unwrap_or(next)).0 - from.0;
        delay.longest_hours = delay.longest_hours.max((waited as f64 / 3.6e9 * 10.0).round() / 10.0);
        if seen.is_some_and(|seen| seen <= next) {
            delay.in_time += 1;
        } else {
            delay.late += 1;
            delay.subjects.extend((delay.subjects.len() < 10).then(|| subject.clone()));
        }
    }
    delays.into_values().collect()
}

/// Reads `labels.csv`: the right verdict on each subject, by code.
///
/// # Errors
/// When the file cannot be read or is no such table.
pub fn labels(path: &Path) -> Result<Labels, Error> {
    let mut labels = Labels::new();
    for Label { code, subject, verdict, .. } in lines(path)? {
        labels.entry(code).or_default().insert(subject, verdict);
    }
    Ok(labels)
}

/// One line of `labels.csv`, as far as it is asked for.
#[derive(Deserialize)]
struct Label {
    code: String,
    subject: String,
    verdict: Verdict,
    detectable_from: String,
}

fn lines(path: &Path) -> Result<Vec<Label>, Error> {
    let failed = |source: csv::Error| Error::Labels { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    reader.deserialize().collect::<Result<_, _>>().map_err(failed)
}

/// Compares by code and subject id, in order of code. A code without labels and without
/// findings is left out.
pub fn score(labels: &Labels, findings: &Findings) -> Vec<ClassScore> {
    let none = BTreeMap::new();
    let mut given: BTreeMap<&str, [BTreeSet<&str>; 2]> = BTreeMap::new();
    for finding in findings.heads() {
        let [failed, unknown] = given.entry(&finding.code).or_default();
        let verdicts = if finding.verdict == Verdict::Fail { failed } else { unknown };
        verdicts.insert(&finding.subject_id);
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
