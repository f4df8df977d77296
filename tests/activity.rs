//! When accounts were last used, against an obvious replay: random sign-ins at an identity provider
//! and in applications, by people who have several accounts and accounts that nobody has.

use std::collections::BTreeMap;

use lychgate::domain::UtcMicros;
use lychgate::query::{At, Session, json_rows};
use lychgate::state;
use proptest::prelude::*;

use crate::fields;
use crate::support::{Fields, tables};

const APPS: [&str; 3] = ["okta", "crm", "wiki"];
/// The last account of each application has no employee number and no owner.
const ACCOUNTS: usize = 4;
const VERBS: [&str; 4] = ["signin", "signin.app", "signin.failed", "token.use"];
const OUTCOMES: [&str; 3] = ["success", "failure", "skipped"];

#[derive(Clone, Debug)]
struct Use {
    hour: i64,
    app: usize,
    account: usize,
    /// The application it went to.
    to: Option<usize>,
    verb: &'static str,
    outcome: &'static str,
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let one = (0..30i64, 0..3usize, 0..ACCOUNTS, prop::option::of(0..3usize), 0..4usize, 0..3usize).prop_map(
        |(hour, app, account, to, verb, outcome)| Use {
            hour,
            app,
            account,
            to,
            verb: VERBS[verb],
            outcome: OUTCOMES[outcome],
        },
    );
    prop::collection::vec(one, 0..60)
}

fn instant(hours: i64) -> UtcMicros {
    UtcMicros(1_750_000_000_000_000 + hours * 3_600_000_000)
}

/// People with an account in each application, hours at which listings say these were active, and uses.
fn lake(listed: &[Option<i64>], uses: &[Use]) -> BTreeMap<&'static str, Vec<Fields>> {
    let mut rows: BTreeMap<&'static str, Vec<Fields>> = BTreeMap::new();
    for person in 0..ACCOUNTS - 1 {
        rows.entry("employments").or_default().push(fields! {
            "listing_id" => "roster", "employee_id" => format!("E{person}"), "kind" => "employee",
            "name" => format!("Person {person}"), "listed_at" => instant(0), "ingested_at" => instant(0),
            "start_at" => instant(-9_000), "complete" => true,
        });
    }
    for (app, app_id) in APPS.iter().enumerate() {
        for account in 0..ACCOUNTS {
            let mut row = fields! {
                "row_kind" => "account", "app_id" => *app_id, "account_id" => account_id(app, account),
                "active" => true, "class" => "human", "listing_id" => format!("l-{app_id}"), "complete" => true,
                "listed_at" => instant(0), "ingested_at" => instant(0), "source" => "accounts",
            };
            if account < ACCOUNTS - 1 {
                row.insert("employee_id", format!("E{account}").into());
            }
            if let Some(hour) = listed[app * ACCOUNTS + account] {
                row.insert("last_active_at", instant(hour).into());
            }
            rows.entry("snapshots").or_default().push(row);
        }
    }
    for (number, Use { hour, app, account, to, verb, outcome }) in uses.iter().enumerate() {
        let mut event = fields! {
            "event_id" => format!("e{number}"), "source" => "okta", "event_type" => *verb, "verb" => *verb,
            "occurred_at" => instant(*hour), "ingested_at" => instant(*hour), "account_app" => APPS[*app],
            "account_id" => account_id(*app, *account), "outcome" => *outcome,
        };
        if let Some(to) = to {
            event.insert("app_id", APPS[*to].into());
        }
        rows.entry("events").or_default().push(event);
    }
    rows
}

fn account_id(app: usize, account: usize) -> String {
    format!("{}-{account}", APPS[app])
}

/// The last and first success with its signal, the last failure, and failures since the success.
type Activity = (Option<i64>, Option<String>, Option<i64>, Option<i64>, i64);

/// All that counts for one account, replayed: its own uses, those at other applications that led here by
/// the same person, and what the listing says.
fn replayed(app: usize, account: usize, listed: Option<i64>, uses: &[Use], as_of: i64) -> Option<Activity> {
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for Use { hour, app: from, account: by, to, verb, outcome } in uses.iter().filter(|u| u.hour <= as_of) {
        let own = (*from, *by) == (app, account);
        let led_here = *by == account && account < ACCOUNTS - 1 && *to == Some(app) && *from != app;
        for (counts, signal) in [(own, *verb), (led_here, "sso")] {
            match (*verb, *outcome) {
                _ if !counts => {}
                (_, "skipped") => {}
                ("signin.failed", _) | (_, "failure") => failures.push(*hour),
                _ => successes.push((*hour, signal.to_owned())),
            }
        }
    }
    successes.extend(listed.filter(|hour| *hour <= as_of).map(|hour| (hour, "listing".to_owned())));
    let (last, first) = (successes.iter().max().cloned(), successes.iter().map(|success| success.0).min());
    let since = failures.iter().filter(|hour| last.as_ref().is_none_or(|last| **hour > last.0)).count();
    let (last_at, signal) = last.unzip();
    let any = last_at.is_some() || !failures.is_empty();
    any.then(|| (last_at, signal, first, failures.iter().max().copied(), since as i64))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// A failed sign-in that counted as use would keep a dormant account from being found, and one that
    /// a provider's sign-in does not reach would be found though it is used daily.
    #[test]
    fn last_activity_equals_the_replay(
        listed in prop::collection::vec(prop::option::of(-20..40i64), APPS.len() * ACCOUNTS),
        uses in uses(),
        as_of in 0..40i64,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_stack_size(16 << 20).enable_all().build().unwrap();
        runtime.block_on(runtime.spawn(async move {
            let at = At { as_of: instant(as_of), known_at: instant(as_of) };
            let session = Session::open(tables(&lake(&listed, &uses)), at).await.unwrap();
            state::build(&session, &[]).await.unwrap();
            let sql = "SELECT app_id, account_id, last_success_signal, failures_since_success, \
                       CAST(last_success_at AS BIGINT) AS last, CAST(first_success_at AS BIGINT) AS first, \
                       CAST(last_failure_at AS BIGINT) AS failed FROM last_activity";
            let rows = json_rows(&session.collect("activity", sql).await.unwrap());
            let hours = |row: &serde_json::Value, column: &str| {
                row[column].as_i64().map(|micros| (micros - instant(0).0) / 3_600_000_000)
            };
            let found: BTreeMap<String, Activity> = rows.iter().map(|row| {
                let signal = row["last_success_signal"].as_str().map(str::to_owned);
                let since = row["failures_since_success"].as_i64().unwrap();
                let activity = (hours(row, "last"), signal, hours(row, "first"), hours(row, "failed"), since);
                (row["account_id"].as_str().unwrap().to_owned(), activity)
            }).collect();
            assert_eq!(found.len(), rows.len());
            let mut wanted = BTreeMap::new();
            for app in 0..APPS.len() {
                for account in 0..ACCOUNTS {
                    let said = listed[app * ACCOUNTS + account];
                    let activity = replayed(app, account, said, &uses, as_of);
                    wanted.extend(activity.map(|activity| (account_id(app, account), activity)));
                }
            }
            assert_eq!(found, wanted, "as of {as_of}");
        })).unwrap();
    }
}
