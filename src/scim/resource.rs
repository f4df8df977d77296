//! SCIM resources (RFC 7643 §4) as service providers return them.
//!
//! Takes a JSON resource, gives the fields of a User or a Group that say who it is and
//! whether it is alive. It does not validate against a schema.

use serde_json::Value;

use super::attribute::{self, ENTERPRISE};
use super::members::{Member, members};
use crate::domain::UtcMicros;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    pub id: Option<String>,
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<String>,
    pub employee_number: Option<String>,
    pub user_type: Option<String>,
    pub active: Option<bool>,
    pub created_at: Option<UtcMicros>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub id: Option<String>,
    pub name: Option<String>,
    pub members: Vec<Member>,
}

/// What a resource says it is: by `meta.resourceType`, else by its schemas.
pub fn kind(resource: &Value) -> Option<Kind> {
    let stated = attribute::get(resource, "meta").and_then(|meta| attribute::text(meta, "resourceType"));
    if let Some(stated) = stated {
        return match stated.to_ascii_lowercase().as_str() {
            "user" => Some(Kind::User),
            "group" => Some(Kind::Group),
            _ => None,
        };
    }
    let schemas = attribute::get(resource, "schemas")?.as_array()?;
    schemas.iter().filter_map(Value::as_str).find_map(|uri| {
        let uri = uri.to_ascii_lowercase();
        // SCIM 1.1 named both kinds with one URN, so it decides nothing.
        if uri.ends_with(":core:2.0:user") || uri.ends_with(":enterprise:2.0:user") {
            Some(Kind::User)
        } else if uri.ends_with(":core:2.0:group") {
            Some(Kind::Group)
        } else {
            None
        }
    })
}

pub fn user(resource: &Value) -> User {
    let text = |name| attribute::text(resource, name);
    let meta = attribute::get(resource, "meta");
    User {
        id: text("id"),
        user_name: text("userName"),
        display_name: text("displayName").or_else(|| full_name(resource)),
        email: email(resource),
        external_id: text("externalId"),
        employee_number: employee_number(resource),
        user_type: text("userType"),
        active: attribute::get(resource, "active").and_then(attribute::boolean).map(|(active, _)| active),
        created_at: meta
            .and_then(|meta| attribute::text(meta, "created"))
            .and_then(|at| UtcMicros::parse(&at)),
    }
}

pub fn group(resource: &Value) -> Group {
    let named = attribute::get(resource, "members").filter(|value| !value.is_null());
    Group {
        id: attribute::text(resource, "id"),
        name: attribute::text(resource, "displayName"),
        members: named.map(|value| members(value, &mut Vec::new())).unwrap_or_default(),
    }
}

/// The resources of a ListResponse; none for anything else.
pub fn listed(document: &Value) -> Option<&Vec<Value>> {
    attribute::get(document, "Resources")?.as_array()
}

fn full_name(resource: &Value) -> Option<String> {
    let name = attribute::get(resource, "name")?;
    attribute::text(name, "formatted").or_else(|| {
        let parts: Vec<String> =
            ["givenName", "familyName"].iter().filter_map(|part| attribute::text(name, part)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

/// The primary address, else the one for work, else the first.
fn email(resource: &Value) -> Option<String> {
    let emails = match attribute::get(resource, "emails")? {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let primary = |item: &&Value| {
        attribute::get(item, "primary").and_then(attribute::boolean).is_some_and(|(flag, _)| flag)
    };
    let work =
        |item: &&Value| attribute::text(item, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let chosen = emails.iter().find(primary).or_else(|| emails.iter().find(work)).or(emails.first())?;
    attribute::scalar(chosen).or_else(|| attribute::text(chosen, "value"))
}

fn employee_number(resource: &Value) -> Option<String> {
    let extension = attribute::get(resource, ENTERPRISE);
    extension
        .and_then(|extension| attribute::text(extension, "employeeNumber"))
        .or_else(|| attribute::text(resource, &format!("{ENTERPRISE}:employeeNumber")))
        .or_else(|| attribute::text(resource, "employeeNumber"))
}
