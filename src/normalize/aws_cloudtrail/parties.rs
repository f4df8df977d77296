//! Who called, and whom it happened to.
//!
//! AWS has two directories. An IAM user or role is known by its ARN without a path, since
//! most records name it only within its account, where names are unique whatever the path.
//! A user of IAM Identity Center is known by the id in its store; a role session of hers
//! has her name only, so that such an account has a name and no id.

use super::Record;
use crate::domain::{AccountRef, Actor, Verb};
use crate::normalize::draft;

/// IAM as an application that has accounts.
const IAM: &str = "aws";
/// IAM Identity Center, whose users are others.
const IDENTITY_CENTER: &str = "aws_identity_center";

/// Services that speak of Identity Center's users.
const STORES: [&str; 4] = ["identitystore", "identitystore-scim", "sso-directory", "sso"];

/// Roles that Identity Center makes; their sessions are named after its users.
const RESERVED: &str = "AWSReservedSSO_";

pub fn actor(record: &Record) -> Actor {
    let own = |path: &[&str]| record.text(&[&["userIdentity"], path].concat());
    let id = own(&["arn"])
        .or_else(|| own(&["onBehalfOf", "userId"]))
        .or_else(|| own(&["principalId"]))
        .or_else(|| own(&["invokedBy"]));
    let kind = own(&["type"]).map(|kind| kind.to_lowercase());
    let name = own(&["userName"]).or_else(|| session(record)).or_else(|| own(&["invokedBy"]));
    Actor { id, kind, name }
}

/// The name of the role session in which a call was made.
fn session(record: &Record) -> Option<String> {
    let arn = record.text(&["userIdentity", "arn"])?;
    let (_, session) = arn.split_once(":assumed-role/")?.1.split_once('/')?;
    Some(session.to_owned())
}

/// Whether an IAM user signed the call with a key of her own, which does not end by itself.
pub fn signed_with_own_key(record: &Record) -> bool {
    kind(record) == "IAMUser"
        && record.text(&["userIdentity", "accessKeyId"]).is_some_and(|key| key.starts_with("AKIA"))
}

fn kind(record: &Record) -> String {
    record.text(&["userIdentity", "type"]).unwrap_or_default()
}

/// The account that it happened to: the one that the parameters name, else the caller's
/// where the call is about the caller's own session, keys or factors.
pub fn account(record: &Record, service: &str, verb: &Verb) -> AccountRef {
    const OWN: [&str; 5] = ["signin", "signout", "token.", "credential.", "mfa."];
    let service = service.split('.').next().unwrap_or_default();
    let own = OWN.iter().any(|family| verb.as_str().starts_with(family));
    if STORES.contains(&service) {
        return if own { caller(record) } else { in_store(record, verb) };
    }
    if service == "iam" {
        let named = ["user", "role"].iter().find_map(|kind| {
            let name = record.request(&format!("{kind}Name"))?;
            Some(principal(record, kind, &name))
        });
        let renamed = record.request("newUserName").filter(|_| verb.as_str() == "account.rename");
        if let Some(account) = named {
            return AccountRef { name: renamed.or(account.name.clone()), ..account };
        }
    }
    if own { caller(record) } else { AccountRef::default() }
}

/// A user or a role of IAM.
fn principal(record: &Record, kind: &str, name: &str) -> AccountRef {
    let partition = record.text(&["userIdentity", "arn"]);
    let partition = partition.as_deref().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let place = record.place().unwrap_or_default();
    let id = format!("arn:{partition}:iam::{place}:{kind}/{name}");
    draft::account(IAM, Some(id), Some(name.to_owned()))
}

fn caller(record: &Record) -> AccountRef {
    let own = |path: &[&str]| record.text(&[&["userIdentity"], path].concat());
    let store_user = || draft::account(IDENTITY_CENTER, own(&["onBehalfOf", "userId"]), None);
    match kind(record).as_str() {
        "IAMUser" => own(&["userName"]).map(|name| principal(record, "user", &name)).unwrap_or_default(),
        "Root" => draft::account(IAM, own(&["arn"]), Some("root".to_owned())),
        "AssumedRole" => role_session(record),
        "IdentityCenterUser" => store_user(),
        // Until Identity Center had a type of its own, its users had none.
        "Unknown" => draft::account(IDENTITY_CENTER, own(&["principalId"]), own(&["userName"])),
        // Whoever comes from elsewhere is known there, and here by the name it gave.
        "SAMLUser" | "WebIdentityUser" => {
            AccountRef { id: None, ..draft::account(IAM, None, own(&["userName"])) }
        }
        _ => AccountRef::default(),
    }
}

fn role_session(record: &Record) -> AccountRef {
    let issuer = |key: &str| record.text(&["userIdentity", "sessionContext", "sessionIssuer", key]);
    match issuer("userName") {
        Some(role) if role.starts_with(RESERVED) => {
            AccountRef { id: None, ..draft::account(IDENTITY_CENTER, None, session(record)) }
        }
        Some(role) => principal(record, "role", &role),
        None => AccountRef::default(),
    }
}

/// The user of Identity Center that a call is about. Names come as they are only from the
/// console; the API and SCIM hide them.
fn in_store(record: &Record, verb: &Verb) -> AccountRef {
    let is = |family: &str| verb.as_str().starts_with(family);
    let paths: &[&[&str]] = match () {
        () if is("role.") && !verb.as_str().ends_with(".group") => &[&["requestParameters", "principalId"]],
        () if is("group.member.") => &[
            &["requestParameters", "memberId", "userId"],
            &["requestParameters", "memberId"],
            &["requestParameters", "member", "memberId"],
        ],
        () if is("account.") => &[
            &["requestParameters", "userId"],
            &["requestParameters", "id"],
            &["responseElements", "userId"],
            &["responseElements", "id"],
            &["responseElements", "user", "userId"],
        ],
        () => &[],
    };
    let id = paths.iter().find_map(|path| record.text(path));
    let name =
        record.request("userName").or_else(|| record.text(&["requestParameters", "httpBody", "userName"]));
    draft::account(IDENTITY_CENTER, id, name.filter(|_| is("account.")))
}
