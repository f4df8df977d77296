//! Findings of the ledger, one a line: narrow for a terminal, with everything for a spreadsheet.

use std::io;

use serde_json::Value;

use super::output::{Format, Sheet, ToMake};
use crate::domain::{Finding, UtcMicros, Verdict};

/// A heading, and what stands below it.
type Column = (&'static str, fn(&Finding) -> String);

/// What fits beside each other; `findings show` has the rest.
const NARROW: [Column; 7] = [
    ("id", short_id),
    ("severity", |finding| finding.severity.as_str().to_owned()),
    ("code", |finding| finding.code.clone()),
    ("status", standing),
    ("subject", subject),
    ("since", |finding| day(finding.since)),
    ("title", |finding| finding.title.clone()),
];

/// A spreadsheet has no `findings show`.
const WHOLE: [Column; 17] = [
    ("finding_id", |finding| finding.finding_id.clone()),
    ("severity", |finding| finding.severity.as_str().to_owned()),
    ("score", |finding| format!("{:.1}", finding.score)),
    ("code", |finding| finding.code.clone()),
    ("detector", |finding| finding.detector.clone()),
    ("title", |finding| finding.title.clone()),
    ("verdict", |finding| finding.verdict.as_str().to_owned()),
    ("status", |finding| finding.status.as_str().to_owned()),
    ("subject", subject),
    ("subject_kind", |finding| finding.subject.kind.clone()),
    ("subject_id", |finding| finding.subject.id.clone()),
    ("identity", |finding| finding.identity.as_ref().map(|identity| identity.id.clone()).unwrap_or_default()),
    ("since", |finding| instant(finding.since)),
    ("due", |finding| instant(finding.due_at)),
    ("owner", owner),
    ("controls", |finding| finding.controls.join("; ")),
    ("explanation", |finding| finding.explanation.clone()),
];

/// Hex digits of an id that are shown where there is no room for all.
const SHORT_ID: usize = 12;

/// The findings as they are listed in `format`.
pub fn sheet<'a>(findings: &[&'a Finding], format: Format) -> Sheet<'a> {
    let columns: &'static [Column] = if format == Format::Csv { &WHOLE } else { &NARROW };
    let names: Vec<&'static str> = columns.iter().map(|(name, _)| *name).collect();
    let mut sheet = Sheet::new("findings", &names);
    for &finding in findings {
        sheet.push_later(Line { finding, columns });
    }
    sheet
}

struct Line<'a> {
    finding: &'a Finding,
    columns: &'static [Column],
}

impl ToMake for Line<'_> {
    fn cells(&self) -> io::Result<Vec<String>> {
        Ok(self.columns.iter().map(|(_, cell)| cell(self.finding)).collect())
    }

    fn value(&self) -> io::Result<Value> {
        Ok(serde_json::to_value(self.finding)?)
    }
}

fn short_id(finding: &Finding) -> String {
    finding.finding_id.chars().take(SHORT_ID).collect()
}

/// The status, and that evidence is missing where it is: an open finding must not read as a proved one.
fn standing(finding: &Finding) -> String {
    let status = finding.status.as_str();
    match finding.verdict {
        Verdict::Unknown => format!("{status} (unknown)"),
        _ => status.to_owned(),
    }
}

/// What a finding is about, in words that a person knows: the login rather than a generated id.
pub fn subject(finding: &Finding) -> String {
    let Some(account) = &finding.account else {
        return finding.subject.name.clone().unwrap_or_else(|| finding.subject.id.clone());
    };
    let login = account.name.as_ref().or(account.email.as_ref()).unwrap_or(&account.id);
    let held = finding.entitlement.as_ref().filter(|_| finding.subject.kind == "grant");
    match held.map(|held| held.name.as_ref().unwrap_or(&held.id)) {
        Some(held) => format!("{}/{login}: {held}", account.app),
        None => format!("{}/{login}", account.app),
    }
}

/// Who must act.
fn owner(finding: &Finding) -> String {
    let owner = finding.owner.as_ref();
    owner.map(|owner| owner.email.clone().unwrap_or_else(|| owner.id.clone())).unwrap_or_default()
}

fn instant(at: Option<UtcMicros>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn day(at: Option<UtcMicros>) -> String {
    instant(at).chars().take(10).collect()
}
