//! Google Cloud: bindings, members that are many, keys, and Workspace's events among them.

use serde_json::{Value, json};

use super::{check, with};

fn entry(service: &str, method: &str, more: Value) -> Value {
    let payload = json!({"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": format!("{service}.googleapis.com"),
        "methodName": method, "resourceName": "projects/p-1", "status": {},
        "authenticationInfo": {"principalEmail": "boss@acme.example", "principalSubject": "user:boss@acme.example"},
        "requestMetadata": {"callerIp": "192.0.2.1", "callerSuppliedUserAgent": "gcloud"},
        "authorizationInfo": [{"permission": "x", "granted": true}]});
    json!({"insertId": "i-1", "timestamp": "2025-03-01T10:00:00.123456789Z", "logName": "projects/p-1/logs/cloudaudit.googleapis.com%2Factivity",
        "resource": {"type": "project", "labels": {"project_id": "p-1"}}, "protoPayload": with(&payload, more)})
}

fn deltas(list: Value) -> Value {
    json!({"serviceData": {"policyDelta": {"bindingDeltas": list}}})
}

/// The second binding, often the removal, would be lost; or an owner of one project own all.
#[test]
fn each_binding_that_changed_is_a_row() {
    let list = json!([
        {"action": "ADD", "role": "roles/owner", "member": "user:ann@acme.example",
         "condition": {"expression": "request.time < timestamp(\"2026-01-01T00:00:00Z\")"}},
        {"action": "REMOVE", "role": "roles/viewer", "member": "deleted:serviceAccount:bot@p-1.iam.gserviceaccount.com?uid=12"},
        {"action": "ADD", "role": "roles/viewer", "member": "allUsers"},
        {"action": "ADD", "role": "roles/viewer", "member": "group:all@acme.example"}]);
    check(
        "gcp_audit",
        entry("cloudresourcemanager", "SetIamPolicy", deltas(list)),
        json!([
            {"event_id": "2025-03-01T10:00:00.123456Z/i-1", "verb": "role.grant", "outcome": "success", "client_ip": "192.0.2.1",
             "actor": {"id": "boss@acme.example", "kind": "user"}, "account": {"app": "google_cloud", "id": "ann@acme.example", "email": "ann@acme.example"},
             "entitlement": {"kind": "role", "id": "projects/p-1/roles/owner", "name": "roles/owner"}, "expires_at": "2026-01-01T00:00:00Z", "app": {"id": "p-1"}},
            {"event_id": "2025-03-01T10:00:00.123456Z/i-1/1", "verb": "role.revoke", "account": {"id": "bot@p-1.iam.gserviceaccount.com"}, "expires_at": null},
            {"verb": "role.grant.group", "account": {"id": null}, "entitlement": {"id": "projects/p-1/roles/viewer"}},
            {"verb": "role.grant.group", "account": {"id": null}}]),
    );
    // Who had what before is not told, so nobody is said to have gained it.
    let policy = json!({"request": {"policy": {"bindings": [{"role": "roles/owner", "members": ["user:ann@acme.example"]}]}}});
    check(
        "gcp_audit",
        entry("run", "google.cloud.run.v1.Services.SetIamPolicy", policy),
        json!({"verb": "role.change", "account": {"id": null}, "entitlement": {"id": null}}),
    );
}

/// A call that was refused would have given the role.
#[test]
fn refused_calls_fail() {
    let list = || json!([{"action": "ADD", "role": "roles/owner", "member": "user:ann@acme.example"}]);
    for refused in [
        json!({"status": {"code": 7, "message": "denied"}}),
        json!({"authorizationInfo": [{"permission": "x", "granted": false}, {"permission": "y", "granted": false}]}),
    ] {
        let refused = with(&deltas(list()), refused);
        check(
            "gcp_audit",
            entry("cloudresourcemanager", "SetIamPolicy", refused),
            json!({"verb": "role.grant", "outcome": "failure"}),
        );
    }
    let partly = json!({"authorizationInfo": [{"permission": "x", "granted": false}, {"permission": "y", "granted": true}]});
    check(
        "gcp_audit",
        entry("storage", "storage.objects.get", partly),
        json!({"verb": "other", "outcome": "success"}),
    );
}

/// A key would never end, have an end in the year 9999, or be used without a trace.
#[test]
fn service_accounts_and_their_keys() {
    let name = "projects/p-1/serviceAccounts/bot@p-1.iam.gserviceaccount.com";
    let created = json!({"resourceName": "projects/-/serviceAccounts/1142", "response": {"name": format!("{name}/keys/k-1"),
        "private_key_data": "secret", "valid_before_time": {"seconds": 253_402_300_799_i64}}});
    let bot = json!({"app": "google_cloud", "id": "bot@p-1.iam.gserviceaccount.com"});
    check(
        "gcp_audit",
        entry("iam", "google.iam.admin.v1.CreateServiceAccountKey", created),
        json!({"verb": "token.create", "account": bot, "credential": {"kind": "api_token", "id": "k-1"}, "expires_at": null, "changes": null}),
    );
    check(
        "gcp_audit",
        entry(
            "iam",
            "google.iam.admin.v1.DeleteServiceAccountKey",
            json!({"request": {"name": format!("{name}/keys/k-1")}}),
        ),
        json!({"verb": "token.revoke", "account": bot, "credential": {"id": "k-1"}}),
    );
    check(
        "gcp_audit",
        entry("iam", "google.iam.admin.v1.DisableServiceAccount", json!({"resourceName": name})),
        json!({"verb": "account.deactivate", "account": bot}),
    );
    let signed = json!({"authenticationInfo": {"principalEmail": "bot@p-1.iam.gserviceaccount.com",
        "serviceAccountKeyName": format!("//iam.googleapis.com/{name}/keys/k-1")}});
    check(
        "gcp_audit",
        entry("storage", "storage.objects.get", signed),
        json!({"verb": "token.use", "account": bot, "credential": {"id": "k-1"}}),
    );
}

/// Workspace's events would be `other`, and the administrator in the group.
#[test]
fn workspace_events_keep_their_meaning() {
    let events = json!({"metadata": {"event": [
        {"eventName": "ADD_GROUP_MEMBER", "parameter": [{"name": "USER_EMAIL", "value": "ann@acme.example"}, {"name": "GROUP_EMAIL", "value": "fin@acme.example"}]},
        {"eventName": "SUSPEND_USER", "parameter": [{"name": "USER_EMAIL", "value": "bob@acme.example"}]}]}});
    check(
        "gcp_audit",
        entry("admin", "google.admin.AdminService.addGroupMember", events),
        json!([
            {"verb": "group.member.add", "account": {"app": "google_workspace", "id": "ann@acme.example"}, "entitlement": {"kind": "group", "id": "fin@acme.example"}},
            {"verb": "account.suspend", "account": {"id": "bob@acme.example"}}]),
    );
    let failed = json!({"metadata": {"event": [{"eventName": "login_failure"}]}});
    check(
        "gcp_audit",
        entry("login", "google.login.LoginService.loginFailure", failed),
        json!({"verb": "signin.failed", "outcome": "failure", "account": {"id": "boss@acme.example"}}),
    );
}
