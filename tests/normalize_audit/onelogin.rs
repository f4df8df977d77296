//! OneLogin: numbers for names, and names that are no logins.

use serde_json::{Value, json};

use super::{check, with};

fn onelogin(event_type_id: Value, more: Value) -> Value {
    let base = json!({"id": 45_016_591_484_u64, "account_id": 1, "event_type_id": event_type_id, "created_at": "2024-02-28T18:31:48.480Z",
        "actor_system": "", "actor_user_id": 7, "actor_user_name": "Lance Boss", "user_id": 9, "user_name": "Ann Berg",
        "app_id": null, "app_name": null, "ipaddr": "192.0.2.1", "notes": null, "error_description": null});
    with(&base, more)
}

/// A display name would be taken for a login, and link the account to the wrong person.
#[test]
fn users_are_known_by_number() {
    for number in [json!(17), json!("17")] {
        check(
            "onelogin",
            onelogin(number, json!({})),
            json!({"event_id": "45016591484", "event_type": "17", "verb": "account.delete", "outcome": "success", "client_ip": "192.0.2.1",
                "actor": {"id": "7", "name": "Lance Boss"}, "account": {"app": "onelogin", "id": "9", "name": null, "email": null}}),
        );
    }
    check(
        "onelogin",
        onelogin(json!(13), json!({"user_name": "ann@acme.example", "actor_system": "API"})),
        json!({"verb": "account.create", "actor": {"id": "API", "kind": "system"}, "account": {"id": "9", "email": "ann@acme.example"}}),
    );
}

/// A refused sign-in would count as use; a privilege have no end.
#[test]
fn numbers_tell_the_outcome() {
    let denied = json!({"app_id": 3, "app_name": "Confluence"});
    check(
        "onelogin",
        onelogin(json!(90), denied),
        json!({"verb": "signin.denied_app", "outcome": "failure", "app": {"id": "3", "name": "Confluence"}}),
    );
    let failed = json!({"notes": "Authentication method: password (invalid password)."});
    check(
        "onelogin",
        onelogin(json!(6), failed),
        json!({"verb": "signin.failed", "outcome": "failure", "reason": "Authentication method: password (invalid password)."}),
    );
    for (number, verb) in [(72, "role.grant"), (73, "role.revoke")] {
        check(
            "onelogin",
            onelogin(json!(number), json!({"privilege_name": "Super user"})),
            json!({"verb": verb, "entitlement": {"kind": "role", "id": "Super user"}, "account": {"id": "9"}}),
        );
    }
    check(
        "onelogin",
        onelogin(json!(13), json!({"error_description": "taken"})),
        json!({"outcome": "failure", "reason": "taken"}),
    );
    // What a role given is, is known, but not how its end is told.
    check(
        "onelogin",
        onelogin(json!(4), json!({"role_name": "Sales"})),
        json!({"verb": "other", "entitlement": {"id": null}}),
    );
    check("onelogin", onelogin(json!(5), json!({"created_at": null})), json!({"rejection": "missing_field"}));
}
