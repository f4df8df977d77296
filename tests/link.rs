//! Which person is behind an account (`src/state/link.rs`): one case a kind of evidence.

mod nobody;

use std::collections::{BTreeMap, BTreeSet};

use lychgate::domain::UtcMicros;
use lychgate::state::IDENTITY_PROVIDERS;
use lychgate::state::link::{AccountFacts, Link, Linker, Person};

/// Confidence below which rules do not treat a link as one.
const LINK_MIN: f64 = 0.75;

/// Accounts, people, domains that stand for others, and what accounts of identity providers
/// were called before: application, account, text.
#[derive(Clone, Default)]
struct Given {
    accounts: Vec<AccountFacts<'static>>,
    people: Vec<Person>,
    domains: BTreeMap<String, String>,
    former: Vec<[String; 3]>,
}

impl Given {
    fn links(&self) -> Vec<Link<'_>> {
        let accounts = || self.accounts.iter().cloned();
        let linker = Linker::new(&self.people, &self.domains, &IDENTITY_PROVIDERS);
        let providers = linker.providers(accounts());
        let named =
            providers.iter().map(|(account, identity)| ([account.app_id, account.account_id], *identity));
        linker.link(accounts(), &linker.known(named, &self.former))
    }
}

/// One account's link: `app/account`, the identity, the method, the confidence, the candidates.
type Expect<'a> = (&'a str, Option<&'a str>, &'a str, f64, usize);

/// Links `given` in the order given and in reverse, and compares both with `expect`.
fn check(given: &Given, expect: &[Expect<'_>]) {
    let mut reversed = given.clone();
    reversed.accounts.reverse();
    reversed.people.reverse();
    reversed.former.reverse();
    for given in [given, &reversed] {
        let links = given.links();
        assert_eq!(links.len(), given.accounts.len(), "one link an account");
        for (key, identity, method, confidence, candidates) in expect {
            let found = of(&links, key);
            assert_eq!(found.identity_id, *identity, "{found:?}");
            assert_eq!((found.method, found.candidates), (*method, *candidates), "{found:?}");
            assert!((found.confidence - confidence).abs() < 1e-9, "{found:?}");
            assert_eq!(found.identity_id.is_some(), found.confidence >= LINK_MIN, "{found:?}");
        }
    }
}

/// If it failed, everybody who married would be an orphan in each application that knows a rename
/// only as a closed account and a new one; or a robot would be given to a person.
#[test]
fn a_renamed_account_stays_with_its_person() {
    let robot = AccountFacts { declared_class: Some("service"), ..account("crm", "robot") };
    let given = Given {
        people: vec![
            person("p1", "Ada Low", &["ada@example.com"]),
            person("p2", "Ben Ott", &["ben@example.com"]),
        ],
        accounts: vec![
            with_email("crm", "a1", "ada@example.com"),
            with_email("crm", "a2", "ada.new@example.com"),
            with_email("crm", "a3", "ada.newer@example.com"),
            with_email("crm", "b1", "former@example.com"),
            with_email("crm", "b2", "ben@example.com"),
            robot,
        ],
        ..Given::default()
    };
    let mut links = given.links();
    let rename = |from: &str, to: &str| ["crm", from, to].map(str::to_owned);
    let renames = [rename("a1", "a2"), rename("a2", "a3"), rename("b1", "b2"), rename("b2", "robot")];
    lychgate::state::link::follow_renames(&mut links, &renames);
    for (key, identity, method) in [
        ("crm/a1", Some("p1"), "email"),
        ("crm/a2", Some("p1"), "rename"),
        ("crm/a3", Some("p1"), "rename"),
        ("crm/b1", Some("p2"), "rename"),
        ("crm/robot", None, "none"),
    ] {
        let link = of(&links, key);
        assert_eq!((link.identity_id, link.method), (identity, method), "{link:?}");
        assert!(link.identity_id.is_none() || link.confidence >= 0.9, "{link:?}");
    }
}

fn of<'a, 'l>(links: &'l [Link<'a>], key: &str) -> &'l Link<'a> {
    let named = |link: &&Link| format!("{}/{}", link.app_id, link.account_id) == key;
    links.iter().find(named).unwrap_or_else(|| panic!("no link of {key}"))
}

fn account<'a>(app_id: &'a str, account_id: &'a str) -> AccountFacts<'a> {
    AccountFacts { app_id, account_id, ..AccountFacts::default() }
}

fn with_email<'a>(app: &'a str, id: &'a str, email: &'a str) -> AccountFacts<'a> {
    AccountFacts { email: Some(email), ..account(app, id) }
}

fn with_login<'a>(app: &'a str, id: &'a str, login: &'a str, display_name: &'a str) -> AccountFacts<'a> {
    AccountFacts { account_name: Some(login), display_name: Some(display_name), ..account(app, id) }
}

fn person(id: &str, name: &str, emails: &[&str]) -> Person {
    Person {
        identity_id: id.to_owned(),
        identity_key: None,
        employee_ids: BTreeSet::from([id.to_owned()]),
        emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        name: Some(name.to_owned()),
        kind: Some("employee".to_owned()),
        employments: vec![(None, None)],
    }
}

fn ada() -> Person {
    person("P1", "Ada Park", &["ada.park@example.com"])
}

fn at(date: &str) -> UtcMicros {
    UtcMicros::parse(date).unwrap()
}

/// If it failed, an account that only carries the identity provider's id would look like
/// nobody's, and its owner's departure would go unseen.
#[test]
fn an_external_id_leads_through_the_account_at_the_identity_provider() {
    let external = |id: &'static str, external_id: &'static str| AccountFacts {
        external_id: Some(external_id),
        email: Some("someone.else@example.com"),
        ..account("crm", id)
    };
    let given = Given {
        accounts: vec![
            with_email("okta", "00u1", "ada.park@example.com"),
            external("1", "00u1"),
            external("2", " P1 "),
            external("3", "00u-unknown"),
        ],
        people: vec![ada(), person("P2", "Someone Else", &["someone.else@example.com"])],
        ..Given::default()
    };
    check(
        &given,
        &[
            ("okta/00u1", Some("P1"), "email", 0.95, 1),
            ("crm/1", Some("P1"), "external_id", 0.98, 1),
            ("crm/2", Some("P1"), "external_id", 0.98, 1),
            ("crm/3", Some("P2"), "email", 0.95, 1),
        ],
    );
}

/// If it failed, an export that names the employee would be linked worse than one that does not.
#[test]
fn an_employee_id_outweighs_an_address() {
    let numbered = |id: &'static str, employee_id: &'static str, email: &'static str| AccountFacts {
        employee_id: Some(employee_id),
        ..with_email("erp", id, email)
    };
    let given = Given {
        accounts: vec![
            numbered("1", "P1", "bo.ruiz@example.com"),
            numbered("2", "P77", "bo.ruiz@example.com"),
        ],
        people: vec![ada(), person("P2", "Bo Ruiz", &["bo.ruiz@example.com"])],
        ..Given::default()
    };
    check(&given, &[("erp/1", Some("P1"), "employee_id", 0.97, 1), ("erp/2", Some("P2"), "email", 0.95, 1)]);
}

/// If it failed, half of a company that was renamed would be orphans.
#[test]
fn addresses_match_in_any_case_under_domain_aliases_and_former_names() {
    let given = Given {
        accounts: vec![
            with_email("crm", "case", "Ada.PARK@Example.COM"),
            with_email("crm", "domain", "ada.park@Old.Example"),
            with_email("crm", "former", "ada.lund@example.com"),
            with_email("crm", "both", "ADA.LUND@old.example"),
            // A login that is an address counts as one.
            AccountFacts { account_name: Some("ada.park@example.com"), ..account("crm", "login") },
            with_email("crm", "foreign", "ada.park@elsewhere.example"),
            with_email("crm", "tagged", "ada.park+test@example.com"),
        ],
        people: vec![person("P1", "Ada Park", &["ada.park@example.com", "ada.lund@example.com"])],
        domains: BTreeMap::from([("old.example".to_owned(), "example.com".to_owned())]),
        ..Given::default()
    };
    let found = |key| (key, Some("P1"), "email", 0.95, 1);
    let none = |key| (key, None, "none", 0.0, 0);
    check(
        &given,
        &[
            found("crm/case"),
            found("crm/domain"),
            found("crm/former"),
            found("crm/both"),
            found("crm/login"),
            none("crm/foreign"),
            none("crm/tagged"),
        ],
    );
}

/// If it failed, an application that missed a rename would hold accounts of nobody, and one
/// that a newcomer's address was taken from would give the newcomer's access to the other.
#[test]
fn the_history_of_an_identity_provider_explains_old_addresses_and_logins() {
    let known = |app: &str, account: &str, text: &str| [app, account, text].map(str::to_owned);
    let given = Given {
        accounts: vec![
            with_email("okta", "00u1", "ada.park@example.com"),
            with_email("okta", "00u2", "bo.ruiz@example.com"),
            with_email("okta", "00u3", "stranger@example.com"),
            with_email("crm", "address", "Ada.LUND@old.example"),
            with_login("erp", "login", "ADA.LUND", "A. L."),
            // Somebody has the address now, which outweighs who had it before.
            with_email("crm", "taken", "bo.ruiz@example.com"),
            // Two people had it before, and nothing decides.
            with_email("crm", "shared", "desk@example.com"),
            // An account that is nobody's leaves nobody a history.
            with_email("crm", "stranger", "odd@example.com"),
        ],
        people: vec![ada(), person("P2", "Bo Ruiz", &["bo.ruiz@example.com"])],
        domains: BTreeMap::from([("old.example".to_owned(), "example.com".to_owned())]),
        former: vec![
            known("okta", "00u1", "ada.lund@example.com"),
            known("okta", "00u1", "bo.ruiz@example.com"),
            known("okta", "00u1", "desk@example.com"),
            known("okta", "00u2", "desk@example.com"),
            known("okta", "00u3", "odd@example.com"),
        ],
    };
    check(
        &given,
        &[
            ("okta/00u1", Some("P1"), "email", 0.95, 1),
            ("okta/00u2", Some("P2"), "email", 0.95, 1),
            ("okta/00u3", None, "none", 0.0, 0),
            ("crm/address", Some("P1"), "alias", 0.93, 1),
            ("erp/login", Some("P1"), "alias", 0.80, 1),
            ("crm/taken", Some("P2"), "email", 0.95, 1),
            ("crm/shared", None, "ambiguous", 0.60, 2),
            ("crm/stranger", None, "none", 0.0, 0),
        ],
    );
}

/// If it failed, a short login would tie an account to a stranger as firmly as an address does.
#[test]
fn a_login_counts_for_more_when_the_name_agrees() {
    let given = Given {
        accounts: vec![
            with_login("erp", "same", "ada.park", "Ada Park"),
            with_login("erp", "turned", "ADA.PARK", "Park, Ada"),
            with_login("erp", "other", "ada.park", "Quentin Ives"),
            AccountFacts { account_name: Some("ada.park"), ..account("erp", "nameless") },
            with_login("erp", "accents", "zoe.muller", "Zoe Muller"),
            with_login("erp", "nobody", "x.y", "Quentin Ives"),
        ],
        people: vec![ada(), person("P2", "Zoë Müller", &["zoe.muller@example.com"])],
        ..Given::default()
    };
    check(
        &given,
        &[
            ("erp/same", Some("P1"), "login", 0.92, 1),
            ("erp/turned", Some("P1"), "login", 0.92, 1),
            ("erp/other", Some("P1"), "login", 0.80, 1),
            ("erp/nameless", Some("P1"), "login", 0.80, 1),
            ("erp/accents", Some("P2"), "login", 0.92, 1),
            ("erp/nobody", None, "none", 0.0, 0),
        ],
    );
}

/// If it failed, a recycled address would give a newcomer the leaver's access, or the reverse.
#[test]
fn the_day_an_account_was_made_decides_between_two_who_had_the_address() {
    let had = |id: &str, from: &str, to: Option<&str>| Person {
        employments: vec![(Some(at(from)), to.map(at))],
        ..person(id, "J Lee", &["j.lee@example.com"])
    };
    let made = |id: &'static str, on: Option<&str>| AccountFacts {
        created_at: on.map(at),
        ..with_email("crm", id, "j.lee@example.com")
    };
    let given = Given {
        accounts: vec![
            made("first", Some("2021-05-01")),
            made("second", Some("2024-05-01")),
            made("starting", Some("2023-01-01")),
            // The end is the first instant after the employment.
            made("ending", Some("2022-01-01")),
            made("between", Some("2022-06-01")),
            made("before", Some("2019-06-01")),
            made("undated", None),
        ],
        people: vec![had("P1", "2020-01-01", Some("2022-01-01")), had("P2", "2023-01-01", None)],
        ..Given::default()
    };
    let ambiguous = |key| (key, None, "ambiguous", 0.60, 2);
    check(
        &given,
        &[
            ("crm/first", Some("P1"), "email", 0.95, 1),
            ("crm/second", Some("P2"), "email", 0.95, 1),
            ("crm/starting", Some("P2"), "email", 0.95, 1),
            ambiguous("crm/ending"),
            ambiguous("crm/between"),
            ambiguous("crm/before"),
            ambiguous("crm/undated"),
        ],
    );
}

/// If it failed, marriage or a return to the company would split a person in two, and each
/// half would look like a leaver or a stranger.
#[test]
fn renamed_and_rehired_people_stay_one() {
    let numbered = |id: &'static str, employee_id: &'static str| AccountFacts {
        employee_id: Some(employee_id),
        ..account("erp", id)
    };
    let mut given = Given {
        accounts: vec![
            with_email("crm", "maiden", "ada.lund@example.com"),
            with_email("crm", "married", "ada.park@example.com"),
            numbered("first", "E1"),
            numbered("again", "E9"),
        ],
        people: vec![person("P1", "Ada Park", &["ada.park@example.com", "ada.lund@example.com"])],
        ..Given::default()
    };
    given.people[0].employee_ids = BTreeSet::from(["E1".to_owned(), "E9".to_owned()]);
    given.people[0].employments =
        vec![(Some(at("2018-01-01")), Some(at("2020-01-01"))), (Some(at("2024-01-01")), None)];
    check(
        &given,
        &[
            ("crm/maiden", Some("P1"), "email", 0.95, 1),
            ("crm/married", Some("P1"), "email", 0.95, 1),
            ("erp/first", Some("P1"), "employee_id", 0.97, 1),
            ("erp/again", Some("P1"), "employee_id", 0.97, 1),
        ],
    );
}
