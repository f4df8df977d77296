//! GitHub: who is meant, what its names mean, and that it writes no outcome.

use serde_json::{Value, json};

use super::{check, with};

fn github(action: &str, more: Value) -> Value {
    let base = json!({"@timestamp": 1_741_000_000_123_i64, "_document_id": "doc-1", "action": action,
        "actor": "boss", "actor_id": 7, "actor_ip": "192.0.2.1", "org": "acme", "business": "acme-group",
        "created_at": 1_741_000_000_123_i64, "operation_type": "modify", "user_agent": "curl"});
    with(&base, more)
}

/// A member of a team would be its administrator, or belong to no organisation's team.
#[test]
fn members_and_collaborators_are_the_user_and_not_the_actor() {
    let ann = json!({"user": "ann", "user_id": 11, "team": "acme/core"});
    check(
        "github",
        github("team.add_member", ann.clone()),
        json!({"event_id": "doc-1", "verb": "group.member.add", "outcome": "success", "client_ip": "192.0.2.1",
            "occurred_at": "2025-03-03T11:06:40.123Z", "actor": {"id": "7", "name": "boss"}, "app": {"id": "acme"},
            "account": {"app": "github", "id": "11", "name": "ann", "email": null},
            "entitlement": {"kind": "group", "id": "acme/core", "name": "acme/core"}}),
    );
    check(
        "github",
        github(
            "repo.add_member",
            json!({"user": "ann", "user_id": 11, "repo": "acme/site", "permission": "admin"}),
        ),
        json!({"verb": "app.assign", "app": {"id": "acme/site"}, "account": {"id": "11"},
            "entitlement": {"kind": "app", "id": "acme/site"}, "changes": r#"[{"attribute":"permission","to":"admin"}]"#}),
    );
    // The repository is the team's, though the record names somebody.
    let given = json!({"user": "gh-bot", "user_id": 12, "team": "acme/core", "repo": "acme/site"});
    check(
        "github",
        github("team.add_repository", given),
        json!({"verb": "app.assign", "account": {"id": null}}),
    );
    // What GitHub does for someone else's repository is no statement about that person.
    check("github", github("repo.create", ann), json!({"verb": "other", "account": {"id": null}}));
}

/// An owner made a member would stay an owner; an owner of one organisation own them all.
#[test]
fn a_changed_role_is_one_given_and_one_taken() {
    let change = json!({"user": "ann", "user_id": 11, "permission": "read", "old_permission": "admin"});
    check(
        "github",
        github("org.update_member", change),
        json!([
            {"event_id": "doc-1", "verb": "role.grant", "entitlement": {"kind": "role", "id": "acme/read", "name": "read"}},
            {"event_id": "doc-1/1", "verb": "role.revoke", "entitlement": {"id": "acme/admin"}, "account": {"id": "11"},
             "changes": r#"[{"attribute":"permission","from":"admin","to":"read"}]"#}]),
    );
    check("github", github("org.update_member", json!({"user": "ann"})), json!({"verb": "role.change"}));
    check(
        "github",
        with(&github("business.add_admin", json!({"user": "ann"})), json!({"org": null})),
        json!({"verb": "role.grant", "account": {"id": "ann"}, "entitlement": {"id": "acme-group/owner", "name": "owner"}}),
    );
}

/// A refused sign-in would count as use of the account, and keep a dormant one alive.
#[test]
fn only_what_was_done_is_a_success() {
    let own = json!({"external_identity_nameid": "boss@acme.example"});
    check(
        "github",
        github("org.sso_response", own),
        json!({"verb": "signin", "outcome": "unknown", "account": {"id": "7", "name": "boss", "email": "boss@acme.example"}}),
    );
    check(
        "github",
        github("user.failed_login", json!({})),
        json!({"verb": "signin.failed", "outcome": "failure"}),
    );
    let request = json!({"request_method": "GET", "url_path": "/user", "status_code": 403, "token_id": 72});
    check(
        "github",
        github("api.request", request),
        json!({"verb": "token.use", "outcome": "failure", "http_method": "GET", "http_path": "/user", "http_status": 403,
            "account": {"id": "7"}, "credential": {"kind": "api_token", "id": "72"}}),
    );
    // The address of the actor is not that of the person whom the actor added.
    let other = json!({"user": "ann", "external_identity_nameid": "boss@acme.example"});
    check(
        "github",
        github("org.add_member", other),
        json!({"verb": "org.member.add", "account": {"email": null}}),
    );
}

/// Two people's tokens of one name would be one token, which the first revocation ends.
#[test]
fn tokens_and_keys_have_ids_of_their_own() {
    let token = json!({"user": "ann", "user_id": 11, "user_programmatic_access_name": "ci", "token_id": 72});
    check(
        "github",
        github("personal_access_token.access_granted", token),
        json!({"verb": "token.create", "account": {"id": "11"}, "credential": {"kind": "api_token", "id": "ann/ci", "name": "ci"}}),
    );
    let key = json!({"user": "ann", "fingerprint": "SHA256:x", "title": "laptop", "key": "ssh-ed25519 AAAA"});
    check(
        "github",
        github("public_key.delete", key),
        json!({"verb": "token.revoke", "credential": {"kind": "ssh_key", "id": "SHA256:x", "name": "laptop"}, "changes": null}),
    );
}

/// Exports put fields under `data`, pipelines rename `@timestamp`, and alerts tell when they
/// were created: an event would be placed in the wrong month, or lost.
#[test]
fn exports_and_streams_are_read_alike() {
    let export = json!({"actor": "cat", "action": "team.destroy", "created_at": 1_621_305_118_553_i64,
        "data": {"team": "acme/core"}, "org": "acme"});
    check(
        "github",
        export,
        json!({"verb": "group.delete", "occurred_at": "2021-05-18T02:31:58.553Z", "entitlement": {"id": "acme/core"}}),
    );
    let alert = json!({"@timestamp": null, "at_sign_timestamp": "2024-04-09 06:17:55.186000000", "created_at": "2024-03-13 22:36:27.788000000"});
    check(
        "github",
        github("repository_vulnerability_alert.dismiss", alert),
        json!({"verb": "other", "occurred_at": "2024-04-09T06:17:55.186Z"}),
    );
    check("github", json!({"actor": "cat", "action": "team.create"}), json!({"rejection": "missing_field"}));
    check(
        "github",
        json!({"actor": "cat", "action": "team.create", "created_at": "soon"}),
        json!({"rejection": "bad_time"}),
    );
}
