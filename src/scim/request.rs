//! The SCIM request that would carry out a remediation, in the dialect of the identity
//! provider that the application listens to, and the one that undoes it.
//!
//! Gives `{"method", "path", "body"}` as JSON, the path relative to the SCIM base URL.
//! Nothing is sent from here or anywhere else in the product.

use serde_json::{Value, json};

use super::endpoint::encoded;
use super::filter::Literal;

const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// How an identity provider writes PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Lower-case operations without a path, JSON booleans; close to RFC 7644.
    Okta,
    /// Capitalised operations with a path, booleans as text: Entra without the
    /// `aadOptscim062020` flag.
    Entra,
}

impl Dialect {
    /// The dialect of an identity provider, by its application id.
    pub fn parse(name: &str) -> Option<Dialect> {
        match name.trim().to_ascii_lowercase().as_str() {
            "okta" => Some(Dialect::Okta),
            "entra" | "entra_id" | "azure_ad" => Some(Dialect::Entra),
            _ => None,
        }
    }
}

/// Disables an account; [`reactivate`] is the inverse.
pub fn deactivate(dialect: Dialect, account_id: &str) -> Value {
    set_active(dialect, account_id, false)
}

/// Enables an account; [`deactivate`] is the inverse.
pub fn reactivate(dialect: Dialect, account_id: &str) -> Value {
    set_active(dialect, account_id, true)
}

/// Takes an account out of a group; [`add_group_member`] is the inverse.
pub fn remove_group_member(dialect: Dialect, group_id: &str, account_id: &str) -> Value {
    let operation = match dialect {
        Dialect::Okta => {
            let id = Literal::Text(account_id.to_string());
            json!({"op": "remove", "path": format!("members[value eq {id}]")})
        }
        Dialect::Entra => json!({"op": "Remove", "path": "members", "value": [{"value": account_id}]}),
    };
    patch("Groups", group_id, operation)
}

/// Puts an account into a group; [`remove_group_member`] is the inverse.
pub fn add_group_member(dialect: Dialect, group_id: &str, account_id: &str) -> Value {
    let operation = match dialect {
        Dialect::Okta => json!({"op": "add", "path": "members", "value": [{"value": account_id}]}),
        Dialect::Entra => {
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": account_id}]})
        }
    };
    patch("Groups", group_id, operation)
}

fn set_active(dialect: Dialect, account_id: &str, active: bool) -> Value {
    let operation = match dialect {
        Dialect::Okta => json!({"op": "replace", "value": {"active": active}}),
        Dialect::Entra => {
            let text = if active { "True" } else { "False" };
            json!({"op": "Replace", "path": "active", "value": text})
        }
    };
    patch("Users", account_id, operation)
}

fn patch(resource: &str, id: &str, operation: Value) -> Value {
    json!({
        "method": "PATCH",
        "path": format!("/{resource}/{}", encoded(id)),
        "body": {"schemas": [PATCH_SCHEMA], "Operations": [operation]},
    })
}
