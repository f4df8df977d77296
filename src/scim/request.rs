//! The SCIM request that would carry out a remediation: a PATCH around an operation that is given, in
//! whatever dialect (`models/dialects`).
//!
//! Gives `{"method", "path", "body"}` as JSON, the path relative to the SCIM base URL.
//! Nothing is sent from here or anywhere else in the product.

use serde_json::{Value, json};

use super::endpoint::encoded;
use super::filter::Literal;

const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A PATCH of an account.
pub fn patch_user(account_id: &str, operation: &Value) -> Value {
    patch("Users", account_id, filled(operation, account_id))
}

/// A PATCH of a group, about one account.
pub fn patch_group(group_id: &str, account_id: &str, operation: &Value) -> Value {
    patch("Groups", group_id, filled(operation, account_id))
}

/// The operation with `{account}` and `{account_text}` (a text of a SCIM filter, quotes and all) replaced.
fn filled(operation: &Value, account_id: &str) -> Value {
    match operation {
        Value::String(text) => {
            let literal = Literal::Text(account_id.to_string()).to_string();
            Value::String(text.replace("{account_text}", &literal).replace("{account}", account_id))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, account_id)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), filled(value, account_id))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => operation.clone(),
    }
}

fn patch(resource: &str, id: &str, operation: Value) -> Value {
    json!({
        "method": "PATCH",
        "path": format!("/{resource}/{}", encoded(id)),
        "body": {"schemas": [PATCH_SCHEMA], "Operations": [operation]},
    })
}
