//! What another profile would change: the same rules over the same session, twice.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::detect::chosen;
use super::{DetectRequest, Engine, Error};
use crate::detect::learned;
use crate::domain::{Findings, Severity, Verdict};
use crate::models::{self, Rule};

/// Findings of one detector and severity under two profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub detector: String,
    pub title: String,
    /// Found under both.
    pub stay: usize,
    /// Found under the other profile only, with this severity.
    pub come: usize,
    /// Found under the first profile only, with this severity.
    pub go: usize,
}

/// Two profiles side by side. Only verdicts of fail count: thresholds do not decide doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub profile: String,
    pub other: String,
    /// By code, the gravest first within it; those that change nothing are there too.
    pub differences: BTreeMap<(String, std::cmp::Reverse<Severity>), Difference>,
    pub incomplete: Vec<String>,
}

impl Engine {
    /// Asks the request's rules under its profile and under `other`. Nothing is recorded.
    ///
    /// # Errors
    /// As [`Engine::detect`].
    pub async fn compare(&self, request: &DetectRequest, other: &str) -> Result<Comparison, Error> {
        let rules = chosen(&request.detectors, &self.company_rules().await?)?;
        let (profile, other) = (models::profile(&request.profile)?, models::profile(other)?);
        let session = self.session(request.at).await?;
        learned::score(&session).await?;
        self.hold_deadlines(&session).await?;
        let first = self.answers(&session, &rules, &profile).await?;
        let second = self.answers(&session, &rules, &other).await?;
        let incomplete: BTreeSet<String> = first.incomplete.into_iter().chain(second.incomplete).collect();
        Ok(Comparison {
            profile: profile.id,
            other: other.id,
            differences: differences(&first.findings, &second.findings, &rules),
            incomplete: incomplete.into_iter().collect(),
        })
    }
}

fn differences(
    first: &Findings,
    second: &Findings,
    rules: &[Rule],
) -> BTreeMap<(String, std::cmp::Reverse<Severity>), Difference> {
    let failed = |findings: &Findings| -> BTreeSet<(Box<str>, Severity)> {
        let failed = findings.heads().iter().filter(|finding| finding.verdict == Verdict::Fail);
        failed.map(|finding| (finding.finding_id.clone(), finding.severity)).collect()
    };
    let titles: BTreeMap<&str, &String> = rules.iter().map(|rule| (rule.id.as_str(), &rule.title)).collect();
    let (before, after) = (failed(first), failed(second));
    let mut told: BTreeMap<_, Difference> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for finding in
        first.heads().iter().chain(second.heads()).filter(|finding| finding.verdict == Verdict::Fail)
    {
        let key = (finding.finding_id.clone(), finding.severity);
        let difference =
            told.entry((finding.code.to_string(), std::cmp::Reverse(finding.severity))).or_default();
        difference.detector = finding.detector.to_string();
        difference.title = titles.get(&*finding.detector).map_or_else(String::new, |title| title.to_string());
        match (before.contains(&key), after.contains(&key)) {
            _ if !seen.insert(key) => {}
            (true, true) => difference.stay += 1,
            (true, false) => difference.go += 1,
            (false, _) => difference.come += 1,
        }
    }
    told
}
