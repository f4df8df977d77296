//! What connections do and fail to do: deletion in its dialects, dead tokens, jobs in quarantine.

use super::*;

const ROSTER: &str = "hr/roster_2026-06-30.csv";
const CRM: &str = "crm/accounts_2026-06-30.csv";
const LOG: &str = "scim/crm_requests.ndjson";

fn people() -> String {
    roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,",
        "E2,Ben Ott,ben@example.com,2020-01-01,",
        "E3,Cy Orr,cy@example.com,2020-01-01,",
    ])
}

fn register() -> File<'static> {
    ("registers/applications_2026-06-30.csv", applications(&["crm,CRM,true"]))
}

/// Entra deletes 30 days after it has disabled; a deletion out of the blue takes the trail with it.
#[test]
fn entra_purge_after_30_days() {
    let log = [
        scim("2026-03-01T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2026-03-01T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
        scim("2026-03-01T09:02:00Z", "POST", "/Users", 201, user("u3", "cy", "x3")),
        scim("2026-05-20T09:00:00Z", "PATCH", "/Users/u1", 200, active(json!("False"))),
        scim("2026-06-19T09:00:00Z", "DELETE", "/Users/u1", 204, json!({})),
        scim("2026-06-19T09:01:00Z", "DELETE", "/Users/u2", 204, json!({})),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u3", 200, json!({})),
    ];
    let files = [(ROSTER, people()), register(), (LOG, ndjson(&log))];
    check(&files, NOW, &["DEL-01: crm/u2", "DEL-02: crm/u2"]);
}

/// Who was unassigned before being deleted stays as a disabled husk for ever: no DELETE comes, and
/// nothing is wrong with it.
#[test]
fn unassigned_then_deleted_husk() {
    let log = [
        scim("2026-01-10T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2026-02-01T09:00:00Z", "PATCH", "/Users/u1", 200, active(json!("False"))),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u9", 404, json!({})),
    ];
    let hr = roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,2026-02-01",
        "E2,Ben Ott,ben@example.com,2020-01-01,",
    ]);
    let listing = accounts(&[
        "u1,ada,ada@example.com,Inactive,2026-01-10,2026-01-31",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
    ]);
    let files = [(ROSTER, hr), (CRM, listing), register(), (LOG, ndjson(&log))];
    check(
        &files,
        NOW,
        &["ZMB-01:", "ZMB-02:", "ZMB-05:", "ORP-01:", "ORP-08:", "DEL-01:", "DEL-04:", "DOR-01:"],
    );
}

/// A target that answers 404 to a deletion is gone, which is what was asked for; a 500 is not.
#[test]
fn delete_that_returns_404() {
    let mut log = vec![
        scim("2026-03-01T09:00:00Z", "POST", "/Users", 201, user("u1", "ada", "x1")),
        scim("2026-03-01T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
    ];
    for hour in [9, 15] {
        for id in ["u1", "u2"] {
            let at = format!("2026-06-20T{hour:02}:00:0{}Z", &id[1..]);
            log.push(scim(&at, "DELETE", &format!("/Users/{id}"), 500, json!({})));
        }
    }
    log.push(scim("2026-06-21T09:00:00Z", "DELETE", "/Users/u1", 404, json!({})));
    log.push(scim("2026-06-30T01:00:00Z", "GET", "/Users/u2", 200, json!({})));
    let files = [(ROSTER, people()), register(), (LOG, ndjson(&log))];
    check(&files, NOW, &["ZMB-05: crm/u2"]);
}

/// The token ended, every request after it was refused, and people kept what they had: one cause.
#[test]
fn token_expiry_behind_a_burst_of_401() {
    let mut log = Vec::new();
    for n in 1..=8 {
        let at = format!("2026-06-01T09:0{n}:00Z");
        log.push(scim(
            &at,
            "POST",
            "/Users",
            201,
            user(&format!("u{n}"), &format!("p{n}"), &format!("x{n}")),
        ));
    }
    for n in 1..=8 {
        for minute in [10, 30, 50] {
            let at = format!("2026-06-28T09:{}:0{n}Z", minute);
            log.push(scim(&at, "PATCH", &format!("/Users/u{n}"), 401, active(json!(false))));
        }
    }
    log.push(scim("2026-06-30T01:00:00Z", "GET", "/Users/u1", 401, json!({})));
    let lines: Vec<String> =
        (1..=8).map(|n| format!("E{n},Person {n},p{n}@example.com,2020-01-01,2026-06-28")).collect();
    let tokens = table(
        "token_id,app_id,name,kind,owner,created_at,rotated_at,last_used_at,expires_at,scopes",
        &["t1,crm,SCIM CRM,bearer,iam@example.com,2026-04-01T00:00:00Z,,,2026-06-28T00:00:00Z,write"],
    );
    let files = [
        (ROSTER, roster(&[&lines.join("\n")])),
        ("registers/scim_tokens_2026-06-30.csv", tokens),
        (LOG, ndjson(&log)),
    ];
    let leavers: Vec<String> = (1..=8).map(|n| format!("crm/u{n}")).collect();
    let failed = format!("ZMB-05: {}", leavers.join(", "));
    let found = check(&files, NOW, &["TOK-03: crm, t1", &failed, "SCM-27: crm"]);
    let caused = found.iter().filter(|finding| finding.code == "ZMB-05" && finding.cause.is_some());
    assert_eq!(caused.count(), 8, "each failure names the dead token as its cause");
}

/// One record of Entra's provisioning log.
fn provisioned(n: usize, failed: bool) -> Value {
    let status = if failed {
        json!({"Status": "failure", "errorInformation": {"errorCode": "Conflict", "reason": "conflict"}})
    } else {
        json!({"Status": "success", "errorInformation": null})
    };
    let at = format!("2026-06-29T{:02}:{:02}:{:02}Z", 12 + n / 3600, n / 60 % 60, n % 60);
    json!({
        "category": "ProvisioningLogs", "operationName": "Provisioning activity", "time": at, "tenantId": "t1",
        "resultType": "Success",
        "properties": {
            "id": format!("r{n}"), "activityDateTime": at, "jobId": "scim.t1.crm", "changeId": format!("c{n}"), "cycleId": "y1",
            "provisioningAction": "update", "provisioningStatusInfo": status, "provisioningSteps": [], "modifiedProperties": [],
            "initiatedBy": {"Id": "", "Name": "Azure AD Provisioning Service", "Type": "system"},
            "servicePrincipal": {"Id": "sp1", "Name": "CRM"},
            "sourceIdentity": {"Details": {"UserPrincipalName": format!("p{n}@example.com")}, "Id": format!("e{n}"), "IdentityType": "User"},
            "targetIdentity": {"Details": {}, "Id": format!("u{n}"), "IdentityType": "User"},
            "targetSystem": {"Id": "sp1", "Name": "CRM", "Details": {}}, "sourceSystem": {"Id": "t1", "Name": "Azure Active Directory", "Details": {}},
        },
    })
}

/// Entra's own example, a thousandth of its size: 20 of 100 failures do not stop a job, 45 do, and
/// it is the log that says so. That a fifth fails is told by the rate.
#[test]
fn quarantined_job_and_one_that_is_not() {
    let log = |failures: usize, last: usize| -> String {
        ndjson(&(0..100).map(|n| provisioned(n, n % 100 >= last - failures && n < last)).collect::<Vec<_>>())
    };
    let quarantine = json!({
        "id": "q1", "activityDisplayName": "Quarantine", "activityDateTime": "2026-06-29T12:03:00Z", "result": "failure",
        "category": "ProvisioningManagement", "correlationId": "c", "loggedByService": "Account Provisioning",
        "resultReason": "more than 40 % of the calls failed", "initiatedBy": {"app": {"displayName": "Azure AD Provisioning Service"}},
        "targetResources": [{"type": "ServicePrincipal", "id": "sp1", "displayName": "CRM"}],
    });
    let apps = table("app_id,name,idp_app_id,soft_delete", &["crm,CRM,sp1,true"]);
    let register = ("registers/applications_2026-06-30.csv", apps);
    let fine = [register.clone(), ("entra/provisioning.ndjson", log(20, 40))];
    check(&fine, NOW, &["PRV-04:", "PRV-01: crm"]);
    let stopped = [
        register,
        ("entra/provisioning.ndjson", log(45, 100)),
        ("entra/audit.ndjson", ndjson(&[quarantine])),
    ];
    check(&stopped, NOW, &["PRV-04: crm", "PRV-01: crm"]);
}

/// Access that ended and is back within a day, with nobody's approval, is a fight between systems.
#[test]
fn grant_added_again_after_its_expiry() {
    let grants = |lines: &[&str]| table("User ID,Role Name,Granted On,Expires", lines);
    let kept = "u3,Reader,2026-01-01,";
    let files = [
        (ROSTER, people()),
        (
            CRM,
            accounts(&[
                "u1,ada,ada@example.com,Active,2020-01-02,2026-06-29",
                "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
                "u3,cy,cy@example.com,Active,2020-01-02,2026-06-29",
            ]),
        ),
        (
            "crm/grants_2026-06-19.csv",
            grants(&["u1,Approver,2026-05-01,2026-06-20", "u2,Approver,2026-05-01,2026-06-20", kept]),
        ),
        ("crm/grants_2026-06-22T0000Z.csv", grants(&[kept])),
        (
            "crm/grants_2026-06-22T1200Z.csv",
            grants(&["u1,Approver,2026-06-22,", "u2,Approver,2026-06-22,", kept]),
        ),
        (
            "registers/requests_2026-06-30.csv",
            table(
                "request_id,requester,beneficiary,app_id,entitlement_id,status,requested_at,decided_at,approver",
                &[
                    "R1,ben@example.com,ben@example.com,crm,Approver,approved,2026-06-22T01:00:00Z,2026-06-22T02:00:00Z,boss@example.com",
                ],
            ),
        ),
    ];
    check(&files, NOW, &["TBA-04: crm/u1/Approver"]);
}

/// The canonical zombie: unassigned at the identity provider, and the application never did it.
#[test]
fn unassigned_at_okta_and_alive_in_the_application() {
    let app = json!({"target": [
        {"id": "00uada", "type": "User", "alternateId": "ada@example.com"},
        {"id": "0oa1", "type": "AppInstance", "displayName": "CRM", "alternateId": "CRM"},
    ]});
    let log = [
        okta("2026-06-01T09:00:00Z", "user.lifecycle.create", "SUCCESS", "ada", json!({})),
        okta("2026-06-20T09:00:00Z", "user.lifecycle.deactivate", "SUCCESS", "ada", json!({})),
        okta("2026-06-20T09:01:00Z", "application.provision.user.deactivate", "FAILURE", "ada", app),
        okta("2026-06-30T05:00:00Z", "user.session.start", "SUCCESS", "ben", json!({})),
    ];
    let hr = roster(&[
        "E1,Ada Low,ada@example.com,2020-01-01,2026-06-19",
        "E2,Ben Ott,ben@example.com,2020-01-01,",
    ]);
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-18",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
    ]);
    let apps = table("app_id,name,idp_app_id,idp_managed", &["crm,CRM,0oa1,true"]);
    let files = [
        (ROSTER, hr),
        (CRM, listing),
        ("registers/applications_2026-06-30.csv", apps),
        ("okta/system_log.ndjson", ndjson(&log)),
    ];
    check(&files, NOW, &["ZMB-01: crm/u1", "ZMB-02: crm/u1", "ZMB-05: crm/u1"]);
}

/// An application that answers "too many requests" to one call in ten is told; one in a hundred not.
#[test]
fn rate_limits() {
    let log = |app: &str, every: usize| -> Vec<Value> {
        let request = |n: usize| {
            let status = if n.is_multiple_of(every) { 429 } else { 200 };
            let at = format!("2026-06-29T10:0{}:{:02}Z", n / 60, n % 60);
            let mut line = scim(&at, "PATCH", &format!("/Users/u{n}"), status, active(json!(true)));
            line["connection"] = json!(app);
            line["request_id"] = json!(format!("{app}{n}"));
            line
        };
        (1..=200).map(request).collect()
    };
    let files = [
        ("scim/crm_requests.ndjson", ndjson(&log("crm", 10))),
        ("scim/erp_requests.ndjson", ndjson(&log("erp", 100))),
    ];
    check(&files, NOW, &["PRV-06: crm"]);
}

/// An application that cannot disable has to delete: that is not a finding of its own.
#[test]
fn deletion_where_an_application_cannot_disable() {
    let log = [
        scim("2026-03-01T09:01:00Z", "POST", "/Users", 201, user("u2", "ben", "x2")),
        scim("2026-06-19T09:01:00Z", "DELETE", "/Users/u2", 204, json!({})),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u3", 200, json!({})),
    ];
    let apps = ("registers/applications_2026-06-30.csv", applications(&["crm,CRM,false"]));
    check(&[(ROSTER, people()), apps, (LOG, ndjson(&log))], NOW, &["DEL-01:", "DEL-02:"]);
}

/// A bulk deletion that the log sums up in one line, or not at all, shows in the next listing.
#[test]
fn vanished_without_an_event() {
    let log = [
        scim("2026-03-01T09:01:00Z", "POST", "/Users", 201, user("u9", "dee", "x9")),
        scim("2026-06-01T09:01:00Z", "DELETE", "/Users/u9", 204, json!({})),
        scim("2026-06-30T01:00:00Z", "GET", "/Users/u3", 200, json!({})),
    ];
    let line = |id: &str, name: &str| format!("{id},{name},{name}@example.com,Active,2020-01-02,2026-06-27");
    let (ada, ben, cy) = (line("u1", "ada"), line("u2", "ben"), line("u3", "cy"));
    let files = [
        (ROSTER, people()),
        register(),
        (LOG, ndjson(&log)),
        ("crm/accounts_2026-06-28.csv", accounts(&[&ada, &ben, &cy])),
        (CRM, accounts(&[&ada, &cy])),
    ];
    check(&files, NOW, &["DEL-04: crm/u2"]);
}

/// Accounts that were made by hand before the connection came are never reconciled by it.
#[test]
fn account_outside_the_identity_provider() {
    let target = json!({"target": [
        {"id": "00uada", "type": "User", "alternateId": "ada@example.com"},
        {"id": "0oa1", "type": "AppInstance", "displayName": "CRM", "alternateId": "CRM"},
    ]});
    let log = [
        okta("2026-06-01T09:00:00Z", "application.user_membership.add", "SUCCESS", "ada", target),
        okta("2026-06-30T05:00:00Z", "user.session.start", "SUCCESS", "ada", json!({})),
    ];
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-29",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
    ]);
    let apps = table("app_id,name,idp_app_id,idp_managed", &["crm,CRM,0oa1,true"]);
    let files = [
        (ROSTER, people()),
        (CRM, listing),
        ("registers/applications_2026-06-30.csv", apps),
        ("okta/system_log.ndjson", ndjson(&log)),
    ];
    check(&files, NOW, &["ORP-07: crm/u2"]);
}

/// Twenty approvals in a minute are no review; the same in an afternoon may be one.
#[test]
fn rubber_stamped_review() {
    let decisions = |who: &str, seconds: usize| -> Vec<Value> {
        let decision = |n: usize| {
            let second = n * seconds;
            let at =
                format!("2026-06-29T{:02}:{:02}:{:02}Z", 9 + second / 3600, second / 60 % 60, second % 60);
            json!({
                "id": format!("{who}{n}"), "activityDisplayName": "Approve decision", "activityDateTime": at, "result": "success",
                "category": "UserManagement", "correlationId": "c", "loggedByService": "Access Reviews",
                "initiatedBy": {"user": {"id": who, "userPrincipalName": format!("{who}@example.com")}},
                "targetResources": [{"type": "User", "id": format!("t{n}"), "userPrincipalName": format!("t{n}@example.com")}],
            })
        };
        (0..20).map(decision).collect()
    };
    let mut log = decisions("ada", 2);
    log.extend(decisions("ben", 90));
    check(&[("entra/audit.ndjson", ndjson(&log))], NOW, &["GOV-02: ada"]);
}

/// Access that ended in the portal and is still there in the application.
#[test]
fn expiry_that_nobody_enforces() {
    let grants = table(
        "User ID,Role Name,Granted On,Expires",
        &["u1,Approver,2026-05-01,2026-06-20", "u2,Approver,2026-05-01,2026-12-31"],
    );
    let listing = accounts(&[
        "u1,ada,ada@example.com,Active,2020-01-02,2026-06-29",
        "u2,ben,ben@example.com,Active,2020-01-02,2026-06-29",
    ]);
    let files = [(ROSTER, people()), (CRM, listing), ("crm/grants_2026-06-30.csv", grants)];
    check(&files, NOW, &["TBA-02: crm/u1/Approver"]);
}
