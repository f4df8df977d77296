//! Spans against an obvious fold: random histories of events and listings, asked at random
//! instants with random knowledge.

mod mentioned;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use lychgate::domain::UtcMicros;
use lychgate::pipeline::{Holding, Subject, holdings};
use lychgate::query::{ALL_DAYS, At, Base, Session, Tables, json_rows};
use lychgate::state;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::fields;
use crate::support::{Fields, block_on, tables};

const HOUR: i64 = 3_600_000_000;
const APPS: [&str; 2] = ["crm", "okta"];
/// Accounts of each application in a history of the ordinary size.
const FEW: usize = 4;
/// Names of files of two feeds.
const FILES: [&str; 3] = ["lists/members_2026-01-05.csv", "Members 2026-02 (2).csv", "guests.csv"];
const ENTITLEMENTS: [&str; 3] = ["g1", "g2", "g3"];
const TOKENS: [&str; 2] = ["t1", "t2"];

/// Something that a source said.
#[derive(Clone, Debug)]
enum Said {
    Event {
        app: usize,
        account: usize,
        verb: &'static str,
        entitlement: Option<usize>,
        ok: bool,
        told: Told,
        /// Of a grant: the hour at which it ends.
        ends: Option<i64>,
    },
    /// Accounts with their status, where it is told; a full listing or a partial one.
    Accounts { app: usize, rows: BTreeMap<usize, (Option<bool>, Told)>, complete: bool, file: &'static str },
    /// A token was made, or revoked by whoever the account is.
    Token { app: usize, account: usize, token: usize, made: bool, ok: bool, lives: Option<i64> },
    /// A group is deleted, of which no event tells whom it had.
    Deletion { app: usize, entitlement: usize, ok: bool },
    /// Account and entitlement pairs with the hour at which they end, where there is a column for it.
    Grants {
        app: usize,
        rows: BTreeMap<(usize, usize), Option<i64>>,
        has_ends: bool,
        complete: bool,
        file: &'static str,
    },
    /// People with whether they have an address, when they began, when they end, and whether they are called gone.
    Roster { rows: BTreeMap<usize, (bool, i64, Option<i64>, bool)>, complete: bool, file: &'static str },
}

/// What is told of an account by the way: the person in its address, in its login and in its externalId, of people and
/// of accounts of the identity provider; whose name it bears; and since when it is idle.
#[derive(Clone, Debug)]
struct Told {
    email: Option<usize>,
    login: Option<usize>,
    external: Option<(bool, usize)>,
    named: Option<usize>,
    active: Option<i64>,
}

fn told() -> impl Strategy<Value = Told> {
    let some = |n: usize| prop::option::weighted(0.3, 0..n);
    let external = prop::option::weighted(0.3, (any::<bool>(), 0..FEW));
    (some(FEW), some(FEW), external, some(FEW), prop::option::of(0..45i64))
        .prop_map(|(email, login, external, named, active)| Told { email, login, external, named, active })
}

impl Told {
    fn tell(&self, row: &mut Fields, [email, login, external]: [&'static str; 3]) {
        // One address is spelt with capitals, and one person is known by a former one alone.
        let address = |person: usize| format!("P{person}@Example.com");
        if let Some(person) = self.email {
            row.insert(email, address(person).into());
        }
        if let Some(person) = self.login {
            row.insert(login, if person % 2 == 0 { format!("p{person}") } else { address(person) }.into());
        }
        if let Some((of_person, number)) = self.external {
            row.insert(external, if of_person { format!("n{number}") } else { account_id(number) }.into());
        }
    }
}

/// A statement with its two clocks, in hours.
#[derive(Clone, Debug)]
struct Statement {
    at: i64,
    known: i64,
    said: Said,
}

const STATE_VERBS: [&str; 8] = [
    "account.create",
    "account.deactivate",
    "account.reactivate",
    "account.suspend",
    "account.unsuspend",
    "account.delete",
    "account.update",
    "signin",
];

const GRANT_VERBS: [&str; 5] =
    ["group.member.add", "group.member.add", "group.member.remove", "group.member.remove", "role.extend"];

/// What fails may be called a success, as far as it was told of.
const USE_VERBS: [&str; 5] = ["signin", "signin", "signin.app", "signin.failed", "token.use"];

/// Each first letter is shared, and what follows it is not.
fn name_of(person: usize) -> String {
    let [first, last] = [["Ada", "Bo"][person % 2], ["Park", "Ruiz", "Tan"][person % 3]];
    format!("{first} {last}")
}

fn kind_of(entitlement: usize) -> &'static str {
    if entitlement == 2 { "role" } else { "group" }
}

fn account_id(account: usize) -> String {
    format!("a{account:02}")
}

fn file() -> impl Strategy<Value = &'static str> {
    prop::sample::select(FILES.as_slice())
}

fn is_of_guests(file: &str) -> bool {
    file == FILES[2]
}

fn said(accounts: usize) -> impl Strategy<Value = Said> {
    let pick = |n: usize| 0..n;
    prop_oneof![
        7 => (pick(2), pick(accounts), pick(8), any::<bool>(), any::<bool>(), told()).prop_map(
            |(app, account, verb, a, b, told)| Said::Event {
                app, account, verb: STATE_VERBS[verb], entitlement: None, ok: a || b, told, ends: None,
            }
        ),
        // Successes among failures, which are counted.
        4 => (pick(2), pick(accounts), pick(5), any::<bool>(), told()).prop_map(
            |(app, account, verb, ok, told)| Said::Event {
                app, account, verb: USE_VERBS[verb], entitlement: None, ok, told, ends: None,
            }
        ),
        6 => (pick(2), pick(accounts), pick(3), pick(5), 0..10u8, told(), prop::option::of(0..60i64)).prop_map(|(app, account, entitlement, verb, luck, told, ends)| Said::Event {
            app, account, entitlement: Some(entitlement), ok: luck > 0, told, verb: GRANT_VERBS[verb], ends,
        }),
        4 => (pick(2), pick(accounts), pick(2), any::<bool>(), 0..10u8, prop::option::of(1..20i64)).prop_map(
            |(app, account, token, made, luck, lives)| Said::Token { app, account, token, made, ok: luck > 0, lives },
        ),
        1 => (pick(2), pick(3), 0..10u8)
            .prop_map(|(app, entitlement, luck)| Said::Deletion { app, entitlement, ok: luck > 0 }),
        6 => (pick(2), prop::collection::btree_map(pick(accounts), (prop::option::weighted(0.7, any::<bool>()), told()), 1..accounts), 0..4u8, file())
            .prop_map(|(app, rows, luck, file)| Said::Accounts { app, rows, complete: luck > 0, file }),
        6 => (pick(2), prop::collection::btree_map((pick(accounts), pick(3)), prop::option::weighted(0.3, 0..60i64), 1..accounts * 3 / 2), any::<bool>(), 0..4u8, file())
            .prop_map(|(app, rows, has_ends, luck, file)| Said::Grants { app, rows, has_ends, complete: luck > 0, file }),
        1 => (prop::collection::btree_map(pick(FEW), (any::<bool>(), -10..20i64, prop::option::of(0..50i64), prop::bool::weighted(0.3)), 1..FEW + 1), 0..4u8, file())
            .prop_map(|(rows, luck, file)| Said::Roster { rows, complete: luck > 0, file }),
    ]
}

fn history(accounts: usize, statements: usize) -> impl Strategy<Value = Vec<Statement>> {
    // Few hours, so that statements meet at the same instant; knowledge up to a week late.
    let statement = (0..40i64, 0..100i64, said(accounts)).prop_map(|(at, late, said)| Statement {
        at,
        known: at + if late < 70 { 0 } else { late - 60 },
        said,
    });
    prop::collection::vec(statement, 1..statements)
}

fn instant(hours: i64) -> UtcMicros {
    UtcMicros(1_750_000_000_000_000 + hours * HOUR)
}

/// The statements as rows of the lake. The number of a statement is its id, in order of ties: of listings, of those that
/// were known at once.
fn lake(history: &[Statement]) -> BTreeMap<&'static str, Vec<Fields>> {
    let mut rows: BTreeMap<&'static str, Vec<Fields>> = BTreeMap::new();
    for (number, statement) in history.iter().enumerate() {
        let (at, known) = (instant(statement.at), instant(statement.known));
        let id = format!("s{number:03}");
        let listing = match &statement.said {
            Said::Accounts { app, complete, file, .. } => Some(("accounts", Some(*app), complete, file)),
            Said::Grants { app, complete, file, .. } => Some(("grants", Some(*app), complete, file)),
            Said::Roster { complete, file, .. } => Some(("roster", None, complete, file)),
            Said::Event { .. } | Said::Token { .. } | Said::Deletion { .. } => None,
        };
        if let Some((kind, app, complete, file)) = listing {
            let mut load = fields! {
                "load_id" => id.clone(), "source" => kind, "kind" => kind, "file" => *file, "listing_id" => id.clone(),
                "listed_at" => at, "ingested_at" => known, "complete" => *complete,
            };
            load.extend(app.map(|app| ("app_id", APPS[app].into())));
            if let Said::Grants { rows, has_ends: true, .. } = &statement.said {
                let ends = rows.values().flatten().count();
                load.insert("filled", format!("account_id={};expires_at={ends}", rows.len()).into());
            }
            rows.entry("sources").or_default().push(load);
        }
        match &statement.said {
            Said::Event { app, account, verb, entitlement, ok, told, ends } => {
                let mut event = fields! {
                    "event_id" => id, "source" => "okta", "event_type" => *verb, "verb" => *verb,
                    "occurred_at" => at, "ingested_at" => known, "account_app" => APPS[*app],
                    "account_id" => account_id(*account), "outcome" => if *ok { "success" } else { "failure" },
                };
                told.tell(&mut event, ["account_email", "account_name", "account_external_id"]);
                if verb.starts_with("signin") {
                    event.insert("app_id", APPS[*account % 2].into());
                    // Who signs in may be nobody that is told.
                    if *verb == "signin.app" && *account == FEW - 1 {
                        event.remove("account_id");
                    }
                }
                if let Some(entitlement) = entitlement {
                    event.insert("entitlement_kind", kind_of(*entitlement).into());
                    event.insert("entitlement_id", ENTITLEMENTS[*entitlement].into());
                    event.extend(ends.map(|hour| ("expires_at", instant(hour).into())));
                }
                rows.entry("events").or_default().push(event);
            }
            Said::Token { app, account, token, made, ok, lives } => {
                let verb = if *made { "token.create" } else { "token.revoke" };
                let mut event = fields! {
                    "event_id" => id, "source" => "okta", "event_type" => verb, "verb" => verb,
                    "occurred_at" => at, "ingested_at" => known, "account_app" => APPS[*app],
                    "account_id" => account_id(*account), "outcome" => if *ok { "success" } else { "failure" },
                    "credential_kind" => "api_token", "credential_id" => TOKENS[*token],
                };
                if let Some(hours) = lives {
                    event.insert("expires_at", instant(statement.at + hours).into());
                }
                rows.entry("events").or_default().push(event);
            }
            Said::Deletion { app, entitlement, ok } => {
                // Okta's own log does not say whose accounts they were.
                let told = (*app != 1).then(|| ("account_app", APPS[*app].into()));
                let mut event = fields! {
                    "event_id" => id, "source" => "okta", "event_type" => "group.delete", "verb" => "group.delete",
                    "occurred_at" => at, "ingested_at" => known, "entitlement_kind" => kind_of(*entitlement),
                    "entitlement_id" => ENTITLEMENTS[*entitlement], "outcome" => if *ok { "success" } else { "failure" },
                };
                event.extend(told);
                rows.entry("events").or_default().push(event);
            }
            Said::Accounts { app, rows: listed, complete, .. } => {
                for (account, (active, told)) in listed {
                    let mut row = fields! {
                        "listing_id" => id.clone(), "source" => "accounts", "app_id" => APPS[*app], "listed_at" => at,
                        "ingested_at" => known, "complete" => *complete, "row_kind" => "account",
                        "account_id" => account_id(*account),
                    };
                    row.extend(active.map(|active| ("active", active.into())));
                    told.tell(&mut row, ["email", "account_name", "external_id"]);
                    row.extend(told.named.map(|person| ("display_name", name_of(person).into())));
                    row.extend(told.active.map(|hours| ("last_active_at", instant(hours).into())));
                    rows.entry("snapshots").or_default().push(row);
                }
            }
            Said::Roster { rows: listed, complete, file } => {
                for (person, (addressed, start, end, gone)) in listed {
                    // Two companies gave one number to two people.
                    let is_another = *person == FEW - 1 && is_of_guests(file);
                    let mut row = fields! {
                        "listing_id" => id.clone(), "listed_at" => at, "ingested_at" => known, "complete" => *complete,
                        "employee_id" => format!("n{person}"),
                        "name" => if is_another { "Cy Lund".to_owned() } else { name_of(*person) },
                        "start_at" => instant(*start), "end_date_only" => false, "on_leave" => false,
                        "status" => if *gone { "Terminated" } else { "Active" },
                    };
                    let address = if is_another {
                        "cy@example.org".to_owned()
                    } else {
                        format!("p{person}@example.com")
                    };
                    row.extend(addressed.then(|| ("email", address.into())));
                    row.extend(end.map(|hours| ("end_at", instant(hours).into())));
                    rows.entry("employments").or_default().push(row);
                }
            }
            Said::Grants { app, rows: listed, has_ends, complete, .. } => {
                for ((account, entitlement), ends) in listed {
                    let mut row = fields! {
                        "listing_id" => id.clone(), "source" => "grants", "app_id" => APPS[*app], "listed_at" => at,
                        "ingested_at" => known, "complete" => *complete, "row_kind" => "grant",
                        "account_id" => account_id(*account), "entitlement_kind" => kind_of(*entitlement),
                        "entitlement_id" => ENTITLEMENTS[*entitlement],
                    };
                    row.extend(ends.filter(|_| *has_ends).map(|hour| ("expires_at", instant(hour).into())));
                    rows.entry("snapshots").or_default().push(row);
                }
            }
        }
    }
    rows
}

/// One listing that something is on or not: its hour, the hour at which it was known and its number; its feed; and whether
/// it is complete and lost no more than two rows in a hundred since the one of its feed before it, or than twenty, or than
/// three in ten where that is fewer, or than two.
struct Listed {
    place: (i64, i64, usize),
    of_guests: bool,
    names: bool,
    /// Whether something of the kind is on it.
    speaks: bool,
    trusted: bool,
}

/// What a listing of the right kind has of something: rows at all, itself, and something of its kind.
struct On {
    rows: usize,
    names: bool,
    speaks: bool,
}

/// Listings of accounts or of grants of one application that were known, in any order.
fn listed(
    history: &[Statement],
    app: usize,
    at: (i64, i64),
    on: &dyn Fn(&Said) -> Option<On>,
) -> Vec<Listed> {
    let visible = history.iter().enumerate().filter(|(_, s)| s.at <= at.0 && s.known <= at.1);
    let mut listings: Vec<(Listed, usize, bool)> = Vec::new();
    for (number, Statement { at, known, said }) in visible {
        let (Said::Accounts { app: a, complete, file, .. } | Said::Grants { app: a, complete, file, .. }) =
            said
        else {
            continue;
        };
        let Some(On { rows, names, speaks }) = on(said).filter(|_| *a == app) else { continue };
        let (place, of_guests) = ((*at, *known, number), is_of_guests(file));
        listings.push((Listed { place, of_guests, names, speaks, trusted: *complete }, rows, *complete));
    }
    listings.sort_by_key(|(listed, ..)| listed.place);
    for n in 0..listings.len() {
        let (now, rows, complete) = &listings[n];
        let like = |(other, _, whole): &&(Listed, usize, bool)| other.of_guests == now.of_guests && *whole;
        let before = listings[..n].iter().rev().find(like).map_or(0, |(_, rows, _)| *rows);
        let few = (0.3 * before as f64).clamp(2.0, 20.0);
        let shrunken = before.saturating_sub(*rows) as f64 > (0.02 * before as f64).max(few);
        listings[n].0.trusted = *complete && !shrunken;
    }
    listings.into_iter().map(|(listed, ..)| listed).collect()
}

/// The places of listings that say by silence that something is gone. `events` say in order when it came and when it went.
///
/// Of what it has been since it last came: feeds that named it speak, and it is gone when the newest word of none is that
/// it is there; where none has, all that list its kind do, and each has to be silent since the last event. Of one hour,
/// events come first, then those who name it.
fn silences(
    listed: &[Listed],
    events: &[(i64, bool)],
    first: (i64, u8, i64, usize),
) -> Vec<(i64, i64, usize)> {
    type Step = (i64, u8, i64, usize);
    let step =
        |one: &Listed| -> Step { (one.place.0, if one.names { 1 } else { 2 }, one.place.1, one.place.2) };
    let event = |n: usize| -> Step { (events[n].0, 0, 0, n) };
    let corrected = |one: &Listed| {
        let same = |other: &&Listed| other.of_guests == one.of_guests && other.place.0 == one.place.0;
        listed.iter().filter(same).any(|other| other.names && other.place > one.place)
    };
    let silent = listed.iter().filter(|one| one.trusted && !one.names && is_after(one.place, first));
    let mut silent: Vec<&Listed> = silent.filter(|one| !corrected(one)).collect();
    silent.sort_by_key(|one| step(one));
    let mut ends: Vec<&Listed> = Vec::new();
    for one in &silent {
        let now = step(one);
        let events_of = |came: bool| (0..events.len()).filter(move |n| events[*n].1 == came).map(event);
        let went = events_of(false).filter(|step| *step < now).max();
        let lost = ends.last().map(|end| step(end)).max(went);
        let in_life = |step: Step| Some(step) > lost && step <= now;
        let came = events_of(true).filter(|step| in_life(*step)).max();
        let names = |of_guests: bool| {
            let own = listed.iter().filter(move |other| other.names && other.of_guests == of_guests);
            own.map(step).filter(|step| in_life(*step)).max()
        };
        let is_silent = |of_guests: bool| {
            let own = silent.iter().filter(move |other| other.of_guests == of_guests);
            own.map(|other| step(other)).filter(|step| in_life(*step)).max()
        };
        let feeds = [false, true];
        let ended = if feeds.iter().any(|feed| names(*feed).is_some()) {
            names(one.of_guests).is_some() && feeds.iter().all(|feed| names(*feed) <= is_silent(*feed))
        } else {
            let lists_kind = |feed: bool| listed.iter().any(|other| other.of_guests == feed && other.speaks);
            let begun = |feed: bool| {
                listed.iter().any(|other| other.of_guests == feed && other.place.0 <= one.place.0)
            };
            let asked = |feed: &bool| lists_kind(*feed) && begun(*feed);
            came.is_some()
                && lists_kind(one.of_guests)
                && feeds.iter().filter(|feed| asked(feed)).all(|feed| is_silent(*feed) > came)
        };
        if ended {
            ends.push(one);
        }
    }
    ends.iter().map(|one| one.place).collect()
}

/// The obvious fold: all that is said about one account until `as_of`, in order; the last word
/// counts. Later statements of one instant are listings, and of those the one that was known later, then the higher id.
fn last_word(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Option<&'static str> {
    words(history, app, account, at).last().map(|word| word.1)
}

/// Everything said about one account: hour and word, in order.
fn words(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Vec<(i64, &'static str)> {
    // Hour, rank, the hour at which a listing was known, number and word.
    let mut words: Vec<(i64, u8, i64, usize, &'static str)> = Vec::new();
    let visible = || history.iter().enumerate().filter(|(_, s)| s.at <= at.0 && s.known <= at.1);
    for (number, statement) in visible() {
        match &statement.said {
            Said::Event { app: a, account: c, verb, ok: true, .. } if (*a, *c) == (app, account) => {
                let word = match *verb {
                    "account.create" | "account.reactivate" | "account.unsuspend" => "active",
                    "account.deactivate" | "account.suspend" => "inactive",
                    "account.delete" => "deleted",
                    _ => continue,
                };
                words.push((statement.at, 1, 0, number, word));
            }
            Said::Accounts { app: a, rows, .. } if *a == app => {
                if let Some((active, _)) = rows.get(&account) {
                    let word = active.map_or("unknown", |active| if active { "active" } else { "inactive" });
                    words.push((statement.at, 2, statement.known, number, word));
                }
            }
            _ => {}
        }
    }
    let on = |said: &Said| match said {
        Said::Accounts { rows, .. } => {
            Some(On { rows: rows.len(), names: rows.contains_key(&account), speaks: true })
        }
        _ => None,
    };
    let listed = listed(history, app, at, &on);
    // What else was told of the account counts only where there is no word on it: it was there then.
    let mentioned = mentions(history, app, account, at);
    if let Some(((first, _), (last, _))) =
        mentioned.first().zip(mentioned.last()).filter(|_| words.is_empty())
    {
        let mut told = vec![(*first, 1, 0, "unknown"), (*last, 1, 0, "unknown")];
        for (hour, known, _) in silences(&listed, &[(*first, true), (*last, true)], (*first, 1, 0, 0)) {
            told.push((hour, 2, known, "deleted"));
        }
        told.sort_unstable();
        return told.into_iter().map(|(hour, .., word)| (hour, word)).collect();
    }
    words.sort_unstable();
    // That the account is there says something only of one of which nothing else is known, or that was deleted.
    let decided = words.iter().any(|word| word.4 != "unknown");
    let Some(first) = words.iter().find(|word| word.4 != "unknown" || !decided).copied() else {
        return Vec::new();
    };
    let events: Vec<(i64, bool)> =
        words.iter().filter(|word| word.1 == 1).map(|word| (word.0, word.4 != "deleted")).collect();
    for (hour, known, number) in silences(&listed, &events, (first.0, first.1, first.2, first.3)) {
        words.push((hour, 2, known, number, "deleted"));
    }
    words.sort_unstable();
    let mut told: Vec<(i64, &'static str)> = Vec::new();
    for (hour, .., word) in words {
        let deleted = told.last().is_some_and(|before| before.1 == "deleted");
        if word != "unknown" || !decided || deleted {
            told.push((hour, word));
        }
    }
    told
}

/// Every success that tells of one account, with whether it says what became of it: hour and that, in order.
fn mentions(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Vec<(i64, bool)> {
    let mut mentions: Vec<(i64, bool)> = Vec::new();
    for statement in history.iter().filter(|s| s.at <= at.0 && s.known <= at.1) {
        match &statement.said {
            Said::Event { app: a, account: c, verb, ok: true, .. } if (*a, *c) == (app, account) => {
                let nobody = *verb == "signin.app" && account == FEW - 1;
                if *verb != "signin.failed" && !nobody {
                    let is_word = STATE_VERBS[..6].contains(verb);
                    mentions.push((statement.at, is_word));
                }
            }
            Said::Token { app: a, account: c, ok: true, .. } if (*a, *c) == (app, account) => {
                mentions.push((statement.at, false));
            }
            Said::Accounts { app: a, rows, .. } if *a == app && rows.contains_key(&account) => {
                mentions.push((statement.at, true));
            }
            _ => {}
        }
    }
    mentions.sort_unstable();
    mentions
}

/// Whether nothing says what became of the account.
fn is_only_mentioned(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> bool {
    mentions(history, app, account, at).iter().all(|(_, is_word)| !is_word)
}

/// Whether a listing comes after the first word of something: it may be of the same instant where that is a listing too.
fn is_after(listing: (i64, i64, usize), (hour, rank, known, first): (i64, u8, i64, usize)) -> bool {
    listing.0 > hour || rank == 2 && listing > (hour, known, first)
}

/// The hours at which the account turned deleted and stayed so for any time at all.
fn deletions(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Vec<i64> {
    // Of what others only mention, a listing may not know at all.
    if is_only_mentioned(history, app, account, at) {
        return Vec::new();
    }
    let mut turns = words(history, app, account, at);
    turns.dedup_by_key(|word| word.1);
    let lasts = |n: usize| turns.get(n + 1).is_none_or(|next| next.0 > turns[n].0);
    (0..turns.len()).filter(|n| turns[*n].1 == "deleted" && lasts(*n)).map(|n| turns[n].0).collect()
}

fn state_of(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Option<&'static str> {
    last_word(history, app, account, at).filter(|word| *word != "deleted")
}

/// Whether a listing of grants has a column for ends in which it, or one of its feed before it, had an end: where it is
/// empty there, a grant has none.
fn states_ends(history: &[Statement], number: usize, at: (i64, i64)) -> bool {
    let of = |number: usize| match &history[number].said {
        Said::Grants { app, rows, has_ends: true, file, .. } => {
            Some(((app, is_of_guests(file)), rows.values().any(Option::is_some)))
        }
        _ => None,
    };
    let place = |number: usize| (history[number].at, history[number].known, number);
    let Some((feed, _)) = of(number) else { return false };
    let visible = (0..history.len()).filter(|n| history[*n].at <= at.0 && history[*n].known <= at.1);
    visible.filter(|n| place(*n) <= place(number)).any(|n| of(n) == Some((feed, true)))
}

/// What is said of an end: nothing, that there is none, or the hour.
type End = Option<Option<i64>>;

/// The same for one grant: held by the last word, unless the account was deleted since, until the hour that was stated
/// last since it came. An extension states one of what is held.
fn held_until(history: &[Statement], app: usize, account: usize, entitlement: usize, at: (i64, i64)) -> End {
    // Hour, rank, the hour at which a listing was known (of events, whether they only extend), number, word and end.
    let mut words: Vec<(i64, u8, i64, usize, bool, End)> = Vec::new();
    let mut extensions = words.clone();
    let visible = || history.iter().enumerate().filter(|(_, s)| s.at <= at.0 && s.known <= at.1);
    for (number, statement) in visible() {
        match &statement.said {
            Said::Event { app: a, account: c, verb, entitlement: Some(e), ok: true, ends, .. }
                if (*a, *c, *e) == (app, account, entitlement) =>
            {
                let end = ends.map(Some);
                match *verb {
                    "role.extend" => extensions.push((statement.at, 1, 1, number, true, end)),
                    verb => words.push((statement.at, 1, 0, number, verb == "group.member.add", end)),
                }
            }
            Said::Grants { app: a, rows, has_ends, .. } if *a == app => {
                let Some(ends) = rows.get(&(account, entitlement)) else { continue };
                let stated = ends.filter(|_| *has_ends);
                let end = if states_ends(history, number, at) { Some(stated) } else { stated.map(Some) };
                words.push((statement.at, 2, statement.known, number, true, end));
            }
            _ => {}
        }
    }
    if words.iter().any(|word| word.4) {
        for (number, statement) in visible() {
            let Said::Deletion { app: a, entitlement: e, ok: true } = statement.said else { continue };
            if (a, e) == (app, entitlement) && kind_of(e) == "group" {
                words.push((statement.at, 1, 0, number, false, None));
            }
        }
    }
    let first = words.iter().min().copied()?;
    let on = |said: &Said| match said {
        Said::Grants { rows, .. } => {
            let speaks = rows.keys().any(|(_, other)| kind_of(*other) == kind_of(entitlement));
            Some(On { rows: rows.len(), names: rows.contains_key(&(account, entitlement)), speaks })
        }
        _ => None,
    };
    let deleted: Vec<i64> =
        deletions(history, app, account, at).into_iter().filter(|hour| *hour >= first.0).collect();
    let mut events: Vec<(i64, bool)> =
        words.iter().filter(|word| word.1 == 1).map(|word| (word.0, word.4)).collect();
    events.extend(deleted.iter().map(|hour| (*hour, false)));
    events.sort_by_key(|event| event.0);
    let listed = listed(history, app, at, &on);
    for (hour, known, number) in silences(&listed, &events, (first.0, first.1, first.2, first.3)) {
        words.push((hour, 2, known, number, false, None));
    }
    words.extend(deleted.into_iter().map(|hour| (hour, 3, 0, usize::MAX, false, None)));
    words.extend(extensions);
    words.sort_unstable();
    words.into_iter().fold(None, |held: End, (_, rank, extends, _, word, end)| {
        let is_extension = rank == 1 && extends == 1;
        let goes_on = if is_extension { held.is_some() } else { word };
        goes_on.then(|| end.unwrap_or(held.flatten()))
    })
}

/// Whose token can be used: the last word is that it was made, its first maker holds it until it
/// is revoked, and the end that was set then has not come.
fn holder_of(history: &[Statement], app: usize, token: usize, at: (i64, i64)) -> Option<usize> {
    let mut words: Vec<(i64, usize, bool, usize, Option<i64>)> = Vec::new();
    for (number, statement) in history.iter().enumerate() {
        if statement.at > at.0 || statement.known > at.1 {
            continue;
        }
        match &statement.said {
            Said::Token { app: a, account, token: t, made, ok: true, lives } if (*a, *t) == (app, token) => {
                words.push((statement.at, number, *made, *account, lives.map(|hours| statement.at + hours)));
            }
            _ => {}
        }
    }
    words.sort_unstable();
    let mut holder = None;
    for (_, _, made, account, ends) in words {
        holder = if made { holder.or(Some((account, ends))) } else { None };
    }
    holder.filter(|(_, ends)| ends.is_none_or(|end| end > at.0)).map(|(account, _)| account)
}

type Tokens = BTreeSet<(String, String, String)>;

fn tokens_expected(history: &[Statement], at: (i64, i64)) -> Tokens {
    let mut held = Tokens::new();
    for (app, app_id) in APPS.iter().enumerate() {
        for (token, token_id) in TOKENS.iter().enumerate() {
            if let Some(account) = holder_of(history, app, token, at) {
                held.insert(((*app_id).to_owned(), account_id(account), (*token_id).to_owned()));
            }
        }
    }
    held
}

async fn tokens_answered(session: &Session) -> Tokens {
    let sql = "SELECT app_id, account_id, credential_id FROM credential_spans \
               WHERE valid_from <= $as_of AND (valid_to IS NULL OR valid_to > $as_of)";
    let rows = json_rows(&session.collect("tokens", sql).await.unwrap());
    let text = |row: &serde_json::Value, column: &str| row[column].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (text(row, "app_id"), text(row, "account_id"), text(row, "credential_id")))
        .collect()
}

/// What the fold says about one account.
fn expected(history: &[Statement], app: usize, account: usize, at: (i64, i64)) -> Option<(String, Held)> {
    let state = state_of(history, app, account, at)?;
    let held = (0..ENTITLEMENTS.len()).filter_map(|e| {
        let end = held_until(history, app, account, e, at)?;
        Some((ENTITLEMENTS[e].to_owned(), end.map(instant)))
    });
    Some((state.to_owned(), held.collect()))
}

/// What an account holds, and until when.
type Held = BTreeMap<String, Option<UtcMicros>>;

async fn answered(session: &Session, app: &str, account: &str) -> Option<(String, Held)> {
    let found = holdings(session, &Subject::Account(format!("{app}/{account}"))).await.unwrap();
    let state = found.first()?.state.clone();
    let held = |holding: Holding| Some((holding.entitlement_id?, holding.expires_at));
    Some((state, found.into_iter().filter_map(held).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// A wrong span tells an auditor that somebody had no access who had, or the reverse. 128
    /// histories, each asked for eight accounts: 1,024 (account, instant) pairs.
    #[test]
    fn access_equals_the_fold(history in history(FEW, 40), as_of in 0..45i64, known in 0..90i64) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_stack_size(16 << 20).enable_all().build().unwrap();
        let rows = lake(&history);
        let asked = history.clone();
        runtime.block_on(runtime.spawn(async move {
            let at = At { as_of: instant(as_of), known_at: instant(known) };
            let session = Session::open(tables(&rows), at).await.unwrap();
            state::build(&session, &[]).await.unwrap();
            assert_eq!(tokens_answered(&session).await, tokens_expected(&asked, (as_of, known)), "as of {as_of}");
            for (app, app_id) in APPS.iter().enumerate() {
                for account in 0..FEW {
                    let wanted = expected(&asked, app, account, (as_of, known));
                    let account_id = account_id(account);
                    let answer = answered(&session, app_id, &account_id).await;
                    assert_eq!(answer, wanted, "{app_id}/{account_id} as of {as_of}, known at {known}");
                }
            }
        })).unwrap();
    }
}

/// An identity provider that renames by giving up one account for another would look like a
/// leaver and a joiner, and its deletion like a destroyed trail.
#[test]
fn deactivate_and_create_under_one_external_id_is_a_rename() {
    let event = |id: &str, verb: &str, account: &str, external_id: &str, at: UtcMicros| {
        fields! {
            "event_id" => id, "source" => "scim_http", "event_type" => verb, "verb" => verb, "occurred_at" => at,
            "ingested_at" => at, "account_app" => "crm", "account_id" => account, "outcome" => "success",
            "account_external_id" => external_id,
        }
    };
    let minutes = |n: i64| UtcMicros(instant(1).0 + n * 60_000_000);
    let events = vec![
        event("e1", "account.create", "old", "x1", instant(0)),
        event("e2", "account.deactivate", "old", "x1", minutes(0)),
        event("e3", "account.create", "new", "x1", minutes(3)),
        // Another person, and the same person much later, are no rename.
        event("e4", "account.create", "other", "x2", minutes(4)),
        event("e5", "account.create", "rehired", "x1", minutes(90)),
    ];
    let rows = BTreeMap::from([("events", events)]);
    block_on(async || {
        let at = At { as_of: instant(40), known_at: instant(40) };
        let session = Session::open(tables(&rows), at).await.unwrap();
        state::build(&session, &[]).await.unwrap();
        let sql = "SELECT from_account_id, to_account_id, renamed_at FROM account_renames";
        let found = json_rows(&session.collect("renames", sql).await.unwrap());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (&found[0]["from_account_id"], &found[0]["to_account_id"]),
            (&"old".into(), &"new".into())
        );
    });
}

/// Numbers that stand for another thing than the texts beside them.
const AMBIGUOUS: [&str; 5] = [
    "WITH named AS (SELECT app_id, account_id, account_key FROM accounts_now \
     UNION SELECT app_id, account_id, account_key FROM grants_now \
     UNION SELECT app_id, account_id, account_key FROM last_activity \
     UNION SELECT app_id, account_id, account_key FROM account_keys \
     UNION SELECT app_id, account_id, account_key FROM account_spans \
     UNION SELECT app_id, account_id, account_key FROM account_attributes \
     UNION SELECT app_id, account_id, account_key FROM grant_spans \
     UNION SELECT app_id, account_id, account_key FROM former_names \
     UNION SELECT app_id, account_id, account_key FROM links \
     UNION SELECT app_id, from_account_id, from_account_key FROM account_renames \
     UNION SELECT app_id, to_account_id, to_account_key FROM account_renames \
     UNION SELECT account_key_app, account_id, account_key FROM app_uses WHERE account_id IS NOT NULL) \
     SELECT a.* FROM named AS a CROSS JOIN named AS b \
     WHERE (a.app_id = b.app_id AND a.account_id = b.account_id) IS DISTINCT FROM (a.account_key = b.account_key)",
    "SELECT app_id, account_id FROM account_keys GROUP BY app_id, account_id HAVING count(*) > 1",
    "SELECT g.* FROM grants_now AS g JOIN identities_now AS i ON i.identity_id = g.identity_id \
     WHERE i.identity_key IS DISTINCT FROM g.identity_key",
    "SELECT a.* FROM accounts_now AS a FULL JOIN identities_now AS i ON i.identity_key = a.identity_key \
     WHERE a.identity_key IS NOT NULL AND i.identity_id IS DISTINCT FROM a.identity_id",
    "SELECT a.* FROM (SELECT DISTINCT app_id, entitlement_id, entitlement_key FROM grant_spans) AS a \
     CROSS JOIN (SELECT DISTINCT app_id, entitlement_id, entitlement_key FROM grants_now) AS b \
     WHERE (a.app_id = b.app_id AND a.entitlement_id = b.entitlement_id) \
       IS DISTINCT FROM (a.entitlement_key = b.entitlement_key)",
];

/// What events say of uses, asked of all of them, beside what a session has counted: rows that one has alone.
const MISCOUNTED: [&str; 4] = [
    "WITH told AS ( \
       SELECT event_id, occurred_at, ingested_at, verb, outcome, account_id, account_app, app_key, account_key_app \
       FROM known_events \
       WHERE verb NOT LIKE 'signin%' AND verb NOT IN ('token.use', 'session.use') \
     ), \
     held AS ( \
       SELECT event_id, occurred_at, ingested_at, verb, outcome, account_id, account_app, app_key, account_key_app \
       FROM known_changes \
     ) \
     (SELECT * FROM told EXCEPT ALL SELECT * FROM held) UNION ALL (SELECT * FROM held EXCEPT ALL SELECT * FROM told)",
    "WITH counted AS ( \
       SELECT account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, \
         CASE outcome WHEN 'failure' THEN occurred_at END AS failed_at, min(occurred_at) AS first_at, \
         max(occurred_at) AS last_at, count(*) AS uses \
       FROM ( \
         SELECT account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, occurred_at, \
           CASE WHEN verb IN ('signin.failed', 'signin.app.failed', 'signin.denied_app') THEN 'failure' ELSE outcome END \
             AS outcome \
         FROM known_events \
         WHERE outcome IN ('success', 'failure') \
           AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use')) \
       ) AS used \
       GROUP BY account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, \
         CASE outcome WHEN 'failure' THEN occurred_at END \
     ), \
     held AS ( \
       SELECT account_app, account_id, app_id, app_name, verb, credential_kind, credential_id, outcome, failed_at, \
         first_at, last_at, uses \
       FROM app_uses \
     ) \
     (SELECT * FROM counted EXCEPT ALL SELECT * FROM held) \
     UNION ALL (SELECT * FROM held EXCEPT ALL SELECT * FROM counted)",
    "WITH counted AS (SELECT DISTINCT source, date_bin(INTERVAL '1 hour', occurred_at) AS hour_at FROM known_events) \
     (SELECT * FROM counted EXCEPT ALL SELECT source, hour_at FROM event_hours) \
     UNION ALL (SELECT source, hour_at FROM event_hours EXCEPT ALL SELECT * FROM counted)",
    "WITH counted AS ( \
       SELECT source, account_app, app_id, app_name, min(occurred_at) AS first_at, max(occurred_at) AS last_at \
       FROM known_events \
       WHERE outcome = 'success' \
         AND (verb LIKE 'signin%' OR verb IN ('token.use', 'session.use')) \
       GROUP BY source, account_app, app_id, app_name \
     ), \
     held AS (SELECT source, account_app, app_id, app_name, first_at, last_at FROM event_uses) \
     (SELECT * FROM counted EXCEPT ALL SELECT * FROM held) \
     UNION ALL (SELECT * FROM held EXCEPT ALL SELECT * FROM counted)",
];

/// Views of what came since a checkpoint, and those of which they are a part.
const SINCE: [(&str, &str); 4] = [
    ("accounts_since", "accounts_now"),
    ("grants_since", "grants_now"),
    ("uses_since", "app_uses"),
    ("activity_since", "last_activity"),
];

/// Every view that detectors ask, as sorted rows.
async fn everything(session: &Session) -> Everything {
    const VIEWS: [&str; 19] = [
        "known_changes",
        "listings",
        "employments",
        "people_aliases",
        "rosters",
        "identities_now",
        "former_names",
        "account_spans",
        "account_attributes",
        "account_renames",
        "grant_spans",
        "links",
        "app_uses",
        "last_activity",
        "grants_now",
        "accounts_now",
        "deleted_accounts",
        "credential_spans",
        "sources_now",
    ];
    let mut views = BTreeMap::new();
    for view in VIEWS {
        views.insert(view, sorted_rows(session, view).await);
    }
    // Rows that are none of all, and accounts with only some of theirs.
    let partly = SINCE.map(|(since, all)| {
        let named = SINCE.map(|(since, _)| format!("SELECT account_key FROM {since}")).join(" UNION ");
        format!(
            "(SELECT * FROM {since} EXCEPT ALL SELECT * FROM {all}) UNION ALL \
             (SELECT * FROM {all} WHERE account_key IN ({named}) EXCEPT ALL SELECT * FROM {since})"
        )
    });
    for wrong in AMBIGUOUS.into_iter().chain(MISCOUNTED).chain(partly.iter().map(String::as_str)) {
        let batches = session.select(wrong).await.unwrap();
        assert_eq!(json_rows(&batches), Vec::<serde_json::Value>::new(), "{wrong}");
    }
    views
}

async fn sorted_rows(session: &Session, view: &str) -> Vec<String> {
    // Which number an account or an entitlement has hangs on where a session starts.
    let columns = match view {
        "grants_now" | "grants_since" | "grant_spans" => "* EXCEPT (account_key, entitlement_key)",
        "account_renames" => "* EXCEPT (from_account_key, to_account_key)",
        "accounts_now" | "accounts_since" | "account_spans" | "account_attributes" | "app_uses"
        | "former_names" | "last_activity" | "activity_since" | "links" => "* EXCEPT (account_key)",
        _ => "*",
    };
    let batches = session.select(&format!("SELECT {columns} FROM {view}")).await.unwrap();
    let mut rows: Vec<String> = json_rows(&batches).iter().map(ToString::to_string).collect();
    rows.sort();
    rows
}

type Everything = BTreeMap<&'static str, Vec<String>>;

/// Whatever is otherwise than when the checkpoint was made is among what came since.
async fn news_are_told(session: &Session, before: &Everything, now: &Everything) {
    // Nobody's uses are of no account.
    for (since, all) in SINCE.into_iter().filter(|(_, all)| *all != "app_uses") {
        let (told, before) = (sorted_rows(session, since).await, &before[all]);
        let missed: Vec<&String> =
            now[all].iter().filter(|row| !before.contains(row) && !told.contains(row)).collect();
        assert!(missed.is_empty(), "{since} lacks {missed:?}");
    }
}

/// What a run keeps for the next one.
async fn base_of(session: &Session) -> Base {
    let mut tables = BTreeMap::new();
    for name in lychgate::query::KEPT.into_iter().chain(state::KEPT) {
        tables.insert(name.to_owned(), session.held(name).await.unwrap());
    }
    let At { as_of, known_at } = session.at();
    Base {
        as_of,
        known_at,
        listings_known_at: known_at,
        people_known_at: known_at,
        tail_days: ALL_DAYS,
        tables,
        rows: 1,
    }
}

async fn built(rows: &BTreeMap<&'static str, Vec<Fields>>, at: (i64, i64), base: Option<Base>) -> Session {
    let at = At { as_of: instant(at.0), known_at: instant(at.1) };
    let session = Session::open(Tables { base, ..tables(rows) }, at).await.unwrap();
    state::build(&session, &[]).await.unwrap();
    session
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// If what an earlier run kept and the events since gave another answer than all events, a
    /// nightly run would drift from the truth, and nobody would see when.
    #[test]
    fn starting_from_a_checkpoint_changes_no_answer(
        history in history(FEW, 40),
        earlier in (0..45i64, 0..90i64),
        later in (0..20i64, 0..40i64),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_stack_size(16 << 20).enable_all().build().unwrap();
        let rows = lake(&history);
        runtime.block_on(runtime.spawn(async move {
            let at = (earlier.0 + later.0, earlier.1 + later.1);
            let first = built(&rows, earlier, None).await;
            let base = base_of(&first).await;
            let middle = (earlier.0 + later.0 / 2, earlier.1 + later.1 / 2);
            let second = built(&rows, middle, Some(base.clone())).await;
            let again = base_of(&second).await;
            let whole = everything(&built(&rows, at, None).await).await;
            for (before, base) in [(first, base), (second, again)] {
                let from = (base.as_of, base.known_at);
                let session = built(&rows, at, Some(base)).await;
                assert_eq!(everything(&session).await, whole, "from {from:?} at {at:?}");
                news_are_told(&session, &everything(&before).await, &whole).await;
            }
        })).unwrap();
    }
}

/// One event of a successful change, or of a use where the verb says so.
fn event(app: &str, account: &str, verb: &str, at: i64, told: &[(&'static str, &str)]) -> Fields {
    let mut event = fields! {
        "event_id" => format!("{app}-{account}-{at}"), "source" => "okta", "event_type" => verb, "verb" => verb,
        "occurred_at" => instant(at), "ingested_at" => instant(at), "account_app" => app, "account_id" => account,
        "outcome" => "success",
    };
    event.extend(told.iter().map(|(column, text)| (*column, (*text).into())));
    event
}

/// Asks at hour 40 with a checkpoint of hour 20 and without one; gives one cell of the one row of `sql`.
async fn asked(rows: &BTreeMap<&'static str, Vec<Fields>>, sql: &str) -> String {
    let base = base_of(&built(rows, (20, 20), None).await).await;
    let mut answers = BTreeSet::new();
    for base in [None, Some(base)] {
        let found = json_rows(&built(rows, (40, 40), base).await.select(sql).await.unwrap());
        assert_eq!(found.len(), 1, "{found:?}");
        answers.insert(found[0]["answer"].as_str().unwrap_or("nobody").to_owned());
    }
    assert_eq!(answers.len(), 1, "with a checkpoint and without: {answers:?}");
    answers.pop_first().unwrap()
}

/// A grant that is listed by login is held by whoever has that login in the application, in any case. It would be held by
/// nobody, and be missing from every review; also where an account took the login over since a checkpoint.
#[test]
fn a_grant_that_is_listed_by_login_is_held_by_the_account_with_it() {
    let listed = |kind: &str, told: &[(&'static str, &str)]| {
        let mut row = fields! {
            "listing_id" => format!("l-{kind}"), "source" => "listing", "app_id" => "crm", "listed_at" => instant(10),
            "ingested_at" => instant(10), "complete" => true, "row_kind" => kind,
        };
        row.extend(told.iter().map(|(column, text)| (*column, (*text).into())));
        row
    };
    let grant = |login: &str| {
        listed("grant", &[("account_name", login), ("entitlement_kind", "role"), ("entitlement_id", login)])
    };
    // Barbara left before the listing, and came back with the same login.
    let accounts = [("c1", "ada"), ("c2", "grace"), ("b2", "barbara")]
        .map(|(id, login)| listed("account", &[("account_id", id), ("account_name", login)]));
    let grants = ["ADA", "grace", "edsger", "barbara"].map(grant);
    let events = vec![
        event("crm", "b1", "account.create", 1, &[("account_name", "barbara")]),
        event("crm", "b1", "account.delete", 5, &[]),
        event("crm", "b2", "account.create", 6, &[("account_name", "Barbara")]),
        event("crm", "c2", "account.update", 30, &[("account_name", "hopper")]),
        event("crm", "c3", "account.create", 31, &[("account_name", "grace")]),
    ];
    let rows =
        BTreeMap::from([("events", events), ("snapshots", accounts.into_iter().chain(grants).collect())]);
    block_on(async || {
        for (login, holder) in [("ADA", "c1"), ("grace", "c3"), ("edsger", "edsger"), ("barbara", "b2")] {
            let held =
                format!("SELECT account_id AS answer FROM grants_now WHERE entitlement_id = '{login}'");
            assert_eq!(asked(&rows, &held).await, holder, "{login}");
        }
    });
}

/// Google's administrators act on addresses, and its listings name ids: whoever was suspended would be listed as active
/// for ever, and somebody else be suspended.
#[test]
fn an_address_is_the_account_that_has_it() {
    let listed = |id: &str, login: &str| {
        fields! {
            "listing_id" => "l", "source" => "listing", "app_id" => "google_workspace", "listed_at" => instant(10),
            "ingested_at" => instant(10), "complete" => true, "row_kind" => "account", "account_id" => id,
            "account_name" => login, "active" => true,
        }
    };
    let done = |address: &str, verb: &str, at: i64, name: &str| {
        event("google_workspace", address, verb, at, &[("account_name", name)])
    };
    let events = vec![
        done("ann@x.example", "account.create", 1, "ann@x.example"),
        done("ann@x.example", "account.suspend", 30, "ann@x.example"),
        done("bob@x.example", "account.suspend", 15, "bob@x.example"),
        done("bob@x.example", "account.rename", 21, "rob@x.example"),
        done("rob@x.example", "account.unsuspend", 30, "rob@x.example"),
        done("cy@x.example", "account.suspend", 31, "cy@x.example"),
        done("new@x.example", "account.create", 11, "new@x.example"),
        done("new@x.example", "account.rename", 12, "newer@x.example"),
        done("newer@x.example", "account.suspend", 32, "newer@x.example"),
    ];
    let listed = [
        listed("g1", "Ann@x.example"),
        listed("g2", "bob@x.example"),
        listed("Cy@x.example", "Cy@x.example"),
    ];
    let rows = BTreeMap::from([("events", events), ("snapshots", listed.to_vec())]);
    let states = "SELECT string_agg(concat(account_id, ' ', state), ', ' ORDER BY account_id) AS answer \
                  FROM account_spans WHERE app_id = 'google_workspace' AND valid_to IS NULL";
    let expected = "Cy@x.example inactive, g1 inactive, g2 active, new@x.example inactive";
    block_on(async || assert_eq!(asked(&rows, states).await, expected));
}

/// What was done with an account that turns out to be somebody else's no longer counts for who was thought to have it.
/// An idle account would look used.
#[test]
fn what_somebody_else_did_no_longer_counts() {
    let person = |number: &str| {
        fields! {
            "listing_id" => "r1", "listed_at" => instant(0), "ingested_at" => instant(0), "complete" => true,
            "employee_id" => number, "name" => format!("Person {number}"), "start_at" => instant(-100),
            "end_date_only" => false, "on_leave" => false,
        }
    };
    let events = vec![
        event("okta", "o1", "account.create", 1, &[("account_external_id", "n1")]),
        event("crm", "c1", "account.create", 2, &[("account_external_id", "n1")]),
        event("okta", "o1", "signin.app", 15, &[("app_id", "crm")]),
        event("okta", "o1", "account.update", 30, &[("account_external_id", "n2")]),
    ];
    let rows = BTreeMap::from([("events", events), ("employments", vec![person("n1"), person("n2")])]);
    block_on(async || {
        let used = "SELECT CAST(count(*) AS VARCHAR) AS answer FROM last_activity WHERE account_id = 'c1'";
        assert_eq!(asked(&rows, used).await, "0");
    });
}

/// Accounts that nothing touched since a checkpoint, and of which something else is known by what touched others: by
/// the name that an account of the identity provider had, by the account that they were renamed from, and by what
/// their person did elsewhere. They would stay orphans, or idle.
#[test]
fn an_untouched_account_follows_those_that_were_touched() {
    let person = |number: &str, email: Option<&str>| {
        let mut row = fields! {
            "listing_id" => "r1", "listed_at" => instant(0), "ingested_at" => instant(0), "complete" => true,
            "employee_id" => number, "name" => format!("Person {number}"), "start_at" => instant(-100),
            "end_date_only" => false, "on_leave" => false,
        };
        row.extend(email.map(|email| ("email", email.into())));
        row
    };
    let events = vec![
        event("okta", "o1", "account.create", 1, &[("account_external_id", "n1")]),
        event("crm", "c1", "account.create", 2, &[("account_email", "maiden@example.com")]),
        event("okta", "o1", "account.update", 30, &[("account_email", "maiden@example.com")]),
        event("crm", "old", "account.create", 3, &[("account_external_id", "x1")]),
        event("crm", "old", "account.deactivate", 4, &[("account_external_id", "x1")]),
        event("crm", "new", "account.create", 4, &[("account_external_id", "x1")]),
        event("crm", "old", "account.update", 31, &[("account_email", "n2@example.com")]),
        event("crm", "c3", "account.create", 5, &[("account_external_id", "n1")]),
        event("okta", "o1", "signin.app", 32, &[("app_id", "crm")]),
        event("okta", "o3", "account.create", 6, &[("account_external_id", "n3")]),
        event("crm", "c5", "account.create", 33, &[("account_external_id", "o3")]),
        event("crm", "c1", "role.grant", 7, &[("entitlement_kind", "role"), ("entitlement_id", "admin")]),
        event("crm", "c6", "account.create", 8, &[("account_external_id", "n3")]),
        event("okta", "o3", "signin.app", 36, &[("app_id", "crm")]),
        event("crm", "c7", "account.create", 9, &[("account_name", "Mai ")]),
        event("okta", "o1", "account.update", 37, &[("account_name", "mai")]),
        event("crm", "c8", "account.create", 10, &[("account_external_id", "o9")]),
        event("okta", "o9", "account.create", 11, &[]),
        event("okta", "o9", "account.update", 38, &[("account_external_id", "n2")]),
    ];
    let people = vec![person("n1", None), person("n2", Some("n2@example.com")), person("n3", None)];
    // What accounts of identity providers tell of others says nothing of themselves: this one is looked for by name.
    let listed = fields! {
        "listing_id" => "l1", "source" => "accounts", "app_id" => "okta", "listed_at" => instant(34),
        "ingested_at" => instant(34), "complete" => false, "row_kind" => "account", "account_id" => "o4",
        "active" => true, "external_id" => "o3", "display_name" => "Person n2",
    };
    let rows = BTreeMap::from([("events", events), ("employments", people), ("snapshots", vec![listed])]);
    block_on(async || {
        let named = "SELECT concat(method, ' ', CAST(candidates AS VARCHAR)) AS answer FROM links WHERE account_id = 'o4'";
        assert_eq!(asked(&rows, named).await, "name 3");
        let linked = "SELECT concat(identity_id, ' by ', method) AS answer FROM links WHERE account_id = ";
        assert_eq!(asked(&rows, &format!("{linked}'c1'")).await, "n1 by alias");
        // A short name that is written with a blank behind it.
        assert_eq!(asked(&rows, &format!("{linked}'c7'")).await, "n1 by alias");
        assert_eq!(asked(&rows, &format!("{linked}'new'")).await, "n2 by rename");
        assert_eq!(asked(&rows, &format!("{linked}'c8'")).await, "n2 by external_id");
        // And one that is new, through one that nothing touched.
        assert_eq!(asked(&rows, &format!("{linked}'c5'")).await, "n3 by external_id");
        // As what is held and what exists say too.
        let held = "SELECT concat(identity_id, ' ', account_class) AS answer FROM grants_now WHERE account_id = 'c1'";
        assert_eq!(asked(&rows, held).await, "n1 human");
        let exists = "SELECT concat(identity_id, ' by ', link_method) AS answer FROM accounts_now WHERE account_id = 'c1'";
        assert_eq!(asked(&rows, exists).await, "n1 by alias");
        // Through an account that something else touched, and through one that was used alone.
        for account in ["c3", "c6"] {
            let used = "SELECT last_success_signal AS answer FROM last_activity WHERE account_id = ";
            assert_eq!(asked(&rows, &format!("{used}'{account}'")).await, "sso");
        }
    });
}

/// Access that was extended, or whose end was taken back, would be called past its end; and an export that never tells of
/// ends would take back those that somebody else states.
#[test]
fn the_newest_word_on_an_end_counts() {
    let load = |id: &str, kind: &str, at: i64, filled: &str| {
        fields! {
            "load_id" => id, "source" => kind, "kind" => kind, "file" => format!("{kind}.csv"), "listing_id" => id,
            "listed_at" => instant(at), "ingested_at" => instant(at), "complete" => true, "app_id" => "crm",
            "filled" => filled,
        }
    };
    let listed = |id: &str, at: i64, kind: &str, account: &str, ends: Option<i64>| {
        let mut row = fields! {
            "listing_id" => id, "source" => "listing", "app_id" => "crm", "listed_at" => instant(at),
            "ingested_at" => instant(at), "complete" => true, "row_kind" => kind, "account_id" => account,
            "active" => true,
        };
        row.extend(ends.map(|hour| ("expires_at", instant(hour).into())));
        if kind == "grant" {
            row.extend([("entitlement_kind", "role".into()), ("entitlement_id", "admin".into())]);
        }
        row
    };
    let role = |account: &str, verb: &str, at: i64, ends: i64| {
        let mut event =
            event("okta", account, verb, at, &[("entitlement_kind", "role"), ("entitlement_id", "ops")]);
        event.insert("expires_at", instant(ends).into());
        event
    };
    let events = vec![
        event("okta", "extended", "account.create", 1, &[]),
        role("extended", "role.grant.timebound", 1, 50),
        role("extended", "role.extend", 25, 90),
        event("okta", "asked", "account.create", 1, &[]),
        role("asked", "role.grant.timebound", 1, 50),
        role("asked", "role.extend.request", 25, 90),
        event("okta", "eligible", "account.create", 1, &[]),
        role("eligible", "role.extend", 25, 90),
    ];
    let sources = vec![
        load("a1", "accounts", 5, "account_id=3;expires_at=1"),
        load("a2", "accounts", 30, "account_id=3;expires_at=0"),
        load("g1", "grants", 6, "account_id=2;expires_at=1"),
        load("g2", "grants", 31, "account_id=2;expires_at=1"),
    ];
    let snapshots = vec![
        listed("a1", 5, "account", "lifted", Some(50)),
        listed("a2", 30, "account", "lifted", None),
        listed("g1", 6, "grant", "lifted", Some(50)),
        listed("g2", 31, "grant", "lifted", None),
        listed("g2", 31, "grant", "other", Some(90)),
    ];
    let rows = BTreeMap::from([("events", events), ("sources", sources), ("snapshots", snapshots)]);
    block_on(async || {
        let ends = |account: &str, of: &str| {
            format!(
                "SELECT coalesce(max(CASE WHEN expires_at IS NULL THEN 'none' ELSE CAST(to_unixtime(expires_at) AS VARCHAR) END), 'not held') \
                 AS answer FROM {of} WHERE account_id = '{account}'"
            )
        };
        let seconds = |hour: i64| (instant(hour).0 / 1_000_000).to_string();
        assert_eq!(asked(&rows, &ends("extended", "grants_now")).await, seconds(90));
        assert_eq!(asked(&rows, &ends("asked", "grants_now")).await, seconds(50));
        assert_eq!(asked(&rows, &ends("eligible", "grants_now")).await, "not held");
        assert_eq!(asked(&rows, &ends("lifted", "grants_now")).await, "none");
        assert_eq!(asked(&rows, &ends("lifted", "accounts_now")).await, "none");
        assert_eq!(asked(&rows, &ends("other", "grants_now")).await, seconds(90));
    });
}

/// An account that is found to be somebody's is used by what they did before it was: else it would look idle.
#[test]
fn what_somebody_did_before_counts_for_an_account_that_becomes_theirs() {
    let person = fields! {
        "listing_id" => "r1", "listed_at" => instant(0), "ingested_at" => instant(0), "complete" => true,
        "employee_id" => "n1", "name" => "Person n1", "start_at" => instant(-100), "end_date_only" => false,
        "on_leave" => false,
    };
    let events = vec![
        event("okta", "o1", "account.create", 1, &[("account_external_id", "n1")]),
        event("crm", "c1", "account.create", 2, &[]),
        event("okta", "o1", "signin.app", 10, &[("app_id", "crm")]),
        event("crm", "c1", "account.update", 30, &[("account_external_id", "n1")]),
    ];
    let rows = BTreeMap::from([("events", events), ("employments", vec![person])]);
    block_on(async || {
        let used = "SELECT coalesce(max(last_success_signal), 'idle') AS answer FROM last_activity WHERE account_id = 'c1'";
        assert_eq!(asked(&rows, used).await, "sso");
    });
}

/// Uses that are nobody's, as far as events tell, are put together as those of accounts are: else their number would hang
/// on how many runs there were.
#[test]
fn uses_that_are_nobodys_are_counted_together() {
    let somebody = |at: i64| {
        let mut event = event("crm", "", "signin", at, &[("app_id", "crm")]);
        event.remove("account_id");
        event
    };
    let rows = BTreeMap::from([("events", vec![somebody(5), somebody(30)])]);
    block_on(async || {
        let told = "SELECT concat(count(*), ' of ', sum(uses)) AS answer FROM app_uses";
        assert_eq!(asked(&rows, told).await, "1 of 2");
    });
}

/// A log names an application by its id or by its name, in any case. Changes under one that is not known for what it is would
/// be nobody's.
#[test]
fn changes_are_of_the_application_that_a_name_stands_for() {
    let told = |at: i64, app: &[(&'static str, &str)]| event("0OA1", "c1", "account.create", at, app);
    let events = vec![
        told(1, &[("app_id", "0oa1")]),
        told(2, &[("app_id", "other"), ("app_name", "the crm")]),
        told(3, &[("app_name", "THE CRM")]),
        told(4, &[("app_id", "other")]),
    ];
    let crm = fields! {
        "kind" => "applications", "key" => "crm", "listing_id" => "applications", "complete" => true,
        "listed_at" => instant(0), "ingested_at" => instant(0),
        "attributes" => r#"{"app_id": "crm", "name": "The CRM", "idp_app_id": "0oA1"}"#,
    };
    let rows = BTreeMap::from([("events", events), ("registers", vec![crm])]);
    block_on(async || {
        let session = built(&rows, (40, 40), None).await;
        let apps = "SELECT app_key, account_key_app FROM known_changes ORDER BY occurred_at";
        let apps: Vec<String> =
            json_rows(&session.select(apps).await.unwrap()).iter().map(ToString::to_string).collect();
        let of = |app: &str| format!(r#"{{"account_key_app":"crm","app_key":"{app}"}}"#);
        assert_eq!(apps, ["crm", "crm", "crm", "other"].map(of));
        assert_eq!(json_rows(&session.select(MISCOUNTED[0]).await.unwrap()), Vec::<serde_json::Value>::new());
    });
}

/// A history of more uses than are put together at once. Else one account's uses would be told of as often as that was done.
#[test]
fn uses_of_a_long_history_are_counted_together() {
    const TIMES: usize = 400;
    let used = |n: i64| {
        let account = ["c1", "c2", "c3"][n as usize % 3];
        let mut event = event("crm", account, "signin", n * 7 % 41, &[]);
        event.insert("outcome", if n % 4 == 0 { "failure" } else { "success" }.into());
        event
    };
    let mut tables = tables(&BTreeMap::from([("events", (0..6_000).map(used).collect())]));
    block_on(async move || {
        let events = SessionContext::new().read_table(tables.events).unwrap().collect().await.unwrap();
        let many = events.iter().cycle().take(TIMES * events.len()).cloned().collect();
        tables.events = Arc::new(MemTable::try_new(events[0].schema(), vec![many]).unwrap());
        let session = Session::open(tables, At { as_of: instant(45), known_at: instant(45) }).await.unwrap();
        state::build(&session, &[]).await.unwrap();
        let all = "SELECT sum(uses) AS uses FROM app_uses HAVING sum(uses) = 2400000";
        assert_eq!(session.select(all).await.unwrap()[0].num_rows(), 1);
        let batches = session.select(MISCOUNTED[1]).await.unwrap();
        assert_eq!(json_rows(&batches), Vec::<serde_json::Value>::new());
    });
}

/// A success that is told of late, and lies between failures that a checkpoint has counted: how many came after it the
/// count does not tell. An account that is being tried would look as if it were not, or the other way round.
#[test]
fn a_late_success_among_failures_counts_those_after_it() {
    let tried = |at: i64, outcome: &'static str| {
        let mut event = event("crm", "c1", "signin", at, &[]);
        event.insert("outcome", outcome.into());
        event
    };
    let mut late = tried(7, "success");
    late.insert("ingested_at", instant(30).into());
    let failures = [5, 6, 8, 9].map(|at| tried(at, "failure"));
    let events = [tried(1, "success"), late].into_iter().chain(failures).collect();
    let rows = BTreeMap::from([("events", events)]);
    block_on(async || {
        let since = "SELECT CAST(failures_since_success AS VARCHAR) AS answer FROM last_activity";
        assert_eq!(asked(&rows, since).await, "2");
    });
}

/// The answers for all accounts of one application at once.
async fn answered_all(session: &Session, app: &str) -> BTreeMap<String, (String, Held)> {
    let mut found: BTreeMap<String, (String, Held)> = BTreeMap::new();
    for holding in holdings(session, &Subject::App(app.to_owned())).await.unwrap() {
        let account = found.entry(holding.account_id).or_insert((holding.state, Held::new()));
        account.1.extend(holding.entitlement_id.map(|id| (id, holding.expires_at)));
    }
    found
}

/// The same question, asked as often as the environment says (`LYCHGATE_ANSWERS`, for 200,000), about
/// larger histories whose listings and events come late and contradict each other.
#[test]
fn answers_about_many_instants_equal_the_replay() {
    const MANY: usize = 60;
    const INSTANTS: usize = 6;
    let wanted: usize = std::env::var("LYCHGATE_ANSWERS").ok().and_then(|n| n.parse().ok()).unwrap_or(7_200);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (history(MANY, 500), prop::collection::vec((0..45i64, 0..90i64), INSTANTS));
    let mut answers = 0;
    while answers < wanted {
        let (history, instants) = strategy.new_tree(&mut runner).unwrap().current();
        let rows = lake(&history);
        block_on(async || {
            for at in instants {
                let session = built(&rows, at, None).await;
                for (app, app_id) in APPS.iter().enumerate() {
                    let all = answered_all(&session, app_id).await;
                    for account in 0..MANY {
                        let answer = all.get(&account_id(account)).cloned();
                        assert_eq!(
                            answer,
                            expected(&history, app, account, at),
                            "{app_id} {account} at {at:?}"
                        );
                        answers += 1;
                    }
                }
            }
        });
    }
    println!("{answers} answers equal the replay");
}

/// An address that somebody had before they came back is whoever's it is now: owners and sponsors would be nobody.
#[test]
fn the_address_of_a_former_employment_names_who_has_it_now() {
    let listed = |at: i64, number: &str, email: &str, start: i64, end: Option<i64>| {
        let mut row = fields! {
            "listing_id" => format!("r{at}"), "listed_at" => instant(at), "ingested_at" => instant(at), "complete" => true,
            "employee_id" => number, "name" => format!("Person {number}"), "email" => email,
            "start_at" => instant(start), "end_date_only" => false, "on_leave" => false,
        };
        row.extend(end.map(|hours| ("end_at", instant(hours).into())));
        row
    };
    let people = vec![
        listed(5, "n1", "ada@example.com", -100, Some(0)),
        listed(30, "n1", "ada.low@example.com", 20, None),
        listed(30, "n2", "ada@example.com", 10, None),
    ];
    let rows = BTreeMap::from([("employments", people)]);
    block_on(async || {
        let periods = "SELECT CAST(count(*) AS VARCHAR) AS answer FROM employments WHERE identity_id = 'n1'";
        assert_eq!(asked(&rows, periods).await, "2");
        let whose = "SELECT identity_id AS answer FROM people_aliases WHERE alias = 'ada@example.com'";
        assert_eq!(asked(&rows, whose).await, "n2");
    });
}

/// A corrected export of the same day replaces the first one, in whatever order their hashes are: an account or a grant that
/// it adds or closes would be as the mistaken one says.
#[test]
fn of_two_listings_of_one_instant_the_one_ingested_later_counts() {
    let listed = |id: &str, known: i64, account: &str, active: bool, login: &str| {
        let account = fields! {
            "listing_id" => id, "source" => "accounts", "app_id" => "crm", "listed_at" => instant(10),
            "ingested_at" => instant(known), "complete" => true, "row_kind" => "account", "account_id" => account,
            "active" => active, "account_name" => login,
        };
        let mut grant = account.clone();
        grant.insert("row_kind", "grant".into());
        grant.insert("entitlement_kind", "role".into());
        grant.insert("entitlement_id", "admin".into());
        [account, grant]
    };
    let at_first = |mut row: Fields| {
        row.insert("listing_id", "l0".into());
        row.extend([("listed_at", instant(5).into()), ("ingested_at", instant(5).into())]);
        row
    };
    for [mistaken, corrected] in [["a", "b"], ["b", "a"]] {
        for late in [12, 30] {
            let rows = [
                listed("l0", 5, "c1", true, "ada").map(at_first).to_vec(),
                listed("l0", 5, "c2", true, "ben").map(at_first).to_vec(),
                // Lacks c1, and c2 is as it was.
                listed(mistaken, 11, "c2", true, "ben").to_vec(),
                listed(mistaken, 11, "c3", true, "cy").to_vec(),
                // Has c1, c2 is closed, and c3 was never there.
                listed(corrected, late, "c1", true, "ada").to_vec(),
                listed(corrected, late, "c2", false, "benjamin").to_vec(),
            ];
            let rows = BTreeMap::from([("snapshots", rows.concat())]);
            block_on(async || {
                let accounts = "SELECT string_agg(concat(account_id, ' ', state, ' ', account_name), ', ' ORDER BY account_id) \
                                AS answer FROM accounts_now";
                assert_eq!(asked(&rows, accounts).await, "c1 active ada, c2 inactive benjamin");
                let grants =
                    "SELECT string_agg(account_id, ', ' ORDER BY account_id) AS answer FROM grants_now";
                assert_eq!(asked(&rows, grants).await, "c1, c2");
            });
        }
    }
}

/// An account that was deleted and is listed again exists, whether or not the listing says that it is enabled: as deleted,
/// nobody would ask whose it is. And it says nothing where an event says more.
#[test]
fn a_deleted_account_that_is_listed_without_a_status_is_unknown() {
    let listed = |at: i64, account: &str| {
        fields! {
            "listing_id" => format!("l{at}"), "source" => "accounts", "app_id" => "crm", "listed_at" => instant(at),
            "ingested_at" => instant(at), "complete" => true, "row_kind" => "account", "account_id" => account,
        }
    };
    let events = vec![
        event("crm", "c1", "account.create", 1, &[]),
        event("crm", "c2", "account.create", 1, &[]),
        event("crm", "c3", "account.create", 1, &[]),
        event("crm", "c1", "account.delete", 5, &[]),
        event("crm", "c3", "account.delete", 12, &[]),
    ];
    for at in [10, 30] {
        let rows = BTreeMap::from([
            ("events", events.clone()),
            ("snapshots", ["c1", "c2", "c3"].map(|account| listed(at, account)).to_vec()),
        ]);
        block_on(async || {
            let states = "SELECT string_agg(concat(account_id, ' ', state), ', ' ORDER BY account_id) AS answer FROM accounts_now";
            let again = if at > 12 { ", c3 unknown" } else { "" };
            assert_eq!(asked(&rows, states).await, format!("c1 unknown, c2 active{again}"));
        });
    }
}
