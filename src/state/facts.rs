//! Fetches what linking needs from the session, and turns its answer into a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};

use super::IDENTITY_PROVIDERS;
use super::fold::{Parts, parts};
use super::link::{self, AccountFacts, Link, Person};
use crate::query::{Error, PackedTable, Rows, Session, Texts, Times};

const ACCOUNTS: &str = include_str!("spans/link_accounts.sql");
const PEOPLE: &str = include_str!("spans/link_people.sql");
const FORMER: &str = include_str!("spans/former_names.sql");
const RENAMES: &str =
    "SELECT app_id, from_account_id, to_account_id FROM account_renames ORDER BY renamed_at, from_account_id";
const DOMAINS: &str = "SELECT lower(domain) AS domain, lower(alias_of) AS alias_of FROM reg_trusted_domains WHERE alias_of IS NOT NULL";

/// Runs linking over the session's accounts and people; the result is the table `links`.
pub async fn linked(session: &Session) -> Result<PackedTable, Error> {
    let (columns, people) = (accounts(session).await?, people(session).await?);
    let accounts = columns.iter().flat_map(AccountColumns::facts);
    let aliases = domain_aliases(session).await?;
    let former = former(session).await?;
    let mut links = link::link(accounts, &people, &aliases, &IDENTITY_PROVIDERS, &former);
    link::follow_renames(&mut links, &renames(session).await?);
    table(&links)
}

/// Some accounts as the session has them.
struct AccountColumns {
    /// In the order of the fields of [`AccountFacts`].
    texts: [Texts; 9],
    created_at: Times,
    rows: usize,
}

impl AccountColumns {
    fn facts(&self) -> impl Iterator<Item = AccountFacts<'_>> + Clone {
        (0..self.rows).map(|row| {
            let [
                app_id,
                account_id,
                account_name,
                display_name,
                email,
                external_id,
                employee_id,
                listed,
                declared,
            ] = self.texts.each_ref().map(|column| column.get(row));
            AccountFacts {
                app_id: app_id.unwrap_or_default(),
                account_id: account_id.unwrap_or_default(),
                account_name,
                display_name,
                email,
                external_id,
                employee_id,
                listed_class: listed,
                declared_class: declared,
                created_at: self.created_at.get(row),
            }
        })
    }
}

async fn accounts(session: &Session) -> Result<Vec<AccountColumns>, Error> {
    let columns = |batch: &RecordBatch| {
        let rows = Rows::new("link_accounts", batch);
        let texts = [
            rows.texts("app_id")?,
            rows.texts("account_id")?,
            rows.texts("account_name")?,
            rows.texts("display_name")?,
            rows.texts("email")?,
            rows.texts("external_id")?,
            rows.texts("employee_id")?,
            rows.texts("class")?,
            rows.texts("declared_class")?,
        ];
        Ok(AccountColumns { texts, created_at: rows.times("created_at")?, rows: rows.len() })
    };
    session.collect("link_accounts", ACCOUNTS).await?.iter().map(columns).collect()
}

async fn people(session: &Session) -> Result<Vec<Person>, Error> {
    let mut people: BTreeMap<String, Person> = BTreeMap::new();
    for batch in session.collect("link_people", PEOPLE).await? {
        let rows = Rows::new("employments", &batch);
        let (identity_id, employee_id) = (rows.texts("identity_id")?, rows.texts("employee_id")?);
        let (name, email, aliases) = (rows.texts("name")?, rows.texts("email")?, rows.texts("aliases")?);
        let (kind, start_at, end_at) = (rows.texts("kind")?, rows.times("start_at")?, rows.times("end_at")?);
        for row in 0..rows.len() {
            let Some(id) = identity_id.owned(row) else { continue };
            let person =
                people.entry(id.clone()).or_insert_with(|| Person { identity_id: id, ..Person::default() });
            person.employee_ids.extend(employee_id.owned(row));
            let addresses = email
                .get(row)
                .into_iter()
                .chain(aliases.get(row).into_iter().flat_map(str::split_whitespace));
            person.emails.extend(addresses.map(str::to_lowercase));
            person.name = name.owned(row).or(person.name.take());
            person.kind = kind.owned(row).or(person.kind.take());
            person.employments.push((start_at.get(row), end_at.get(row)));
        }
    }
    Ok(people.into_values().collect())
}

/// Addresses and logins that accounts of identity providers had before.
async fn former(session: &Session) -> Result<Vec<[String; 3]>, Error> {
    let mut found = Vec::new();
    for batch in session.collect("former_names", FORMER).await? {
        let rows = Rows::new("former_names", &batch);
        let (app, account, text) = (rows.texts("app_id")?, rows.texts("account_id")?, rows.texts("name")?);
        found.extend(
            (0..rows.len()).filter_map(|row| Some([app.owned(row)?, account.owned(row)?, text.owned(row)?])),
        );
    }
    Ok(found)
}

/// Accounts that were given up for others under one externalId, in the order in which it happened.
async fn renames(session: &Session) -> Result<Vec<[String; 3]>, Error> {
    let mut found = Vec::new();
    for batch in session.collect("account_renames", RENAMES).await? {
        let rows = Rows::new("account_renames", &batch);
        let (app, from, to) =
            (rows.texts("app_id")?, rows.texts("from_account_id")?, rows.texts("to_account_id")?);
        found.extend(
            (0..rows.len()).filter_map(|row| Some([app.owned(row)?, from.owned(row)?, to.owned(row)?])),
        );
    }
    Ok(found)
}

async fn domain_aliases(session: &Session) -> Result<BTreeMap<String, String>, Error> {
    let mut aliases = BTreeMap::new();
    for batch in session.collect("domain_aliases", DOMAINS).await? {
        let rows = Rows::new("trusted_domains", &batch);
        let (domain, alias_of) = (rows.texts("domain")?, rows.texts("alias_of")?);
        for row in 0..rows.len() {
            if let (Some(domain), Some(primary)) = (domain.owned(row), alias_of.owned(row)) {
                aliases.insert(domain, primary);
            }
        }
    }
    Ok(aliases)
}

fn table(links: &[Link<'_>]) -> Result<PackedTable, Error> {
    let mut table = Parts::of("links");
    for part in parts(links.len()) {
        table.push(columns(&links[part]))?;
    }
    table.finish()
}

fn columns(links: &[Link<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let texts = |text: &dyn for<'l> Fn(&'l Link<'_>) -> Option<&'l str>| -> ArrayRef {
        Arc::new(links.iter().map(text).collect::<StringViewArray>())
    };
    vec![
        ("app_id", texts(&|link| Some(link.app_id))),
        ("account_id", texts(&|link| Some(link.account_id))),
        ("identity_id", texts(&|link| link.identity_id)),
        ("method", texts(&|link| Some(link.method))),
        ("confidence", Arc::new(links.iter().map(|link| Some(link.confidence)).collect::<Float64Array>())),
        (
            "candidates",
            Arc::new(links.iter().map(|link| Some(link.candidates as i64)).collect::<Int64Array>()),
        ),
        ("class", texts(&|link| Some(link.class))),
        ("class_source", texts(&|link| Some(link.class_source))),
    ]
}
