//! Peer lift (`src/detect/learned`): its counts against counting by hand, its parts against
//! their sum, and where it looks when a group is too small to judge by.

use std::collections::{BTreeMap, BTreeSet};

use lychgate::detect::learned;
use lychgate::domain::UtcMicros;
use lychgate::query::{At, Session, json_rows};
use lychgate::state;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::fields;
use crate::support::{Fields, block_on, tables};

const APPS: [&str; 2] = ["crm", "erp"];
const ENTITLEMENTS: [&str; 6] = ["basic", "deals", "export", "ledger", "payroll", "vault"];
/// Fewer peers than this are not enough to judge by.
const PEERS_MIN: usize = 8;

/// What one person holds: application and entitlement by index.
type Held = (usize, usize);

struct Person {
    department: &'static str,
    title: &'static str,
    held: BTreeSet<Held>,
    /// A second account in each application, which holds the same.
    second_account: bool,
}

/// One row of `peer_lift`.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    scope: String,
    /// Peers and those of them who hold it: narrowest scope, department, organisation.
    peers: (usize, usize),
    department: (usize, usize),
    organisation: (usize, usize),
    /// Rarity, department lift, role lift.
    parts: [f64; 3],
    score: f64,
}

/// Rows by person and what they hold.
type Rows = BTreeMap<(usize, Held), Row>;

/// The files of such an organisation as rows of the lake: a roster, account and grant listings.
fn lake(people: &[Person]) -> BTreeMap<&'static str, Vec<Fields>> {
    let at = UtcMicros(1_780_000_000_000_000);
    let (mut employments, mut snapshots) = (Vec::new(), Vec::new());
    for (number, person) in people.iter().enumerate() {
        let email = format!("p{number:03}@example.com");
        employments.push(fields! {
            "listing_id" => "roster", "listed_at" => at, "ingested_at" => at, "complete" => true,
            "employee_id" => format!("E{number:03}"), "name" => format!("Person {number:03}"),
            "email" => email.clone(), "department" => person.department, "title" => person.title,
            "kind" => "employee", "start_at" => UtcMicros(at.0 - 300 * UtcMicros::MICROS_PER_DAY),
        });
        let prefixes: &[&str] = if person.second_account { &["a", "z"] } else { &["a"] };
        for prefix in prefixes {
            let account_id = format!("{prefix}{number:03}");
            let row = |app: usize, kind: &str| {
                fields! {
                    "listing_id" => format!("{kind} of {}", APPS[app]), "source" => format!("{kind}s"),
                    "app_id" => APPS[app], "listed_at" => at, "ingested_at" => at, "complete" => true,
                    "row_kind" => kind, "account_id" => account_id.clone(),
                }
            };
            for app in 0..APPS.len() {
                let mut account = row(app, "account");
                account.insert("email", email.clone().into());
                account.insert("active", true.into());
                snapshots.push(account);
            }
            for (app, entitlement) in &person.held {
                let mut grant = row(*app, "grant");
                grant.insert("entitlement_kind", "permission".into());
                grant.insert("entitlement_id", ENTITLEMENTS[*entitlement].into());
                snapshots.push(grant);
            }
        }
    }
    BTreeMap::from([("employments", employments), ("snapshots", snapshots)])
}

/// Scores every grant of the organisation.
fn scored(people: &[Person]) -> Rows {
    let rows = lake(people);
    let told = block_on(async || {
        let now = UtcMicros(1_780_000_000_000_000 + UtcMicros::MICROS_PER_DAY);
        let session = Session::open(tables(&rows), At { as_of: now, known_at: now }).await.unwrap();
        state::build(&session, &[]).await.unwrap();
        learned::score(&session).await.unwrap();
        json_rows(&session.select("SELECT * FROM peer_lift").await.unwrap())
    });
    let mut scored = Rows::new();
    for row in told {
        let text = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}"));
        let count = |name: &str| row[name].as_u64().unwrap_or_else(|| panic!("{name} of {row}")) as usize;
        let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row}"));
        // The first account stands for a person who has two.
        let person = text("account_id").strip_prefix('a').expect("the first account").parse().unwrap();
        let app = APPS.iter().position(|app| *app == text("app_id")).unwrap();
        let entitlement = ENTITLEMENTS.iter().position(|e| *e == text("entitlement_id")).unwrap();
        let told = Row {
            scope: text("peer_scope").to_owned(),
            peers: (count("peers"), count("peer_holders")),
            department: (count("department_people"), count("department_holders")),
            organisation: (count("org_people"), count("org_holders")),
            parts: ["rarity", "department_lift", "role_lift"].map(number),
            score: number("score"),
        };
        assert!(scored.insert((person, (app, entitlement)), told).is_none(), "twice: {row}");
    }
    scored
}

/// People and holders among those other than `holder` who are alike.
fn counted(people: &[Person], holder: usize, held: Held, alike: impl Fn(&Person) -> bool) -> (usize, usize) {
    let others = people.iter().enumerate().filter(|(number, _)| *number != holder);
    let peers: Vec<&Person> = others.map(|(_, person)| person).filter(|person| alike(person)).collect();
    (peers.len(), peers.iter().filter(|person| person.held.contains(&held)).count())
}

/// Counts by hand for every grant, and compares; gives what was scored.
fn check(people: &[Person]) -> Rows {
    let scored = scored(people);
    let grants: usize = people.iter().map(|person| person.held.len()).sum();
    assert_eq!(scored.len(), grants, "one row a grant of a person");
    for ((holder, held), row) in &scored {
        let me = &people[*holder];
        let in_department = |other: &Person| other.department == me.department;
        let organisation = counted(people, *holder, *held, |_| true);
        let department = counted(people, *holder, *held, in_department);
        let role = counted(people, *holder, *held, |other| in_department(other) && other.title == me.title);
        let (scope, peers) = match (role.0 >= PEERS_MIN, department.0 >= PEERS_MIN) {
            (true, _) => ("role", role),
            (false, true) => ("department", department),
            (false, false) => ("organisation", organisation),
        };
        assert_eq!((row.scope.as_str(), row.peers), (scope, peers), "{holder} {held:?}");
        assert_eq!((row.department, row.organisation), (department, organisation), "{holder} {held:?}");
        let sum: f64 = row.parts.iter().sum();
        assert!((sum - row.score).abs() < 1e-9, "{holder} {held:?}: {row:?}");
    }
    scored
}

/// 96 people in departments of 45, 30, 17 and 4; each holds what all do, what their department
/// does mostly, and now and then what it does not.
fn organisation(seed: u64) -> Vec<Person> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let departments: [(&'static str, usize, &[&'static str]); 4] = [
        ("Sales", 45, &["Rep", "Rep", "Rep", "Lead"]),
        ("Finance", 30, &["Analyst", "Analyst", "Analyst", "Lead"]),
        ("Support", 17, &["Agent"]),
        ("Legal", 4, &["Counsel"]),
    ];
    let mut people = Vec::new();
    for (place, (department, size, titles)) in departments.into_iter().enumerate() {
        for number in 0..size {
            let mut held = BTreeSet::from([(0, 0)]);
            for app in 0..APPS.len() {
                for entitlement in 1..ENTITLEMENTS.len() {
                    let usual = entitlement == place + 1 || entitlement == place + 2;
                    if rng.gen_bool(if usual { 0.6 } else { 0.05 }) {
                        held.insert((app, entitlement));
                    }
                }
            }
            // Seven leads in Finance: too few peers of one title to judge by.
            let title = titles[number % titles.len()];
            people.push(Person { department, title, held, second_account: rng.gen_bool(0.1) });
        }
    }
    people
}

/// If it failed, the sentence "3 of 41 colleagues hold it" would be false in an audit.
#[test]
fn counts_equal_those_made_by_hand_and_parts_add_up() {
    for seed in [1, 2, 3] {
        let scored = check(&organisation(seed));
        let scopes: BTreeSet<&str> = scored.values().map(|row| row.scope.as_str()).collect();
        assert_eq!(scopes, BTreeSet::from(["department", "organisation", "role"]), "seed {seed}");
    }
}

/// If it failed, what somebody holds would be judged by something other than who else holds it.
#[test]
fn a_grant_less_is_at_most_one_holder_less() {
    let mut people = organisation(5);
    for (place, held) in [(3, (0, 1)), (50, (1, 2)), (80, (0, 3)), (60, (1, 5))] {
        let before = check(&people);
        // The next person who holds it, and something besides, so that nobody drops out.
        let holder = (place..people.len())
            .find(|number| people[*number].held.contains(&held) && people[*number].held.len() > 1)
            .expect("a holder");
        people[holder].held.remove(&held);
        let after = check(&people);
        assert!(!after.contains_key(&(holder, held)));
        assert_eq!(after.len(), before.len() - 1);
        for (grant, now) in &after {
            let then = &before[grant];
            assert_eq!((&now.scope, now.peers.0), (&then.scope, then.peers.0), "{grant:?}");
            let fewer = |then: (usize, usize), now: (usize, usize)| then.1.checked_sub(now.1);
            let organisation = fewer(then.organisation, now.organisation);
            assert_eq!(organisation, Some(usize::from(grant.1 == held)), "{grant:?}");
            let peers = fewer(then.peers, now.peers);
            assert!(peers.is_some() && peers <= organisation, "{grant:?}: {then:?} to {now:?}");
        }
    }
}

/// If it failed, the only lawyer would be suspicious for holding what no other lawyer holds.
#[test]
fn a_group_too_small_to_judge_by_falls_back_to_a_wider_one() {
    let cases = [
        // The holder is nobody's peer: nine make eight.
        ("Sales", "Rep", 9, "role"),
        ("Sales", "Lead", 8, "department"),
        ("Finance", "Analyst", 8, "department"),
        ("Finance", "Lead", 1, "department"),
        ("Legal", "Counsel", 8, "organisation"),
        ("Board", "Chair", 1, "organisation"),
    ];
    let mut people = Vec::new();
    for (department, title, size, _) in cases {
        for _ in 0..size {
            let held = BTreeSet::from([(0, 0), (1, people.len() % ENTITLEMENTS.len())]);
            people.push(Person { department, title, held, second_account: false });
        }
    }
    for ((holder, held), row) in check(&people) {
        let Person { department, title, .. } = people[holder];
        let wanted = cases.iter().find(|case| (case.0, case.1) == (department, title)).unwrap().3;
        assert_eq!(row.scope, wanted, "{department} {title} {held:?}");
        assert!(row.peers.0 >= PEERS_MIN, "{row:?}");
    }
}

/// If it failed, everybody's birthright would rank with what a single person holds.
#[test]
fn what_nobody_else_holds_scores_above_what_all_hold() {
    let person = |n: usize| {
        let mut held = BTreeSet::from([(0, 0)]);
        held.extend((n == 0).then_some((1, 5)));
        Person { department: "Sales", title: "Rep", held, second_account: false }
    };
    let people: Vec<Person> = (0..30).map(person).collect();
    let scored = check(&people);
    let lone = &scored[&(0, (1, 5))];
    assert_eq!((lone.peers, lone.organisation), ((29, 0), (29, 0)));
    let common = scored.iter().filter(|((_, held), _)| *held == (0, 0)).map(|(_, row)| row.score);
    assert!(common.fold(f64::MIN, f64::max) < 0.0 && lone.score > 0.0, "{lone:?}");
}
