//! Sources that lie by leaving out: old exports, cut rosters, pages that come twice.

use super::*;

/// An export of eight days ago says what was, not what is.
#[test]
fn application_export_of_eight_days() {
    let hr = roster(&["E1,Ada Low,ada@example.com,2020-01-01,2026-05-31"]);
    let line = &["u1,ada,ada@example.com,Active,2020-01-02,2026-06-18"];
    let files = [
        ("hr/roster_2026-06-30.csv", hr),
        ("crm/accounts_2026-06-22.csv", accounts(line)),
        ("erp/accounts_2026-06-24.csv", accounts(line)),
    ];
    let found = check(&files, NOW, &["ZMB-01: erp/u1, unknown crm/u1", "GOV-05: accounts/crm"]);
    let why = found.iter().find_map(|finding| finding.unknown_because.as_deref());
    assert_eq!(why, Some("the newest account listing of crm is 8 days old (limit: 7 days)"));
}

/// A roster that lost 30 % is a broken export: nobody has vanished, nobody else is accused, and the
/// feed is what is told.
#[test]
fn truncated_roster() {
    let line = |n: usize| {
        format!("E{n:03},Person {n},p{n}@example.com,2020-01-01,{}", if n == 1 { "2026-05-31" } else { "" })
    };
    let hr = |of: usize| roster(&[&(1..=of).map(line).collect::<Vec<_>>().join("\n")]);
    let account = |n: usize| format!("u{n:03},p{n},p{n}@example.com,Active,2020-01-02,2026-06-28");
    let listing = accounts(&[&(1..=100).map(account).collect::<Vec<_>>().join("\n")]);
    let files = [
        ("hr/roster_2026-06-26.csv", hr(100)),
        ("hr/roster_2026-06-28.csv", hr(100)),
        ("hr/roster_2026-06-29T1200Z.csv", hr(70)),
        ("hr/roster_2026-06-30.csv", hr(70)),
        ("crm/accounts_2026-06-30.csv", listing),
    ];
    let given = Given::new(&files[..3]);
    given.read(&files[4..]);
    given.expect(NOW, &["ZMB-07:", "ZMB-01: unknown crm/u001", "ORP-01:", "PRV-11: roster"]);
}

/// A partial export of accounts would read as mass leaving: what it does not name is not gone.
#[test]
fn partial_sync_deletes_nobody() {
    let account = |n: usize| format!("u{n:03},p{n},p{n}@example.com,Active,2020-01-02,2026-06-28");
    let listing = |of: usize| accounts(&[&(1..=of).map(account).collect::<Vec<_>>().join("\n")]);
    let line = |n: usize| format!("E{n:03},Person {n},p{n}@example.com,2020-01-01,");
    let hr = roster(&[&(1..=100).map(line).collect::<Vec<_>>().join("\n")]);
    let files = [
        ("hr/roster_2026-06-30.csv", hr),
        ("registers/applications_2026-06-30.csv", applications(&["crm,CRM,true"])),
        ("crm/accounts_2026-06-28.csv", listing(100)),
        ("crm/accounts_2026-06-30.csv", listing(60)),
    ];
    check(&files, NOW, &["DEL-01:", "DEL-04:", "PRV-11: crm"]);
    // A single account that is missing from a whole export is another matter.
    let mut one = files.to_vec();
    one[3].1 = listing(99);
    check(&one, NOW, &["DEL-01: crm/u100", "PRV-11:"]);
}

/// Dozens deactivated within an hour is a script that ran wild, and what follows from it is held.
#[test]
fn mass_change_by_accident() {
    let minute = |n: usize| format!("2026-06-29T10:{:02}:{:02}Z", n / 60, n % 60);
    let mut log: Vec<Value> = (0..40)
        .map(|n| {
            let at = format!("2026-05-01T09:{:02}:00Z", n);
            scim(&at, "POST", "/Users", 201, user(&format!("u{n}"), &format!("p{n}"), &format!("x{n}")))
        })
        .collect();
    log.extend((0..30).map(|n| scim(&minute(n), "DELETE", &format!("/Users/u{n}"), 204, json!({}))));
    log.push(scim("2026-06-30T01:00:00Z", "GET", "/Users/u39", 200, json!({})));
    let files = [
        ("registers/applications_2026-06-30.csv", applications(&["crm,CRM,true"])),
        ("scim/crm_requests.ndjson", ndjson(&log)),
    ];
    let mut gone: Vec<String> = (0..30).map(|n| format!("crm/u{n}")).collect();
    gone.sort();
    let found = check(&files, NOW, &["PRV-11: crm", &format!("DEL-01: {}", gone.join(", "))]);
    let held = found.iter().filter(|finding| finding.code == "DEL-01" && finding.held_because.is_some());
    assert_eq!(held.count(), 30, "nobody is sent after what a wild script did");
}
