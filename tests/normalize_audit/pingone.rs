//! PingOne: users in addresses, assignments by their own id, changes without values.

use serde_json::{Value, json};

use super::{check, with};

fn pingone(kind: &str, more: Value) -> Value {
    let base = json!({"id": "a-1", "recordedAt": "2024-04-16T20:33:15.525Z", "createdAt": "2024-04-16T20:33:15.542Z", "correlationId": "c-1",
        "action": {"type": kind, "description": "what it was"}, "resources": [], "result": {"status": "SUCCESS", "description": "done"},
        "actors": {"client": {"id": "cl-1", "name": "Portal", "type": "CLIENT"}, "user": {"id": "u-1", "name": "boss@acme.example", "type": "USER"}},
        "source": {"ipAddress": "2001:db8::1", "userAgent": "curl"}, "internalCorrelation": {"sessionId": "s-1"}});
    with(&base, more)
}

/// The administrator would join the group, since the member stands in an address only.
#[test]
fn members_stand_in_the_address() {
    let resources = json!({"resources": [{"type": "MEMBER_OF_GROUP", "id": "g-1", "name": "sales",
        "href": "https://api.pingone.example/v1/environments/e-1/users/u-9/memberOfGroups/g-1"}]});
    check(
        "pingone",
        pingone("MEMBER_OF_GROUP.CREATED", resources),
        json!({"event_id": "a-1", "verb": "group.member.add", "outcome": "success", "occurred_at": "2024-04-16T20:33:15.525Z",
            "actor": {"id": "u-1", "kind": "user", "name": "boss@acme.example"}, "account": {"app": "pingone", "id": "u-9"},
            "entitlement": {"kind": "group", "id": "g-1", "name": "sales"}, "client_ip": "2001:db8::1", "session_id": "s-1"}),
    );
}

/// A role would never end, since its end does not name it.
#[test]
fn assignments_are_known_by_their_own_id() {
    let user = json!([{"type": "USER", "id": "u-9", "name": "ann@acme.example"}]);
    for (kind, verb, told, name) in [
        (
            "ROLE_ASSIGNMENT.CREATED",
            "role.grant",
            "Created role assignment 'ra-1' for role 'ro-1' scoped for ORGANIZATION 'o-1'",
            json!("ro-1"),
        ),
        (
            "ROLE_ASSIGNMENT.DELETED",
            "role.revoke",
            "Deleted role assignment 'ra-1' scoped for ORGANIZATION 'o-1'",
            json!(null),
        ),
    ] {
        check(
            "pingone",
            pingone(kind, json!({"resources": user, "result": {"status": "SUCCESS", "description": told}})),
            json!({"verb": verb, "account": {"id": "u-9", "email": "ann@acme.example"}, "entitlement": {"kind": "role", "id": "ra-1", "name": name}}),
        );
    }
}

/// A refused sign-in would be use; an update that may disable a user be taken for one that did.
#[test]
fn sign_ins_and_updates() {
    check(
        "pingone",
        pingone(
            "USER.ACCESS_DENIED",
            json!({"result": {"status": "FAILED", "description": "Failed role access control"}}),
        ),
        json!({"verb": "signin.denied_app", "outcome": "failure", "account": {"id": "u-1"}, "app": {"id": "cl-1", "name": "Portal"},
            "reason": "Failed role access control"}),
    );
    let update = json!({"resources": [{"type": "USER", "id": "u-9", "name": "ann"}], "_embedded": {"modifiedAttributes": ["enabled", "password"]}});
    check(
        "pingone",
        pingone("USER.UPDATED", update),
        json!({"verb": "account.update", "account": {"id": "u-9", "name": "ann"}, "changes": r#"[{"attribute":"enabled"}]"#}),
    );
    check(
        "pingone",
        pingone("FLOW.CREATED", json!({"result": null})),
        json!({"verb": "other", "outcome": "unknown", "account": {"id": null}}),
    );
}
