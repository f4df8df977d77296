//! Gives the findings of a run their severity and score: looks up what is known of their accounts,
//! entitlements and people, once for all findings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::JoinType;
use datafusion::prelude::SessionContext;

use super::cells::{self, Cells};
use super::score::{self, Door, Standing};
use super::{Error, bind};
use crate::domain::finding::SeverityStep;
use crate::domain::{Finding, Verdict};
use crate::models::rule::Modifier;
use crate::models::{RiskModel, Rule};
use crate::query::At;

const ACCOUNTS: &str = include_str!("weigh_accounts.sql");
const ENTITLEMENTS: &str = include_str!("weigh_entitlements.sql");
const PEOPLE: &str = "
SELECT identity_id AS first_id, '' AS second_id, count(DISTINCT app_id) AS applications
FROM accounts_now
WHERE active IS TRUE
  AND identity_id IS NOT NULL
GROUP BY identity_id";
const APPLICATIONS: &str = "SELECT app_id AS first_id, '' AS second_id, accounts FROM applications";

/// Sets the severity, its steps, the score and its terms of every finding.
///
/// # Errors
/// When the session lacks a view, or a question about the findings' accounts does not run.
pub async fn weigh(
    findings: &mut [Finding],
    rules: &[Rule],
    model: &RiskModel,
    session: &SessionContext,
    at: At,
) -> Result<(), Error> {
    if findings.is_empty() {
        return Ok(());
    }
    let known = Known::read(findings, session, at).await?;
    let spread = spread(findings, model.severity.applications_min);
    let rules: HashMap<&str, &Rule> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    for finding in findings {
        let (standing, shut_out) = known.standing(finding);
        let modifiers = rules.get(finding.detector.as_str()).map_or(&[][..], |rule| &rule.modifiers);
        let applications = group(finding).and_then(|group| spread.get(&group).copied());
        let steps = modifiers.iter().filter_map(|each| step(*each, &standing, shut_out, applications));
        finding.severity_steps.extend(steps);
        if !finding.severity_steps.is_empty() {
            finding.severity_base = Some(finding.severity);
            finding.severity = score::severity(finding.severity, &finding.severity_steps);
        }
        (finding.score, finding.score_terms) = score::score(model, &standing, at.as_of);
    }
    Ok(())
}

fn step(
    modifier: Modifier,
    standing: &Standing,
    shut_out: bool,
    applications: Option<usize>,
) -> Option<SeverityStep> {
    let step = |levels, says: String| SeverityStep { modifier: modifier.as_str().to_owned(), levels, says };
    match modifier {
        Modifier::Privilege if standing.tenant_admin || standing.privileged => {
            Some(step(1, "the account or the entitlement is privileged".to_owned()))
        }
        Modifier::Privilege if standing.sensitive => Some(step(1, "the entitlement is sensitive".to_owned())),
        Modifier::Activity => {
            let used_at =
                standing.last_success_at.filter(|at| standing.since.is_some_and(|since| *at > since));
            used_at.map(|at| step(1, format!("used at {at}, after the condition began")))
        }
        Modifier::Spread => applications.map(|number| step(1, format!("the same in {number} applications"))),
        Modifier::ShutOut if shut_out => Some(step(
            -1,
            "the identity provider has shut the person out, and the application has no other way in"
                .to_owned(),
        )),
        Modifier::Privilege | Modifier::ShutOut => None,
    }
}

type Group = (String, String);

fn group(finding: &Finding) -> Option<Group> {
    Some((finding.detector.clone(), finding.identity.as_ref()?.id.clone()))
}

/// In how many applications a detector says the same of a person, where these are `least` or more.
/// What it says in doubt counts too: else one stale listing would make the other findings look milder.
fn spread(findings: &[Finding], least: usize) -> BTreeMap<Group, usize> {
    let mut apps: BTreeMap<Group, BTreeSet<&str>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        if let (Some(group), Some(app)) = (group(finding), &finding.app) {
            apps.entry(group).or_default().insert(&app.id);
        }
    }
    apps.into_iter().map(|(group, apps)| (group, apps.len())).filter(|(_, apps)| *apps >= least).collect()
}

/// Rows by two ids.
type Rows = HashMap<(String, String), Cells>;

struct Known {
    accounts: Rows,
    entitlements: Rows,
    people: Rows,
    applications: Rows,
}

impl Known {
    async fn read(findings: &[Finding], session: &SessionContext, at: At) -> Result<Known, Error> {
        let accounts = findings.iter().filter_map(|finding| finding.account.as_ref());
        let accounts = accounts.map(|account| (account.app.as_str(), account.id.as_str()));
        let entitlements = findings.iter().filter_map(|finding| {
            Some((finding.app.as_ref()?.id.as_str(), finding.entitlement.as_ref()?.id.as_str()))
        });
        let people =
            findings.iter().filter_map(|f| f.identity.as_ref()).map(|person| (person.id.as_str(), ""));
        let apps = findings.iter().filter_map(|f| f.app.as_ref()).map(|app| (app.id.as_str(), ""));
        Ok(Known {
            accounts: about(session, at, ACCOUNTS, accounts.collect()).await?,
            entitlements: about(session, at, ENTITLEMENTS, entitlements.collect()).await?,
            people: about(session, at, PEOPLE, people.collect()).await?,
            applications: about(session, at, APPLICATIONS, apps.collect()).await?,
        })
    }

    /// What is known of a finding, and whether its account is shut out.
    fn standing(&self, finding: &Finding) -> (Standing, bool) {
        let row = |rows: &'_ Rows, first: &str, second: &str| -> Cells {
            rows.get(&(first.to_owned(), second.to_owned())).cloned().unwrap_or_default()
        };
        let app = finding.app.as_ref().map_or("", |app| app.id.as_str());
        let account = finding.account.as_ref().map(|account| row(&self.accounts, &account.app, &account.id));
        let entitlement = finding.entitlement.as_ref().map(|held| row(&self.entitlements, app, &held.id));
        let person = finding.identity.as_ref().map(|person| row(&self.people, &person.id, ""));
        let truth = |row: &Option<Cells>, column| row.as_ref().is_some_and(|row| row.truth(column));
        let shut_out = truth(&account, "shut_out");
        let standing = Standing {
            tenant_admin: truth(&entitlement, "tenant_admin"),
            privileged: truth(&account, "privileged") || truth(&entitlement, "privileged"),
            sensitive: truth(&entitlement, "sensitive"),
            since: finding.since,
            due_at: finding.due_at,
            last_success_at: account.as_ref().and_then(|row| row.time("last_success_at")),
            applications: person.as_ref().and_then(|row| row.number("applications")),
            accounts: match &account {
                None => row(&self.applications, app, "").number("accounts"),
                Some(_) => None,
            },
            door: account.as_ref().map(door),
            confidence: finding.link.as_ref().map(|link| link.confidence),
        };
        (standing, shut_out)
    }
}

fn door(account: &Cells) -> Door {
    let says_no = |column| account.text(column).as_deref() == Some("false");
    match account {
        row if row.number("credentials").is_some_and(|number| number > 0.0) => Door::Token,
        row if row.truth("shut_out") || says_no("active") => Door::None,
        row if row.truth("local_login") && row.truth("mfa") => Door::PasswordAndSecondFactor,
        row if row.truth("local_login") => Door::Password,
        row if row.truth("sso_only") => Door::SingleSignOn,
        _ => Door::NotKnown,
    }
}

/// The rows of a question that are about one of `subjects`, by their ids.
async fn about(
    session: &SessionContext,
    at: At,
    sql: &str,
    subjects: BTreeSet<(&str, &str)>,
) -> Result<Rows, Error> {
    if subjects.is_empty() {
        return Ok(Rows::new());
    }
    let failed = |source| Error::Weigh { source: Box::new(source) };
    let texts = |column: fn(&(&str, &str)) -> String| -> ArrayRef {
        Arc::new(subjects.iter().map(|ids| Some(column(ids))).collect::<StringArray>())
    };
    let wanted =
        [("wanted_first", texts(|ids| ids.0.to_owned())), ("wanted_second", texts(|ids| ids.1.to_owned()))];
    let wanted = RecordBatch::try_from_iter(wanted).map_err(|source| failed(source.into()))?;
    let wanted = session.read_batch(wanted).map_err(failed)?;
    let all = session.sql(sql).await.map_err(failed)?;
    let all = all.with_param_values(bind::values(&BTreeMap::new(), at)).map_err(failed)?;
    let (left, right) = (["first_id", "second_id"], ["wanted_first", "wanted_second"]);
    let joined = all.join(wanted, JoinType::LeftSemi, &left, &right, None).map_err(failed)?;
    let batches = joined.collect().await.map_err(failed)?;
    let rows = cells::rows(&batches).map_err(|(_, source)| failed(source.into()))?;
    let keyed =
        rows.into_iter().filter_map(|row| Some(((row.text("first_id")?, row.text("second_id")?), row)));
    Ok(keyed.collect())
}
