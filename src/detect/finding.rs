//! One row of a rule's answer, told as a finding.

use std::collections::BTreeMap;

use super::cells::Cells;
use super::gate::Gate;
use super::remediation::{Dialects, remediation};
use super::rule::{Row, Run};
use super::template::Quotable;
use super::{Error, bind};
use crate::domain::digest;
use crate::domain::finding::{
    FindingAccount, IdentityRef, Link, NamedRef, Remediation, SeverityStep, Subject, Threshold,
};
use crate::domain::{Evidence, Finding, Severity, Status, UtcMicros, Verdict};
use crate::models::rule::AdviceKind;
use crate::models::{Param, Rule, Setting, Value};

/// Below this confidence a link is no link, so the row is about somebody else.
const LINK_CONFIDENCE_FLOOR: f64 = 0.5;

/// Turns rows of one rule into findings.
pub struct Teller<'a> {
    rule: &'a Rule,
    run: Run<'a>,
    settings: BTreeMap<String, Setting>,
    gate: Gate<'a>,
    dialects: Dialects,
    link_confidence_min: Option<f64>,
}

impl<'a> Teller<'a> {
    pub fn new(
        rule: &'a Rule,
        run: Run<'a>,
        settings: BTreeMap<String, Setting>,
        gate: Gate<'a>,
        dialects: Dialects,
    ) -> Result<Teller<'a>, Error> {
        let least = rule.link_confidence_min.as_ref();
        let least = least.map(|param| bind::setting(rule, run.profile, param)).transpose()?;
        let link_confidence_min = least.and_then(|setting| match setting.value {
            Value::Number(number) => Some(number),
            Value::Integer(number) => Some(number as f64),
            _ => None,
        });
        Ok(Teller { rule, run, settings, gate, dialects, link_confidence_min })
    }

    /// Which finding a row is; none when its account is not linked well enough to speak of.
    ///
    /// # Errors
    /// When the row lacks what every finding needs.
    pub fn row(&self, cells: Cells) -> Result<Option<Row>, Error> {
        let confidence = cells.number("link_confidence");
        if self.link_confidence_min.is_some() && confidence.is_some_and(|c| c < LINK_CONFIDENCE_FLOOR) {
            return Ok(None);
        }
        // All that telling can stumble over, so that a rule is told whole or not at all.
        self.said(&cells)?;
        self.severity(&cells)?;
        self.required(&cells, "subject_kind")?;
        let subject_id = self.required(&cells, "subject_id")?;
        let finding_id = self.finding_id(&cells, &subject_id);
        Ok(Some(Row { subject_id, finding_id, cells }))
    }

    /// The finding of one row, not weighed yet.
    pub fn finding(&self, row: &Row) -> Result<Finding, Error> {
        let Row { subject_id, finding_id, cells: row } = row;
        let confidence = row.number("link_confidence");
        let (verdict, unknown_because) = self.verdict(row, confidence)?;
        let severity = self.severity(row)?;
        let since = row.time("since");
        let as_of = self.run.at.as_of;
        let quotable = Quotable { cells: row, settings: &self.settings, as_of };
        let undecided = row.number("undecided");
        let (explanation, remediation) = match (undecided, &unknown_because) {
            (Some(number), Some(because)) => (undecided_says(row, number, because), undecided_advice(number)),
            _ => (quotable.fill(&self.rule.explanation), self.remediation(row)),
        };
        Ok(Finding {
            finding_id: finding_id.clone(),
            detector: self.rule.id.clone(),
            code: self.rule.code.clone(),
            title: self.rule.title.clone(),
            verdict,
            severity,
            severity_base: None,
            severity_steps: steps(row),
            score: 0.0,
            score_terms: Vec::new(),
            status: Status::Open,
            subject: Subject {
                kind: self.required(row, "subject_kind")?,
                id: subject_id.clone(),
                name: row.text("subject_name"),
            },
            identity: identity(row),
            account: account(row),
            app: named(row, "app_id", "app_name"),
            entitlement: named(row, "entitlement_id", "entitlement_name"),
            org: row.text("org"),
            owner: None,
            as_of,
            known_at: self.run.at.known_at,
            since,
            first_seen_at: None,
            last_seen_at: None,
            due_at: self.due_at(since),
            explanation,
            evidence: self.evidence(&quotable),
            threshold: self.threshold(),
            profile: self.run.profile.id.clone(),
            link: link(row),
            controls: self.rule.controls.clone(),
            remediation: Some(remediation),
            // Evidence that is missing is what findings in doubt have in common.
            cause: unknown_because.clone().or_else(|| row.text("cause")),
            ages_out_at: None,
            held_because: None,
            unknown_because,
        })
    }

    /// The rule's own doubt first, then the sources', then the link's.
    fn verdict(&self, row: &Cells, confidence: Option<f64>) -> Result<(Verdict, Option<String>), Error> {
        let doubt = match self.said(row)? {
            Verdict::Unknown => {
                row.text("unknown_because").or_else(|| Some("the evidence does not decide it".into()))
            }
            _ => self
                .gate
                .unknown_because_of(row)
                .or_else(|| self.omitted(row))
                .or_else(|| self.weak_link(confidence)),
        };
        Ok((if doubt.is_some() { Verdict::Unknown } else { Verdict::Fail }, doubt))
    }

    /// The verdict of the rule itself.
    fn said(&self, row: &Cells) -> Result<Verdict, Error> {
        let said = self.required(row, "verdict")?;
        match Verdict::parse(&said) {
            Some(verdict @ (Verdict::Unknown | Verdict::Fail)) => Ok(verdict),
            // A rule finds what fails: a pass is no row.
            _ => Err(self.bad_value("verdict", said)),
        }
    }

    fn omitted(&self, row: &Cells) -> Option<String> {
        let (app_id, account_id) = (row.text("app_id")?, row.text("account_id")?);
        self.gate.omitted(&app_id, &account_id, row.text("entitlement_id").as_deref())
    }

    fn weak_link(&self, confidence: Option<f64>) -> Option<String> {
        let (least, confidence) = (self.link_confidence_min?, confidence?);
        (confidence < least).then(|| {
            format!(
                "the account is tied to the person with confidence {confidence:.2}, and {least:.2} is needed"
            )
        })
    }

    fn severity(&self, row: &Cells) -> Result<Severity, Error> {
        match row.text("severity") {
            Some(text) => Severity::parse(&text).ok_or_else(|| self.bad_value("severity", text)),
            None => Ok(self.rule.severity),
        }
    }

    fn finding_id(&self, row: &Cells, subject_id: &str) -> String {
        let parts = [
            self.rule.id.as_str(),
            self.run.tenant,
            &row.text("app_id").unwrap_or_default(),
            subject_id,
            &row.text("discriminator").unwrap_or_default(),
        ];
        digest::id_of(parts.join("\u{1f}"))
    }

    fn due_at(&self, since: Option<UtcMicros>) -> Option<UtcMicros> {
        match self.rule.due {
            Some(Value::Interval(due)) => Some(due.after(since.unwrap_or(self.run.at.as_of))),
            _ => None,
        }
    }

    fn evidence(&self, quotable: &Quotable<'_>) -> Vec<Evidence> {
        let templates = self.rule.evidence.iter();
        let filled = templates.filter_map(|template| {
            Some(Evidence {
                table: quotable.fill(&template.table),
                key: quotable.fill_all(&template.key)?,
                event_id: template.event_id.as_ref().and_then(|text| quotable.fill_all(text)),
                at: template.at.as_ref().and_then(|text| quotable.time(text)),
                says: quotable.fill(&template.says),
            })
        });
        filled.collect()
    }

    fn threshold(&self) -> Option<Threshold> {
        let name = self.rule.threshold.as_ref()?;
        let setting = self.settings.get(name)?;
        let name = match self.rule.params.get(name) {
            Some(Param::Profile(key)) => key.profile.clone(),
            _ => name.clone(),
        };
        Some(Threshold { name, value: setting.value.to_string(), source: setting.source.clone() })
    }

    fn remediation(&self, row: &Cells) -> Remediation {
        remediation(&self.rule.remediation, row, &self.dialects)
    }

    fn required(&self, row: &Cells, column: &'static str) -> Result<String, Error> {
        row.text(column).ok_or_else(|| Error::MissingColumn { rule: self.rule.id.clone(), column })
    }

    fn bad_value(&self, column: &'static str, value: String) -> Error {
        Error::BadValue { rule: self.rule.id.clone(), column, value }
    }
}

/// What is said of an application where the rule is blind: once, and not of each account in it.
fn undecided_says(row: &Cells, accounts: f64, because: &str) -> String {
    let app = row.text("app_id").unwrap_or_default();
    format!("{} in {app} cannot be decided: {because}.", counted(accounts))
}

fn undecided_advice(accounts: f64) -> Remediation {
    Remediation {
        kind: AdviceKind::RefreshSource.as_str().to_owned(),
        text: "Read the log or the export that tells of it, or accept for the application that nothing does."
            .to_owned(),
        request: None,
        inverse: None,
        reach: accounts as u32,
    }
}

fn counted(accounts: f64) -> String {
    if accounts == 1.0 { "One account".to_owned() } else { format!("{accounts} accounts") }
}

/// The rule's own conditions; they count when the findings are weighed.
fn steps(row: &Cells) -> Vec<SeverityStep> {
    let own = [("severity_up", 1, "what raises it"), ("severity_down", -1, "what lowers it")];
    let held = own.into_iter().filter(|(column, ..)| row.truth(column));
    held.map(|(_, levels, what)| SeverityStep {
        modifier: "rule".to_owned(),
        levels,
        says: format!("the rule says {what}"),
    })
    .collect()
}

fn identity(row: &Cells) -> Option<IdentityRef> {
    Some(IdentityRef { id: row.text("identity_id")?, name: row.text("identity_name") })
}

fn account(row: &Cells) -> Option<FindingAccount> {
    Some(FindingAccount {
        app: row.text("app_id")?,
        id: row.text("account_id")?,
        name: row.text("account_name"),
        email: row.text("account_email"),
        external_id: row.text("account_external_id"),
    })
}

fn named(row: &Cells, id: &str, name: &str) -> Option<NamedRef> {
    Some(NamedRef { id: row.text(id)?, name: row.text(name) })
}

fn link(row: &Cells) -> Option<Link> {
    Some(Link { method: row.text("link_method")?, confidence: row.number("link_confidence")? })
}
