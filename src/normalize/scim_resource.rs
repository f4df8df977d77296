//! SCIM resources of a listing: the Users and Groups that an application returns.
//!
//! Takes one resource, or a page of them (ListResponse), gives an account for a User and
//! one grant a member for a Group; a group without members gives nothing, and neither do
//! groups inside groups. Roles of a User are left to the application's own grant listing:
//! rows of grants in a listing of accounts would make it look like a complete one of both.

use serde_json::Value;

use super::{Context, JsonFormat, json};
use crate::domain::{AccountClass, AccountRow, EntitlementKind, GrantRow, Rejection, Row};
use crate::scim::resource::{self, Group, Kind};

pub const FORMAT: JsonFormat =
    JsonFormat { name: "scim_resource", title: "SCIM Users and Groups", recognises, normalize };

/// A resource of a kind that is read, or a page of such.
fn recognises(value: &Value) -> bool {
    match page(value) {
        Some(resources) => resources.first().is_none_or(|first| resource::kind(first).is_some()),
        None => resource::kind(value).is_some() && json::ci(value, "method").is_none(),
    }
}

/// The resources of a page. Documents of others may have a list of that name, such as the events of AWS: without any in
/// it, only a document that says so is a page.
fn page(value: &Value) -> Option<&Vec<Value>> {
    let says_so = || ["totalResults", "schemas"].iter().any(|key| json::ci(value, key).is_some());
    resource::listed(value).filter(|resources| !resources.is_empty() || says_so())
}

fn normalize(raw: &str, _context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let Some(resources) = page(&value) else {
        return rows(&value);
    };
    let mut all = Vec::with_capacity(resources.len());
    for resource in resources {
        all.extend(rows(resource)?);
    }
    Ok(all)
}

fn rows(value: &Value) -> Result<Vec<Row<'static>>, Rejection> {
    if !value.is_object() {
        return Err(Rejection::new("not_an_object", "a SCIM resource is a JSON object"));
    }
    match resource::kind(value) {
        Some(Kind::User) => Ok(vec![Row::Account(account(value)?)]),
        Some(Kind::Group) => grants(resource::group(value)),
        None => {
            Err(Rejection::new("unknown_format", "neither meta.resourceType nor schemas say User or Group"))
        }
    }
}

fn account(value: &Value) -> Result<AccountRow, Rejection> {
    let user = resource::user(value);
    let Some(account_id) = user.id else {
        let name = user.user_name.unwrap_or_else(|| "without userName".to_string());
        return Err(Rejection::new("missing_field", format!("the User {name} has no id")));
    };
    Ok(AccountRow {
        account_id,
        name: user.user_name,
        display_name: user.display_name,
        email: user.email,
        external_id: user.external_id,
        employee_id: user.employee_number,
        active: user.active,
        class: user.user_type.as_deref().and_then(AccountClass::parse),
        created_at: user.created_at,
        ..AccountRow::default()
    })
}

fn grants(group: Group) -> Result<Vec<Row<'static>>, Rejection> {
    let Some(id) = group.id else {
        let name = group.name.unwrap_or_else(|| "without displayName".to_string());
        return Err(Rejection::new("missing_field", format!("the Group {name} has no id")));
    };
    let accounts = group.members.into_iter().filter(|member| !member.nested);
    let grant = |account_id| {
        Row::Grant(GrantRow {
            account_id: Some(account_id),
            entitlement_kind: EntitlementKind::Group,
            entitlement_id: id.clone(),
            entitlement_name: group.name.clone(),
            ..GrantRow::default()
        })
    };
    Ok(accounts.map(|member| grant(member.id)).collect())
}
