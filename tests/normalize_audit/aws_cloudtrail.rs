//! AWS CloudTrail: two directories, hidden values, and callers of many kinds.

use serde_json::{Value, json};

use super::{check, records, rows, with};

const ANN: &str = "arn:aws:iam::111122223333:user/ann";

fn call(service: &str, name: &str, more: Value) -> Value {
    let base = json!({"eventVersion": "1.08", "eventID": "e-1", "requestID": "r-1", "eventTime": "2025-03-01T10:00:00Z",
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDA1", "arn": "arn:aws:iam::111122223333:user/ops/boss",
            "accountId": "111122223333", "accessKeyId": "ASIA1", "userName": "boss"},
        "requestParameters": null, "responseElements": null});
    with(&base, more)
}

fn role_session(role: &str, session: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA1:{session}"), "accountId": "111122223333", "accessKeyId": "ASIA2",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/{session}"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": role, "arn": format!("arn:aws:iam::111122223333:role/{role}")}}})
}

/// The administrator would get the policy, or two accounts' users of one name be one.
#[test]
fn iam_calls_are_about_the_user_in_the_parameters() {
    let policy = json!({"requestParameters": {"userName": "ann", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}});
    check(
        "aws_cloudtrail",
        call("iam", "AttachUserPolicy", policy.clone()),
        json!({"event_id": "e-1", "event_type": "iam.amazonaws.com:AttachUserPolicy", "verb": "role.grant", "outcome": "success",
            "actor": {"id": "arn:aws:iam::111122223333:user/ops/boss", "kind": "iamuser", "name": "boss"},
            "account": {"app": "aws", "id": ANN, "name": "ann"}, "client_ip": "192.0.2.1", "session_id": "ASIA1",
            "entitlement": {"kind": "role", "id": "arn:aws:iam::aws:policy/AdministratorAccess", "name": "AdministratorAccess"}}),
    );
    let denied = with(&policy, json!({"errorCode": "AccessDenied", "errorMessage": "not you"}));
    check(
        "aws_cloudtrail",
        call("iam", "AttachUserPolicy", denied),
        json!({"verb": "role.grant", "outcome": "failure", "reason_code": "AccessDenied", "reason": "not you"}),
    );
    let inline =
        json!({"requestParameters": {"userName": "ann", "policyName": "all", "policyDocument": "{}"}});
    check(
        "aws_cloudtrail",
        call("iam", "PutUserPolicy", inline),
        json!({"verb": "role.grant", "entitlement": {"id": "inline/all", "name": "all"}, "changes": null}),
    );
    let member = json!({"requestParameters": {"userName": "ann", "groupName": "admins"}, "sourceIPAddress": "cloudformation.amazonaws.com"});
    check(
        "aws_cloudtrail",
        call("iam", "AddUserToGroup", member),
        json!({"verb": "group.member.add", "account": {"id": ANN}, "client_ip": null,
            "entitlement": {"kind": "group", "id": "111122223333/admins", "name": "admins"}}),
    );
    let renamed = json!({"requestParameters": {"userName": "ann", "newUserName": "ann.b"}});
    check(
        "aws_cloudtrail",
        call("iam", "UpdateUser", renamed),
        json!({"verb": "account.rename", "account": {"id": ANN, "name": "ann.b"},
            "changes": r#"[{"attribute":"userName","from":"ann","to":"ann.b"}]"#}),
    );
}

/// A key would never end, end when it is switched on, or be used without a trace.
#[test]
fn keys_are_created_used_and_revoked() {
    let created = json!({"requestParameters": null, "responseElements": {"accessKey": {"accessKeyId": "AKIA9", "status": "Active"}}});
    check(
        "aws_cloudtrail",
        call("iam", "CreateAccessKey", created),
        json!({"verb": "token.create", "account": {"id": "arn:aws:iam::111122223333:user/boss"}, "credential": {"kind": "api_token", "id": "AKIA9"}}),
    );
    for (status, verb) in [("Inactive", "token.revoke"), ("Active", "token.issue")] {
        let update =
            json!({"requestParameters": {"userName": "ann", "accessKeyId": "AKIA9", "status": status}});
        check(
            "aws_cloudtrail",
            call("iam", "UpdateAccessKey", update),
            json!({"verb": verb, "account": {"id": ANN}, "credential": {"id": "AKIA9"}}),
        );
    }
    let own = json!({"userIdentity": {"type": "IAMUser", "userName": "ann", "accountId": "111122223333", "accessKeyId": "AKIA9"}});
    check(
        "aws_cloudtrail",
        call("s3", "GetObject", own),
        json!({"verb": "token.use", "account": {"id": ANN}, "credential": {"id": "AKIA9"}, "session_id": null}),
    );
    check(
        "aws_cloudtrail",
        call("s3", "GetObject", json!({})),
        json!({"verb": "other", "account": {"id": null}}),
    );
}

/// A refused sign-in would be a use, and a person be her role.
#[test]
fn sign_ins_have_their_own_result_and_people_behind_roles() {
    let failed =
        json!({"responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"});
    check(
        "aws_cloudtrail",
        call("signin", "ConsoleLogin", failed),
        json!({"verb": "signin", "outcome": "failure", "reason_code": null, "reason": "Failed authentication",
            "account": {"id": "arn:aws:iam::111122223333:user/boss"}}),
    );
    let sso = json!({"userIdentity": role_session("AWSReservedSSO_Admin_0123", "ann@acme.example"), "responseElements": {"ConsoleLogin": "Success"}});
    check(
        "aws_cloudtrail",
        call("signin", "ConsoleLogin", sso),
        json!({"outcome": "success", "actor": {"name": "ann@acme.example", "kind": "assumedrole"},
            "account": {"app": "aws_identity_center", "id": null, "name": "ann@acme.example", "email": "ann@acme.example"}}),
    );
    let job = json!({"userIdentity": role_session("deploy", "i-1"), "requestParameters": {"roleArn": "arn:aws:iam::444455556666:role/admin"},
        "responseElements": {"credentials": {"accessKeyId": "ASIA3", "sessionToken": "secret"}}});
    check(
        "aws_cloudtrail",
        call("sts", "AssumeRole", job),
        json!({"verb": "signin.assume", "account": {"app": "aws", "id": "arn:aws:iam::111122223333:role/deploy"},
            "entitlement": {"kind": "role", "id": "arn:aws:iam::444455556666:role/admin"}, "credential": {"id": null}}),
    );
    let hidden = json!({"userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"},
        "responseElements": {"ConsoleLogin": "Failure"}});
    check(
        "aws_cloudtrail",
        call("signin", "ConsoleLogin", hidden),
        json!({"account": {"app": null, "id": null}}),
    );
}

/// A group's permission set would be a person's, or one account's set be all accounts'.
#[test]
fn permission_sets_are_given_in_one_account() {
    let set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1";
    let assignment = |kind: &str| {
        json!({"requestParameters": {"instanceArn": "arn:aws:sso:::instance/ssoins-1", "targetId": "444455556666",
            "targetType": "AWS_ACCOUNT", "permissionSetArn": set, "principalType": kind, "principalId": "u-1"}})
    };
    check(
        "aws_cloudtrail",
        call("sso", "CreateAccountAssignment", assignment("USER")),
        json!({"verb": "role.grant", "account": {"app": "aws_identity_center", "id": "u-1"}, "app": {"id": "444455556666"},
            "entitlement": {"kind": "role", "id": format!("444455556666/{set}"), "name": "ps-1"}}),
    );
    check(
        "aws_cloudtrail",
        call("sso", "DeleteAccountAssignment", assignment("GROUP")),
        json!({"verb": "role.revoke.group", "account": {"id": null}, "entitlement": {"name": "ps-1"}}),
    );
    let failed = with(
        &assignment("USER"),
        json!({"responseElements": {"accountAssignmentCreationStatus": {"status": "FAILED"}}}),
    );
    check("aws_cloudtrail", call("sso", "CreateAccountAssignment", failed), json!({"outcome": "failure"}));
}

/// A masked PATCH would be taken for a deactivation, or a mask for a name.
#[test]
fn scim_says_only_what_is_not_hidden() {
    let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
    let patch = json!({"userIdentity": {"type": "Unknown", "accountId": "1"}, "requestParameters": {"id": "u-1", "tenantId": "t",
        "httpBody": {"operations": [{"op": "replace", "value": hidden}]}}});
    check(
        "aws_cloudtrail",
        call("identitystore-scim", "PatchUser", patch),
        json!({"verb": "account.update", "account": {"app": "aws_identity_center", "id": "u-1", "name": null}}),
    );
    let body = |active: bool| json!({"requestParameters": {"id": "u-1", "httpBody": {"userName": hidden, "active": active}}});
    check(
        "aws_cloudtrail",
        call("identitystore-scim", "PutUser", body(false)),
        json!({"verb": "account.deactivate", "account": {"id": "u-1"}}),
    );
    check(
        "aws_cloudtrail",
        call("identitystore-scim", "PutUser", body(true)),
        json!([{"verb": "account.update"}, {"event_id": "e-1/1", "verb": "account.reactivate"}]),
    );
    let member = json!({"requestParameters": {"identityStoreId": "d-1", "groupId": "g-1", "memberId": {"userId": "u-1"}}});
    check(
        "aws_cloudtrail",
        call("identitystore", "CreateGroupMembership", member),
        json!({"verb": "group.member.add", "account": {"id": "u-1"}, "entitlement": {"kind": "group", "id": "g-1"}}),
    );
    let bridged = json!({"id": "x", "detail-type": "AWS API Call via CloudTrail", "detail": call("iam", "CreateUser", json!({"requestParameters": {"userName": "ann"}}))});
    check(
        "aws_cloudtrail",
        bridged,
        json!({"event_id": "e-1", "verb": "account.create", "account": {"id": ANN}}),
    );
}

/// The vendor's own examples of SCIM events would not be read.
#[test]
fn the_documented_scim_events_are_read() {
    let mut examples = records("aws_scim/docs.ndjson");
    // Their times and ids are crossed out.
    examples.iter_mut().for_each(|record| record["eventTime"] = json!("2024-10-10T13:23:45Z"));
    let Some([created, refused]) = examples.first_chunk::<2>() else { return };
    let account = json!({"app": "aws_identity_center", "id": "c4488478-a0e1-700e-3d75-96c6bb641596"});
    check(
        "aws_cloudtrail",
        created.clone(),
        json!({"verb": "account.create", "outcome": "success", "account": account}),
    );
    check(
        "aws_cloudtrail",
        refused.clone(),
        json!({"verb": "group.create", "outcome": "failure", "reason_code": "ConflictException", "reason": "Duplicate GroupDisplayName"}),
    );
    assert_eq!(rows("aws_cloudtrail", created).len(), 1, "an active account is created active");
}
