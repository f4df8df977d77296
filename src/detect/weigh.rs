//! Gives the findings of a run their severity and score: looks up what is known of entitlements, people and
//! applications once a run, and of accounts for some thousands of findings at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;

use super::cells::{self, Cells};
use super::score::{self, Door, Standing};
use super::{Error, bind};
use crate::domain::Finding;
use crate::domain::finding::SeverityStep;
use crate::models::rule::Modifier;
use crate::models::{RiskModel, Rule};
use crate::query::At;

/// The accounts that are asked about.
const WEIGHED: &str = "weighed_accounts";
const ACCOUNTS: &str = include_str!("weigh_accounts.sql");
const ENTITLEMENTS: &str = include_str!("weigh_entitlements.sql");
const PEOPLE: &str = "
SELECT identity_id AS first_id, '' AS second_id, count(DISTINCT app_id) AS applications
FROM accounts_now
WHERE active IS TRUE
  AND identity_id IS NOT NULL
GROUP BY identity_id";
const APPLICATIONS: &str = "SELECT app_id AS first_id, '' AS second_id, accounts FROM applications";

/// Sets the severity, its steps, the score and its terms of all findings of a run.
///
/// # Errors
/// As [`Weigher::weigh`].
pub async fn weigh(
    findings: &mut [Finding],
    rules: &[Rule],
    model: &RiskModel,
    session: &SessionContext,
    at: At,
) -> Result<(), Error> {
    let mut weigher = Weigher::new(rules, model, session, at);
    for rule in rules {
        let of_rule = findings.iter().filter(|finding| finding.detector == rule.id);
        let people = of_rule.filter_map(|finding| {
            Some((finding.identity.as_ref()?.id.clone(), finding.app.as_ref()?.id.clone()))
        });
        weigher.count(rule, people);
    }
    weigher.weigh(findings).await
}

/// Weighs the findings of a run, some at a time.
pub struct Weigher<'a> {
    rules: HashMap<&'a str, &'a Rule>,
    model: &'a RiskModel,
    session: &'a SessionContext,
    at: At,
    /// From the first finding on.
    known: Option<Known>,
    /// By detector and person: in how many applications it says the same, where these are many.
    spread: HashMap<String, HashMap<String, usize>>,
}

impl<'a> Weigher<'a> {
    pub fn new(rules: &'a [Rule], model: &'a RiskModel, session: &'a SessionContext, at: At) -> Weigher<'a> {
        let rules = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        Weigher { rules, model, session, at, known: None, spread: HashMap::new() }
    }

    /// Takes note of all people of whom a rule speaks, and where. What it says in doubt counts too: else
    /// one stale listing would make the other findings look milder.
    pub fn count(&mut self, rule: &Rule, people: impl Iterator<Item = (String, String)>) {
        if !rule.modifiers.iter().any(|modifier| matches!(modifier, Modifier::Spread)) {
            return;
        }
        let mut apps: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (person, app) in people {
            apps.entry(person).or_default().insert(app);
        }
        let counts = apps.into_iter().map(|(person, apps)| (person, apps.len()));
        let counts = counts.filter(|(_, apps)| *apps >= self.model.severity.applications_min);
        self.spread.insert(rule.id.clone(), counts.collect());
    }

    /// Sets the severity, its steps, the score and its terms of findings whose rules were counted.
    ///
    /// # Errors
    /// When the session lacks a view, or a question about the findings' accounts does not run.
    pub async fn weigh(&mut self, findings: &mut [Finding]) -> Result<(), Error> {
        if findings.is_empty() {
            return Ok(());
        }
        let known = match self.known.take() {
            Some(known) => known,
            None => Known::read(self.session, self.at).await?,
        };
        let accounts = accounts(findings, self.session, self.at).await?;
        for finding in findings {
            let (standing, shut_out) = known.standing(finding, &accounts);
            let modifiers = self.rules.get(finding.detector.as_str()).map_or(&[][..], |rule| &rule.modifiers);
            let applications = self
                .spread
                .get(&finding.detector)
                .and_then(|people| people.get(&finding.identity.as_ref()?.id).copied());
            let steps = modifiers.iter().filter_map(|each| step(*each, &standing, shut_out, applications));
            finding.severity_steps.extend(steps);
            if !finding.severity_steps.is_empty() {
                finding.severity_base = Some(finding.severity);
                finding.severity = score::severity(finding.severity, &finding.severity_steps);
            }
            (finding.score, finding.score_terms) = score::score(self.model, &standing, self.at.as_of);
        }
        self.known = Some(known);
        Ok(())
    }
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

/// Rows by two ids.
type Rows = HashMap<(String, String), Cells>;

struct Known {
    entitlements: Rows,
    people: Rows,
    applications: Rows,
}

impl Known {
    async fn read(session: &SessionContext, at: At) -> Result<Known, Error> {
        Ok(Known {
            entitlements: keyed(session, at, ENTITLEMENTS).await?,
            people: keyed(session, at, PEOPLE).await?,
            applications: keyed(session, at, APPLICATIONS).await?,
        })
    }

    /// What is known of a finding, and whether its account is shut out.
    fn standing(&self, finding: &Finding, accounts: &Rows) -> (Standing, bool) {
        let row = |rows: &'_ Rows, first: &str, second: &str| -> Cells {
            rows.get(&(first.to_owned(), second.to_owned())).cloned().unwrap_or_default()
        };
        let app = finding.app.as_ref().map_or("", |app| app.id.as_str());
        let account = finding.account.as_ref().map(|account| row(accounts, &account.app, &account.id));
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

/// What is known of the accounts that findings are about.
async fn accounts(findings: &[Finding], session: &SessionContext, at: At) -> Result<Rows, Error> {
    let failed = |source| Error::Weigh { source: Box::new(source) };
    let accounts = findings.iter().filter_map(|finding| finding.account.as_ref());
    let accounts: BTreeSet<_> = accounts.map(|account| (&*account.app, &*account.id)).collect();
    if accounts.is_empty() {
        return Ok(Rows::new());
    }
    let apps: ArrayRef = Arc::new(accounts.iter().map(|ids| Some(ids.0)).collect::<StringArray>());
    let ids: ArrayRef = Arc::new(accounts.iter().map(|ids| Some(ids.1)).collect::<StringArray>());
    let weighed = RecordBatch::try_from_iter([("app_id", apps), ("account_id", ids)]);
    session.register_batch(WEIGHED, weighed.map_err(|source| failed(source.into()))?).map_err(failed)?;
    let rows = keyed(session, at, ACCOUNTS).await;
    session.deregister_table(WEIGHED).map_err(failed)?;
    rows
}

/// The rows of a question by their two ids.
async fn keyed(session: &SessionContext, at: At, sql: &str) -> Result<Rows, Error> {
    let failed = |source| Error::Weigh { source: Box::new(source) };
    let all = session.sql(sql).await.map_err(failed)?;
    let all = all.with_param_values(bind::values(&BTreeMap::new(), at)).map_err(failed)?;
    let batches = all.collect().await.map_err(failed)?;
    let rows = cells::rows(&batches).map_err(|(_, source)| failed(source.into()))?;
    let keyed =
        rows.into_iter().filter_map(|row| Some(((row.text("first_id")?, row.text("second_id")?), row)));
    Ok(keyed.collect())
}
