//! Leavers, and those who only look like one.

use super::*;

const ROSTER: &str = "hr/roster_2026-06-30.csv";
const CRM: &str = "crm/accounts_2026-06-30.csv";

/// Who comes back under the same number is no leaver; who is only switched on again is.
#[test]
fn rehire_with_the_same_external_id() {
    let log = [
        scim("2026-04-01T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2026-04-01T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
        scim("2026-05-01T09:00:00Z", "PATCH", "/Users/u1", 200, active(json!(false))),
        scim("2026-05-01T09:01:00Z", "PATCH", "/Users/u2", 200, active(json!(false))),
        // The application answers a new account with the conflict that the closed one is.
        scim("2026-06-15T09:00:00Z", "POST", "/Users", 409, user("", "ada", "x1")),
        scim("2026-06-15T09:02:00Z", "PATCH", "/Users/u1", 200, active(json!(true))),
        scim("2026-06-15T09:03:00Z", "PATCH", "/Users/u2", 200, active(json!(true))),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u1", 200, json!({})),
    ];
    let roster = roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,2026-04-30",
        "E1,Ada Low,ada@example.com,2026-06-15,",
        "E2,Ben Ott,ben@example.com,2020-01-01,2026-04-30",
    ]);
    let files = [(ROSTER, roster), ("scim/crm_requests.ndjson", ndjson(&log))];
    check(&files, NOW, &["ZMB-01: crm/u2", "ZMB-04: crm/u2", "DEL-03:", "PRV-10:"]);
}

/// A new contract under a new number is the same person where the roster says so, or the address does.
#[test]
fn rehire_with_a_new_employee_id() {
    let text = table(
        "Employee ID,Universal ID,Name,Email,Hire Date,Termination Date",
        &[
            "E1,P1,Ada Low,ada@example.com,2020-01-01,2026-04-30",
            "E7,P1,Ada Low,ada.low@example.com,2026-06-15,",
            "E2,,Ben Ott,ben@example.com,2020-01-01,2026-04-30",
            "E8,,Ben Ott,ben@example.com,2026-06-15,",
            // The address of a leaver, given to somebody of another name.
            "E4,,Dee Fay,dee@example.com,2020-01-01,2026-04-30",
            "E9,,Dee Gold,dee@example.com,2026-06-15,",
            "E3,P3,Cy Orr,cy@example.com,2020-01-01,2026-04-30",
        ],
    );
    let accounts = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-29",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-04-29",
        "u4,dee,dee@example.com,Active,2020-01-02,2026-04-29",
    ]);
    check(&[(ROSTER, text), (CRM, accounts)], NOW, &["ZMB-01: crm/u3, crm/u4", "ORP-01:"]);
}

/// HR ends people by accident and takes it back: the finding goes with the mistake.
#[test]
fn hr_correction() {
    let accounts = accounts(&["u1,ada,ada@example.com,Active,2020-01-02,2026-06-27"]);
    let given = Given::new(&[
        ("hr/roster_2026-06-28.csv", roster(&["E1,Ada Low,ada@example.com,2020-01-01,2026-06-20"])),
        ("crm/accounts_2026-06-28.csv", accounts),
    ]);
    let then = "2026-06-28T06:00:00Z";
    given.expect(then, &["ZMB-01: crm/u1", "ZMB-03: crm/u1"]);
    given.read(&[(ROSTER, roster(&["E1,Ada Low,ada@example.com,2020-01-01,"]))]);
    // With what is known now she had not left then either.
    given.expect(then, &["ZMB-01:", "ZMB-03:"]);
    given.expect(NOW, &["ZMB-01:", "ZMB-03:"]);
}

/// Use after an end that nobody knew of yet is told as such, one level lower.
#[test]
fn back_dated_termination() {
    let files = |year: &str| {
        let accounts = format!("u1,ada,ada@example.com,Active,2019-01-02,{year}-06-10T10:00:00Z");
        [
            ("hr/roster.csv", roster(&[&format!("E1,Ada Low,ada@example.com,2019-01-01,{year}-05-31")])),
            ("crm/accounts.csv", accounts_of(&accounts)),
        ]
    };
    let told = |year: &str| {
        let [(_, roster), (_, accounts)] = files(year);
        let names = [format!("hr/roster_{year}-06-30.csv"), format!("crm/accounts_{year}-06-30.csv")];
        let found = check(
            &[(names[0].as_str(), roster), (names[1].as_str(), accounts)],
            &format!("{year}-06-30T06:00:00Z"),
            &["ZMB-03: crm/u1"],
        );
        (found[0].severity.as_str(), found[0].cause.clone())
    };
    // The files are read today: before the one use, and long after the other.
    assert_eq!(told("2090"), ("critical", None));
    assert_eq!(told("2020"), ("high", Some("retroactive".to_owned())));
}

fn accounts_of(line: &str) -> String {
    accounts(&[line])
}

/// A day ends where the person works: a day's grace is over 24 hours apart, date line or not.
#[test]
fn date_only_end_at_both_ends_of_the_world() {
    let roster = table(
        "Employee ID,Name,Email,Hire Date,Termination Date,Time Zone",
        &[
            "E1,Ada Low,ada@example.com,2020-01-01,2026-06-27,Pacific/Tongatapu",
            "E2,Ben Ott,ben@example.com,2020-01-01,2026-06-27,Pacific/Pago_Pago",
        ],
    );
    let accounts = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-20",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-20",
    ]);
    let given =
        Given::new(&[("hr/roster_2026-06-28T1000Z.csv", roster), ("crm/accounts_2026-06-28.csv", accounts)]);
    given.expect("2026-06-28T10:59:00Z", &["ZMB-01:"]);
    given.expect("2026-06-28T11:01:00Z", &["ZMB-01: crm/u1"]);
    given.expect("2026-06-29T10:59:00Z", &["ZMB-01: crm/u1"]);
    given.expect("2026-06-29T11:01:00Z", &["ZMB-01: crm/u1, crm/u2"]);
}

/// The last day is told as the roster gives it, wherever it ended: an auditor compares the two.
#[test]
fn the_last_day_is_told_as_it_was_given() {
    let roster = table(
        "Employee ID,Name,Email,Hire Date,Termination Date,Time Zone",
        &[
            "E1,Ada Low,ada@example.com,2020-01-01,2026-06-20,Pacific/Tongatapu",
            "E2,Ben Ott,ben@example.com,2020-01-01,2026-06-20,America/Los_Angeles",
            "E3,Cy Orr,cy@example.com,2020-01-01,2026-06-20,UTC",
            "E4,Dee Fay,dee@example.com,2020-01-01,2026-06-20T09:00:00Z,UTC",
        ],
    );
    let accounts = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-19",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-19",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-06-19",
        "u4,dee,dee@example.com,Active,2020-01-02,2026-06-19",
    ]);
    let found = check(&[(ROSTER, roster), (CRM, accounts)], NOW, &["ZMB-01: crm/u1, crm/u2, crm/u3, crm/u4"]);
    for finding in &found {
        let told =
            |table: &str| finding.evidence.iter().find(|row| row.table == table).map(|row| row.says.clone());
        assert!(told("employments").unwrap().ends_with("ended on 2026-06-20"), "{:?}", finding.evidence);
        // The listing is the first: since when the account is enabled, nobody knows.
        assert!(
            told("accounts").unwrap().ends_with("has been listed as enabled since 2026-06-30"),
            "{:?}",
            finding.evidence
        );
    }
}

/// Okta tells applications nothing of a suspension, and Google may not: the person is locked out
/// of the front door only. A deactivation that was not passed on is another finding.
#[test]
fn suspension_that_the_application_never_hears_of() {
    let log = [
        okta("2026-06-26T09:00:00Z", "user.lifecycle.suspend", "SUCCESS", "ada", json!({})),
        okta("2026-06-26T09:00:00Z", "user.lifecycle.deactivate", "SUCCESS", "ben", json!({})),
        okta("2026-06-29T23:00:00Z", "user.lifecycle.suspend", "SUCCESS", "cy", json!({})),
        okta("2026-06-30T05:00:00Z", "user.session.start", "SUCCESS", "dee", json!({})),
    ];
    let people = ["ada", "ben", "cy", "dee", "eve"];
    let line = |(n, name): (usize, &&str)| format!("E{n},Person {name},{name}@example.com,2020-01-01,");
    let hr: Vec<String> = people.iter().enumerate().map(line).collect();
    let line =
        |(n, name): (usize, &&str)| format!("u{n},{name},{name}@example.com,Active,2020-01-02,2026-06-25");
    let crm: Vec<String> = people.iter().enumerate().map(line).collect();
    let google = json!({
        "kind": "admin#reports#activity", "actor": {"email": "admin@example.com", "callerType": "USER"},
        "id": {"time": "2026-06-26T10:00:00Z", "uniqueQualifier": "7", "applicationName": "admin", "customerId": "C1"},
        "events": [{"type": "USER_SETTINGS", "name": "SUSPEND_USER", "parameters": [{"name": "USER_EMAIL", "value": "eve@example.com"}]}],
    });
    let texts = |lines: &[String]| lines.join("\n");
    let files = [
        (ROSTER, roster(&[&texts(&hr)])),
        (CRM, accounts(&[&texts(&crm)])),
        ("okta/system_log.ndjson", ndjson(&log)),
        ("google/activity.ndjson", ndjson(&[google])),
    ];
    check(&files, NOW, &["ZMB-08: crm/u0, crm/u4", "ZMB-02: crm/u1"]);
}

/// Seats of leavers cost money outside the process that closes the rest; accounts that nobody
/// assigned are never reconciled by it.
#[test]
fn leaver_keeps_a_seat_outside_the_process() {
    let files = [
        (
            ROSTER,
            roster(&[
                "E1,Ada Low,ada@example.com,2020-01-01,2026-04-30",
                "E2,Ben Ott,ben@example.com,2020-01-01,",
            ]),
        ),
        (
            CRM,
            accounts(&[
                "u1,ada,ada@example.com,Active,2020-01-02,2026-04-29",
                "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
            ]),
        ),
        (
            "registers/licences_2026-06-30.csv",
            table(
                "app_id,sku,seats,unit_price,currency,renewal_on",
                &["crm,standard,50,24.00,EUR,2026-12-31"],
            ),
        ),
    ];
    check(&files, NOW, &["LIC-01: crm/u1", "ZMB-01: crm/u1"]);
}

/// `employee id, name, e-mail, hire date, termination date, status`.
fn roster_with_status(lines: &[&str]) -> String {
    table("Employee ID,Name,Email,Hire Date,Termination Date,Worker Status", lines)
}

/// Whom HR calls gone without a date, or with one that is far, would keep every account as if employed.
#[test]
fn gone_by_status_alone() {
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-20",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-20",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-06-20",
        "u4,dee,dee@example.com,Active,2020-01-02,2026-06-20",
    ]);
    let given = Given::new(&[
        (
            "hr/roster_2026-06-25.csv",
            roster_with_status(&[
                "E1,Ada Low,ada@example.com,2020-01-01,,Terminated",
                "E2,Ben Ott,ben@example.com,2020-01-01,,Active",
                "E3,Cy Orr,cy@example.com,2020-01-01,,Active",
                "E4,Dee Fay,dee@example.com,2020-01-01,,Active",
            ]),
        ),
        (
            "hr/roster_2026-06-28.csv",
            roster_with_status(&[
                "E1,Ada Low,ada@example.com,2020-01-01,,Terminated",
                "E2,Ben Ott,ben@example.com,2020-01-01,,Terminated - Voluntary",
                "E3,Cy Orr,cy@example.com,2020-01-01,2026-12-31,Terminated",
                // The day of the roster ends later than its first hour, and was told.
                "E4,Dee Fay,dee@example.com,2020-01-01,2026-06-28,Terminated",
            ]),
        ),
        ("crm/accounts_2026-06-28.csv", listing),
    ]);
    given.expect("2026-06-29T00:00:00Z", &["ZMB-01: crm/u1"]);
    given.expect("2026-06-29T00:00:01Z", &["ZMB-01: crm/u1, crm/u2, crm/u3"]);
    // And one who was called gone by mistake is here, and was all the time.
    given.read(&[(
        "hr/roster_2026-06-29.csv",
        roster_with_status(&[
            "E1,Ada Low,ada@example.com,2020-01-01,,Active",
            "E2,Ben Ott,ben@example.com,2020-01-01,,Terminated - Voluntary",
        ]),
    )]);
    given.expect("2026-06-29T00:00:01Z", &["ZMB-01: crm/u2, crm/u3"]);
    given.expect("2026-06-30T00:00:01Z", &["ZMB-01: crm/u2, crm/u3, crm/u4"]);
}

/// Who comes back months later under the same number, with a new hire date, has left until then.
#[test]
fn rehire_that_overwrites_the_hire_date() {
    let before = roster_with_status(&[
        "E1,Ada Low,ada@example.com,2018-01-01,2026-02-01,Terminated",
        "E2,Ben Ott,ben@example.com,2018-01-01,2026-02-01,Terminated",
        "E3,Cy Orr,cy@example.com,2018-01-01,2026-02-01,Terminated",
    ]);
    let now = roster_with_status(&[
        "E1,Ada Low,ada@example.com,2026-09-01,,Pre-hire",
        // A mistake that was put right leaves no ghost: he never left.
        "E2,Ben Ott,ben@example.com,2017-06-01,,Active",
        "E3,Cy Orr,cy@example.com,2026-03-01,,Active",
    ]);
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-01-20",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-20",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-06-20",
    ]);
    check(&[("hr/roster_2026-03-01.csv", before), (ROSTER, now), (CRM, listing)], NOW, &["ZMB-01: crm/u1"]);
}

/// Over a weekend between two legal entities nobody has left: not the person, nor what they use, own and answer for.
#[test]
fn transfer_over_a_weekend() {
    let hr = table(
        "Employee ID,Universal ID,Name,Email,Hire Date,Termination Date",
        &[
            "E1,P1,Ada Low,ada@example.com,2020-01-01,2026-06-26",
            "E7,P1,Ada Low,ada@example.com,2026-07-04,",
            // A week and a day is a break.
            "E2,P2,Ben Ott,ben@example.com,2020-01-01,2026-06-26",
            "E8,P2,Ben Ott,ben@example.com,2026-07-05,",
        ],
    );
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-29",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
        "u3,robot-a,,Active,2020-01-02,2026-06-29",
        "u4,robot-b,,Active,2020-01-02,2026-06-29",
    ]);
    let robots = table(
        "app_id,account_id,name,class,sponsors,privileged,purpose",
        &[
            "crm,u3,robot-a,service,ada@example.com,false,reports",
            "crm,u4,robot-b,service,ben@example.com,false,reports",
        ],
    );
    let owners = table(
        "object_kind,object_id,owner,app_id",
        &["app,crm,ada@example.com,crm", "app,erp,ben@example.com,erp"],
    );
    let files = [
        (ROSTER, hr),
        (CRM, listing),
        ("registers/non_human_identities_2026-06-30.csv", robots),
        ("registers/owners_2026-06-30.csv", owners),
    ];
    check(&files, NOW, &["ZMB-01:", "ZMB-03: crm/u2", "NHI-02: crm/u4", "ORP-03: app/erp"]);
}

/// A contractor whom the employees' roster knows by the person's own number, and whose own roster does not, has not left;
/// nor has who changed number and address by turns. Whose number it is where two have the name and the address, nobody knows.
#[test]
fn contracts_of_one_person_over_several_steps() {
    let contractors = roster(&[
        "C1,Ada Low,ada@example.com,2019-06-01,2026-03-31",
        "C2,Flo Oak,flo@example.com,2019-06-01,2026-03-31",
    ]);
    let employees =
        |lines: &[&str]| table("Employee ID,Universal ID,Name,Email,Hire Date,Termination Date", lines);
    let before = employees(&[
        "E1,,Ben Ott,ben@old.example,2019-06-01,2021-12-31",
        "E2,,Ben Ott,ben@example.com,2022-01-01,",
    ]);
    let now = employees(&[
        "E7,P7,Ada Low,ada@example.com,2026-04-20,",
        "E1,,Ben Ott,ben@old.example,2019-06-01,2021-12-31",
        "E2,,Ben Ott,ben@old.example,2022-01-01,2024-12-31",
        "E3,,Ben Ott,ben@example.com,2025-02-01,",
        "E8,P8,Flo Oak,flo@example.com,2026-04-20,",
        "E9,P9,Flo Oak,flo@example.com,2026-04-20,",
    ]);
    let listing = table(
        "User ID,Username,Employee ID,Status,Created,Last Login",
        &[
            "u1,ada,C1,Active,2020-01-02,2026-06-29",
            "u2,ben,E1,Active,2020-01-02,2026-06-29",
            "u3,flo,C2,Active,2020-01-02,2026-03-29",
        ],
    );
    let files = [
        ("hr/contractors_2026-06-30.csv", contractors),
        ("hr/employees_2024-06-01.csv", before),
        ("hr/employees_2026-06-30.csv", now),
        (CRM, listing),
    ];
    check(&files, NOW, &["ZMB-01: crm/u3"]);
}
