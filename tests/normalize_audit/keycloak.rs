//! Keycloak: two kinds of events, representations that may be missing, and its log.

use serde_json::{Value, json};

use super::{check, with};

fn user_event(kind: &str, more: Value) -> Value {
    let base = json!({"id": "e-1", "time": 1_741_000_000_123_i64, "type": kind, "realmId": "r-1", "clientId": "portal", "userId": "u-9",
        "sessionId": "s-1", "ipAddress": "192.0.2.1", "details": {"username": "ann", "auth_method": "openid-connect"}});
    with(&base, more)
}

fn admin_event(operation: &str, resource: &str, path: &str, representation: Value) -> Value {
    let text = if representation.is_null() { Value::Null } else { json!(representation.to_string()) };
    json!({"id": "e-1", "time": 1_741_000_000_123_i64, "realmId": "r-1", "operationType": operation, "resourceType": resource,
        "resourcePath": path, "representation": text,
        "authDetails": {"realmId": "master", "clientId": "admin-cli", "userId": "u-1", "ipAddress": "192.0.2.2"}})
}

/// A refused sign-in would be use, and a name that somebody tried an account.
#[test]
fn the_type_tells_a_failure() {
    check(
        "keycloak",
        user_event("LOGIN", json!({})),
        json!({"event_id": "e-1", "verb": "signin", "outcome": "success", "occurred_at": "2025-03-03T11:06:40.123Z", "session_id": "s-1",
            "account": {"app": "keycloak", "id": "u-9", "name": "ann"}, "app": {"id": "portal"}, "client_ip": "192.0.2.1"}),
    );
    check(
        "keycloak",
        user_event("LOGIN_ERROR", json!({"userId": null, "error": "user_not_found"})),
        json!({"verb": "signin.failed", "outcome": "failure", "reason_code": "user_not_found", "account": {"id": null, "name": "ann"}}),
    );
    check(
        "keycloak",
        user_event("UPDATE_PASSWORD_ERROR", json!({"error": "rejected"})),
        json!({"event_type": "UPDATE_PASSWORD_ERROR", "verb": "credential.reset", "outcome": "failure"}),
    );
    let details = json!({"details": {"previous_email": "a@acme.example", "updated_email": "b@acme.example"}});
    check(
        "keycloak",
        user_event("UPDATE_EMAIL", details),
        json!({"verb": "account.update", "changes": r#"[{"attribute":"email","from":"a@acme.example","to":"b@acme.example"}]"#}),
    );
}

/// The administrator would be in the group, or a role that a group has be a person's.
#[test]
fn the_path_says_who_and_the_representation_what() {
    check(
        "keycloak",
        admin_event(
            "CREATE",
            "GROUP_MEMBERSHIP",
            "users/u-9/groups/g-1",
            json!({"id": "g-1", "name": "sales", "path": "/emea/sales"}),
        ),
        json!({"event_type": "CREATE GROUP_MEMBERSHIP", "verb": "group.member.add", "actor": {"id": "u-1"}, "client_ip": "192.0.2.2",
            "account": {"app": "keycloak", "id": "u-9", "name": null}, "entitlement": {"kind": "group", "id": "g-1", "name": "/emea/sales"}}),
    );
    let roles = json!([{"id": "ro-1", "name": "admin"}, {"id": "ro-2", "name": "auditor"}]);
    check(
        "keycloak",
        admin_event("DELETE", "REALM_ROLE_MAPPING", "users/u-9/role-mappings/realm", roles.clone()),
        json!([
            {"event_id": "e-1", "verb": "role.revoke", "account": {"id": "u-9"}, "entitlement": {"kind": "role", "id": "ro-1", "name": "admin"}},
            {"event_id": "e-1/1", "verb": "role.revoke", "entitlement": {"id": "ro-2"}}]),
    );
    check(
        "keycloak",
        admin_event(
            "CREATE",
            "CLIENT_ROLE_MAPPING",
            "groups/g-1/role-mappings/clients/c-1",
            json!([{"id": "ro-1", "name": "admin"}]),
        ),
        json!({"verb": "role.grant.group", "account": {"id": null}, "app": {"id": "c-1"}, "entitlement": {"id": "ro-1"}}),
    );
    // Keycloak keeps representations only where it is told to.
    check(
        "keycloak",
        admin_event("CREATE", "REALM_ROLE_MAPPING", "users/u-9/role-mappings/realm", json!(null)),
        json!({"verb": "role.grant", "account": {"id": "u-9"}, "entitlement": {"kind": null, "id": null}}),
    );
}

/// A disabled user would stay enabled, or a password be stored.
#[test]
fn an_update_states_the_whole_user() {
    let user = |enabled: bool| json!({"username": "ann", "email": "ann@acme.example", "enabled": enabled, "credentials": [{"value": "x"}]});
    check(
        "keycloak",
        admin_event("UPDATE", "USER", "users/u-9", user(false)),
        json!({"verb": "account.deactivate", "account": {"id": "u-9", "name": "ann", "email": "ann@acme.example"}, "changes": null}),
    );
    check(
        "keycloak",
        admin_event("UPDATE", "USER", "users/u-9", user(true)),
        json!([{"verb": "account.update"}, {"event_id": "e-1/1", "verb": "account.reactivate"}]),
    );
    check(
        "keycloak",
        admin_event("CREATE", "USER", "users/u-9", user(false)),
        json!([{"verb": "account.create"}, {"verb": "account.deactivate"}]),
    );
    check(
        "keycloak",
        admin_event("ACTION", "USER", "users/u-9/reset-password", json!(null)),
        json!({"verb": "credential.reset", "account": {"id": "u-9"}}),
    );
}

/// A person who no longer signs in with Google would have no account any more, and one who begins to would be new.
#[test]
fn what_a_user_has_is_not_the_user() {
    let identity = json!({"identityProvider": "google", "userId": "108", "userName": "ann@gmail.example", "enabled": false});
    for (operation, path) in [
        ("DELETE", "users/u-9/federated-identity/google"),
        ("CREATE", "users/u-9/federated-identity/google"),
        ("DELETE", "users/u-9/credentials/c-9"),
        ("UPDATE", "users/u-9/credentials/c-9/userLabel"),
    ] {
        check(
            "keycloak",
            admin_event(operation, "USER", path, identity.clone()),
            json!([{"verb": "account.update", "account": {"id": "u-9", "name": null}}]),
        );
    }
    for (operation, verb) in [("CREATE", "account.create"), ("DELETE", "account.delete")] {
        check("keycloak", admin_event(operation, "USER", "users/u-9", json!(null)), json!({"verb": verb}));
    }
}

/// The log that Keycloak writes without being told to would be lost.
#[test]
fn the_log_is_read_as_the_api() {
    let line = |message: &str| json!({"timestamp": "2025-03-01T10:00:00.123456789Z", "sequence": 7, "loggerName": "org.keycloak.events", "level": "WARN", "message": message});
    check(
        "keycloak",
        line(
            r#"type="LOGIN_ERROR", realmId="r-1", realmName="acme", clientId="portal", userId="null", ipAddress="192.0.2.1", error="user_not_found", username="ann, b""#,
        ),
        json!({"verb": "signin.failed", "outcome": "failure", "occurred_at": "2025-03-01T10:00:00.123456Z", "reason_code": "user_not_found",
            "account": {"id": null, "name": "ann, b"}, "app": {"id": "portal"}}),
    );
    check(
        "keycloak",
        line(
            "operationType=DELETE, realmId=r-1, clientId=admin-cli, userId=u-1, ipAddress=192.0.2.2, resourceType=USER, resourcePath=users/u-9",
        ),
        json!({"event_type": "DELETE USER", "verb": "account.delete", "actor": {"id": "u-1"}, "account": {"id": "u-9"}, "client_ip": "192.0.2.2"}),
    );
}
