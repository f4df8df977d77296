//! JumpCloud: the two ends of an association, and updates that are several things.

use serde_json::{Value, json};

use super::{check, with};

fn jumpcloud(event_type: &str, more: Value) -> Value {
    let base = json!({"id": "e-1", "event_type": event_type, "service": "directory", "organization": "o-1", "@version": "1",
        "timestamp": "2023-06-15T13:45:59.812449824Z", "client_ip": "192.0.2.1", "provider": null,
        "initiated_by": {"id": "adm-1", "type": "admin", "email": "boss@acme.example"}});
    with(&base, more)
}

fn association(op: &str, from: (&str, &str), to: (&str, &str)) -> Value {
    let end =
        |(kind, name): (&str, &str)| json!({"type": kind, "name": name, "object_id": format!("{name}-id")});
    json!({"success": true, "association": {"op": op, "action_source": "manual", "connection": {"from": end(from), "to": end(to)}}})
}

/// A group would be a member of a person, or a laptop be access to an application.
#[test]
fn the_ends_of_an_association_decide() {
    let user = ("user", "ann");
    for (op, from, to, verb, kind, id) in [
        ("add", ("user_group", "sales"), user, "group.member.add", json!("group"), json!("sales-id")),
        ("remove", user, ("user_group", "sales"), "group.member.remove", json!("group"), json!("sales-id")),
        ("add", ("application", "crm"), user, "app.assign", json!("app"), json!("crm-id")),
        ("remove", ("application", "crm"), user, "app.unassign", json!("app"), json!("crm-id")),
        ("add", ("system", "laptop"), user, "association.change", json!(null), json!(null)),
    ] {
        check(
            "jumpcloud",
            jumpcloud("association_change", association(op, from, to)),
            json!({"verb": verb, "outcome": "success", "actor": {"id": "adm-1", "kind": "admin", "name": "boss@acme.example"},
                "account": {"app": "jumpcloud", "id": "ann-id", "name": "ann"}, "entitlement": {"kind": kind, "id": id}}),
        );
    }
    check(
        "jumpcloud",
        jumpcloud("association_change", association("add", ("user_group", "sales"), ("application", "crm"))),
        json!({"verb": "app.assign.group", "account": {"id": null}, "app": {"id": "crm-id", "name": "crm"},
            "entitlement": {"kind": "group", "id": "sales-id", "name": "sales"}}),
    );
}

/// A suspension would be one attribute of an update, and change nothing.
#[test]
fn an_update_is_each_of_its_states() {
    let changes = json!({"resource": {"id": "u-1", "type": "user", "username": "ann"},
        "changes": [{"field": "suspended", "from": false, "to": true}, {"field": "account_locked", "from": true, "to": false},
            {"field": "password", "from": "x", "to": "y"}, {"field": "addresses", "to": [{"country": "FR"}]}]});
    check(
        "jumpcloud",
        jumpcloud("user_update", changes),
        json!([
            {"event_id": "e-1", "verb": "account.suspend", "account": {"id": "u-1", "name": "ann"}, "outcome": "success",
             "changes": r#"[{"attribute":"suspended","from":"false","to":"true"},{"attribute":"account_locked","from":"true","to":"false"},{"attribute":"addresses"}]"#},
            {"event_id": "e-1/1", "verb": "account.unlock"}]),
    );
    let plain = json!({"resource": {"id": "u-1", "type": "user", "username": "ann"}, "changes": [{"field": "costCenter", "to": "7"}]});
    check(
        "jumpcloud",
        jumpcloud("user_update", plain),
        json!({"verb": "account.update", "account": {"id": "u-1"}}),
    );
}

/// A refused sign-in would be use, one that says nothing a success, an administrator a user.
#[test]
fn sign_ins_say_how_they_ended() {
    let user = json!({"initiated_by": {"id": "u-1", "type": "user", "username": "ann"}, "error_message": "not authorized",
        "sso_token_success": false, "application": {"id": "a-1", "name": "salesforce", "display_label": "Salesforce"}});
    check(
        "jumpcloud",
        jumpcloud("sso_auth", user),
        json!({"verb": "signin.app", "outcome": "failure", "reason": "not authorized", "app": {"id": "a-1", "name": "Salesforce"},
            "account": {"id": "u-1", "name": "ann"}, "occurred_at": "2023-06-15T13:45:59.812449Z"}),
    );
    check(
        "jumpcloud",
        jumpcloud(
            "radius_auth_attempt",
            json!({"initiated_by": {"type": "user", "username": "ann"}, "success": true}),
        ),
        json!({"verb": "signin.radius", "outcome": "success", "account": {"app": "jumpcloud", "id": null, "name": "ann"}}),
    );
    check(
        "jumpcloud",
        jumpcloud("user_login_attempt", json!({})),
        json!({"verb": "signin", "outcome": "unknown"}),
    );
    check(
        "jumpcloud",
        jumpcloud("lost_and_found", json!({"timestamp": "then"})),
        json!({"rejection": "bad_time"}),
    );
}
