//! Okta System Log: outcomes, accounts, grants, and records that lack much.

use serde_json::{Value, json};

use super::{check, with};

fn okta(event_type: &str, more: Value) -> (&'static str, Value) {
    let base = json!({
        "uuid": "u-1", "published": "2025-03-01T10:00:00.123Z", "eventType": event_type,
        "actor": {"id": "00uadmin", "type": "User", "alternateId": "admin@acme.example", "displayName": "Admin"},
        "outcome": {"result": "SUCCESS", "reason": null},
        "target": [{"id": "00uann", "type": "User", "alternateId": "ann@acme.example", "displayName": "Ann"}],
    });
    ("okta", with(base, more))
}

const APP_TARGETS: &str = r#"[
    {"id": "0uaann", "type": "AppUser", "alternateId": "ann.box", "displayName": "Ann"},
    {"id": "0oabox", "type": "AppInstance", "alternateId": "Box", "displayName": "Box"},
    {"id": "00uann", "type": "User", "alternateId": "ann@acme.example", "displayName": "Ann"}]"#;

fn app_targets() -> Value {
    json!({ "target": serde_json::from_str::<Value>(APP_TARGETS).unwrap() })
}

/// A leaver's deactivation that Okta refused, or only asked about, would count as done.
#[test]
fn okta_outcome_is_the_result_and_not_the_name() {
    let words = [
        ("SUCCESS", "success"),
        ("ALLOW", "success"),
        ("FAILURE", "failure"),
        ("DENY", "failure"),
        ("SKIPPED", "skipped"),
        ("CHALLENGE", "unknown"),
        ("UNKNOWN", "unknown"),
        ("NEW_WORD", "unknown"),
    ];
    for (result, outcome) in words {
        let given = okta("user.lifecycle.deactivate", json!({"outcome": {"result": result}}));
        check(given, json!({"verb": "account.deactivate", "outcome": outcome}));
    }
    let given = okta(
        "user.session.start",
        json!({"outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}}),
    );
    check(given, json!({"verb": "signin", "outcome": "failure", "reason_code": "INVALID_CREDENTIALS"}));
    let given = okta("application.provision.group_membership.add", json!({}));
    check(given, json!({"verb": "provision.group.member.failed", "outcome": "failure"}));
    check(okta("user.session.start", json!({"outcome": null})), json!({"outcome": "unknown"}));
}

/// An access that ends would seem to have no end.
#[test]
fn okta_names_the_end_of_an_access_in_many_ways() {
    let names = [
        "expiration",
        "expirationDate",
        "expirationTime",
        "expiresAt",
        "expiresDate",
        "endDate",
        "endTime",
        "scheduledDate",
        "scheduledTime",
        "scheduledAt",
        "enddate",
        "EXPIRESAT",
        "Scheduledat",
    ];
    for name in names {
        let data = json!({"privilegeGranted": "Read-only administrator", name: "2025-06-01T00:00:00Z"});
        let given = okta("user.account.privilege.grant", json!({"debugContext": {"debugData": data}}));
        check(given, json!({"verb": "role.grant", "expires_at": "2025-06-01T00:00:00Z"}));
    }
}

/// Accounts would be filed under ids of another name space, and joins would find nobody.
#[test]
fn okta_accounts_are_those_of_okta() {
    let ann = json!({"app": "okta", "id": "00uann", "name": "ann@acme.example", "email": "ann@acme.example", "external_id": null});
    let boxed = json!({"id": "0oabox", "name": "Box"});
    check(
        okta("application.user_membership.add", app_targets()),
        json!([{"event_id": "u-1", "verb": "app.assign", "account": ann, "app": boxed,
                "entitlement": {"kind": "app", "id": "0oabox", "name": "Box"}, "actor": {"kind": "user"}}]),
    );
    check(
        okta("application.provision.user.deactivate", app_targets()),
        json!({"verb": "provision.deactivate", "app": boxed, "entitlement": {"kind": null},
               "account": {"app": "okta", "id": "00uann", "name": "ann.box", "email": "ann@acme.example"}}),
    );
    // Only the application knows this account, so the id is the application's.
    let mut only_app = app_targets();
    only_app["target"].as_array_mut().unwrap().pop();
    check(
        okta("application.provision.user.import", only_app.clone()),
        json!({"verb": "provision.import", "account": {"app": "0oabox", "id": "0uaann", "name": "ann.box", "email": null}}),
    );
    // Signing in to an application is done by the actor.
    check(
        okta("user.authentication.sso", only_app),
        json!({"verb": "signin.app", "account": {"app": "okta", "id": "00uadmin"}, "app": boxed}),
    );
    // The window in which a leaver is unassigned but still has the account downstream.
    check(
        okta("application.user_membership.revoke", app_targets()),
        json!({"verb": "app.unassign.pending_deprovision"}),
    );
}

/// A null target or a missing block would lose the record, or the person who signed in.
#[test]
fn okta_records_may_lack_almost_everything() {
    let bare =
        json!({"target": null, "client": null, "debugContext": null, "outcome": null, "transaction": null});
    check(
        okta("user.session.start", bare.clone()),
        json!({"account": {"id": "00uadmin"}, "outcome": "unknown"}),
    );
    check(
        okta("user.lifecycle.suspend", bare),
        json!({"verb": "account.suspend", "account": {"id": null, "app": null}}),
    );
    check(
        okta(
            "a.new.event",
            json!({"actor": {"id": 7, "type": "User", "alternateId": "unknown", "displayName": "X"}}),
        ),
        json!({"verb": "other", "actor": {"id": "7", "name": "X"}}),
    );
    check(okta("user.session.start", json!({"published": null})), json!({"rejection": "missing_field"}));
    check(okta("user.session.start", json!({"published": "yesterday"})), json!({"rejection": "bad_time"}));
    check(okta("user.session.start", json!({"actor": "ann"})), json!({"rejection": "bad_value"}));
    check(("okta", json!("a line of text")), json!({"rejection": "bad_value"}));
}

/// A log stream through EventBridge would wait in quarantine, or pass for a page of nothing.
#[test]
fn okta_records_come_in_envelopes_of_eventbridge() {
    let (_, detail) = okta("user.lifecycle.deactivate", json!({}));
    let event = json!({"version": "0", "id": "x", "detail-type": "SystemLog", "time": "2025-03-01T10:00:05Z", "resources": [], "detail": detail});
    assert_eq!(super::recognised_by(&event), ["okta"]);
    check(
        ("okta", event),
        json!({"event_id": "u-1", "verb": "account.deactivate", "account": {"id": "00uann"}, "occurred_at": "2025-03-01T10:00:00.123Z"}),
    );
    check(("okta", json!({"detail": {"detail": detail}})), json!({"rejection": "missing_field"}));
}

/// A role taken back alone would leave the pair granted, or an end of access unseen.
#[test]
fn okta_grants_name_group_role_and_end() {
    let group = json!({"target": [
        {"id": "00uann", "type": "User", "alternateId": "ann@acme.example"},
        {"id": "00gfin", "type": "UserGroup", "displayName": "Finance"}]});
    check(
        okta("group.user_membership.add", group),
        json!({"verb": "group.member.add", "entitlement": {"kind": "group", "id": "00gfin", "name": "Finance"}}),
    );
    let roles = json!({"debugContext": {"debugData": {
        "privilegeGranted": "Super administrator, Application administrator (Box, Slack)",
        "behaviors": "{New IP=NEGATIVE}", "expirationDate": "2025-06-01T00:00:00Z"}}});
    check(
        okta("user.account.privilege.grant", roles),
        json!([
            {"event_id": "u-1", "verb": "role.grant", "expires_at": "2025-06-01T00:00:00Z",
             "entitlement": {"kind": "role", "id": "Super administrator", "name": "Super administrator"}},
            {"event_id": "u-1/1", "verb": "role.grant", "entitlement": {"id": "Application administrator (Box, Slack)"}}]),
    );
}

/// A changed login would make a second account, and a password would stay in the lake.
#[test]
fn okta_profile_changes_are_kept_without_secrets() {
    let target = json!({"target": [{"id": "00uann", "type": "User", "alternateId": "ann.b@acme.example", "changeDetails": {
        "from": {"login": "ann@acme.example", "password": "old"}, "to": {"login": "ann.b@acme.example", "password": "new"}}}]});
    check(
        okta("user.account.update_profile", target),
        json!({"verb": "account.rename", "changes": r#"[{"attribute":"login","from":"ann@acme.example","to":"ann.b@acme.example"}]"#}),
    );
}

/// A token's own end would be taken for the end of its owner's account.
#[test]
fn okta_ends_are_those_of_access() {
    let ending = json!({"debugContext": {"debugData": {"expiresAt": "2025-06-01T00:00:00Z"}}});
    check(
        okta("system.api_token.create", ending.clone()),
        json!({"verb": "token.create", "expires_at": null}),
    );
    check(
        okta("scheduled_action.user_suspension.scheduled", ending),
        json!({"verb": "account.suspend.scheduled", "expires_at": "2025-06-01T00:00:00Z"}),
    );
}
