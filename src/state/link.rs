//! Which identity is behind an account: by which evidence, and how surely.
//!
//! Pure: takes accounts and people, gives one [`Link`] an account. The order of methods is
//! that of the detectors reference §3.3: immutable id, externalId, employee id, verified
//! alias, e-mail, login, and names only for a review queue. Two candidates are never a link.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::class::{self, Classified};
use super::names::{canonical_email, folded_name, former_texts, initial};
use crate::domain::UtcMicros;

/// An account, as far as linking needs to know it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountFacts<'a> {
    pub app_id: &'a str,
    pub account_id: &'a str,
    pub account_key: u32,
    pub account_name: Option<&'a str>,
    pub display_name: Option<&'a str>,
    pub email: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub employee_id: Option<&'a str>,
    /// What the listing itself says the account is.
    pub listed_class: Option<&'a str>,
    /// What the register of non-human identities or of exceptions says it is.
    pub declared_class: Option<&'a str>,
    pub created_at: Option<UtcMicros>,
}

/// A person, as far as linking needs to know them.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub identity_id: String,
    /// Its number among people.
    pub identity_key: Option<u32>,
    pub employee_ids: BTreeSet<String>,
    /// Current and former addresses, lower-cased.
    pub emails: BTreeSet<String>,
    pub name: Option<String>,
    pub kind: Option<String>,
    /// Half-open employments; an absent bound is open.
    pub employments: Vec<(Option<UtcMicros>, Option<UtcMicros>)>,
}

/// What linking decided about one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Link<'a> {
    pub app_id: &'a str,
    pub account_id: &'a str,
    pub account_key: u32,
    pub identity_id: Option<&'a str>,
    pub identity_key: Option<u32>,
    /// `external_id`, `employee_id`, `email`, `alias`, `login`, `rename`, `ambiguous`, `name`, `none`.
    pub method: &'static str,
    /// In [0, 1]; a candidate that is not a link keeps its confidence below 0.75.
    pub confidence: f64,
    /// How many people came into question.
    pub candidates: usize,
    pub class: &'static str,
    pub class_source: &'static str,
}

/// Confidence by method; the thresholds that rules ask for are 0.90 and 0.75.
const EXTERNAL_ID: f64 = 0.98;
const EMPLOYEE_ID: f64 = 0.97;
const EMAIL: f64 = 0.95;
const ALIAS: f64 = 0.93;
const LOGIN_AND_NAME: f64 = 0.92;
const LOGIN: f64 = 0.80;
const AMBIGUOUS: f64 = 0.60;
const NAME: f64 = 0.55;
/// Jaro-Winkler similarity from which a display name is worth a reviewer's look.
const NAME_SIMILARITY_MIN: f64 = 0.93;

/// An account of an identity provider, with its application, and whose it is whatever its class.
pub type Provider<'a> = ([&'a str; 2], &'a str);

/// Links accounts to people. The cost is linear in accounts and people; names are compared only for accounts that
/// nothing else explains, within people who share a first letter.
pub struct Linker<'a> {
    index: Index<'a>,
    identity_providers: &'a [&'a str],
}

impl<'a> Linker<'a> {
    /// `domain_aliases` maps an e-mail domain to the one it stands for.
    pub fn new(
        people: &'a [Person],
        domain_aliases: &'a BTreeMap<String, String>,
        identity_providers: &'a [&'a str],
    ) -> Linker<'a> {
        Linker { index: Index::new(people, domain_aliases), identity_providers }
    }

    /// The accounts of identity providers among these that are somebody's, and whose.
    pub fn providers<'f>(
        &self,
        accounts: impl Iterator<Item = AccountFacts<'f>>,
    ) -> Vec<(AccountFacts<'f>, &'f str)>
    where
        'a: 'f,
    {
        let found = |account: AccountFacts<'f>| match self.index.find(&account, &Known::default()) {
            Match::One(person, _, confidence) if confidence >= LOGIN => {
                Some((account, self.index.people[person].identity_id.as_str()))
            }
            _ => None,
        };
        accounts.filter(|account| self.is_provider(account)).filter_map(found).collect()
    }

    /// What these accounts of identity providers tell of others: by their ids, and by the addresses and logins that
    /// they had before, which belong to whoever the account belongs to. `former` holds application, account and text.
    pub fn known<'p>(
        &self,
        providers: impl Iterator<Item = Provider<'p>>,
        former: &[[String; 3]],
    ) -> Known<'p> {
        let person =
            |(account, identity): Provider<'p>| Some((account, *self.index.by_identity.get(identity)?));
        let providers: BTreeMap<[&str; 2], usize> = providers.filter_map(person).collect();
        let mut known = Known::default();
        for [app, account, text] in former {
            let Some(person) = providers.get(&[app.as_str(), account]) else { continue };
            for text in former_texts(text, self.index.domain_aliases) {
                push_once(known.by_former.entry(text).or_default(), *person);
            }
        }
        known.by_provider_id = providers.into_iter().map(|([_, id], person)| (id, person)).collect();
        known
    }

    /// Links every account, in their order.
    pub fn link<'f>(
        &self,
        accounts: impl Iterator<Item = AccountFacts<'f>>,
        known: &Known<'_>,
    ) -> Vec<Link<'f>>
    where
        'a: 'f,
    {
        let decide = |account: AccountFacts<'f>| self.index.decide(&account, self.find(&account, known));
        accounts.map(decide).collect()
    }

    /// The letters under which a person may be found whose name is like that of an account that nothing else explains.
    pub fn initials<'f>(
        &self,
        accounts: impl Iterator<Item = AccountFacts<'f>>,
        known: &Known<'_>,
    ) -> HashSet<char> {
        let unexplained = accounts.filter(|account| matches!(self.find(account, known), Match::Nobody));
        unexplained.filter_map(|account| account.display_name.and_then(initial)).collect()
    }

    /// What accounts of identity providers tell counts for the others.
    fn find(&self, account: &AccountFacts<'_>, known: &Known<'_>) -> Match {
        let nothing = Known::default();
        self.index.find(account, if self.is_provider(account) { &nothing } else { known })
    }

    fn is_provider(&self, account: &AccountFacts) -> bool {
        self.identity_providers.contains(&account.app_id)
    }
}

/// What accounts of identity providers tell of others.
#[derive(Default)]
pub struct Known<'p> {
    by_provider_id: BTreeMap<&'p str, usize>,
    /// Addresses and logins that only the history of an identity provider knows.
    by_former: HashMap<String, Vec<usize>>,
}

/// Gives an account that nothing else explains the person of the account that it was renamed from,
/// or to. `renames` holds application, former and later account, in the order in which they happened.
pub fn follow_renames(links: &mut [Link<'_>], renames: &[[String; 3]]) {
    let named: HashSet<[&str; 2]> =
        renames.iter().flat_map(|[app, from, to]| [[app.as_str(), from.as_str()], [app, to]]).collect();
    let keys = links.iter().map(|link| [link.app_id, link.account_id]).enumerate();
    let places: HashMap<[&str; 2], usize> =
        keys.filter(|(_, key)| named.contains(key)).map(|(at, key)| (key, at)).collect();
    let place = |app: &str, account: &str| places.get(&[app, account]).copied();
    let pairs: Vec<(usize, usize)> =
        renames.iter().filter_map(|[app, from, to]| Some((place(app, from)?, place(app, to)?))).collect();
    let back = pairs.iter().rev().map(|(from, to)| (*to, *from));
    for (known, unknown) in pairs.iter().copied().chain(back).collect::<Vec<_>>() {
        // What belongs to nobody on purpose stays so.
        let open = links[unknown].identity_id.is_none() && class::may_be_human(links[unknown].class);
        if !open || links[known].identity_id.is_none() {
            continue;
        }
        let Link { identity_id, identity_key, confidence, class, class_source, .. } = links[known].clone();
        let link = &mut links[unknown];
        (link.identity_id, link.identity_key) = (identity_id, identity_key);
        (link.method, link.confidence) = ("rename", confidence.min(ALIAS));
        link.candidates = 1;
        if link.class == "unknown" {
            (link.class, link.class_source) = (class, class_source);
        }
    }
}

/// What one method found.
#[derive(Clone, Copy, Debug)]
enum Match {
    One(usize, &'static str, f64),
    Several(usize),
    Nobody,
}

struct Index<'a> {
    people: &'a [Person],
    domain_aliases: &'a BTreeMap<String, String>,
    by_identity: HashMap<&'a str, usize>,
    /// Also by employee number.
    by_id: HashMap<&'a str, usize>,
    by_email: HashMap<String, Vec<usize>>,
    by_login: HashMap<String, Vec<usize>>,
    by_initial: HashMap<char, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(people: &'a [Person], domain_aliases: &'a BTreeMap<String, String>) -> Index<'a> {
        let mut index = Index {
            people,
            domain_aliases,
            by_identity: HashMap::new(),
            by_id: HashMap::new(),
            by_email: HashMap::new(),
            by_login: HashMap::new(),
            by_initial: HashMap::new(),
        };
        for (at, person) in people.iter().enumerate() {
            index.by_identity.insert(&person.identity_id, at);
            index.by_id.insert(&person.identity_id, at);
            for employee_id in &person.employee_ids {
                index.by_id.insert(employee_id, at);
            }
            for email in &person.emails {
                let email = canonical_email(email, domain_aliases);
                let login = email.split('@').next().unwrap_or_default().to_owned();
                push_once(index.by_email.entry(email).or_default(), at);
                push_once(index.by_login.entry(login).or_default(), at);
            }
            if let Some(initial) = person.name.as_deref().and_then(initial) {
                index.by_initial.entry(initial).or_default().push(at);
            }
        }
        index
    }

    fn find(&self, account: &AccountFacts, known: &Known<'_>) -> Match {
        let external_id = account.external_id.map(str::trim);
        let by_id = |id: &str| known.by_provider_id.get(id).or_else(|| self.by_id.get(id));
        if let Some(person) = external_id.and_then(by_id) {
            return Match::One(*person, "external_id", EXTERNAL_ID);
        }
        if let Some(person) = account.employee_id.and_then(|id| self.by_id.get(id.trim())) {
            return Match::One(*person, "employee_id", EMPLOYEE_ID);
        }
        let login = account.account_name.unwrap_or_default().trim();
        let addresses = [account.email.unwrap_or_default(), login];
        for address in addresses.iter().filter(|address| address.contains('@')) {
            let key = canonical_email(address, self.domain_aliases);
            match self.one_of(self.by_email.get(&key), account) {
                Match::One(person, _, _) => return Match::One(person, "email", EMAIL),
                Match::Several(n) => return Match::Several(n),
                Match::Nobody => {}
            }
            match self.one_of(known.by_former.get(&key), account) {
                Match::One(person, _, _) => return Match::One(person, "alias", ALIAS),
                Match::Several(n) => return Match::Several(n),
                Match::Nobody => {}
            }
        }
        if login.is_empty() || login.contains('@') {
            return Match::Nobody;
        }
        match self.one_of(self.by_login.get(&login.to_lowercase()), account) {
            Match::One(person, _, _) if self.same_name(account, person) => {
                Match::One(person, "login", LOGIN_AND_NAME)
            }
            Match::One(person, _, _) => Match::One(person, "login", LOGIN),
            Match::Several(n) => Match::Several(n),
            Match::Nobody => match self.one_of(known.by_former.get(&login.to_lowercase()), account) {
                Match::One(person, _, _) => Match::One(person, "alias", LOGIN),
                other => other,
            },
        }
    }

    /// One person of several who had the address: the one who worked here when the account
    /// was made, if exactly one did.
    fn one_of(&self, candidates: Option<&Vec<usize>>, account: &AccountFacts) -> Match {
        match candidates.map(Vec::as_slice) {
            None | Some([]) => Match::Nobody,
            Some([person]) => Match::One(*person, "", 1.0),
            Some(several) => {
                let then: Vec<usize> = several
                    .iter()
                    .copied()
                    .filter(|person| account.created_at.is_some_and(|at| self.people[*person].worked_at(at)))
                    .collect();
                match then.as_slice() {
                    [person] => Match::One(*person, "", 1.0),
                    _ => Match::Several(several.len()),
                }
            }
        }
    }

    fn same_name(&self, account: &AccountFacts, person: usize) -> bool {
        match (account.display_name, self.people[person].name.as_deref()) {
            (Some(a), Some(b)) => folded_name(a) == folded_name(b),
            _ => false,
        }
    }

    /// Applies class and name candidates to what `find` gave.
    fn decide<'f>(&self, account: &AccountFacts<'f>, matched: Match) -> Link<'f>
    where
        'a: 'f,
    {
        let kind = match matched {
            Match::One(person, _, _) => Some(self.people[person].kind.as_deref().unwrap_or("employee")),
            _ => None,
        };
        let Classified { class, source, human } = class::classify(account, kind);
        let mut link = Link {
            app_id: account.app_id,
            account_id: account.account_id,
            account_key: account.account_key,
            identity_id: None,
            identity_key: None,
            method: "none",
            confidence: 0.0,
            candidates: 0,
            class,
            class_source: source,
        };
        // A service account with a person's alias address belongs to nobody: its sponsor answers for it.
        if !human {
            return link;
        }
        match matched {
            Match::One(person, method, confidence) => {
                let Person { identity_id, identity_key, .. } = &self.people[person];
                (link.identity_id, link.identity_key) = (Some(identity_id.as_str()), *identity_key);
                (link.method, link.confidence, link.candidates) = (method, confidence, 1);
            }
            Match::Several(n) => {
                (link.method, link.confidence, link.candidates) = ("ambiguous", AMBIGUOUS, n)
            }
            Match::Nobody => {
                let similar = self.similar_names(account);
                if similar > 0 {
                    // Below 0.5 when several share the name: a name alone tells nothing then.
                    let confidence = if similar == 1 { NAME } else { NAME / similar as f64 };
                    (link.method, link.confidence, link.candidates) = ("name", confidence, similar);
                }
            }
        }
        link
    }

    fn similar_names(&self, account: &AccountFacts) -> usize {
        let Some(name) = account.display_name else { return 0 };
        let wanted = folded_name(name);
        // A single word is too little to go by.
        if !wanted.contains(' ') {
            return 0;
        }
        let near = initial(name).and_then(|letter| self.by_initial.get(&letter));
        near.into_iter()
            .flatten()
            .filter(|person| {
                let theirs = self.people[**person].name.as_deref().map(folded_name).unwrap_or_default();
                strsim::jaro_winkler(&wanted, &theirs) >= NAME_SIMILARITY_MIN
            })
            .count()
    }
}

impl Person {
    fn worked_at(&self, at: UtcMicros) -> bool {
        self.employments
            .iter()
            .any(|(start, end)| start.is_none_or(|s| s <= at) && end.is_none_or(|e| at < e))
    }
}

fn push_once(list: &mut Vec<usize>, at: usize) {
    if list.last() != Some(&at) {
        list.push(at);
    }
}
