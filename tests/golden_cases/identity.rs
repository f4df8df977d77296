//! Who an account belongs to: renames, merged domains, aliases that two share.

use super::*;

const ROSTER: &str = "hr/roster_2026-06-30.csv";
const CRM: &str = "crm/accounts_2026-06-30.csv";

/// Deactivate and create under one externalId is a rename: the person stays, nobody came or left.
#[test]
fn rename_as_deactivate_and_create() {
    let log = [
        scim("2026-05-01T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2026-05-01T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
        scim("2026-06-10T09:00:00Z", "PATCH", "/Users/u1", 200, active(json!(false))),
        scim("2026-06-10T09:02:00Z", "POST", "/Users", 201, user("u3", "ada.new", "x1")),
        // Nobody's account, by contrast.
        scim("2026-06-10T09:05:00Z", "POST", "/Users", 201, user("u4", "stranger", "x9")),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u1", 200, json!({})),
    ];
    let roster =
        roster(&["E1,Ada Low,ada@example.com,2020-01-01,", "E2,Ben Ott,ben@example.com,2020-01-01,"]);
    let files = [(ROSTER, roster), ("scim/crm_requests.ndjson", ndjson(&log))];
    check(&files, NOW, &["ORP-01: crm/u4", "ORP-05:", "DEL-01:", "DEL-02:", "DEL-03:"]);
}

/// Two domains of one company are one address; a domain that nobody declared is not.
#[test]
fn domain_merge() {
    let files = [
        (
            ROSTER,
            roster(&[
                "E1,Ada Low,ada@example.com,2020-01-01,",
                "E2,Ben Ott,ben@example.com,2020-01-01,2026-04-30",
            ]),
        ),
        (
            CRM,
            accounts(&[
                "u1,ada,Ada@Acquired.Example,Active,2020-01-02,2026-06-29",
                "u2,ben,ben@acquired.example,Active,2020-01-02,2026-04-29",
                "u3,mia,mia@elsewhere.example,Active,2020-01-02,2026-06-29",
            ]),
        ),
    ];
    let domains =
        table("domain,kind,alias_of", &["example.com,corporate,", "acquired.example,alias,example.com"]);
    let given = Given::new(&files);
    // One login under two domains is worth a look, and decides nothing yet.
    given.expect(NOW, &["ORP-01: crm/u3", "ZMB-01: unknown crm/u2"]);
    given.read(&[("registers/trusted_domains_2026-06-30.csv", domains)]);
    given.expect(NOW, &["ORP-01: crm/u3", "ZMB-01: crm/u2"]);
}

/// Of two who share an alias, nobody is accused of the account: people decide.
#[test]
fn two_people_with_one_alias() {
    let roster = table(
        "Employee ID,Name,Email,Email Aliases,Hire Date,Termination Date",
        &[
            "E1,Ada Low,ada@example.com,al@example.com,2020-01-01,2026-04-30",
            "E2,Al Low,allow@example.com,al@example.com,2020-01-01,",
        ],
    );
    let accounts = accounts(&["u1,al,al@example.com,Active,2020-01-02,2026-06-29"]);
    check(&[(ROSTER, roster), (CRM, accounts)], NOW, &["ZMB-01:", "ZMB-03:", "ORP-02: unknown crm/u1"]);
}

/// A service account under a person's alias does not leave with that person.
#[test]
fn service_account_with_a_persons_alias() {
    let roster = table(
        "Employee ID,Name,Email,Email Aliases,Hire Date,Termination Date",
        &[
            "E1,Ada Low,ada@example.com,payroll@example.com,2020-01-01,2026-04-30",
            "E2,Ben Ott,ben@example.com,,2020-01-01,",
        ],
    );
    let register = table(
        "app_id,account_id,name,class,sponsors,privileged,purpose",
        &["crm,u1,payroll,service,ben@example.com,false,monthly payroll"],
    );
    let accounts = accounts(&[
        "u1,payroll,payroll@example.com,Active,2020-01-02,2026-06-29",
        "u2,ada,ada@example.com,Active,2020-01-02,2026-04-29",
    ]);
    let files =
        [(ROSTER, roster), (CRM, accounts), ("registers/non_human_identities_2026-06-30.csv", register)];
    check(&files, NOW, &["ZMB-01: crm/u2", "ORP-01:", "ORP-05:", "NHI-01:", "NHI-02:"]);
}

/// The login of somebody who left may come again after two years, not before.
#[test]
fn identifier_reuse_after_23_and_25_months() {
    let log = [
        scim("2023-01-10T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2023-01-10T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
        scim("2024-05-20T09:00:00Z", "DELETE", "/Users/u2", 204, json!({})),
        scim("2024-07-20T09:00:00Z", "DELETE", "/Users/u1", 204, json!({})),
        scim("2026-06-20T09:00:00Z", "POST", "/Users", 201, user("u3", "ada", "x3")),
        scim("2026-06-20T09:01:00Z", "POST", "/Users", 201, user("u4", "ben", "x4")),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u3", 200, json!({})),
    ];
    let text = |lines: &[&str]| roster(lines);
    let former = text(&[
        "E1,Ada Low,ada@example.com,2020-01-01,2024-07-19",
        "E2,Ben Ott,ben@example.com,2020-01-01,2024-05-19",
    ]);
    let since = table(
        "Employee ID,Name,Email,Hire Date,Termination Date,External ID",
        &["E3,Ada Park,ada@example.com,2026-06-15,,x3", "E4,Ben Pike,ben@example.com,2026-06-15,,x4"],
    );
    let files =
        [("hr/roster_2024-08-01.csv", former), (ROSTER, since), ("scim/crm_requests.ndjson", ndjson(&log))];
    check(&files, NOW, &["DEL-03: crm/u3"]);
}

/// One login in two domains is two people; an account that names neither goes to the queue.
#[test]
fn one_login_in_two_domains() {
    let hr = roster(&[
        "E1,Ada Low,ada@one.example,2019-01-01,2026-04-30",
        "E2,Ada Park,ada@two.example,2019-01-01,",
    ]);
    let listing = table(
        "User ID,Username,Status,Created,Last Login",
        &["u1,ada,Active,2020-01-02,2026-06-29", "u2,ada@one.example,Active,2020-01-02,2026-04-29"],
    );
    check(&[(ROSTER, hr), (CRM, listing)], NOW, &["ZMB-01: crm/u2", "ORP-02: unknown crm/u1"]);
}

/// A person who is renamed at the identity provider keeps accounts under the former address.
#[test]
fn rename_at_the_identity_provider() {
    let named = |at: &str, event: &str, login: &str| {
        let person = json!({"id": "00u1", "type": "User", "alternateId": format!("{login}@example.com")});
        okta(at, event, "SUCCESS", login, json!({"actor": person, "target": [person]}))
    };
    let log = [
        named("2026-01-02T09:00:00Z", "user.lifecycle.create", "ada"),
        named("2026-05-02T09:00:00Z", "user.account.update_profile", "ada.park"),
        named("2026-06-30T05:00:00Z", "user.session.start", "ada.park"),
    ];
    let hr =
        roster(&["E1,Ada Park,ada.park@example.com,2019-01-01,", "E2,Ben Ott,ben@example.com,2019-01-01,"]);
    let listing = accounts(&[
        "u1,ada@example.com,ada@example.com,Active,2020-01-02,2026-06-29",
        "u2,eve@example.com,eve@example.com,Active,2020-01-02,2026-06-29",
    ]);
    let files = [(ROSTER, hr), (CRM, listing), ("okta/system_log.ndjson", ndjson(&log))];
    check(&files, NOW, &["ORP-01: crm/u2"]);
}
