//! What a call gives or takes: groups, policies, permission sets, keys.
//!
//! A policy of AWS or of a customer is known by its ARN; an inline policy by its name, which
//! is unique for its holder. A permission set is given in one AWS account, and is known by
//! both.

use super::Record;
use crate::domain::{CredentialRef, EntitlementKind, EntitlementRef, Verb};
use crate::normalize::draft;

pub fn entitlement(record: &Record, verb: &Verb) -> EntitlementRef {
    let verb = verb.as_str();
    if verb.starts_with("group.") {
        return group(record);
    }
    if verb == "signin.assume" {
        return role(record.request("roleArn"));
    }
    if !verb.starts_with("role.") || verb == "role.define" {
        return EntitlementRef::default();
    }
    if let Some(set) = record.request("permissionSetArn") {
        let place = record.request("targetId").unwrap_or_default();
        return draft::entitlement(EntitlementKind::Role, Some(format!("{place}/{set}")), tail(&set));
    }
    let inline = || record.request("policyName").map(|name| format!("inline/{name}"));
    role(record.request("policyArn").or_else(inline))
}

fn group(record: &Record) -> EntitlementRef {
    let paths: [&[&str]; 5] = [
        &["requestParameters", "groupId"],
        &["requestParameters", "groupName"],
        &["requestParameters", "id"],
        &["responseElements", "groupId"],
        &["responseElements", "id"],
    ];
    let id = paths.iter().find_map(|path| record.text(path));
    let name = record.request("groupName");
    // Names of IAM groups are unique in one AWS account.
    let named = name.as_ref().map(|name| format!("{}/{name}", record.place().unwrap_or_default()));
    let id = if id == name { named } else { id };
    draft::entitlement(EntitlementKind::Group, id, name)
}

fn role(id: Option<String>) -> EntitlementRef {
    let name = id.as_deref().and_then(tail);
    draft::entitlement(EntitlementKind::Role, id, name)
}

/// The last part of an ARN.
fn tail(arn: &str) -> Option<String> {
    arn.rsplit('/').next().map(str::to_owned)
}

/// The key that a call is about, or that signed it.
pub fn credential(record: &Record, verb: &Verb) -> CredentialRef {
    let own: &[&[&str]] = match verb.as_str() {
        "token.use" => &[&["userIdentity", "accessKeyId"]],
        "token.create" | "token.issue" | "token.revoke" => &[
            &["responseElements", "accessKey", "accessKeyId"],
            &["requestParameters", "accessKeyId"],
            &["responseElements", "serviceSpecificCredential", "serviceSpecificCredentialId"],
            &["requestParameters", "serviceSpecificCredentialId"],
        ],
        _ => return CredentialRef::default(),
    };
    if let Some(id) = own.iter().find_map(|path| record.text(path)) {
        return CredentialRef { kind: Some("api_token"), id: Some(id), name: None };
    }
    let ssh = record.text(&["responseElements", "sSHPublicKey", "sSHPublicKeyId"]);
    let ssh = ssh.or_else(|| record.request("sSHPublicKeyId"));
    CredentialRef { kind: ssh.is_some().then_some("ssh_key"), id: ssh, name: None }
}
