//! The leaver's clock, from rosters, listings and events to seconds.

use std::collections::BTreeMap;

use lychgate::domain::UtcMicros;
use lychgate::query::{At, Session};
use lychgate::state;
use lychgate::state::leavers::{self, Against, Clock, Ending, Leaver};

use crate::fields;
use crate::support::{Fields, block_on, tables};

const HOUR: i64 = 3_600_000_000;

/// Hours before and after the end of the employment.
fn at(hours: i64) -> UtcMicros {
    UtcMicros(1_750_000_000_000_000 + hours * HOUR)
}

/// What happened to one person's things; hours are from the end of the employment.
#[derive(Clone, Default)]
struct Story {
    employee: &'static str,
    /// Application, the hour of its last end (none while it is enabled), and of being enabled again.
    accounts: &'static [(&'static str, Option<i64>, Option<i64>)],
    /// Application and the hour of revocation of a token that was made long before.
    tokens: &'static [(&'static str, Option<i64>)],
    /// What is listed was disabled already when it was first listed, a day after the end.
    listed_disabled: bool,
    /// The class that the listing gives; a person's where it is empty.
    class: &'static str,
    /// Works elsewhere in the company from this hour on.
    rehired: Option<i64>,
}

fn lake(stories: &[Story]) -> BTreeMap<&'static str, Vec<Fields>> {
    let mut rows: BTreeMap<&'static str, Vec<Fields>> = BTreeMap::new();
    for story in stories {
        let employee = story.employee;
        let employment = |start: i64, end: Option<i64>, number: String| {
            let mut row = fields! {
                "employee_id" => number, "person_id" => employee, "name" => employee, "kind" => "employee",
                "department" => "Finance", "start_at" => at(start), "end_date_only" => false, "on_leave" => false,
                "listing_id" => "roster", "listed_at" => at(0), "ingested_at" => at(0), "complete" => true,
            };
            if let Some(end) = end {
                row.insert("end_at", at(end).into());
            }
            row
        };
        let employments = rows.entry("employments").or_default();
        employments.push(employment(-9_000, Some(0), employee.to_owned()));
        employments.extend(story.rehired.map(|hour| employment(hour, None, format!("{employee}-2"))));
        for (app, ended, again) in story.accounts {
            let account = format!("{employee}@{app}");
            let class = if story.class.is_empty() { "human" } else { story.class };
            let listed = if story.listed_disabled { 24 } else { -2_000 };
            rows.entry("snapshots").or_default().push(fields! {
                "row_kind" => "account", "app_id" => *app, "account_id" => account.clone(), "account_name" => account.clone(),
                "employee_id" => employee, "active" => !story.listed_disabled, "class" => class, "listing_id" => format!("l-{app}"),
                "listed_at" => at(listed), "ingested_at" => at(listed), "complete" => true, "source" => "accounts",
            });
            let said = [("account.deactivate", ended), ("account.reactivate", again)];
            for (verb, hour) in said.into_iter().filter_map(|(verb, hour)| Some((verb, (*hour)?))) {
                rows.entry("events").or_default().push(fields! {
                    "event_id" => format!("{account}{verb}"), "source" => "okta", "event_type" => verb, "verb" => verb,
                    "occurred_at" => at(hour), "ingested_at" => at(hour), "account_app" => *app,
                    "account_id" => account.clone(), "outcome" => "success",
                });
            }
        }
        for (app, revoked) in story.tokens {
            let account = format!("{employee}@{app}");
            for (verb, hour) in [("token.create", Some(-500)), ("token.revoke", *revoked)] {
                let Some(hour) = hour else { continue };
                rows.entry("events").or_default().push(fields! {
                    "event_id" => format!("{account}{verb}"), "source" => "okta", "event_type" => verb, "verb" => verb,
                    "occurred_at" => at(hour), "ingested_at" => at(hour), "account_app" => *app,
                    "account_id" => account.clone(), "outcome" => "success", "credential_kind" => "api_token",
                    "credential_id" => format!("t-{employee}"),
                });
            }
        }
    }
    rows
}

fn against() -> Against {
    Against {
        as_of: at(100),
        since: at(-1_000),
        deadline_micros: 24 * HOUR,
        date_only_micros: 24 * HOUR,
        confidence_min: 0.9,
    }
}

fn told(stories: &[Story]) -> Vec<Leaver> {
    let rows = lake(stories);
    block_on(async || {
        let when = At { as_of: at(100), known_at: at(100) };
        let session = Session::open(tables(&rows), when).await.unwrap();
        state::build(&session, &[]).await.unwrap();
        leavers::leavers(&session, against()).await.unwrap()
    })
}

/// Hours until zero access, how it stands, and whether it is late; none for who is no leaver.
type Reading = Option<(Option<i64>, Ending, bool)>;

fn check(story: Story, expect: Reading) {
    let found = told(std::slice::from_ref(&story));
    let readings: Vec<_> =
        found.iter().map(|leaver| (leaver.elapsed_s.map(|s| s / 3_600), leaver.state, leaver.late)).collect();
    assert_eq!(readings, Vec::from_iter(expect), "{:?}", found.first().map(|leaver| &leaver.steps));
}

/// If it failed, an auditor would read that leavers were out in time who were not, or the reverse.
#[test]
fn the_clock_stops_with_the_last_access() {
    use Ending::{Closed, Open, Undated};
    let story = |accounts, tokens| Story { employee: "E1", accounts, tokens, ..Story::default() };
    check(story(&[("okta", Some(2), None), ("crm", Some(5), None)], &[]), Some((Some(5), Closed, false)));
    // Exactly at the deadline is in time, an hour later is not.
    check(story(&[("okta", Some(24), None)], &[]), Some((Some(24), Closed, false)));
    check(story(&[("okta", Some(25), None)], &[]), Some((Some(25), Closed, true)));
    // Closed for the end, before it: no time at all.
    check(story(&[("okta", Some(-8), None), ("crm", Some(-3), None)], &[]), Some((Some(0), Closed, false)));
    // One application that nobody closed keeps the clock running.
    check(story(&[("okta", Some(1), None), ("crm", None, None)], &[]), Some((Some(100), Open, true)));
    // Enabled again: the first end was none.
    check(story(&[("okta", Some(1), Some(50))], &[]), Some((Some(100), Open, true)));
    // A token outlives its account, until it is revoked.
    check(story(&[("okta", Some(1), None)], &[("okta", Some(30))]), Some((Some(30), Closed, true)));
    check(story(&[("okta", Some(1), None)], &[("okta", None)]), Some((Some(100), Open, true)));
    // Disabled already when it was first listed: over, but nobody knows since when.
    let found_disabled = |accounts, tokens| Story { listed_disabled: true, ..story(accounts, tokens) };
    check(found_disabled(&[("crm", None, None)], &[]), Some((None, Undated, false)));
    // A deactivation proves access until then, also where nothing tells of it before.
    check(found_disabled(&[("okta", Some(3), None)], &[]), Some((Some(3), Closed, false)));
    check(
        found_disabled(&[("okta", Some(3), None), ("crm", None, None)], &[]),
        Some((Some(3), Closed, false)),
    );
    // A guest whom a roster names leaves like anybody; a service account is not the person's own.
    let of_class = |class| Story { class, ..story(&[("crm", None, None)], &[]) };
    check(of_class("guest"), Some((Some(100), Open, true)));
    check(of_class("service"), None);
    // What was closed long before is no part of leaving.
    check(story(&[("okta", Some(-1_000), None)], &[]), None);
}

/// If it failed, a transfer would be counted as a leaver whose access was never taken.
#[test]
fn who_begins_again_is_no_leaver() {
    let accounts: &[_] = &[("okta", None, None)];
    check(Story { employee: "E1", accounts, rehired: Some(48), ..Story::default() }, None);
    check(Story { employee: "E1", accounts, rehired: Some(24 * 20), ..Story::default() }, None);
    check(
        Story { employee: "E1", accounts, rehired: Some(24 * 60), ..Story::default() },
        Some((Some(100), Ending::Open, true)),
    );
}

/// If it failed, the slowest cases would vanish from the percentiles because they have not ended.
#[test]
fn running_clocks_count_and_make_percentiles_lower_bounds() {
    let one = |employee, accounts| Story { employee, accounts, ..Story::default() };
    let found = told(&[
        one("E1", &[("okta", Some(1), None), ("crm", Some(3), None)]),
        one("E2", &[("okta", Some(2), None), ("crm", Some(30), None)]),
        one("E3", &[("okta", Some(4), None), ("crm", None, None)]),
    ]);
    let hours = |clock: &Clock| {
        let Clock { leavers, closed, open, undated, unknown, late, p50_s, p95_s, p50_at_least, p95_at_least } =
            *clock;
        let percentile = |s: Option<i64>| s.map(|s| s / 3_600);
        (
            [leavers, closed, open, undated + unknown, late],
            percentile(p50_s),
            percentile(p95_s),
            p50_at_least,
            p95_at_least,
        )
    };
    assert_eq!(hours(&leavers::overall(&found)), ([3, 2, 1, 0, 2], Some(30), Some(100), false, true));
    let apps = leavers::by_app(&found, against());
    assert_eq!(hours(&apps["okta"]), ([3, 3, 0, 0, 0], Some(2), Some(4), false, false));
    assert_eq!(hours(&apps["crm"]), ([3, 2, 1, 0, 2], Some(30), Some(100), false, true));
    assert_eq!(hours(&leavers::overall(&[])), ([0; 5], None, None, false, false));
}
