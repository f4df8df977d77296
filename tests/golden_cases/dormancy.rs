//! Who has not been there: what counts as use, and who must not be asked.

use lychgate::findings::Change;

use super::*;

const ROSTER: &str = "hr/roster_2026-06-30.csv";
const CRM: &str = "crm/accounts_2026-06-30.csv";

fn people() -> String {
    roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,",
        "E2,Ben Ott,ben@example.com,2020-01-01,",
        "E3,Cy Orr,cy@example.com,2020-01-01,",
    ])
}

/// Sign-ins of a log that has covered the last half year.
fn log(more: &[Value]) -> String {
    let mut records = vec![
        okta("2026-01-02T09:00:00Z", "user.session.start", "SUCCESS", "ben", json!({})),
        okta("2026-06-30T05:00:00Z", "user.session.start", "SUCCESS", "ben", json!({})),
    ];
    records.extend(more.iter().cloned());
    ndjson(&records)
}

fn okta_accounts(more: &str) -> (&'static str, String) {
    let lines =
        ["00uada,ada,ada@example.com,ACTIVE,2020-01-02", "00uben,ben,ben@example.com,ACTIVE,2020-01-02"];
    let mut text = table("User ID,Login,Email,Status,Created", &lines);
    text += more;
    ("okta/accounts_2026-06-30.csv", text)
}

/// Failed sign-ins are no use: the account is dormant, and somebody tries its door.
#[test]
fn failed_sign_ins_only() {
    let failures: Vec<Value> = (1..=4)
        .map(|day| {
            okta(&format!("2026-06-1{day}T09:00:00Z"), "user.session.start", "FAILURE", "ada", json!({}))
        })
        .chain([okta("2026-02-01T09:00:00Z", "user.session.start", "SUCCESS", "ada", json!({}))])
        .collect();
    let files = [(ROSTER, people()), okta_accounts(""), ("okta/system_log.ndjson", log(&failures))];
    check(&files, NOW, &["DOR-01: okta/00uada", "DOR-06: okta/00uada"]);
}

/// A sign-in without a person at the keyboard is use, and a disabled account needs none.
#[test]
fn quiet_use_and_disabled_accounts() {
    let signin = |at: &str, who: &str, interactive: bool| {
        json!({
            "time": at, "category": if interactive { "SignInLogs" } else { "NonInteractiveUserSignInLogs" },
            "operationName": "Sign-in activity", "tenantId": "t1", "resultType": "0",
            "properties": {
                "id": format!("{at}{who}"), "createdDateTime": at, "userId": who, "userDisplayName": who,
                "userPrincipalName": format!("{who}@example.com"), "appId": "a1", "appDisplayName": "Portal",
                "isInteractive": interactive, "status": {"errorCode": 0}, "ipAddress": "192.0.2.1",
            },
        })
    };
    let records = [
        signin("2026-01-02T09:00:00Z", "cy", true),
        signin("2026-01-02T09:00:00Z", "ada", true),
        signin("2026-01-03T09:00:00Z", "ben", true),
        signin("2026-06-25T09:00:00Z", "ben", false),
        signin("2026-06-30T05:00:00Z", "dee", true),
    ];
    let listing = accounts(&[
        "ada,ada@example.com,ada@example.com,Active,2020-01-02,",
        "ben,ben@example.com,ben@example.com,Active,2020-01-02,",
        "cy,cy@example.com,cy@example.com,Disabled,2020-01-02,",
    ]);
    let files = [
        (ROSTER, people()),
        ("entra/accounts_2026-06-30.csv", listing),
        ("entra/signins.ndjson", ndjson(&records)),
    ];
    check(&files, NOW, &["DOR-01: entra/ada", "DOR-02:"]);
}

/// Where nothing tells of sign-ins, nobody is dormant and nobody is not.
#[test]
fn an_application_that_tells_no_activity() {
    let listing = table(
        "User ID,Username,Email,Status,Created,Type",
        &[
            "u1,ada,ada@example.com,Active,2020-01-02,member",
            "u2,ben,ben@example.com,Active,2020-01-02,member",
        ],
    );
    let files = [(ROSTER, people()), (CRM, listing), ("okta/system_log.ndjson", log(&[]))];
    let found = check(&files, NOW, &["DOR-01: unknown crm"]);
    assert_eq!(
        found[0].explanation,
        "2 accounts in crm cannot be decided: no source reports sign-ins to this application."
    );
}

/// Where a listing tells of use no more, who was dormant there has not come back to life.
#[test]
fn an_application_that_tells_of_activity_no_more() {
    let listing = accounts(&["u1,ada,ada@example.com,Active,2020-01-02,2025-05-26"]);
    let given = Given::new(&[(ROSTER, people()), (CRM, listing)]);
    let run = || {
        let (as_of, known_at) = (UtcMicros::parse(NOW).unwrap(), now());
        let request = DetectRequest {
            at: At { as_of, known_at },
            profile: "default".to_owned(),
            detectors: vec!["DOR-01".to_owned()],
            record: true,
        };
        let changes = block_on(async || given.engine.detect(&request).await.unwrap().changes.unwrap());
        changes.transitions.into_iter().map(|step| (step.subject_id, step.change)).collect()
    };
    let first: Vec<(String, Change)> = run();
    assert_eq!(first, [("crm/u1".to_owned(), Change::Opened)]);
    given.read(&[(
        "applications_2026-06-30.csv",
        table("app_id,name,activity_supported", &["crm,CRM,false"]),
    )]);
    let mut then = run();
    then.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(then, [("crm".to_owned(), Change::Opened), ("crm/u1".to_owned(), Change::Doubted)]);
}

/// Logs are kept for 30 or 90 days: a log that begins inside the time asked about proves no idleness.
#[test]
fn a_log_that_does_not_reach_back() {
    let late = [
        okta("2026-06-01T09:00:00Z", "user.session.start", "SUCCESS", "ben", json!({})),
        okta("2026-06-30T05:00:00Z", "user.session.start", "SUCCESS", "ben", json!({})),
    ];
    let files = [(ROSTER, people()), okta_accounts(""), ("okta/system_log.ndjson", ndjson(&late))];
    let found = check(&files, NOW, &["DOR-01: unknown okta/00uada"]);
    assert_eq!(
        found[0].unknown_because.as_deref(),
        Some("the okta log begins 28 days before, and the question is about 90 days")
    );
}

/// A declared emergency account is meant to lie idle; its undeclared twin is not.
#[test]
fn break_glass_unused_for_400_days() {
    let listing = accounts(&[
        "u1,bg1,bg1@example.com,Active,2020-01-02,2025-05-26",
        "u2,bg2,bg2@example.com,Active,2020-01-02,2025-05-26",
    ]);
    let exceptions = table(
        "exception_id,kind,subject,app_id,detector,reason,approver,valid_from,valid_until",
        &["X1,break_glass,u1,crm,,sealed emergency account,ciso@example.com,2026-01-01,2026-12-31"],
    );
    let files = [(ROSTER, people()), (CRM, listing), ("registers/exceptions_2026-06-30.csv", exceptions)];
    check(&files, NOW, &["DOR-01: crm/u2", "DOR-02:", "GOV-04:"]);
}

/// A line that has expired, or that nobody approved, makes no account an emergency account: the leaver's account behind it
/// would be hidden for ever.
#[test]
fn break_glass_that_has_no_effect() {
    let roster = roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,2026-05-31",
        "E2,Ben Ott,ben@example.com,2020-01-01,2026-05-31",
        "E3,Cy Orr,cy@example.com,2020-01-01,2026-05-31",
    ]);
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-01-02",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-01-02",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-01-02",
    ]);
    let exceptions = table(
        "exception_id,kind,subject,app_id,detector,reason,approver,valid_from,valid_until",
        &[
            "X1,break_glass,u1,crm,,sealed,ciso@example.com,2026-01-01,2026-06-28",
            "X2,break_glass,u2,crm,,,,,",
            "X3,break_glass,crm/U3,,,sealed,ciso@example.com,2026-01-01,2026-12-31",
        ],
    );
    let given = Given::new(&[
        ("hr/roster_2026-06-28.csv", roster),
        ("crm/accounts_2026-06-28.csv", listing),
        ("registers/exceptions_2026-06-28.csv", exceptions),
    ]);
    given.expect("2026-06-28T12:00:00Z", &["ZMB-01: crm/u2"]);
    given.expect("2026-06-29T01:00:00Z", &["ZMB-01: crm/u1, crm/u2"]);
}

/// Who is named by number or address is a person: another's account that has the number as its id is not meant.
#[test]
fn exceptions_for_people() {
    let roster = roster(&[
        "103,Di Fay,di@example.com,2020-01-01,2026-05-31",
        "104,Gus Orr,gus@example.com,2020-01-01,2026-05-31",
        "105,Jo Hold,jo@example.com,2020-01-01,2026-05-31",
    ]);
    let crm = accounts(&[
        "c1,di,di@example.com,Active,2020-01-02,2026-01-02",
        "c2,jo.hold,,Active,2020-01-02,2026-01-02",
        "c3,gus,gus@example.com,Active,2020-01-02,2026-01-02",
    ]);
    let wiki = accounts(&[
        "103,gus,gus@example.com,Active,2020-01-02,2026-01-02",
        "104,jo,jo@example.com,Active,2020-01-02,2026-01-02",
    ]);
    let exceptions = |wiki_104: &str| {
        table(
            "exception_id,kind,subject,app_id,detector,reason,approver,valid_from,valid_until",
            &[
                "X1,alumni,103,,,keeps mail,ciso@example.com,2026-01-01,2026-12-31",
                "X2,legal_hold,JO@example.com,crm,,case 7,ciso@example.com,2026-01-01,2026-12-31",
                wiki_104,
            ],
        )
    };
    let given = Given::new(&[
        ("hr/roster_2026-06-30.csv", roster),
        ("crm/accounts_2026-06-30.csv", crm),
        ("wiki/accounts_2026-06-30.csv", wiki),
        (
            "registers/exceptions_2026-06-29.csv",
            exceptions("X3,alumni,c9,,,nobody,ciso@example.com,2026-01-01,2026-12-31"),
        ),
    ]);
    given.expect(NOW, &["ZMB-01: crm/c3, wiki/103, wiki/104"]);
    let next = exceptions("X3,alumni,wiki/104,,,keeps,ciso@example.com,2026-01-01,2026-12-31");
    given.read(&[("registers/exceptions_2026-06-30.csv", next)]);
    given.expect(NOW, &["ZMB-01: crm/c3, wiki/103"]);
}

/// An account of three days has not been unused for long, and an older one has.
#[test]
fn new_account_of_three_days() {
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2026-06-27,",
        "u2,ben,ben@example.com,Active,2026-05-01,",
        "u3,stranger,stranger@example.com,Active,2026-06-27,",
        "u4,alien,alien@example.com,Active,2026-05-01,2026-06-29",
    ]);
    let files = [(ROSTER, people()), (CRM, listing)];
    check(&files, NOW, &["DOR-01:", "DOR-02: crm/u2", "ORP-01: crm/u4"]);
}

/// An exception that is over excepts nothing, and one without an end or a reason never did.
#[test]
fn expired_suppression() {
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-01-02",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-01-02",
        "u3,cy,cy@example.com,Active,2020-01-02,2026-01-02",
    ]);
    let exceptions = table(
        "exception_id,kind,subject,app_id,detector,reason,approver,valid_from,valid_until",
        &[
            "X1,approved,u1,crm,DOR-01,seasonal,ciso@example.com,2026-01-01,2026-06-28",
            "X2,approved,u2,crm,DOR-01,seasonal,ciso@example.com,2026-01-01,2026-12-31",
            "X3,approved,u3,crm,DOR-01,,ciso@example.com,2026-01-01,2026-12-31",
        ],
    );
    let given = Given::new(&[
        ("hr/roster_2026-06-27.csv", people()),
        ("crm/accounts_2026-06-27.csv", listing),
        ("registers/exceptions_2026-06-27.csv", exceptions),
    ]);
    given.expect("2026-06-27T12:00:00Z", &["DOR-01: crm/u3"]);
    given.expect("2026-06-29T06:00:00Z", &["DOR-01: crm/u1, crm/u3"]);
}

/// Google tells of a sign-in days later: what was found before is restated, for that day too.
#[test]
fn google_login_72_hours_late() {
    let login = |at: &str, who: &str, id: &str| {
        json!({
            "kind": "admin#reports#activity",
            "id": {"time": at, "uniqueQualifier": id, "applicationName": "login", "customerId": "C1"},
            "actor": {"email": format!("{who}@example.com"), "profileId": format!("g{who}"), "callerType": "USER"},
            "events": [{"type": "login", "name": "login_success", "parameters": []}],
        })
    };
    let listing = accounts(&[
        "gada,ada@example.com,ada@example.com,Active,2020-01-02,",
        "gben,ben@example.com,ben@example.com,Active,2020-01-02,",
    ]);
    let given = Given::new(&[
        ("hr/roster_2026-06-27.csv", people()),
        ("google_workspace/accounts_2026-06-27.csv", listing),
        (
            "google/first.ndjson",
            ndjson(&[
                login("2026-01-02T09:00:00Z", "ada", "1"),
                login("2026-01-02T09:00:00Z", "ben", "2"),
                login("2026-06-27T10:00:00Z", "ben", "3"),
            ]),
        ),
    ]);
    let at = "2026-06-27T12:00:00Z";
    given.expect(at, &["DOR-01: google_workspace/gada"]);
    given.read(&[("google/later.ndjson", ndjson(&[login("2026-06-27T09:00:00Z", "ada", "4")]))]);
    given.expect(at, &["DOR-01:"]);
}

/// An account without any way to sign in cannot be used, however long nobody did.
#[test]
fn account_without_a_usable_credential() {
    let report = table(
        "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_active,access_key_1_last_used_date",
        &[
            "ada,arn:aws:iam::1:user/ada,2020-01-02T00:00:00+00:00,false,2025-01-01T00:00:00+00:00,false,N/A",
            "ben,arn:aws:iam::1:user/ben,2020-01-02T00:00:00+00:00,true,2025-01-01T00:00:00+00:00,false,N/A",
            "cy,arn:aws:iam::1:user/cy,2020-01-02T00:00:00+00:00,true,2025-01-01T00:00:00+00:00,true,2026-06-29T00:00:00+00:00",
        ],
    );
    let files = [(ROSTER, people()), ("aws/accounts_2026-06-30.csv", report)];
    let found = check(&files, NOW, &["DOR-01: aws/arn:aws:iam::1:user/ben"]);
    assert_eq!(found.len(), 1);
}
