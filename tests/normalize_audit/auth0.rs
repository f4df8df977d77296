//! Auth0: short codes, and calls whose meaning is their path.

use serde_json::{Value, json};

use super::{check, with};

fn auth0(code: &str, more: Value) -> Value {
    let base = json!({"date": "2025-03-01T10:00:00.123Z", "type": code, "description": "what it was", "client_id": "c-1", "client_name": "Portal",
        "ip": "192.0.2.1", "user_agent": "curl", "user_id": "auth0|9", "user_name": "ann@acme.example", "log_id": "900"});
    json!({"log_id": "900", "data": with(&base, more)})
}

fn call(method: &str, path: &str, body: Value, answer: Value) -> Value {
    let user = json!({"user_id": "auth0|1", "name": "Boss", "email": "boss@acme.example"});
    let details = json!({"request": {"method": method, "path": path, "body": body, "auth": {"user": user, "strategy": "jwt"}},
        "response": {"statusCode": 200, "body": answer}});
    auth0("sapi", json!({"user_id": "auth0|1", "user_name": null, "details": details}))
}

/// A wrong password would be a use of the account, or a name that somebody tried an account.
#[test]
fn codes_tell_how_a_sign_in_ended() {
    let wrong = json!({"details": {"error": {"message": "Wrong email or password."}, "session_id": "ses-1"}});
    check(
        "auth0",
        auth0("fp", wrong),
        json!({"event_id": "900", "event_type": "fp", "verb": "signin.failed", "outcome": "failure", "reason": "Wrong email or password.",
            "account": {"app": "auth0", "id": "auth0|9", "email": "ann@acme.example"}, "app": {"id": "c-1", "name": "Portal"},
            "session_id": "ses-1", "client_ip": "192.0.2.1"}),
    );
    check(
        "auth0",
        auth0("fu", json!({"user_id": ""})),
        json!({"verb": "signin.failed", "account": {"id": null, "name": "ann@acme.example"}}),
    );
    check("auth0", auth0("s", json!({})), json!({"verb": "signin", "outcome": "success"}));
    check("auth0", auth0("limit_wc", json!({})), json!({"verb": "other", "outcome": "unknown"}));
    let bare = json!({"date": "2025-03-01T10:00:00Z", "type": "slo", "log_id": "901", "user_id": "auth0|9"});
    check("auth0", bare, json!({"event_id": "901", "verb": "signout", "account": {"id": "auth0|9"}}));
}

/// The administrator would be deleted, blocked or given the role.
#[test]
fn a_call_is_about_whom_it_names() {
    check(
        "auth0",
        call("delete", "/api/v2/users/auth0%7C9", json!({}), json!({})),
        json!({"verb": "account.delete", "actor": {"id": "auth0|1", "name": "boss@acme.example"}, "account": {"app": "auth0", "id": "auth0|9"},
            "http_method": "DELETE", "http_path": "/api/v2/users/auth0%7C9", "http_status": 200}),
    );
    for (blocked, verb) in [(true, "account.block"), (false, "account.reactivate")] {
        check(
            "auth0",
            call(
                "patch",
                "/api/v2/users/auth0|9",
                json!({"blocked": blocked}),
                json!({"email": "ann@acme.example"}),
            ),
            json!({"verb": verb, "account": {"id": "auth0|9", "email": "ann@acme.example"}}),
        );
    }
    check(
        "auth0",
        call(
            "post",
            "/api/v2/users",
            json!({"password": "x"}),
            json!({"user_id": "auth0|7", "email": "new@acme.example"}),
        ),
        json!({"verb": "account.create", "account": {"id": "auth0|7", "name": "new@acme.example"}, "changes": null}),
    );
}

/// A call that failed would have changed something.
#[test]
fn a_failed_call_changes_nothing() {
    let mut refused = call("post", "/api/v2/users/auth0|9/roles", json!({"roles": ["rol_1"]}), json!({}));
    refused["data"]["type"] = json!("fapi");
    refused["data"]["details"]["response"]["statusCode"] = json!(403);
    check("auth0", refused, json!({"verb": "role.grant", "outcome": "failure", "http_status": 403}));
}

/// The second role or member would be lost, or a role in one organisation be one in all.
#[test]
fn a_call_that_names_several_is_several() {
    check(
        "auth0",
        call("post", "/api/v2/users/auth0|9/roles", json!({"roles": ["rol_1", "rol_2"]}), json!({})),
        json!([
            {"event_id": "900", "verb": "role.grant", "account": {"id": "auth0|9"}, "entitlement": {"kind": "role", "id": "rol_1"}},
            {"event_id": "900/1", "verb": "role.grant", "account": {"id": "auth0|9"}, "entitlement": {"id": "rol_2"}}]),
    );
    check(
        "auth0",
        call("post", "/api/v2/roles/rol_1/users", json!({"users": ["auth0|8", "auth0|9"]}), json!({})),
        json!([
            {"account": {"id": "auth0|8"}, "entitlement": {"id": "rol_1"}},
            {"account": {"id": "auth0|9"}, "entitlement": {"id": "rol_1"}}]),
    );
    check(
        "auth0",
        call(
            "delete",
            "/api/v2/organizations/org_1/members/auth0|9/roles",
            json!({"roles": ["rol_1"]}),
            json!({}),
        ),
        json!({"verb": "role.revoke", "account": {"id": "auth0|9"}, "entitlement": {"kind": "role", "id": "org_1/rol_1"}}),
    );
    let permission =
        json!({"permissions": [{"permission_name": "read:x", "resource_server_identifier": "https://api"}]});
    check(
        "auth0",
        call("post", "/api/v2/users/auth0|9/permissions", permission, json!({})),
        json!({"verb": "role.grant", "entitlement": {"kind": "permission", "id": "https://api/read:x", "name": "read:x"}}),
    );
    check(
        "auth0",
        call("patch", "/api/v2/tenants/settings", json!({}), json!({})),
        json!({"verb": "other", "account": {"id": null}}),
    );
}
