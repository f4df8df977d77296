//! Whose numbers are whose, and who works here.

use std::collections::BTreeMap;

use super::{asked, instant};
use crate::fields;
use crate::support::{Fields, block_on};

fn listed(at: i64, number: &str, start: i64, end: Option<i64>, status: &str) -> Fields {
    let mut row = fields! {
        "listing_id" => format!("r{at}"), "listed_at" => instant(at), "ingested_at" => instant(at), "complete" => true,
        "employee_id" => number, "name" => "Cy Long", "email" => "cy@example.com", "start_at" => instant(start),
        "end_date_only" => false, "on_leave" => false, "status" => status,
    };
    row.extend(end.map(|hours| ("end_at", instant(hours).into())));
    row
}

/// A contractor who is hired gets a second number. Under a new name of the person each finding would be resolved and come
/// anew, without its waiver.
#[test]
fn a_person_goes_by_the_number_that_came_first() {
    let people = vec![
        listed(5, "900", -100, Some(28), "Active"),
        listed(30, "900", -100, Some(28), "Active"),
        listed(30, "150", 29, None, "Active"),
    ];
    let rows = BTreeMap::from([("employments", people)]);
    block_on(async || {
        for alias in ["900", "150", "cy@example.com"] {
            let whose = format!("SELECT identity_id AS answer FROM people_aliases WHERE alias = '{alias}'");
            assert_eq!(asked(&rows, &whose).await, "900", "{alias}");
        }
        let number =
            "SELECT concat(identity_id, ' ', employee_id, ' ', employed) AS answer FROM identities_now";
        assert_eq!(asked(&rows, number).await, "900 150 true");
    });
}

/// Whoever withdrew before the first day does not work here: by the rosters before, they would begin.
#[test]
fn an_employment_that_was_taken_back_never_began() {
    let people = vec![listed(5, "900", 35, None, "Active"), listed(30, "900", 28, Some(28), "Rescinded")];
    let rows = BTreeMap::from([("employments", people)]);
    block_on(async || {
        let works = "SELECT concat(employed, ' ', last_end_at IS NOT NULL) AS answer FROM identities_now";
        assert_eq!(asked(&rows, works).await, "false true");
    });
}
