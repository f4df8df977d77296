//! Account and grant exports as products write them, and registers.

use super::*;

/// One check for each product: a status read the wrong way round hides or invents zombies.
#[test]
fn salesforce_like() {
    let text = "
Id,Username,Name,Email,IsActive,LastLoginDate,Profile.Name,UserType,CreatedDate,FederationIdentifier,EmployeeNumber
005A01,ada@acme.example.prod,Ada Low,ada@acme.example,true,2026-06-01T09:05:00.000+0000,System Administrator,Standard,2020-01-02T00:00:00.000+0000,00u1,10001
005A02,ben@acme.example.prod,Ben Roe,ben@acme.example,false,,Standard User,Standard,2020-01-02T00:00:00.000+0000,00u2,10002
005A03,sync@acme.example.prod,Sync,sync@acme.example,true,,Integration,AutomatedProcess,2020-01-02T00:00:00.000+0000,,";
    let expect = json!([
        { "account_id": "005A01", "name": "ada@acme.example.prod", "display_name": "Ada Low", "active": true,
          "email": "ada@acme.example", "last_active_at": "2026-06-01T09:05:00Z", "created_at": "2020-01-02T00:00:00Z",
          "external_id": "00u1", "employee_id": "10001", "privileged": true },
        { "active": false, "last_active_at": null, "privileged": null },
        { "active": true, "class": "service", "external_id": null }
    ]);
    check(given("apps/salesforce/accounts_2026-06-29.csv", text), rows("accounts", expect));
}

#[test]
fn github_like_has_no_status() {
    let text = "
login,id,role,name,saml name id,last active,two factor enabled
adalow,8812,owner,Ada Low,ada@acme.example,2026-06-01,true
benroe,8813,member,Ben Roe,ben@acme.example,Never,false";
    let expect = json!([
        { "account_id": "8812", "name": "adalow", "external_id": "ada@acme.example", "privileged": true,
          "active": null, "last_active_at": "2026-05-31T22:00:00Z", "mfa": true },
        { "account_id": "8813", "privileged": null, "last_active_at": null, "mfa": false }
    ]);
    check(given("accounts.csv", text), rows("accounts", expect));
}

#[test]
fn jira_like_takes_the_latest_use() {
    let text = "
User id,User name,email,User status,Added to org,Last seen in Jira - acme,Last seen in Confluence - acme
5b10,Ada Low,ada@acme.example,Active,1 Mar 2020,02 Jun 2026,11 Jun 2026
5b11,Ben Roe,ben@acme.example,Suspended,1 Mar 2020,Never accessed,
5b12,Cy Tan,cy@acme.example,Invited,1 Mar 2020,,";
    let expect = json!([
        { "account_id": "5b10", "display_name": "Ada Low", "name": null, "active": true,
          "last_active_at": "2026-06-10T22:00:00Z", "created_at": "2020-02-29T23:00:00Z" },
        { "active": false, "status": "Suspended", "last_active_at": null },
        { "active": null, "status": "Invited" }
    ]);
    check(given("export-users.csv", text), rows("accounts", expect));
}

#[test]
fn servicenow_like() {
    let text = "
sys_id,user_name,name,email,active,last_login_time,locked_out,sys_created_on,source
6816f79cc0a8016401c5a33be04be441,ada.low,Ada Low,ada@acme.example,true,2026-06-01 09:05:00,false,2020-01-02 03:04:05,
6816f79cc0a8016401c5a33be04be442,ben.roe,Ben Roe,ben@acme.example,true,2026-06-01 09:05:00,true,2020-01-02 03:04:05,";
    let expect = json!([
        { "account_id": "6816f79cc0a8016401c5a33be04be441", "name": "ada.low", "display_name": "Ada Low",
          "active": true, "last_active_at": "2026-06-01T07:05:00Z" },
        { "active": false }
    ]);
    check(given("sys_user.csv", text), rows("accounts", expect));
}

#[test]
fn slack_like() {
    let text = "
username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp
ada,ada@acme.example,Primary Owner,1,1,0,U0AAA1,Ada Low,ada,
ben,ben@acme.example,Deactivated,0,0,0,U0AAA2,Ben Roe,ben,
cy,cy@other.example,Single-Channel Guest,1,0,0,U0AAA3,Cy Tan,cy,1782864000
bot,,Bot,0,0,0,U0AAA4,Deploy Bot,deploy,";
    let expect = json!([
        { "account_id": "U0AAA1", "name": "ada", "active": true, "privileged": true, "mfa": true },
        { "account_id": "U0AAA2", "active": false },
        { "account_id": "U0AAA3", "active": true, "class": "guest", "expires_at": "2026-07-01T00:00:00Z" },
        { "account_id": "U0AAA4", "class": "bot", "email": null }
    ]);
    check(given("slack-members.csv", text), rows("accounts", expect));
}

#[test]
fn aws_credential_report() {
    let text = "
user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated
<root_account>,arn:aws:iam::1:root,2019-01-01T00:00:00+00:00,not_supported,2024-01-01T00:00:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
ada,arn:aws:iam::1:user/ada,2020-01-01T00:00:00+00:00,true,no_information,2020-01-01T00:00:00+00:00,N/A,false,true,2020-01-01T00:00:00+00:00,2026-06-01T10:00:00+00:00,eu-west-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A
ci,arn:aws:iam::1:user/ci,2020-01-01T00:00:00+00:00,false,N/A,N/A,N/A,false,false,2020-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A";
    let expect = json!([
        { "account_id": "arn:aws:iam::1:root", "name": "<root_account>", "class": "system", "active": true,
          "last_active_at": "2024-01-01T00:00:00Z", "privileged": true, "mfa": true },
        { "name": "ada", "active": true, "local_login": true, "last_active_at": "2026-06-01T10:00:00Z", "mfa": false,
          "created_at": "2020-01-01T00:00:00Z" },
        { "name": "ci", "active": false, "local_login": false, "last_active_at": null }
    ]);
    check(given("credential_report.csv", text), rows("accounts", expect));
}

#[test]
fn snowflake_like_disabled_is_inverted() {
    let text = "
NAME,LOGIN_NAME,DISPLAY_NAME,EMAIL,DISABLED,LAST_SUCCESS_LOGIN,HAS_PASSWORD,HAS_MFA,CREATED_ON,TYPE,DEFAULT_ROLE,EXPIRES_AT_TIME
ADA,ADA@ACME.EXAMPLE,Ada Low,ada@acme.example,false,2026-06-01 02:05:00.000 -0700,true,true,2020-01-02 03:04:05.123 -0800,PERSON,ACCOUNTADMIN,
ETL,ETL_SVC,ETL,,true,,false,false,2020-01-02 03:04:05.123 -0800,SERVICE,LOADER,";
    let expect = json!([
        { "account_id": "ADA", "name": "ADA@ACME.EXAMPLE", "active": true, "last_active_at": "2026-06-01T09:05:00Z",
          "local_login": true, "mfa": true, "class": "human", "privileged": true },
        { "account_id": "ETL", "active": false, "class": "service", "local_login": false }
    ]);
    check(given("users.csv", text), rows("accounts", expect));
}

#[test]
fn identity_providers() {
    let okta = "
id,login,email,firstName,lastName,status,created,activated,lastLogin,employeeNumber
00u1,ada@acme.example,ada@acme.example,Ada,Low,ACTIVE,2020-01-02T03:04:05.000Z,2020-01-02T03:04:05.000Z,2026-06-01T00:00:00.000Z,10001
00u2,ben@acme.example,ben@acme.example,Ben,Roe,DEPROVISIONED,2020-01-02T03:04:05.000Z,,,10002
00u3,cy@acme.example,cy@acme.example,Cy,Tan,LOCKED_OUT,2020-01-02T03:04:05.000Z,,,10003";
    let expect = json!([
        { "account_id": "00u1", "name": "ada@acme.example", "display_name": "Ada Low", "active": true,
          "employee_id": "10001", "last_active_at": "2026-06-01T00:00:00Z" },
        { "account_id": "00u2", "active": false, "status": "DEPROVISIONED" },
        { "account_id": "00u3", "active": true }
    ]);
    check(given("apps/okta/accounts_2026-06-29.csv", okta), rows("accounts", expect));
    let entra = "
userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,createdDateTime
ada@acme.example,Ada Low,Low,ada@acme.example,Ada,6a1f,Member,Analyst,Finance,True,2020-01-02T03:04:05Z
cy_other.example#EXT#@acme.example,Cy Tan,Tan,cy@other.example,Cy,6a20,Guest,,,False,2020-01-02T03:04:05Z";
    let expect = json!([
        { "account_id": "6a1f", "name": "ada@acme.example", "active": true, "class": "human" },
        { "account_id": "6a20", "email": "cy@other.example", "active": false, "class": "guest" }
    ]);
    check(given("exportUsers.csv", entra), rows("accounts", expect));
}

/// A grant lost from a list cell is access that no review sees.
#[test]
fn grants_one_a_line_and_in_lists() {
    let text = "
User ID,Username,Permission Set ID,Permission Set Name,Assigned Date,Expiration Date,Assigned By
005A01,ada@acme.example,0PS1,Modify All Data,2026-01-02,2026-06-20,fox
005A01,ada@acme.example,0PS2,View Setup,2026-01-02,9999-12-31,fox
005A02,ben@acme.example,0PS2,View Setup,2026-01-02,2025-12-31,fox
005A03,cy@acme.example,,,2026-01-02,,fox";
    let expect = json!([
        { "account_id": "005A01", "account_name": "ada@acme.example", "entitlement_kind": "permission",
          "entitlement_id": "0PS1", "entitlement_name": "Modify All Data", "granted_at": "2026-01-01T23:00:00Z",
          "expires_at": "2026-06-20T22:00:00Z", "granted_by": "fox" },
        { "entitlement_id": "0PS2", "expires_at": null },
        "bad_value",
        "missing_field"
    ]);
    check(given("grants.csv", text), rows("grants", expect));
    let lists = "
Email,Groups
ada@acme.example,Finance; Auditors
ben@acme.example,Finance";
    let expect = json!([
        [{ "account_name": "ada@acme.example", "entitlement_kind": "group", "entitlement_id": "Finance" },
         { "entitlement_id": "Auditors" }],
        { "entitlement_id": "Finance" }
    ]);
    check(given("export.csv", lists), rows("grants", expect));
}

/// One listing is of one application: a second one's rows would be taken for the first one's.
#[test]
fn grants_name_their_application() {
    let one = "
Application,User ID,Role
erp,u1,Clerk
erp,u1,Approver
erp,u2,Clerk";
    let grant = |id: &str, role: &str| json!({ "account_id": id, "entitlement_id": role, "entitlement_kind": "role" });
    let expect = json!([grant("u1", "Clerk"), grant("u1", "Approver"), grant("u2", "Clerk")]);
    let table = given("roles.csv", one).table().unwrap();
    assert_eq!(table.app(), Some("erp"));
    check(given("roles.csv", one), rows("grants", expect));
    let two = one.replace("erp,u2", "crm,u2");
    check(given("roles.csv", &two), Expect::Asked(&["2 applications", "--app"]));
    let mut context = context();
    context.app = None;
    let bare = given("roles.csv", "User ID,Role\nu1,Clerk\nu1,Approver").table().unwrap();
    let rejection = bare.read(&["u1".to_string(), "Clerk".to_string()], &context).unwrap_err();
    assert_eq!(
        (rejection.code, rejection.reason.as_str()),
        ("missing_field", "which application? use --app")
    );
}

/// Accounts under an application's name and grants under its id would be of two applications, and nobody would hold
/// anything. Events name it by its id.
#[test]
fn an_id_of_the_application_goes_before_its_name() {
    let accounts = "
account_id,app_name,app_id,username,status
u1,Order Desk,0oa1,ada@acme.example,active
u2,Order Desk,0oa1,ben@acme.example,disabled";
    let grants = "
account_id,application_name,application_id,entitlement
u1,Order Desk,0oa1,Clerk
u2,Order Desk,0oa1,Clerk";
    for text in [accounts, grants] {
        let table = given("export.csv", text).table().unwrap();
        assert_eq!(table.app(), Some("0oa1"), "{}", table.explain());
    }
}

/// Every register with its canonical columns is recognised, whatever the file is called.
#[test]
fn registers_by_their_columns() {
    for kind in lychgate::domain::RegisterKind::ALL {
        use lychgate::domain::register::ColumnType;
        let header: Vec<&str> = kind.columns().iter().map(|(name, _)| *name).collect();
        let cells = kind.columns().iter().map(|(name, form)| match form {
            ColumnType::Text if name.ends_with("_on") => "2026-12-31",
            ColumnType::Text => "abc",
            ColumnType::Bool => "yes",
            ColumnType::Time => "2026-06-20",
            ColumnType::Number => "12.5",
        });
        let row: Vec<&str> = cells.collect();
        let text = format!("{}\n{}", header.join(","), row.join(","));
        let given = given("table.csv", &text);
        let table = given.table().unwrap_or_else(|refusal| panic!("{kind:?}: {refusal}"));
        assert_eq!(table.kind(), TableKind::Register(kind), "{}", table.explain());
        let Row::Register(read) = given.rows(&table).remove(0).unwrap().remove(0) else { panic!("{kind:?}") };
        assert_eq!(read.attributes.len(), header.len(), "{kind:?}");
        assert_eq!(read.key, vec!["abc"; kind.key_columns()].join("/"), "{kind:?}");
    }
}

/// An exception that ends a day early would open findings that were accepted.
#[test]
fn register_values_are_canonical() {
    let text = "
exception_id,kind,subject,app_id,detector,reason,approver,valid_from,valid_until
E1,leave,ada@acme.example,,DOR-01,parental leave,fox@acme.example,2026-01-01,2026-06-30
,leave,ada@acme.example,,DOR-01,parental leave,fox@acme.example,2026-01-01,2026-06-30";
    let first = json!({ "key": "E1", "attributes": {
        "exception_id": "E1", "kind": "leave", "subject": "ada@acme.example", "detector": "DOR-01",
        "reason": "parental leave", "approver": "fox@acme.example",
        "valid_from": "2025-12-31T23:00:00Z", "valid_until": "2026-06-30T22:00:00Z" } });
    check(
        given("registers/exceptions_2026-06-29.csv", text),
        rows("exceptions", json!([first, "missing_field"])),
    );
    let text = "
app_id,account_id,name,class,sponsors,privileged,purpose
erp,svc1,Sync,service,\"fox@acme.example, low@acme.example\",Yes,sync";
    let first = json!({ "key": "erp/svc1", "attributes": {
        "app_id": "erp", "account_id": "svc1", "name": "Sync", "class": "service",
        "sponsors": "fox@acme.example;low@acme.example", "privileged": "true", "purpose": "sync" } });
    check(given("nhi.csv", text), rows("non_human_identities", json!([first])));
}

/// A bracketed remark in the header, and two columns that can each switch an account off.
#[test]
fn workspace_like() {
    let text = "
First Name [Required],Last Name [Required],Email Address [Required],Org Unit Path [Required],Employee ID,Status [READ ONLY],Last Sign In [READ ONLY],2sv Enrolled [READ ONLY]
Ada,Low,ada@acme.example,/,10001,Active,2026/06/01 09:05:00,True
Ben,Roe,ben@acme.example,/,10002,Suspended,Never logged in,False";
    let expect = json!([
        { "account_id": "ada@acme.example", "display_name": "Ada Low", "active": true, "mfa": true,
          "employee_id": "10001", "last_active_at": "2026-06-01T07:05:00Z" },
        { "active": false, "last_active_at": null }
    ]);
    check(given("User_Download.csv", text), rows("accounts", expect));
    let text = "
User ID,Email,Suspended,Archived,Last login
1,ada@acme.example,FALSE,FALSE,2026-06-01
2,ben@acme.example,FALSE,TRUE,2026-06-01";
    check(given("u.csv", text), rows("accounts", json!([{ "active": true }, { "active": false }])));
}

/// Ids of roles may be words that elsewhere are a status.
#[test]
fn roles_called_member_and_admin() {
    let text = "
user_id,login,role_id,role,granted_at,expires_at
1,ada,member,Member,2026-01-02T00:00:00Z,
1,ada,admin,Admin,2026-01-02T00:00:00Z,2026-07-01T00:00:00Z";
    let expect =
        json!([{ "entitlement_id": "member", "entitlement_kind": "role" }, { "entitlement_id": "admin" }]);
    check(given("apps/x/grants.csv", text), rows("grants", expect));
}

/// A revoked grant that stays in the export is no access.
#[test]
fn grants_that_are_over() {
    let text = "
User ID,Role,Status
u1,Clerk,Active
u1,Approver,Revoked";
    check(given("r.csv", text), rows("grants", json!([{ "entitlement_id": "Clerk" }, []])));
}

/// The other headers that products of these families write.
#[test]
fn further_styles() {
    for (header, row, expect) in [
        (
            "id,primaryEmail,name.fullName,suspended,creationTime,lastLoginTime",
            "1107,ada@acme.example,Ada Low,true,2020-01-02T03:04:05Z,Never",
            json!({ "account_id": "1107", "email": "ada@acme.example", "display_name": "Ada Low", "active": false }),
        ),
        (
            "id,login,name,email,role,suspended,saml_name_id,created_at,last_active,2fa_enabled",
            "8812,adalow,Ada Low,,member,false,ada@acme.example,2020-01-02T03:04:05Z,2026-06-01T00:00:00Z,true",
            json!({ "account_id": "8812", "name": "adalow", "active": true, "mfa": true,
                    "external_id": "ada@acme.example" }),
        ),
        (
            "Member ID,Username,Email,Full name,Account type,Status,Account created,Last active,Expiration date",
            "U01,ada,ada@acme.example,Ada Low,Guest,Active,2020-01-02T03:04:05Z,,2026-07-01T00:00:00Z",
            json!({ "account_id": "U01", "class": "guest", "active": true, "expires_at": "2026-07-01T00:00:00Z",
                    "created_at": "2020-01-02T03:04:05Z" }),
        ),
        (
            "USER_ID,NAME,LOGIN_NAME,DISPLAY_NAME,EMAIL,DISABLED,HAS_PASSWORD,CREATED_ON,EXPIRES_AT",
            "u9,ada.low,ada.low,Ada Low,ada@acme.example,false,true,2020-01-02T03:04:05Z,",
            json!({ "account_id": "u9", "name": "ada.low", "active": true, "local_login": true, "last_active_at": null }),
        ),
        (
            "sys_id,user_name,name,email,employee_number,active,locked_out,sys_created_on",
            "6816,ada.low,Ada Low,ada@acme.example,10001,true,false,2020-01-02 03:04:05",
            json!({ "account_id": "6816", "name": "ada.low", "employee_id": "10001", "active": true }),
        ),
    ] {
        let text = format!("{header}\n{row}");
        check(given("apps/x/accounts_2026-06-29.csv", &text), rows("accounts", json!([expect])));
    }
    for header in [
        "User ID,Username,Permission Set ID,Permission Set,Assigned On,Expires On",
        "user_id,login,role_id,role,granted_at,expires_at",
        "Account ID,Account Name,Group ID,Group Name,Granted At,Expires At",
    ] {
        let text =
            format!("{header}\n1,ada,G1,Finance,2026-01-02T00:00:00Z,\n1,ada,G2,Audit,2026-01-02T00:00:00Z,");
        let grant = |id: &str, name: &str| {
            json!({ "account_id": "1", "account_name": "ada", "entitlement_id": id, "entitlement_name": name,
                    "granted_at": "2026-01-02T00:00:00Z", "expires_at": null })
        };
        let expect = json!([grant("G1", "Finance"), grant("G2", "Audit")]);
        check(given("apps/x/grants_2026-06-29.csv", &text), rows("grants", expect));
    }
}
