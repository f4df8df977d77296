//! OCSF: one number for class and activity, users of many products, sessions that end.

use serde_json::{Value, json};

use super::{check, with};

fn ocsf(class: u32, activity: u32, more: Value) -> Value {
    let base = json!({"class_uid": class, "category_uid": 3, "activity_id": activity, "type_uid": class * 100 + activity, "severity_id": 1,
        "time": 1_741_000_000_123_i64, "status_id": 1, "metadata": {"version": "1.8.0", "uid": "m-1", "correlation_uid": "c-1",
            "product": {"name": "Okta", "vendor_name": "Okta"}},
        "actor": {"user": {"uid": "u-1", "name": "boss", "email_addr": "boss@acme.example", "type": "Admin"}},
        "user": {"uid": "u-9", "name": "ann", "email_addr": "ann@acme.example"}, "src_endpoint": {"ip": "192.0.2.1"}});
    with(&base, more)
}

/// An event would be of no application, or of one by the name of its log.
#[test]
fn accounts_are_those_of_the_product() {
    check(
        "ocsf",
        ocsf(3001, 5, json!({})),
        json!({"event_id": "m-1", "event_type": "300105", "verb": "account.deactivate", "outcome": "success", "occurred_at": "2025-03-03T11:06:40.123Z",
            "actor": {"id": "u-1", "kind": "admin", "name": "boss@acme.example"}, "client_ip": "192.0.2.1", "correlation_id": "c-1",
            "account": {"app": "okta", "id": "u-9", "name": "ann", "email": "ann@acme.example"}}),
    );
    for (product, app) in
        [("CloudTrail", "aws"), ("Microsoft Entra ID", "entra"), ("Some App 2.0", "some_app_2_0")]
    {
        let metadata = json!({"metadata": {"version": "1.8.0", "product": {"name": product}}});
        check("ocsf", ocsf(3001, 1, metadata), json!({"verb": "account.create", "account": {"app": app}}));
    }
    // Without its number an event still has a class and an activity.
    check(
        "ocsf",
        ocsf(3001, 6, json!({"type_uid": null})),
        json!({"event_type": "300106", "verb": "account.delete"}),
    );
}

/// A sign-in that says nothing of its end would be a use of the account.
#[test]
fn the_status_decides() {
    let service = json!({"service": {"name": "Portal", "uid": "s-1"}, "session": {"uid": "ses-1"}});
    check(
        "ocsf",
        ocsf(3002, 1, service),
        json!({"verb": "signin", "outcome": "success", "app": {"id": "s-1", "name": "Portal"}, "session_id": "ses-1"}),
    );
    let failed =
        json!({"status_id": 2, "status_code": "INVALID_CREDENTIALS", "status_detail": "wrong password"});
    check(
        "ocsf",
        ocsf(3002, 1, failed),
        json!({"verb": "signin", "outcome": "failure", "reason_code": "INVALID_CREDENTIALS", "reason": "wrong password"}),
    );
    check("ocsf", ocsf(3002, 1, json!({"status_id": null})), json!({"outcome": "unknown"}));
    check(
        "ocsf",
        ocsf(3002, 1, json!({"status_id": null, "status": "Failure"})),
        json!({"outcome": "failure"}),
    );
    check("ocsf", ocsf(6003, 1, json!({})), json!({"event_type": "600301", "verb": "other"}));
}

/// The second role would be lost, one of a session be held for ever, or a group's be a person's.
#[test]
fn roles_privileges_and_groups() {
    check(
        "ocsf",
        ocsf(
            3007,
            16,
            json!({"iam_roles": [{"uid": "r-1", "name": "admin"}, {"uid": "r-2", "name": "auditor"}]}),
        ),
        json!([
            {"event_id": "m-1", "verb": "role.grant", "account": {"id": "u-9"}, "entitlement": {"kind": "role", "id": "r-1", "name": "admin"}},
            {"event_id": "m-1/1", "verb": "role.grant", "entitlement": {"id": "r-2"}}]),
    );
    check(
        "ocsf",
        ocsf(
            3005,
            2,
            json!({"privileges": ["s3:GetObject"], "resource": {"uid": "arn:x", "name": "bucket"}}),
        ),
        json!({"verb": "role.revoke", "entitlement": {"kind": "permission", "id": "s3:GetObject"}, "app": {"id": "arn:x", "name": "bucket"}}),
    );
    check(
        "ocsf",
        ocsf(3001, 7, json!({"policy": {"uid": "p-1", "name": "ReadOnly"}})),
        json!({"verb": "role.grant", "entitlement": {"kind": "role", "id": "p-1", "name": "ReadOnly"}}),
    );
    check(
        "ocsf",
        ocsf(3006, 3, json!({"group": {"uid": "g-1", "name": "sales"}})),
        json!({"verb": "group.member.add", "account": {"id": "u-9"}, "entitlement": {"kind": "group", "id": "g-1", "name": "sales"}}),
    );
    check(
        "ocsf",
        ocsf(3003, 1, json!({"privileges": ["SeDebugPrivilege"]})),
        json!({"verb": "session.use", "account": {"id": "u-9"}, "entitlement": {"kind": null}}),
    );
}

/// A rename would make a second account, a deleted bucket delete whoever deleted it.
#[test]
fn updates_and_entities() {
    let renamed = json!({"updated_user": {"uid": "u-9", "name": "ann.b", "password": "x"}});
    check(
        "ocsf",
        ocsf(3007, 2, renamed),
        json!({"verb": "account.rename", "account": {"id": "u-9", "name": "ann.b"}, "changes": r#"[{"attribute":"name","from":"ann","to":"ann.b"}]"#}),
    );
    check(
        "ocsf",
        ocsf(3004, 4, json!({"user": null, "entity": {"type": "User", "uid": "u-7", "name": "bob"}})),
        json!({"verb": "account.delete", "account": {"app": "okta", "id": "u-7", "name": "bob"}}),
    );
    check(
        "ocsf",
        ocsf(3004, 4, json!({"user": null, "entity": {"type": "Bucket", "uid": "b-1"}})),
        json!({"verb": "other", "account": {"id": null}}),
    );
}
