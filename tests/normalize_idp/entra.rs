//! The three logs of Entra: envelopes, refinements of verbs, and misleading results.

use serde_json::{Map, Value, json};

use super::{check, recognised_by, with};

fn audit(activity: &str, more: Value) -> (&'static str, Value) {
    let base = json!({
        "id": "Directory_1", "activityDisplayName": activity, "activityDateTime": "2025-03-01T10:00:00.1234567Z",
        "result": "success", "correlationId": "c-1", "category": "UserManagement",
        "initiatedBy": {"user": {"id": "a-1", "userPrincipalName": "admin@acme.example", "ipAddress": "192.0.2.1"}},
        "targetResources": [{"type": "User", "id": "e-ann", "userPrincipalName": "ann@acme.example"}],
    });
    ("entra_audit", with(base, more))
}

fn modified(name: &str, from: &str, to: &str) -> Value {
    json!({"targetResources": [{"type": "User", "id": "e-ann", "userPrincipalName": "ann@acme.example",
        "modifiedProperties": [{"displayName": name, "oldValue": from, "newValue": to}]}]})
}

/// A leaver that was switched off by "Update user" would be reported as still active.
#[test]
fn entra_update_user_means_what_it_changed() {
    let cases = [
        (modified("AccountEnabled", "[true]", "[false]"), "account.deactivate"),
        (modified("accountEnabled", "false", "\"True\""), "account.reactivate"),
        (modified("AccountEnabled", "[false]", "[false]"), "account.update"),
        (
            modified("UserPrincipalName", "[\"ann@acme.example\"]", "[\"ann.b@acme.example\"]"),
            "account.rename",
        ),
        (modified("Department", "[\"IT\"]", "[\"HR\"]"), "account.update"),
    ];
    for (more, verb) in cases {
        check(audit("Update user", more), json!({"verb": verb, "account": {"app": "entra", "id": "e-ann"}}));
    }
    let renamed = modified("UserPrincipalName", "\"ann@acme.example\"", "\"ann.b@acme.example\"");
    check(audit("Update user", renamed), json!({"account": {"name": "ann.b@acme.example"}}));
    // A rename that failed leaves the old name.
    let refused = with(
        modified("UserPrincipalName", "\"ann@acme.example\"", "\"ann.b@acme.example\""),
        json!({"result": "failure"}),
    );
    check(
        audit("Update user", refused),
        json!({"outcome": "failure", "account": {"name": "ann@acme.example"}}),
    );
    check(audit("Update user", modified("PasswordProfile", "\"a\"", "\"b\"")), json!({"changes": null}));
}

/// A secret that was taken away would be one more that somebody who left may know.
#[test]
fn entra_lists_the_secrets_that_an_application_has() {
    let secret =
        |name: &str| format!("[KeyIdentifier={name},KeyType=Password,KeyUsage=Verify,DisplayName={name}]");
    let list = |names: &[&str]| json!(names.iter().map(|name| secret(name)).collect::<Vec<_>>()).to_string();
    for (from, to, verb) in [
        (&["a"][..], &["a", "b"][..], "token.create"),
        (&[], &["a"], "token.create"),
        (&["a", "b"], &["b"], "token.revoke"),
        (&["a"], &[], "token.revoke"),
        (&["a"], &["b"], "token.create"),
    ] {
        let activity = "Update application – Certificates and secrets management";
        let given = audit(activity, modified("KeyDescription", &list(from), &list(to)));
        check(given, json!({"verb": verb, "credential": {"kind": "client_secret"}}));
    }
}

/// The same change exported twice would be two events, or one of them unreadable.
#[test]
fn entra_audit_envelopes_say_the_same() {
    let (_, bare) = audit("Disable account", json!({}));
    let expect = json!([{"event_id": "Directory_1", "verb": "account.deactivate", "outcome": "success",
        "occurred_at": "2025-03-01T10:00:00.123456Z", "client_ip": "192.0.2.1", "correlation_id": "c-1",
        "actor": {"id": "a-1", "kind": "user", "name": "admin@acme.example"},
        "account": {"app": "entra", "id": "e-ann", "name": "ann@acme.example", "email": "ann@acme.example"}}]);
    let outer = json!({"time": "2025-03-01T10:05:00Z", "category": "AuditLogs", "operationName": "Disable account", "resultSignature": "None"});
    let envelopes = [
        bare.clone(),
        capitalised(&bare),
        lowered(&bare),
        with(outer.clone(), json!({"properties": bare})),
        with(outer, json!({"properties": bare.to_string()})),
    ];
    for envelope in envelopes {
        assert_eq!(recognised_by(&envelope), ["entra_audit"], "{envelope}");
        check(("entra_audit", envelope), expect.clone());
    }
    // A deleted user's principal name carries the user's id in front.
    let deleted = json!({"targetResources": [{"type": "User", "id": "0a1b2c3d-0000-1111-2222-333344445555",
        "userPrincipalName": "0a1b2c3d000011112222333344445555ann@acme.example"}]});
    check(
        audit("Delete user", deleted),
        json!({"verb": "account.delete", "account": {"name": "ann@acme.example"}}),
    );
    check(audit("Add user", json!({"activityDateTime": null})), json!({"rejection": "missing_field"}));
}

fn recased(value: &Value, case: fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, value)| (case(key), recased(value, case))).collect::<Map<_, _>>(),
        ),
        Value::Array(items) => items.iter().map(|item| recased(item, case)).collect(),
        other => other.clone(),
    }
}

fn capitalised(value: &Value) -> Value {
    recased(value, |key| key[..1].to_uppercase() + &key[1..])
}

fn lowered(value: &Value) -> Value {
    recased(value, |key| key.to_lowercase())
}

/// A grant would hang on a role or group that the removal, logged the other way, never names.
#[test]
fn entra_relations_are_read_from_either_end() {
    let by_property = json!({"targetResources": [{"type": "User", "id": "e-ann", "modifiedProperties": [
        {"displayName": "Group.ObjectID", "oldValue": null, "newValue": "\"g-1\""},
        {"displayName": "Group.DisplayName", "oldValue": null, "newValue": "\"Finance\""}]}]});
    let by_target = json!({"targetResources": [{"type": "User", "id": "e-ann"}, {"Type": "Group", "id": "g-1", "displayName": "Finance"}]});
    for more in [by_property, by_target] {
        check(
            audit("Add member to group", more),
            json!({"verb": "group.member.add", "account": {"id": "e-ann"}, "entitlement": {"kind": "group", "id": "g-1", "name": "Finance"}}),
        );
    }
    let app = json!({"targetResources": [{"type": "ServicePrincipal", "id": "sp-1", "displayName": "Box", "modifiedProperties": [
        {"displayName": "User.ObjectID", "oldValue": "\"e-ann\"", "newValue": null},
        {"displayName": "User.UPN", "oldValue": "\"ann@acme.example\"", "newValue": null}]}]});
    check(
        audit("Remove app role assignment from user", app),
        json!({"verb": "app.unassign", "account": {"id": "e-ann", "name": "ann@acme.example"}, "app": {"id": "sp-1", "name": "Box"}, "entitlement": {"kind": "app", "id": "sp-1"}}),
    );
}

/// One expiry would be counted as two removals, or its end date be lost.
#[test]
fn entra_privileged_roles_end_once() {
    let role = json!({"type": "Role", "id": "62e90394", "displayName": "Global Administrator"});
    let both = json!([role, {"type": "User", "id": "e-ann", "userPrincipalName": "ann@acme.example"}]);
    let expect = json!({"verb": "role.expire", "reason_code": null, "entitlement": {"kind": "role", "id": "62e90394"}});
    check(
        audit("Remove member from role (PIM activation expired)", json!({"targetResources": both})),
        expect,
    );
    let core = json!({"initiatedBy": {"app": {"displayName": "MS-PIM", "servicePrincipalId": "sp-pim"}},
        "targetResources": [{"type": "User", "id": "e-ann", "modifiedProperties": [
            {"displayName": "Role.DisplayName", "oldValue": "\"Global Administrator\"", "newValue": null},
            {"displayName": "Role.TemplateId", "oldValue": "\"62e90394\"", "newValue": null}]}]});
    let expect = json!({"verb": "role.revoke", "reason_code": "pim_echo", "actor": {"kind": "application", "name": "MS-PIM"}, "entitlement": {"id": "62e90394"}});
    check(audit("Remove member from role", core), expect);
    check(audit("Remove member from role", json!({})), json!({"verb": "role.revoke", "reason_code": null}));
    let timed = json!({"targetResources": both, "additionalDetails": [{"key": "ExpirationTime", "value": "2025-03-02T00:00:00Z"}]});
    check(
        audit("Add member to role in PIM completed (timebound)", timed),
        json!({"verb": "role.grant.timebound", "expires_at": "2025-03-02T00:00:00Z"}),
    );
}

fn sign_in(more: Value) -> (&'static str, Value) {
    let base = json!({"id": "s-1", "createdDateTime": "2025-03-01T10:00:00Z", "userId": "e-ann", "userPrincipalName": "ann@acme.example",
        "appId": "app-1", "appDisplayName": "Box", "status": {"errorCode": 0}, "isInteractive": true});
    ("entra_signin", with(base, more))
}

/// A failed sign-in would keep a dormant account awake.
#[test]
fn entra_sign_in_succeeds_by_error_code() {
    let ann = json!({"app": "entra", "id": "e-ann", "email": "ann@acme.example"});
    check(
        sign_in(json!({})),
        json!({"event_type": "SignInLogs", "verb": "signin", "outcome": "success", "reason_code": null, "account": ann, "app": {"id": "app-1", "name": "Box"}}),
    );
    let failed =
        json!({"status": {"errorCode": 50126, "failureReason": "Invalid password"}, "resultType": "Success"});
    check(
        sign_in(failed),
        json!({"verb": "signin", "outcome": "failure", "reason_code": "50126", "reason": "Invalid password"}),
    );
    check(
        sign_in(json!({"signInEventTypes": ["nonInteractiveUser"]})),
        json!({"event_type": "NonInteractiveUserSignInLogs", "verb": "signin"}),
    );
    let workload = json!({"time": "2025-03-01T10:00:00Z", "category": "ManagedIdentitySignInLogs", "resultType": "0",
        "properties": {"id": "s-2", "servicePrincipalId": "sp-1", "servicePrincipalName": "backup"}});
    check(
        ("entra_signin", workload),
        json!({"verb": "signin.workload", "outcome": "success", "account": {"app": "entra", "id": "sp-1", "name": "backup"}}),
    );
}

fn provisioned(more: Value) -> (&'static str, Value) {
    let base = json!({"id": "p-1", "jobId": "box.1", "activityDateTime": "2025-03-01T10:00:00Z", "provisioningAction": "disable", "changeId": "c-1",
        "provisioningStatusInfo": {"status": "success"}, "durationInMilliseconds": 12,
        "servicePrincipal": {"id": "sp-box", "displayName": "Box"}, "targetSystem": {"displayName": "Box"},
        "initiatedBy": {"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "System"},
        "sourceIdentity": {"id": "e-ann", "identityType": "User", "details": {"UserPrincipalName": "ann@acme.example"}},
        "targetIdentity": {"id": "box-7", "identityType": "User", "details": {}}});
    ("entra_provisioning", with(base, more))
}

/// A failed disable would pass for a closed account, because the envelope says Success.
#[test]
fn entra_provisioning_trusts_only_the_provisioning_status() {
    let account = json!({"app": "sp-box", "id": "box-7", "name": "ann@acme.example", "external_id": "e-ann"});
    let done = json!({"event_id": "p-1/box.1", "verb": "provision.deactivate", "outcome": "success", "account": account,
        "app": {"id": "sp-box", "name": "Box"}, "actor": {"kind": "system"}, "latency_ms": 12});
    check(provisioned(json!({})), done.clone());
    let (_, bare) = provisioned(json!({}));
    check(("entra_provisioning", capitalised(&bare)), done);
    let (_, failed) = provisioned(
        json!({"provisioningStatusInfo": {"Status": "failure", "errorInformation": {"errorCode": "SystemForCrossDomainIdentityManagementServiceIncompatible", "reason": "404"}}, "statusInfo": {"Status": 0}}),
    );
    let enveloped = json!({"category": "ProvisioningLogs", "resultType": "Success", "time": "2025-03-01T10:00:01Z", "properties": failed});
    assert_eq!(recognised_by(&enveloped), ["entra_provisioning"]);
    check(
        ("entra_provisioning", enveloped),
        json!({"outcome": "failure", "reason_code": "SystemForCrossDomainIdentityManagementServiceIncompatible", "reason": "404"}),
    );
    for (status, outcome) in [("skipped", "skipped"), ("warning", "unknown"), ("success", "success")] {
        check(
            provisioned(
                json!({"provisioningAction": "create", "provisioningStatusInfo": {"status": status}}),
            ),
            json!({"verb": "provision.create", "outcome": outcome}),
        );
    }
    // Two jobs tell of one change under one id.
    check(provisioned(json!({"jobId": "slack.2"})), json!({"event_id": "p-1/slack.2"}));
    // A group is no account, and accounts made from HR are Entra's own.
    let group = json!({"sourceIdentity": {"id": "g-1", "displayName": "Finance", "identityType": "Group"}, "targetIdentity": {"id": "", "identityType": "Group"}});
    check(
        provisioned(group),
        json!({"account": {"app": null, "id": null}, "entitlement": {"kind": "group", "id": "g-1", "name": "Finance"}}),
    );
    check(
        provisioned(json!({"targetSystem": {"displayName": "Azure Active Directory"}})),
        json!({"account": {"app": "entra", "id": "box-7"}}),
    );
}

/// A diagnostic setting sends several logs as one stream: sign-ins would be changes to the directory, and failed
/// deprovisioning a word that nobody knows.
#[test]
fn entra_records_are_read_by_their_own_log() {
    let enveloped = |category: &str, (log, record): (&'static str, Value)| {
        let more = json!({"category": category, "time": "2025-03-01T10:00:01Z", "properties": record});
        (log, more)
    };
    let (_, signed_in) = enveloped("SignInLogs", sign_in(json!({})));
    let (_, failed) =
        enveloped("ProvisioningLogs", provisioned(json!({"provisioningStatusInfo": {"status": "failure"}})));
    for log in ["entra_audit", "entra_signin", "entra_provisioning"] {
        check((log, signed_in.clone()), json!({"source": "entra_signin", "verb": "signin"}));
        check((log, failed.clone()), json!({"source": "entra_provisioning", "outcome": "failure"}));
        let other = json!({"category": "RiskyUsers", "time": "2025-03-01T10:00:01Z", "operationName": "Risky user", "properties": {"id": "r"}});
        check((log, other), json!({"rejection": "unknown_format"}));
    }
}
