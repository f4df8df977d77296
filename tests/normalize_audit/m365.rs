//! Microsoft 365: failures that say they succeeded, members by address, and Entra's records.

use serde_json::{Value, json};

use super::{check, with};

fn m365(workload: &str, record_type: u32, operation: &str, more: Value) -> Value {
    let base = json!({"CreationTime": "2024-05-01T21:30:00", "Id": "i-1", "Operation": operation, "OrganizationId": "o-1", "RecordType": record_type,
        "ResultStatus": "Success", "UserKey": "1a3b0ad5-eda1-4f48-b877-3b002e5d85b5", "UserType": 0, "Workload": workload,
        "ClientIP": "192.0.2.1:8259", "UserId": "ann@acme.example"});
    with(&base, more)
}

/// Every failed sign-in would be a use of the account.
#[test]
fn a_failed_sign_in_says_success() {
    let failed = json!({"ErrorNumber": "50126", "LogonError": "InvalidUserNameOrPassword", "ApplicationId": "a-1",
        "ExtendedProperties": [{"Name": "UserAgent", "Value": "curl"}]});
    check(
        "m365",
        m365("AzureActiveDirectory", 15, "UserLoginFailed", failed),
        json!({"source": "m365", "verb": "signin.failed", "outcome": "failure", "reason_code": "50126", "reason": "InvalidUserNameOrPassword",
            "account": {"app": "entra", "id": "1a3b0ad5-eda1-4f48-b877-3b002e5d85b5", "name": "ann@acme.example"}, "app": {"id": "a-1"},
            "client_ip": "192.0.2.1", "user_agent": "curl", "occurred_at": "2024-05-01T21:30:00Z"}),
    );
    check(
        "m365",
        m365(
            "AzureActiveDirectory",
            15,
            "UserLoggedIn",
            json!({"UserId": "Not Available", "ClientIP": "[2001:db8::1]:443"}),
        ),
        json!({"verb": "signin", "outcome": "success", "account": {"name": null}, "client_ip": "2001:db8::1"}),
    );
    check(
        "m365",
        m365("Exchange", 2, "MailboxLogin", json!({"UserKey": "100320015ED2DA21", "ResultStatus": "Failed"})),
        json!({"verb": "signin.app", "outcome": "failure", "account": {"id": null, "name": "ann@acme.example"}, "app": {"id": "Exchange"}}),
    );
}

/// What Entra's own log tells would be told twice, under two names, or not at all.
#[test]
fn changes_to_the_directory_are_entras() {
    let change = json!({"ModifiedProperties": [{"Name": "Group.ObjectID", "NewValue": "g-1", "OldValue": ""}, {"Name": "Group.DisplayName", "NewValue": "Sales", "OldValue": ""}],
        "Target": [{"ID": "User_u-9", "Type": 2}, {"ID": "bob@acme.example", "Type": 5}]});
    let record = m365("AzureActiveDirectory", 8, "Add member to group.", change);
    let expect = json!({"source": "entra_audit", "event_type": "Add member to group", "verb": "group.member.add",
        "account": {"app": "entra", "id": "u-9", "name": "bob@acme.example"}, "entitlement": {"kind": "group", "id": "g-1", "name": "Sales"}});
    check("m365", record.clone(), expect.clone());
    // Exports keep the record as text.
    let export = json!({"CreationDate": "5/1/2024 9:30:00 PM", "UserIds": "ann@acme.example", "Operations": "Add member to group.", "AuditData": record.to_string()});
    check("m365", export, expect);
}

/// The second member would be lost, and the administrator be in the team.
#[test]
fn members_and_mailboxes() {
    let members = json!({"AADGroupId": "g-1", "TeamGuid": "19:x", "TeamName": "Sales", "Members": [{"UPN": "bob@acme.example", "Role": 1}, {"UPN": "eve@acme.example", "Role": 2}]});
    check(
        "m365",
        m365("MicrosoftTeams", 25, "MemberAdded", members),
        json!([
            {"event_id": "i-1", "verb": "group.member.add", "account": {"app": "entra", "id": null, "name": "bob@acme.example"}, "entitlement": {"kind": "group", "id": "g-1", "name": "Sales"}},
            {"event_id": "i-1/1", "account": {"name": "eve@acme.example"}}]),
    );
    let mailbox = json!({"ResultStatus": "True", "Parameters": [{"Name": "Identity", "Value": "ceo"}, {"Name": "User", "Value": "bob@acme.example"}, {"Name": "AccessRights", "Value": "FullAccess"}]});
    check(
        "m365",
        m365("Exchange", 1, "Add-MailboxPermission", mailbox),
        json!({"verb": "role.grant", "outcome": "success", "account": {"name": "bob@acme.example"}, "entitlement": {"kind": "permission", "id": "ceo/FullAccess"}}),
    );
    let site = json!({"SiteUrl": "https://acme.example/sites/x/", "TargetUserOrGroupName": "bob@acme.example", "EventData": "&lt;Group&gt;Site Members&lt;/Group&gt;"});
    check(
        "m365",
        m365("SharePoint", 14, "AddedToGroup", site),
        json!({"verb": "group.member.add", "account": {"name": "bob@acme.example"}, "entitlement": {"id": "https://acme.example/sites/x/Site Members"}}),
    );
    // A group in a user's place is nobody's account.
    let group = json!({"SiteUrl": "https://acme.example", "TargetUserOrGroupName": "Global Administrator"});
    check(
        "m365",
        m365("SharePoint", 14, "SiteCollectionAdminAdded", group),
        json!({"verb": "role.grant", "account": {"app": null, "name": null}}),
    );
    check(
        "m365",
        m365("SharePoint", 6, "FileAccessed", json!({})),
        json!({"verb": "other", "account": {"app": null}}),
    );
}
