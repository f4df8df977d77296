//! What unused seats and work by hand cost: the rules on licences and on gaps, priced.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::cost_lines::{Licence, LicenceLine, Range, Seat, Total, by_hand, lines, totals};
use super::{Engine, Error};
use crate::detect::{self as detectors, Sources};
use crate::domain::{Finding, UtcMicros, Verdict};
use crate::models::costs::cost_model;
use crate::models::{self, CostModel, Rule};
use crate::query::{At, Rows, Session};

/// The rule that finds a person, not an account.
const PERSON_RULE: &str = "duplicate_seat";

const LICENCES: &str = "
SELECT app_id, sku, seats, seats_min, unit_price, price_low, price_high, currency, period, starts_on, ends_on,
  renewal_on, lower_sku
FROM licences
WHERE app_id IS NOT NULL
ORDER BY app_id, sku";

/// Which SKU of the register an account holds, where exactly one fits.
const HELD: &str = "
SELECT g.app_id, g.account_id, min(l.sku) AS sku
FROM grants_now AS g
JOIN licences AS l
  ON l.app_id = g.app_id
  AND (lower(l.sku) = lower(g.entitlement_id) OR lower(l.sku) = lower(g.entitlement_name))
WHERE g.entitlement_kind = 'licence'
GROUP BY g.app_id, g.account_id
HAVING count(DISTINCT l.sku) = 1";

const SEATS_OF_PEOPLE: &str = "
SELECT app_id, identity_id, account_id
FROM accounts_now
WHERE active IS TRUE
  AND identity_id IS NOT NULL
  AND class IN ('human', 'contractor', 'guest')
ORDER BY app_id, identity_id, account_id";

const BY_HAND: &str = "
SELECT app_id
FROM applications
WHERE scim IS NOT TRUE
  AND accounts > 0
  AND app_id NOT IN ('okta', 'entra', 'google_workspace')
ORDER BY app_id";

/// What is paid for nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostReport {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    pub profile: String,
    /// Everything that is taken for granted, with who says so.
    pub assumptions: CostModel,
    pub licences: Vec<LicenceLine>,
    /// By currency: amounts in two of them are not added up.
    pub totals: BTreeMap<String, Total>,
    /// Unused seats that no price of the register, or prices in several currencies, fit.
    pub unpriced: usize,
    pub manual: Manual,
    /// Why the figures may not be the whole truth: each reason once.
    pub incomplete: Vec<String>,
}

/// Accounts that people keep by hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manual {
    /// Applications with accounts and without SCIM.
    pub applications: Vec<String>,
    /// Accounts that should have been closed and were not.
    pub gaps: usize,
    /// A year of the applications, and the gaps of now.
    pub hours: Range,
    pub cost: Range,
    pub currency: String,
}

impl Engine {
    /// What unused seats and work by hand cost at an instant.
    ///
    /// # Errors
    /// When the profile is not known or the session cannot be opened or asked.
    pub async fn costs(&self, at: At, profile: &str) -> Result<CostReport, Error> {
        let session = self.session(at).await?;
        cost_report(&session, self.tenant(), profile, &self.cost_model()?).await
    }

    /// What is assumed: by the configuration, or by the model that is compiled in.
    ///
    /// # Errors
    /// When that model is unsound.
    pub fn cost_model(&self) -> Result<CostModel, Error> {
        match &self.costs {
            Some(model) => Ok(model.clone()),
            None => Ok(cost_model()?),
        }
    }
}

/// The same over a session that is open already.
///
/// # Errors
/// As [`Engine::costs`].
pub async fn cost_report(
    session: &Session,
    tenant: &str,
    profile: &str,
    model: &CostModel,
) -> Result<CostReport, Error> {
    let profile = models::profile(profile)?;
    let at = session.at();
    let sources = &Sources::read(session.context(), at.as_of).await?;
    let exceptions = &detectors::Exceptions::read(session.context(), at).await?;
    let run =
        detectors::Run { session: session.context(), at, tenant, profile: &profile, sources, exceptions };
    let rules = models::builtin_rules()?;
    let mut incomplete = BTreeSet::new();
    let mut seats = SeatsFound::read(session).await?;
    for unused in &model.licences.unused {
        seats.add(&unused.rule, &failed(&rules, &unused.rule, run, &mut incomplete).await?);
    }
    let mut gaps = BTreeSet::new();
    for rule in &model.manual.gaps {
        let found = failed(&rules, rule, run, &mut incomplete).await?;
        gaps.extend(found.into_iter().filter_map(|finding| finding.account).map(|a| (a.app, a.id)));
    }
    let seats: Vec<Seat> = seats.found.into_values().collect();
    let licences = lines(&seats, &licences(session).await?, model, at.as_of);
    let priced: usize = licences.iter().flat_map(|line| line.unused.values()).sum();
    let applications = texts(session, "applications by hand", BY_HAND, ["app_id"]).await?;
    let applications: Vec<String> = applications.into_iter().map(|[app]| app).collect();
    let (hours, cost) = by_hand(applications.len(), gaps.len(), model);
    Ok(CostReport {
        as_of: at.as_of,
        known_at: at.known_at,
        profile: profile.id.clone(),
        assumptions: model.clone(),
        totals: totals(&licences),
        licences,
        unpriced: seats.len() - priced,
        manual: Manual {
            applications,
            gaps: gaps.len(),
            hours,
            cost,
            currency: model.manual.currency.clone(),
        },
        incomplete: incomplete.into_iter().collect(),
    })
}

/// What a rule fails, and why it may not see all.
async fn failed(
    rules: &[Rule],
    id: &str,
    run: detectors::Run<'_>,
    incomplete: &mut BTreeSet<String>,
) -> Result<Vec<Finding>, Error> {
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        return Err(Error::NoDetector { id: id.to_owned() });
    };
    let reach = detectors::reach(rule, run)?;
    incomplete.extend(reach.all.into_iter().chain(reach.apps.into_values()).chain(reach.unsure));
    let found = detectors::run_rule(rule, run).await?;
    Ok(found.into_iter().filter(|finding| finding.verdict == Verdict::Fail).collect())
}

/// Each account once, under the first rule that found it.
struct SeatsFound {
    found: BTreeMap<(String, String), Seat>,
    /// Which SKU each account holds.
    held: BTreeMap<(String, String), String>,
    /// The accounts of each person in each application.
    people: BTreeMap<(String, String), Vec<String>>,
}

impl SeatsFound {
    async fn read(session: &Session) -> Result<SeatsFound, Error> {
        let held = texts(session, "licences held", HELD, ["app_id", "account_id", "sku"]).await?;
        let seats =
            texts(session, "seats of people", SEATS_OF_PEOPLE, ["app_id", "identity_id", "account_id"]);
        let mut people: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for [app, person, account] in seats.await? {
            people.entry((app, person)).or_default().push(account);
        }
        let held = held.into_iter().map(|[app, account, sku]| ((app, account), sku));
        Ok(SeatsFound { found: BTreeMap::new(), held: held.collect(), people })
    }

    fn add(&mut self, rule: &str, findings: &[Finding]) {
        for finding in findings {
            if rule == PERSON_RULE {
                self.add_surplus(rule, finding);
            } else if let Some(account) = &finding.account {
                self.add_seat(rule, &account.app, &account.id);
            }
        }
    }

    /// All seats of a person but one, those that are counted already among them.
    fn add_surplus(&mut self, rule: &str, finding: &Finding) {
        let (Some(app), Some(person)) = (&finding.app, &finding.identity) else { return };
        let accounts = self.people.get(&(app.id.clone(), person.id.clone())).cloned().unwrap_or_default();
        let counted = |account: &&String| self.found.contains_key(&(app.id.clone(), (*account).clone()));
        let counted = accounts.iter().filter(counted).count();
        let surplus = accounts.len().saturating_sub(1 + counted);
        let new = accounts.into_iter().filter(|a| !self.found.contains_key(&(app.id.clone(), a.clone())));
        for account in new.take(surplus).collect::<Vec<_>>() {
            self.add_seat(rule, &app.id, &account);
        }
    }

    fn add_seat(&mut self, rule: &str, app: &str, account: &str) {
        let key = (app.to_owned(), account.to_owned());
        let sku = self.held.get(&key).cloned();
        self.found.entry(key).or_insert_with(|| Seat {
            app_id: app.to_owned(),
            account_id: account.to_owned(),
            sku,
            rule: rule.to_owned(),
        });
    }
}

async fn licences(session: &Session) -> Result<Vec<Licence>, Error> {
    const NAME: &str = "licences";
    let mut licences = Vec::new();
    for batch in session.collect(NAME, LICENCES).await? {
        let rows = Rows::new(NAME, &batch);
        let text = |column: &str| rows.texts(column);
        let (app_id, sku, currency, period) =
            (text("app_id")?, text("sku")?, text("currency")?, text("period")?);
        let (starts_on, ends_on, renewal_on, lower_sku) =
            (text("starts_on")?, text("ends_on")?, text("renewal_on")?, text("lower_sku")?);
        let numbers = ["seats", "seats_min", "unit_price", "price_low", "price_high"];
        let numbers = numbers.map(|column| rows.numbers(column));
        let [seats, seats_min, unit_price, price_low, price_high] = numbers;
        let numbers = [seats?, seats_min?, unit_price?, price_low?, price_high?];
        for row in 0..rows.len() {
            let number = |at: usize| numbers[at].iter().nth(row).flatten();
            licences.push(Licence {
                app_id: app_id.owned(row).unwrap_or_default(),
                sku: sku.owned(row).unwrap_or_default(),
                seats: number(0),
                seats_min: number(1),
                unit_price: number(2),
                price_low: number(3),
                price_high: number(4),
                currency: currency.owned(row),
                period: period.owned(row),
                starts_on: starts_on.owned(row),
                ends_on: ends_on.owned(row),
                renewal_on: renewal_on.owned(row),
                lower_sku: lower_sku.owned(row),
            });
        }
    }
    Ok(licences)
}

/// Rows of text columns; one that lacks any of them is left out.
async fn texts<const N: usize>(
    session: &Session,
    name: &str,
    sql: &str,
    columns: [&str; N],
) -> Result<Vec<[String; N]>, Error> {
    let mut found = Vec::new();
    for batch in session.collect(name, sql).await? {
        let rows = Rows::new(name, &batch);
        let read: Result<Vec<_>, _> = columns.iter().map(|column| rows.texts(column)).collect();
        let read = read?;
        for row in 0..rows.len() {
            let cells: Option<Vec<String>> = read.iter().map(|texts| texts.owned(row)).collect();
            found.extend(cells.and_then(|cells| <[String; N]>::try_from(cells).ok()));
        }
    }
    Ok(found)
}
