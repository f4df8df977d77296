//! Salesforce: ids of two lengths, users in sentences, and rows of tables.

use std::io::Cursor;

use lychgate::ingest::{Input, Limits, RawRecord};
use lychgate::normalize::choose;
use lychgate::normalize::table::Overrides;
use serde_json::{Value, json};

use super::{check, context};

fn trail(action: &str, display: &str) -> Value {
    json!({"Id": "0Ym1", "Action": action, "Section": "Manage Users", "Display": display, "CreatedDate": "2023-03-09T17:50:17.000+0000",
        "CreatedById": "0055f00000CyENt", "CreatedBy": {"Username": "boss@acme.example"}, "DelegateUser": null})
}

/// The administrator would be deactivated, or one user be two by the length of the id.
#[test]
fn users_stand_in_the_sentence() {
    check(
        "salesforce",
        trail("deactivateduser", "Deactivated user Ann Berg (UserID: [0055f00000CyENt])"),
        json!({"event_id": "0Ym1", "verb": "account.deactivate", "outcome": "success", "occurred_at": "2023-03-09T17:50:17Z",
            "actor": {"id": "0055f00000CyENtAAN", "name": "boss@acme.example"}, "account": {"app": "salesforce", "id": "0055f00000CyENtAAN", "name": null},
            "reason": "Deactivated user Ann Berg (UserID: [0055f00000CyENt])"}),
    );
    // Two people may have this name.
    check(
        "salesforce",
        trail("createduser", "Created new user Ann Berg"),
        json!({"verb": "account.create", "account": {"app": null, "id": null}}),
    );
}

/// A permission would have no end, or the old profile be kept with the new.
#[test]
fn permission_sets_and_profiles() {
    for (action, verb, how) in [
        ("PermSetAssign", "role.grant", "assigned to"),
        ("PermSetUnassign", "role.revoke", "unassigned from"),
    ] {
        check(
            "salesforce",
            trail(
                action,
                &format!("Permission set Sales_API: {how} user Ann Berg (UserID: [0055f00000CyENt])"),
            ),
            json!({"verb": verb, "account": {"id": "0055f00000CyENtAAN"}, "entitlement": {"kind": "role", "id": "Sales_API"}}),
        );
    }
    check(
        "salesforce",
        trail(
            "changedprofileforuser",
            "Changed profile for user Ann Berg (UserID: [0055f00000CyENt]) from Standard User to System Administrator",
        ),
        json!([
            {"event_id": "0Ym1", "verb": "role.grant", "entitlement": {"id": "profile/System Administrator", "name": "System Administrator"}},
            {"event_id": "0Ym1/1", "verb": "role.revoke", "entitlement": {"id": "profile/Standard User"}}]),
    );
    check(
        "salesforce",
        trail("groupMembership", "Changed membership of Group All Internal Users "),
        json!({"verb": "group.update", "account": {"id": null}, "entitlement": {"kind": "group", "id": "All Internal Users"}}),
    );
}

fn login(status: &str) -> Value {
    json!({"EVENT_TYPE": "Login", "TIMESTAMP": "20230315013819.200", "TIMESTAMP_DERIVED": "2023-03-15T01:38:19.151Z", "ORGANIZATION_ID": "00D1",
        "REQUEST_ID": "r-1", "USER_ID": "0055f00000CyENt", "USER_ID_DERIVED": "0055f00000CyENtAAN", "USER_NAME": "ann@acme.example",
        "CLIENT_IP": "Salesforce.com IP", "SOURCE_IP": "192.0.2.1", "LOGIN_STATUS": status, "URI": "/index.jsp", "SESSION_KEY": ""})
}

/// A refused or half-done sign-in would count as use.
#[test]
fn sign_ins_have_a_status() {
    check(
        "salesforce",
        login("LOGIN_NO_ERROR"),
        json!({"event_type": "Login", "verb": "signin", "outcome": "success", "reason_code": null, "client_ip": "192.0.2.1", "correlation_id": "r-1",
            "account": {"app": "salesforce", "id": "0055f00000CyENtAAN", "email": "ann@acme.example"}}),
    );
    for (status, outcome) in
        [("LOGIN_OAUTH_NO_CONSUMER", "failure"), ("LOGIN_CHALLENGE_ISSUED", "unknown"), ("", "unknown")]
    {
        check("salesforce", login(status), json!({"outcome": outcome}));
    }
    let as_ann = json!({"EVENT_TYPE": "LoginAs", "TIMESTAMP": "2021-08-19 09:05:03.392", "USER_ID": "0055f00000CyENt", "DELEGATED_USER_ID": "0055f00000CyENu",
        "DELEGATED_USER_NAME": "boss@acme.example"});
    check(
        "salesforce",
        as_ann,
        json!({"verb": "impersonate", "actor": {"name": "boss@acme.example"}, "account": {"id": "0055f00000CyENtAAN"}}),
    );
}

/// The files that Salesforce hands out are tables, and would be refused as a roster.
#[test]
fn tables_are_read_as_records() {
    let text = "\"EVENT_TYPE\",\"TIMESTAMP\",\"REQUEST_ID\",\"ORGANIZATION_ID\",\"USER_ID\",\"USER_ID_DERIVED\",\"TIMESTAMP_DERIVED\",\"USER_NAME\",\"LOGIN_STATUS\",\"SOURCE_IP\"\n\
        \"Login\",\"20230315013819.200\",\"r-1\",\"00D1\",\"0055f00000CyENt\",\"0055f00000CyENtAAN\",\"2023-03-15T01:38:19.151Z\",\"ann@acme.example\",\"LOGIN_NO_ERROR\",\"192.0.2.1\"\n";
    let input =
        Input::from_reader("given", Cursor::new(text.as_bytes().to_vec()), Limits::default()).unwrap();
    for forced in [None, Some("salesforce")] {
        let reader = choose(input.sample(), "given", forced, &Overrides::default()).unwrap();
        assert_eq!(reader.name(), "salesforce");
        let (mut rows, context) = (Vec::new(), context(None));
        let records: Vec<_> = input.sample().bodies().map(|body| RawRecord { line: 2, body }).collect();
        for record in &records {
            rows.extend(reader.read(record, &context).unwrap());
        }
        let row = serde_json::to_value(&rows[0]).unwrap();
        assert_eq!(
            (rows.len(), &row["verb"], &row["account"]["id"]),
            (1, &json!("signin"), &json!("0055f00000CyENtAAN"))
        );
    }
    // A roster stays a roster, and no other format may be a table.
    let roster = "employee_id,name,email,hire_date,manager\n1,Ann,ann@acme.example,2020-01-01,2\n";
    let input =
        Input::from_reader("given", Cursor::new(roster.as_bytes().to_vec()), Limits::default()).unwrap();
    let refused =
        choose(input.sample(), "given", Some("okta"), &Overrides::default()).map(|reader| reader.name());
    assert!(refused.is_err_and(|refused| refused.to_string().contains("laid out as a table")));
    assert_eq!(choose(input.sample(), "given", None, &Overrides::default()).unwrap().name(), "roster");
}
