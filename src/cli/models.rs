//! `models check|list|explain`: what the engine can find, and whether it is sound.

use clap::Subcommand;

use super::output::{self, Sheet};
use super::{Context, Error, Outcome};
use crate::detect::rule_test;
use crate::models::{self, Rule};
use crate::pipeline::{self, CompanyRules};

#[derive(Subcommand)]
pub enum Models {
    /// Check every rule, the company's own too: schema, prose, parameters, controls, and its own tests
    Check,
    /// List the detectors
    List,
    /// Explain what one detector checks, why, and its false positives
    Explain { id: String },
}

impl Models {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        match self {
            Models::Check => check(context).await,
            Models::List => list(context).await,
            Models::Explain { id } => explain(context, &id).await,
        }
    }
}

/// The rules that are built in, then the company's own.
fn rules(company: &CompanyRules) -> Result<Vec<Rule>, Error> {
    let mut rules = models::builtin_rules().map_err(pipeline::Error::from)?;
    rules.extend(company.own.iter().cloned());
    Ok(rules)
}

async fn check(context: &Context) -> Result<Outcome, Error> {
    let company = context.engine().company_rules().await?;
    let mut broken: Vec<String> =
        models::check::builtin().iter().map(|error| format!("error: {error}")).collect();
    broken.extend(company.broken.iter().map(pipeline::BrokenRule::says));
    broken.iter().for_each(|error| output::say(error));
    if !broken.is_empty() {
        return Err(Error::Usage(format!("{} of the rules' conditions do not hold", broken.len())));
    }
    let rules = rules(&company)?;
    let profile = models::profile("default").map_err(pipeline::Error::from)?;
    let (mut tests, mut failed) = (0, 0);
    for rule in &rules {
        for outcome in rule_test::run(rule, &profile).await.map_err(pipeline::Error::from)? {
            tests += 1;
            if let Some(difference) = outcome.difference {
                failed += 1;
                output::say(&format!("failed: {} \"{}\": {difference}", rule.id, outcome.name));
            }
        }
    }
    output::say(&format!("{} rules, {tests} tests, {failed} failed", rules.len()));
    if failed > 0 {
        return Err(Error::Usage(format!("{failed} tests of rules failed")));
    }
    Ok(Outcome::Clean)
}

async fn list(context: &Context) -> Result<Outcome, Error> {
    let mut sheet = Sheet::new("detectors", &["code", "id", "severity", "title", "controls"]);
    let company = context.engine().company_rules().await?;
    company.broken.iter().for_each(|broken| output::say(&broken.says()));
    for rule in rules(&company)? {
        sheet.push(
            vec![
                rule.code.clone(),
                rule.id.clone(),
                rule.severity.as_str().to_owned(),
                rule.title.clone(),
                rule.controls.join(", "),
            ],
            serde_json::json!({
                "code": rule.code, "id": rule.id, "severity": rule.severity.as_str(),
                "title": rule.title, "controls": rule.controls, "own": !models::is_built_in(&rule.id),
            }),
        );
    }
    sheet.print(&context.output)?;
    Ok(Outcome::Clean)
}

async fn explain(context: &Context, id: &str) -> Result<Outcome, Error> {
    let rules = rules(&context.engine().company_rules().await?)?;
    let Some(rule) = rules.iter().find(|rule| rule.id == id || rule.code.eq_ignore_ascii_case(id)) else {
        return Err(pipeline::Error::NoDetector { id: id.to_owned() }.into());
    };
    let mut text = format!("{} {}\n{}\n\nWhy: {}\n", rule.code, rule.id, rule.title, rule.why.trim());
    for mistaken in &rule.false_positives {
        text += &format!("May be mistaken: {}\n", mistaken.trim());
    }
    text += &format!("Remedy: {}\nControls: {}\n", rule.remediation.text.trim(), rule.controls.join(", "));
    output::print(&text)?;
    Ok(Outcome::Clean)
}
