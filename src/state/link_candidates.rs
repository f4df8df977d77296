//! What may concern some accounts that are linked: of a hundred thousand people, former names and accounts of identity
//! providers, those under whose ids, addresses, logins and names the accounts are looked for.

use std::collections::{BTreeMap, HashSet};

use ahash::RandomState;

use super::link::AccountFacts;
use super::names::{Names, canonical_email, former_texts, initial};
use super::people::Employment;

/// Under what accounts are looked for.
pub struct Wanted<'a> {
    domain_aliases: &'a BTreeMap<String, String>,
    /// Of people, employments and accounts of identity providers.
    ids: HashSet<String, RandomState>,
    identities: HashSet<String>,
    /// Addresses and logins.
    texts: Names,
    initials: HashSet<char>,
}

impl<'a> Wanted<'a> {
    /// What these accounts are looked for under, but for the likeness of names.
    pub fn of<'f>(
        accounts: impl Iterator<Item = AccountFacts<'f>>,
        domain_aliases: &'a BTreeMap<String, String>,
    ) -> Wanted<'a> {
        let (mut ids, mut texts) = (HashSet::default(), Names::default());
        for account in accounts {
            ids.extend([account.external_id, account.employee_id].into_iter().flatten().map(trimmed));
            let named = [account.email, account.account_name].into_iter().flatten();
            texts.extend(named.flat_map(|text| [canonical_email(text, domain_aliases), text.to_lowercase()]));
        }
        Wanted { domain_aliases, ids, identities: HashSet::new(), texts, initials: HashSet::new() }
    }

    /// Adds people by their ids.
    pub fn add_identities(&mut self, identities: impl Iterator<Item = String>) {
        self.identities.extend(identities);
    }

    /// Adds people by the first letters of their names.
    pub fn add_initials(&mut self, initials: HashSet<char>) {
        self.initials.extend(initials);
    }

    pub fn has_id(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Whether one may be looked for under what had been a name of another.
    pub fn has_former(&self, name: &str) -> bool {
        self.texts.may_have(name)
            && former_texts(name, self.domain_aliases).iter().any(|text| self.texts.has(text))
    }

    /// Whether one may be this person's.
    pub fn has(&self, employment: &Employment<'_>) -> bool {
        let ids = [Some(employment.identity_id), employment.employee_id];
        let address = |address| {
            if !self.texts.may_have(address) {
                return false;
            }
            let address = canonical_email(address, self.domain_aliases);
            let login = address.split('@').next().unwrap_or_default();
            self.texts.has(login) || self.texts.has(&address)
        };
        let is_alike =
            || employment.name.and_then(initial).is_some_and(|letter| self.initials.contains(&letter));
        self.identities.contains(employment.identity_id)
            || ids.into_iter().flatten().any(|id| self.has_id(id))
            || employment.addresses().any(address)
            || (!self.initials.is_empty() && is_alike())
    }
}

fn trimmed(id: &str) -> String {
    id.trim().to_owned()
}
