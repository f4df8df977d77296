//! The text of one Okta System Log event, with the vendor's names of fields and types.

use std::fmt::Write;

use super::okta::Deed;
use crate::domain::UtcMicros;
use crate::simulate::calendar::{date_of, instant, millis};
use crate::simulate::names::ascii;
use crate::simulate::stream::{letters, mixed, uuid};
use crate::simulate::world::{Account, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Create,
    Activate,
    Reactivate,
    Deactivate,
    Suspend,
    Rename,
    EnrolFactor,
    JoinGroup,
    LeaveGroup,
    Assign,
    Unassign,
    Push,
    ProvisionReactivate,
    ProvisionDeactivate,
    ProvisionDeactivateFailed,
    SignIn,
    SignInFailed,
    Sso,
    GrantRole,
    RevokeRole,
    CreateToken,
    RevokeToken,
    Profile,
}

impl What {
    fn event_type(self) -> &'static str {
        match self {
            What::Create => "user.lifecycle.create",
            What::Activate => "user.lifecycle.activate",
            What::Reactivate => "user.lifecycle.reactivate",
            What::Deactivate => "user.lifecycle.deactivate",
            What::Suspend => "user.lifecycle.suspend",
            What::Rename | What::Profile => "user.account.update_profile",
            What::EnrolFactor => "user.mfa.factor.activate",
            What::JoinGroup => "group.user_membership.add",
            What::LeaveGroup => "group.user_membership.remove",
            What::Assign => "application.user_membership.add",
            What::Unassign => "application.user_membership.remove",
            What::Push => "application.provision.user.push",
            What::ProvisionReactivate => "application.provision.user.reactivate",
            What::ProvisionDeactivate | What::ProvisionDeactivateFailed => {
                "application.provision.user.deactivate"
            }
            What::SignIn | What::SignInFailed => "user.session.start",
            What::Sso => "user.authentication.sso",
            What::GrantRole => "user.account.privilege.grant",
            What::RevokeRole => "user.account.privilege.revoke",
            What::CreateToken => "system.api_token.create",
            What::RevokeToken => "system.api_token.revoke",
        }
    }

    fn message(self) -> &'static str {
        match self {
            What::Create => "Create Okta user",
            What::Activate => "Activate Okta user",
            What::Reactivate => "Reactivate Okta user",
            What::Deactivate => "Deactivate Okta user",
            What::Suspend => "Suspend Okta user",
            What::Rename | What::Profile => "Update user profile for Okta",
            What::EnrolFactor => "Activate factor or authenticator enrollment for user",
            What::JoinGroup => "Add user to group membership",
            What::LeaveGroup => "Remove user from group membership",
            What::Assign => "Add user to application membership",
            What::Unassign => "Remove user's application membership",
            What::Push => "Push new user to external application",
            What::ProvisionReactivate => "Reactivate user in external application",
            What::ProvisionDeactivate | What::ProvisionDeactivateFailed => {
                "Deactivate user in external application"
            }
            What::SignIn | What::SignInFailed => "User login to Okta",
            What::Sso => "User single sign on to app",
            What::GrantRole => "Grant user privilege",
            What::RevokeRole => "Revoke user privilege",
            What::CreateToken => "Create API token",
            What::RevokeToken => "Revoke API token",
        }
    }

    /// The person acts; otherwise Okta does.
    fn own_act(self) -> bool {
        matches!(
            self,
            What::EnrolFactor
                | What::SignIn
                | What::SignInFailed
                | What::Sso
                | What::CreateToken
                | What::RevokeToken
        )
    }
}

/// One line of the log, without its end.
pub fn line(world: &World, deed: &Deed) -> String {
    let parts = [deed.at.0 as u64, u64::from(deed.account) << 32 | u64::from(deed.app), deed.what as u64];
    let rng = &mut mixed(world.plan.seed, parts);
    let mut id = uuid(rng);
    let transaction = letters(rng, 22);
    if deed.again {
        id = uuid(rng);
    }
    let account = &world.accounts[deed.account as usize];
    let user = user(world, account, deed.at);
    let actor = if deed.what.own_act() { user.clone() } else { SYSTEM.to_owned() };
    let outcome = match deed.what {
        What::SignInFailed => r#"{"result":"FAILURE","reason":"INVALID_CREDENTIALS"}"#,
        What::ProvisionDeactivateFailed => {
            r#"{"result":"FAILURE","reason":"Automatic deprovisioning of user failed: 401 Unauthorized"}"#
        }
        _ => r#"{"result":"SUCCESS","reason":null}"#,
    };
    let severity = if outcome.contains("FAILURE") { "WARN" } else { "INFO" };
    let mut text = String::with_capacity(1100);
    let _ = write!(
        text,
        r#"{{"actor":{actor},"client":{},"authenticationContext":{{"externalSessionId":"{}"}},"displayMessage":"{}","eventType":"{}","outcome":{outcome},"published":"{}","severity":"{severity}","debugContext":{{"debugData":{}}},"transaction":{{"type":"{}","id":"{transaction}","detail":{{}}}},"uuid":"{id}","version":"0","target":{}}}"#,
        client(deed),
        if deed.what.own_act() { &transaction } else { "trs0" },
        deed.what.message(),
        deed.what.event_type(),
        millis(deed.at),
        debug(deed.what),
        if deed.what.own_act() { "WEB" } else { "JOB" },
        targets(world, deed, account, &user),
    );
    text
}

const SYSTEM: &str = r#"{"id":"00u0provisioning0000","type":"SystemPrincipal","alternateId":"system@okta.com","displayName":"Okta System","detailEntry":null}"#;

fn user(world: &World, account: &Account, at: UtcMicros) -> String {
    let who = account.person.map(|person| (person, &world.people[person]));
    let former = who.and_then(|(person, who)| {
        let (former, day) = who.former_email.as_ref()?;
        (at < instant(*day, 10, world.zone(person))).then_some(former)
    });
    let login = former.unwrap_or(&account.name);
    format!(
        r#"{{"id":"{}","type":"User","alternateId":"{login}","displayName":"{}","detailEntry":null}}"#,
        account.id, account.display_name
    )
}

fn client(deed: &Deed) -> String {
    if !deed.what.own_act() {
        return r#"{"userAgent":null,"zone":"null","device":null,"id":null,"ipAddress":null,"geographicalContext":null}"#.to_owned();
    }
    let agent = ["CHROME", "FIREFOX", "SAFARI", "EDGE"][deed.account as usize % 4];
    let (a, b) = (deed.account % 200 + 1, deed.account / 200 % 250 + 1);
    format!(
        r#"{{"userAgent":{{"rawUserAgent":"Mozilla/5.0 ({agent})","os":"Mac OS X","browser":"{agent}"}},"zone":"null","device":"Computer","id":null,"ipAddress":"198.18.{b}.{a}","geographicalContext":null}}"#
    )
}

fn debug(what: What) -> &'static str {
    match what {
        What::GrantRole | What::RevokeRole => r#"{"privilegeGranted":"Read-only administrator"}"#,
        What::Rename => r#"{"changedAttributes":"login,email,lastName"}"#,
        What::Profile => r#"{"changedAttributes":"mobilePhone"}"#,
        _ => "{}",
    }
}

fn targets(world: &World, deed: &Deed, account: &Account, user: &str) -> String {
    match deed.what {
        What::JoinGroup | What::LeaveGroup => {
            let name = &world.departments[deed.app as usize];
            format!(
                r#"[{user},{{"id":"00g{:0>17}","type":"UserGroup","alternateId":"unknown","displayName":"{name}","detailEntry":null}}]"#,
                ascii(name)
            )
        }
        What::Sso
        | What::Assign
        | What::Unassign
        | What::Push
        | What::ProvisionReactivate
        | What::ProvisionDeactivate
        | What::ProvisionDeactivateFailed => format!("[{},{user}]", app_targets(world, deed, account)),
        What::CreateToken | What::RevokeToken => {
            let day = date_of(deed.at);
            format!(
                r#"[{{"id":"00T{day}","type":"Token","alternateId":"unknown","displayName":"report {day}","detailEntry":null}}]"#
            )
        }
        What::SignIn | What::SignInFailed => "[]".to_owned(),
        _ => format!("[{user}]"),
    }
}

fn app_targets(world: &World, deed: &Deed, account: &Account) -> String {
    let app = &world.apps[deed.app as usize];
    let id = app.idp_app_id.as_deref().unwrap_or_default();
    format!(
        r#"{{"id":"0ua{}","type":"AppUser","alternateId":"{}","displayName":"{}","detailEntry":null}},{{"id":"{id}","type":"AppInstance","alternateId":"{}","displayName":"{}","detailEntry":{{"signOnModeType":"SAML_2_0"}}}}"#,
        &account.id[3..],
        account.name,
        account.display_name,
        app.name,
        app.name
    )
}
