//! Baton's listings: users among other resources, fields that are left out where they are
//! false, and grants by what they are held in.

use lychgate::normalize::{JSON_FORMATS, baton};
use serde_json::{Value, json};

use crate::support::{context, rows_as_json};

fn rows(record: &Value) -> Vec<Value> {
    rows_as_json((baton::FORMAT.normalize)(&record.to_string(), &context(None)))
}

/// Asserts that the record is recognised as Baton's and gives one row that holds at least
/// what is expected, or none for a null; a null in it asks for an absent field.
fn check(given: &Value, expect: &Value) {
    let format = JSON_FORMATS.iter().find(|format| (format.recognises)(given)).map(|format| format.name);
    assert_eq!(format, Some("baton"), "{given}");
    let rows = rows(given);
    assert_eq!(rows.len(), usize::from(!expect.is_null()), "{given}: {rows:?}");
    for (key, value) in expect.as_object().into_iter().flatten() {
        assert_eq!(&rows[0][key], value, "{key} of {} from {given}", rows[0]);
    }
}

fn user(mut about: Value) -> Value {
    about["@type"] = json!("type.googleapis.com/c1.connector.v2.UserTrait");
    json!({"resource": {"id": {"resourceType": "user", "resource": "u-1"}, "displayName": "Ann", "annotations": [
            {"@type": "type.googleapis.com/c1.connector.v2.ExternalLink", "url": "https://app.example"}, about]},
        "resourceType": {"id": "user", "displayName": "User", "traits": ["TRAIT_USER"]}})
}

/// An account would have no login, no status and the second of its addresses.
#[test]
fn users_are_accounts() {
    check(
        &user(
            json!({"emails": [{"address": "old@acme.example"}, {"address": "ann@acme.example", "isPrimary": true}],
            "status": {"status": "STATUS_ENABLED"}, "accountType": "ACCOUNT_TYPE_HUMAN", "login": "ann", "employeeIds": ["E-7"],
            "createdAt": "2024-03-06T12:34:56Z", "lastLogin": "2025-03-06T12:34:56Z", "mfaStatus": {"mfaEnabled": true}}),
        ),
        &json!({"account_id": "u-1", "name": "ann", "display_name": "Ann", "email": "ann@acme.example", "employee_id": "E-7",
            "active": true, "class": "human", "mfa": true}),
    );
    for (about, expect) in [
        (
            json!({"status": {"status": "STATUS_DISABLED", "details": "suspended"}}),
            json!({"active": false, "status": "suspended"}),
        ),
        (
            json!({"status": {"status": "STATUS_DELETED"}}),
            json!({"active": false, "status": "STATUS_DELETED"}),
        ),
        // No second factor is printed as an empty object; nothing is known without one.
        (json!({"mfaStatus": {}, "status": {}}), json!({"mfa": false, "active": null})),
        (
            json!({"accountType": "ACCOUNT_TYPE_SERVICE"}),
            json!({"class": "service", "mfa": null, "active": null, "email": null}),
        ),
        (
            json!({"emails": [{"address": "a@acme.example"}, {"address": "b@acme.example"}], "employeeIds": ["1", "2"]}),
            json!({"email": null, "employee_id": null}),
        ),
        (json!({"emails": [{"address": "a@acme.example"}]}), json!({"email": "a@acme.example"})),
    ] {
        check(&user(about), &expect);
    }
}

/// Groups would be accounts.
#[test]
fn other_resources_are_no_accounts() {
    let group = json!({"resource": {"id": {"resourceType": "group", "resource": "g-1"}, "displayName": "sales"},
        "resourceType": {"id": "group", "traits": ["TRAIT_GROUP"]}});
    check(&group, &Value::Null);
    let nameless = json!({"resource": {"id": {"resourceType": "user"}}, "resourceType": {"id": "user", "traits": ["TRAIT_USER"]}});
    check(&nameless, &json!({"rejection": "missing_field"}));
}

/// Membership in a group would be another thing in a listing than in the application's events.
#[test]
fn grants_by_what_they_are_held_in() {
    let held = |traits: Value, purpose: &str, slug: &str| {
        let entitlement = json!({"id": "group:g-1:slug", "displayName": "sales Thing", "purpose": purpose, "slug": slug,
            "resource": {"id": {"resourceType": "group", "resource": "g-1"}}});
        json!({"grant": {"id": "gr-1", "entitlement": entitlement, "principal": {"id": {"resourceType": "user", "resource": "u-1"}}},
            "entitlement": entitlement, "principal": {"id": {"resourceType": "user", "resource": "u-1"}},
            "resource": {"id": {"resourceType": "group", "resource": "g-1"}, "displayName": "sales"},
            "resourceType": {"id": "group", "traits": traits}})
    };
    let (assignment, permission) = ("PURPOSE_VALUE_ASSIGNMENT", "PURPOSE_VALUE_PERMISSION");
    for (traits, purpose, slug, kind, id, name) in [
        (json!(["TRAIT_GROUP"]), assignment, "member", "group", "g-1", "sales"),
        (json!(["TRAIT_ROLE"]), assignment, "assigned", "role", "g-1", "sales"),
        (json!(["TRAIT_GROUP"]), assignment, "owner", "group", "group:g-1:slug", "sales Thing"),
        (json!(["TRAIT_GROUP"]), permission, "member", "group", "group:g-1:slug", "sales Thing"),
        (json!([]), assignment, "member", "permission", "group:g-1:slug", "sales Thing"),
    ] {
        let record = held(traits, purpose, slug);
        check(
            &record,
            &json!({"account_id": "u-1", "entitlement_kind": kind, "entitlement_id": id, "entitlement_name": name}),
        );
        let mut nested = record.clone();
        nested["principal"] = json!({"id": {"resourceType": "group", "resource": "g-2"}});
        check(&nested, &Value::Null);
        let mut bot = record;
        bot["principal"] = json!({"id": {"resourceType": "bot", "resource": "b-1"},
            "annotations": [{"@type": "type.googleapis.com/c1.connector.v2.UserTrait"}]});
        check(&bot, &json!({"account_id": "b-1"}));
    }
}
