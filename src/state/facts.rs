//! Fetches what linking needs from the session, and turns its answer into tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt32Array};

use super::IDENTITY_PROVIDERS;
use super::fold::{Parts, parts};
use super::link::{self, AccountFacts, Link, Linker, Person, Provider};
use crate::query::{Error, PackedTable, Rows, Session, Texts, Times};

const ACCOUNTS: &str = include_str!("spans/link_accounts.sql");
const PEOPLE: &str = include_str!("spans/link_people.sql");
const FORMER: &str = "SELECT app_id, account_id, name FROM former_names ORDER BY app_id, account_id, name";
const RENAMES: &str = "SELECT app_id, from_account_id, to_account_id FROM account_renames ORDER BY renamed_at, from_account_id, to_account_id, app_id";
const DOMAINS: &str = "SELECT lower(domain) AS domain, lower(alias_of) AS alias_of FROM reg_trusted_domains WHERE alias_of IS NOT NULL";

/// What linking needs beside the accounts.
pub struct Ground {
    people: Vec<Person>,
    pub domain_aliases: BTreeMap<String, String>,
    former: Vec<[String; 3]>,
    /// Accounts that were given up for others under one externalId, in the order in which it happened.
    pub renames: Vec<[String; 3]>,
}

/// The table `links`, and of accounts of identity providers whose they are.
pub struct Linked {
    pub links: PackedTable,
    pub providers: PackedTable,
}

impl Ground {
    pub async fn of(session: &Session) -> Result<Ground, Error> {
        Ok(Ground {
            people: people(session).await?,
            domain_aliases: domain_aliases(session).await?,
            former: triples(session, FORMER, ["app_id", "account_id", "name"]).await?,
            renames: triples(session, RENAMES, ["app_id", "from_account_id", "to_account_id"]).await?,
        })
    }

    pub fn linker(&self) -> Linker<'_> {
        Linker::new(&self.people, &self.domain_aliases, &IDENTITY_PROVIDERS)
    }

    /// Runs linking over the accounts of `linked_attributes`; `before` are accounts of identity providers that are
    /// linked already: application, account and identity.
    pub async fn link(
        &self,
        session: &Session,
        linker: &Linker<'_>,
        before: &[[String; 3]],
    ) -> Result<Linked, Error> {
        let columns = accounts(session).await?;
        let accounts = || columns.iter().flat_map(AccountColumns::facts);
        let before = before.iter().map(|[app, account, identity]| ([&**app, &**account], &**identity));
        let providers = linker.providers(accounts());
        let known = linker.known(before.chain(providers.iter().copied()), &self.former);
        let mut links = linker.link(accounts(), &known);
        link::follow_renames(&mut links, &self.renames);
        Ok(Linked { links: table(&links)?, providers: providers_table(&providers)? })
    }
}

/// Whose the accounts of identity providers are, of those of `linked_attributes`.
pub async fn providers(session: &Session, linker: &Linker<'_>) -> Result<PackedTable, Error> {
    let columns = accounts(session).await?;
    providers_table(&linker.providers(columns.iter().flat_map(AccountColumns::facts)))
}

/// Rows of three texts.
pub async fn triples(session: &Session, sql: &str, columns: [&str; 3]) -> Result<Vec<[String; 3]>, Error> {
    let mut found = Vec::new();
    for batch in session.collect("triples", sql).await? {
        let rows = Rows::new("triples", &batch);
        let [first, second, third] =
            [rows.texts(columns[0])?, rows.texts(columns[1])?, rows.texts(columns[2])?];
        let owned = |row| Some([first.owned(row)?, second.owned(row)?, third.owned(row)?]);
        found.extend((0..rows.len()).filter_map(owned));
    }
    Ok(found)
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
        let (identity_id, identity_key) = (rows.texts("identity_id")?, rows.integers("identity_key")?);
        let employee_id = rows.texts("employee_id")?;
        let (name, email, aliases) = (rows.texts("name")?, rows.texts("email")?, rows.texts("aliases")?);
        let (kind, start_at, end_at) = (rows.texts("kind")?, rows.times("start_at")?, rows.times("end_at")?);
        for row in 0..rows.len() {
            let Some(id) = identity_id.owned(row) else { continue };
            let new = || Person {
                identity_id: id.clone(),
                identity_key: u32::try_from(identity_key.value(row)).ok(),
                ..Person::default()
            };
            let person = people.entry(id.clone()).or_insert_with(new);
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

fn providers_table(providers: &[Provider<'_>]) -> Result<PackedTable, Error> {
    let texts = |text: &dyn for<'p> Fn(&'p Provider<'_>) -> &'p str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(providers.iter().map(text)))
    };
    let mut table = Parts::of("provider_people");
    table.push(vec![
        ("app_id", texts(&|([app, _], _)| app)),
        ("account_id", texts(&|([_, account], _)| account)),
        ("identity_id", texts(&|(_, identity)| identity)),
    ])?;
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
        ("identity_key", Arc::new(links.iter().map(|link| link.identity_key).collect::<UInt32Array>())),
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
