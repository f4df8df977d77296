//! Slack: whom an entry is about, roles that end others, guests whose time is over.

use serde_json::{Value, json};

use super::{check, with};

fn slack(action: &str, more: Value) -> Value {
    let base = json!({"id": "e-1", "date_create": 1_691_766_194, "action": action,
        "actor": {"type": "user", "user": {"id": "U1", "name": "Boss", "email": "boss@acme.example", "team": "T1"}},
        "context": {"location": {"type": "workspace", "id": "T1", "name": "acme"}, "ua": "curl", "ip_address": "192.0.2.1", "session_id": 5}});
    with(&base, more)
}

fn of_ann(more: Value) -> Value {
    let ann = json!({"type": "user", "user": {"id": "U9", "name": "Ann", "email": "ann@acme.example", "team": "T1"}});
    with(&json!({ "entity": ann }), more)
}

/// The inviter would join the group instead of the one who was invited.
#[test]
fn who_joins_a_group_is_the_actor() {
    let invited = json!({"entity": {"type": "usergroup", "usergroup": {"id": "S1", "name": "Developers"}},
        "details": {"type": "INVITED", "inviter": {"type": "user", "user": {"id": "U2", "email": "mal@acme.example"}}}});
    check(
        "slack",
        slack("user_added_to_usergroup", invited),
        json!({"event_id": "e-1", "verb": "group.member.add", "outcome": "success", "occurred_at": "2023-08-11T15:03:14Z",
            "account": {"app": "slack", "id": "U1", "name": "boss@acme.example"}, "actor": {"id": "U2", "name": "mal@acme.example"},
            "entitlement": {"kind": "group", "id": "S1", "name": "Developers"}, "client_ip": "192.0.2.1", "session_id": "5"}),
    );
}

/// An admin who became a member would be an admin for ever, or in every workspace.
#[test]
fn a_role_ends_the_one_it_replaces() {
    check(
        "slack",
        slack("role_change_to_user", of_ann(json!({}))),
        json!([
            {"event_id": "e-1", "verb": "role.revoke", "account": {"id": "U9"}, "entitlement": {"kind": "role", "id": "T1/admin"}},
            {"event_id": "e-1/1", "verb": "role.revoke", "entitlement": {"id": "T1/owner"}}]),
    );
    check(
        "slack",
        slack("role_change_to_owner", of_ann(json!({}))),
        json!([
            {"verb": "role.grant", "account": {"id": "U9", "email": "ann@acme.example"}, "entitlement": {"id": "T1/owner", "name": "owner"}},
            {"verb": "role.revoke", "entitlement": {"id": "T1/admin"}}]),
    );
    let assigned = json!({"entity": {"type": "role", "role": {"id": "Rl0E", "name": "Activity Manager", "type": "0"}},
        "details": {"target_entity": "E1", "target_user": "U9"}});
    check(
        "slack",
        slack("role_assigned", assigned),
        json!({"verb": "role.grant", "actor": {"id": "U1"}, "account": {"app": "slack", "id": "U9"},
            "entitlement": {"kind": "role", "id": "E1/Rl0E", "name": "Activity Manager"}}),
    );
}

/// A guest whose time is over would stay active, or one with an end have none.
#[test]
fn guests_end() {
    check(
        "slack",
        slack("guest_expiration_set", of_ann(json!({"details": {"expires_on": 1_700_000_000}}))),
        json!({"verb": "access.expiry.set", "account": {"id": "U9"}, "expires_at": "2023-11-14T22:13:20Z"}),
    );
    check(
        "slack",
        slack("guest_created", of_ann(json!({"details": {"expires_on": 0}}))),
        json!({"verb": "account.create", "expires_at": null}),
    );
    check(
        "slack",
        slack("guest_expired", of_ann(json!({"details": null}))),
        json!([
            {"event_id": "e-1", "verb": "access.expired", "account": {"id": "U9"}},
            {"event_id": "e-1/1", "verb": "account.deactivate", "account": {"id": "U9"}, "outcome": "success"}]),
    );
}

/// A refused sign-in would count as use; a setting be told with a secret in it.
#[test]
fn outcomes_and_changes() {
    check(
        "slack",
        slack("user_login_failed", of_ann(json!({}))),
        json!({"verb": "signin.failed", "outcome": "failure", "account": {"id": "U9"}}),
    );
    check("slack", slack("user_login", json!({})), json!({"verb": "signin", "account": {"id": "U1"}}));
    check(
        "slack",
        slack(
            "pref.two_factor_auth_changed",
            json!({"details": {"previous_value": "ON", "new_value": "OFF"}}),
        ),
        json!({"verb": "other", "account": {"id": null}, "changes": r#"[{"attribute":"two_factor_auth_changed","from":"ON","to":"OFF"}]"#}),
    );
    let profile = json!({"details": {"new_profile": {"title": "CFO", "api_token": "x"}, "previous_profile": {"title": "FD"}}});
    check(
        "slack",
        slack("user_profile_updated", of_ann(profile)),
        json!({"verb": "account.update", "changes": r#"[{"attribute":"title","from":"FD","to":"CFO"}]"#}),
    );
    check("slack", slack("anomaly", json!({"date_create": null})), json!({"rejection": "missing_field"}));
    check(
        "slack",
        slack("anomaly", json!({"details": {"reason": ["session_fingerprint", "asn"]}})),
        json!({"verb": "other", "reason": "session_fingerprint, asn"}),
    );
}
