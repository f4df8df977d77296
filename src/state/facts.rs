//! Fetches what linking needs from the session, and turns its answer into tables.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt32Array};

use super::IDENTITY_PROVIDERS;
use super::fold::keys;
use super::kept::KEY;
use super::link::{self, AccountFacts, Link, Linker, Person, Provider};
use super::link_candidates::Wanted;
use super::names::{self, Names};
use super::people::Employments;
use crate::query::{Error, PackedTable, Parts, Rows, Session, Texts, Times, parts};

const ACCOUNTS: &str = include_str!("spans/link_accounts.sql");
const FORMER: &str = "SELECT app_id, account_id, name FROM former_names";
const PROVIDERS: &str = "SELECT app_id, account_id, identity_id FROM linked_providers";
const RENAMES: &str = "SELECT app_id, from_account_id, to_account_id FROM account_renames ORDER BY renamed_at, from_account_id, to_account_id, app_id";
const RENAMED_KEYS: &str = "SELECT from_account_key, to_account_key FROM account_renames";
const DOMAINS: &str = "SELECT lower(domain) AS domain, lower(alias_of) AS alias_of FROM reg_trusted_domains WHERE alias_of IS NOT NULL";

/// What linking needs beside accounts and people.
pub struct Ground {
    pub domain_aliases: BTreeMap<String, String>,
    /// Accounts that were given up for others under one externalId, in the order in which it happened.
    pub renames: Vec<[String; 3]>,
    /// The same by number, in any order.
    pub renamed_keys: Vec<[u32; 2]>,
    employments: Employments,
}

/// The table `links`, and of accounts of identity providers whose they are.
pub struct Linked {
    pub links: PackedTable,
    pub providers: PackedTable,
}

impl Ground {
    pub async fn of(session: &Session) -> Result<Ground, Error> {
        let renames = ["app_id", "from_account_id", "to_account_id"];
        Ok(Ground {
            domain_aliases: domain_aliases(session).await?,
            renames: triples(session, RENAMES, renames, |_| true).await?,
            renamed_keys: renamed_keys(session).await?,
            employments: Employments::of(session).await?,
        })
    }

    /// Of these names those that are nobody's address in a roster. An account with another of them is found by the roster,
    /// before it is asked who had the name ([`Linker`]).
    pub fn unlisted(&self, names: impl Iterator<Item = String>) -> HashSet<String> {
        let canonical = |name: &str| names::canonical_email(name, &self.domain_aliases);
        let mut unlisted: HashSet<String> = names.map(|name| canonical(&name)).collect();
        let mut sought = Names::default();
        sought.extend(unlisted.iter().cloned());
        for address in self.employments.addresses().filter(|address| sought.may_have(address)) {
            unlisted.remove(&canonical(address));
        }
        unlisted
    }

    /// Links all accounts, which are those of `linked_attributes`.
    pub async fn link_all(&self, session: &Session) -> Result<Linked, Error> {
        let (columns, people) = (accounts(session).await?, self.employments.people(|_| true));
        let former = former(session, |_| true).await?;
        self.link(&columns, &people, &former, &[])
    }

    /// Links the accounts of `linked_attributes`, which are some: the accounts of identity providers in
    /// `linked_providers` are linked already. Of everything else, only what may concern them is fetched.
    pub async fn link_some(&self, session: &Session) -> Result<Linked, Error> {
        let columns = accounts(session).await?;
        let accounts = || columns.iter().flat_map(AccountColumns::facts);
        let mut wanted = Wanted::of(accounts(), &self.domain_aliases);
        let former = former(session, |name| wanted.has_former(name)).await?;
        let named: HashSet<[&str; 2]> = former.iter().map(|[app, account, _]| [&**app, &**account]).collect();
        let columns_of = ["app_id", "account_id", "identity_id"];
        let concerns =
            |[app, account, _]: [&str; 3]| wanted.has_id(account) || named.contains(&[app, account]);
        let before = triples(session, PROVIDERS, columns_of, concerns).await?;
        wanted.add_identities(before.iter().map(|[_, _, identity]| identity.clone()));
        let mut candidates = self.employments.people(|employment| wanted.has(employment));
        let initials = {
            let linker = self.linker(&candidates);
            let providers = linker.providers(accounts());
            linker.initials(accounts(), &linker.known(pairs(&before).chain(whose(&providers)), &former))
        };
        // Names are compared only where nothing else is found, and then with many people.
        if !initials.is_empty() {
            wanted.add_initials(initials);
            candidates = self.employments.people(|employment| wanted.has(employment));
        }
        self.link(&columns, &candidates, &former, &before)
    }

    fn link(
        &self,
        columns: &[AccountColumns],
        people: &[Person],
        former: &[[String; 3]],
        before: &[[String; 3]],
    ) -> Result<Linked, Error> {
        let accounts = || columns.iter().flat_map(AccountColumns::facts);
        let linker = self.linker(people);
        let providers = linker.providers(accounts());
        let known = linker.known(pairs(before).chain(whose(&providers)), former);
        let mut links = linker.link(accounts(), &known);
        link::follow_renames(&mut links, &self.renames);
        Ok(Linked { links: table(&links)?, providers: providers_table(&providers)? })
    }

    fn linker<'a>(&'a self, people: &'a [Person]) -> Linker<'a> {
        Linker::new(people, &self.domain_aliases, &IDENTITY_PROVIDERS)
    }
}

fn pairs(before: &[[String; 3]]) -> impl Iterator<Item = Provider<'_>> {
    before.iter().map(|[app, account, identity]| ([&**app, &**account], &**identity))
}

fn whose<'a>(providers: &[(AccountFacts<'a>, &'a str)]) -> impl Iterator<Item = Provider<'a>> {
    providers.iter().map(|(account, identity)| ([account.app_id, account.account_id], *identity))
}

/// Names that accounts of identity providers had, with application and account.
async fn former(session: &Session, wanted: impl Fn(&str) -> bool) -> Result<Vec<[String; 3]>, Error> {
    let columns = ["app_id", "account_id", "name"];
    let mut former = triples(session, FORMER, columns, |[_, _, name]| wanted(name)).await?;
    former.sort_unstable();
    Ok(former)
}

/// Those rows of three texts that are `wanted`.
pub async fn triples(
    session: &Session,
    sql: &str,
    columns: [&str; 3],
    wanted: impl Fn([&str; 3]) -> bool,
) -> Result<Vec<[String; 3]>, Error> {
    let mut found = Vec::new();
    let take = |batch: &RecordBatch| {
        let rows = Rows::new("triples", batch);
        let [first, second, third] =
            [rows.texts(columns[0])?, rows.texts(columns[1])?, rows.texts(columns[2])?];
        let texts = |row| Some([first.get(row)?, second.get(row)?, third.get(row)?]);
        let texts = (0..rows.len()).filter_map(texts).filter(|texts| wanted(*texts));
        found.extend(texts.map(|texts| texts.map(str::to_owned)));
        Ok(())
    };
    session.each("triples", sql, take).await?;
    Ok(found)
}

/// Some accounts as the session has them.
struct AccountColumns {
    app_id: Texts,
    account_id: Texts,
    account_key: UInt32Array,
    account_name: Texts,
    display_name: Texts,
    email: Texts,
    external_id: Texts,
    employee_id: Texts,
    listed_class: Texts,
    declared_class: Texts,
    created_at: Times,
    rows: usize,
}

impl AccountColumns {
    fn facts(&self) -> impl Iterator<Item = AccountFacts<'_>> + Clone {
        (0..self.rows).map(|row| AccountFacts {
            app_id: self.app_id.get(row).unwrap_or_default(),
            account_id: self.account_id.get(row).unwrap_or_default(),
            account_key: self.account_key.value(row),
            account_name: self.account_name.get(row),
            display_name: self.display_name.get(row),
            email: self.email.get(row),
            external_id: self.external_id.get(row),
            employee_id: self.employee_id.get(row),
            listed_class: self.listed_class.get(row),
            declared_class: self.declared_class.get(row),
            created_at: self.created_at.get(row),
        })
    }
}

async fn accounts(session: &Session) -> Result<Vec<AccountColumns>, Error> {
    let columns = |batch: &RecordBatch| {
        let rows = Rows::new("link_accounts", batch);
        Ok(AccountColumns {
            app_id: rows.texts("app_id")?,
            account_id: rows.texts("account_id")?,
            account_key: rows.keys(KEY)?,
            account_name: rows.texts("account_name")?,
            display_name: rows.texts("display_name")?,
            email: rows.texts("email")?,
            external_id: rows.texts("external_id")?,
            employee_id: rows.texts("employee_id")?,
            listed_class: rows.texts("class")?,
            declared_class: rows.texts("declared_class")?,
            created_at: rows.times("created_at")?,
            rows: rows.len(),
        })
    };
    session.collect("link_accounts", ACCOUNTS).await?.iter().map(columns).collect()
}

async fn renamed_keys(session: &Session) -> Result<Vec<[u32; 2]>, Error> {
    let mut renamed = Vec::new();
    let take = |batch: &_| {
        let rows = Rows::new("account_renames", batch);
        let (from, to) = (rows.keys("from_account_key")?, rows.keys("to_account_key")?);
        renamed.extend(from.values().iter().zip(to.values()).map(|(from, to)| [*from, *to]));
        Ok(())
    };
    session.each("account_renames", RENAMED_KEYS, take).await?;
    Ok(renamed)
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

fn providers_table(providers: &[(AccountFacts<'_>, &str)]) -> Result<PackedTable, Error> {
    let texts = |text: &dyn for<'p> Fn(&'p (AccountFacts<'_>, &str)) -> &'p str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(providers.iter().map(text)))
    };
    let mut table = Parts::of("provider_people");
    table.push(vec![
        ("app_id", texts(&|(account, _)| account.app_id)),
        ("account_id", texts(&|(account, _)| account.account_id)),
        (KEY, keys(providers.iter().map(|(account, _)| account.account_key))),
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
        (KEY, keys(links.iter().map(|link| link.account_key))),
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
