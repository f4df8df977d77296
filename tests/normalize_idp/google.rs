//! Google Workspace: inner events, and what only an event's name tells.

use serde_json::{Value, json};

use super::check;

fn google(application: &str, events: Value) -> (&'static str, Value) {
    let id = json!({"time": "2025-03-01T10:00:00Z", "uniqueQualifier": "-7", "applicationName": application, "customerId": "C1"});
    let actor = json!({"email": "admin@acme.example", "profileId": "118", "callerType": "USER"});
    ("google_workspace", json!({"id": id, "actor": actor, "ipAddress": "192.0.2.1", "events": events}))
}

/// The second inner event, often the removal, would be lost or taken for a duplicate.
#[test]
fn google_gives_one_row_an_inner_event() {
    let group = json!([{"name": "member_id", "value": "ann@acme.example"}, {"name": "group_id", "value": "fin@acme.example"}]);
    let events = json!([{"type": "moderator_action", "name": "remove_user", "parameters": group}, {"name": "add_member", "parameters": group}]);
    check(
        google("groups_enterprise", events),
        json!([
        {"event_id": "2025-03-01T10:00:00Z/groups_enterprise/-7/0", "verb": "group.member.remove", "account": {"app": "google_workspace", "id": "ann@acme.example"}, "entitlement": {"kind": "group", "id": "fin@acme.example"}},
        {"event_id": "2025-03-01T10:00:00Z/groups_enterprise/-7/1", "verb": "group.member.add", "actor": {"id": "118", "kind": "user"}}]),
    );
    check(google("admin", json!([])), json!({"rejection": "missing_field"}));
    check(google("admin", json!([{"type": "x"}])), json!({"rejection": "missing_field"}));
}

/// A rename would look like a second account, a failed sign-in like activity.
#[test]
fn google_names_decide_outcome_and_account() {
    let one = |application, name: &str, parameters: Value| {
        google(application, json!([{"name": name, "parameters": parameters}]))
    };
    check(
        one("login", "login_failure", json!([])),
        json!({"verb": "signin.failed", "outcome": "failure", "account": {"id": "118", "email": "admin@acme.example"}}),
    );
    check(
        one("saml", "login_success", json!([{"name": "application_name", "value": "Box"}])),
        json!({"verb": "signin.app", "outcome": "success", "app": {"name": "Box"}}),
    );
    let rename = json!({"USER_EMAIL": "ann@acme.example", "NEW_VALUE": "ann.b@acme.example"});
    check(
        one("admin", "RENAME_USER", rename),
        json!({"verb": "account.rename", "account": {"id": "ann@acme.example", "name": "ann.b@acme.example"}}),
    );
    // Google writes one address in several cases: each would be an account.
    check(
        one("admin", "SUSPEND_USER", json!({"USER_EMAIL": "Ann@Acme.example"})),
        json!({"verb": "account.suspend", "account": {"id": "ann@acme.example", "name": "Ann@Acme.example"}}),
    );
    let role = json!([{"name": "ROLE_NAME", "value": "Help Desk"}, {"name": "USER_EMAIL", "value": "ann@acme.example"}]);
    check(
        one("admin", "ASSIGN_ROLE", role),
        json!({"verb": "role.grant", "entitlement": {"kind": "role", "id": "Help Desk"}, "account": {"name": "ann@acme.example"}}),
    );
    let token = json!([{"name": "client_id", "value": "c-1"}, {"name": "app_name", "value": "Sync"}, {"name": "scope", "multiValue": ["a", "b"]}]);
    check(
        one("token", "authorize", token),
        json!({"verb": "token.issue", "app": {"id": "c-1", "name": "Sync"}, "entitlement": {"kind": "scope", "id": "a b"}, "account": {"id": "118"}}),
    );
    // An administrator lets a person in again, or takes back what the person gave a client.
    check(
        one("admin", "UNARCHIVE_USER", json!({"USER_EMAIL": "ann@acme.example"})),
        json!({"verb": "account.reactivate", "account": {"id": "ann@acme.example"}}),
    );
    check(
        one("admin", "REVOKE_3LO_TOKEN", json!({"USER_EMAIL": "ann@acme.example", "APP_ID": "c-1"})),
        json!({"verb": "token.revoke", "account": {"id": "ann@acme.example"}, "app": {"id": "c-1"},
            "credential": {"kind": "oauth_grant", "id": "c-1"}}),
    );
    check(one("drive", "rename", json!([])), json!({"verb": "other", "account": {"id": null}}));
}
