//! What Baton's connectors find, as `baton resources -o json` and `baton grants -o json`
//! print it.
//!
//! Takes one element of the printed list, gives an account for a user and one grant for a
//! grant to a user. Other resources give nothing, and neither do grants to groups: those of
//! their members stand beside them. Membership is known by the id of the group or role, as in
//! its application's events, every other entitlement by the id that Baton makes for it.

use serde_json::Value;

use super::{Context, JsonFormat, json};
use crate::domain::{AccountClass, AccountRow, EntitlementKind, GrantRow, Rejection, Row};

pub const FORMAT: JsonFormat =
    JsonFormat { name: "baton", title: "Baton resources and grants", recognises, normalize };

fn recognises(value: &Value) -> bool {
    let resource = json::get(value, &["resource", "id", "resourceType"]).is_some();
    let printed = |key: &str| json::get(value, &[key]).is_some_and(Value::is_object);
    resource && printed("resourceType") || is_grant(value)
}

fn is_grant(value: &Value) -> bool {
    ["entitlement", "principal"].iter().all(|part| json::get(value, &["grant", part]).is_some())
}

fn normalize(raw: &str, _context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    if is_grant(&value) {
        return Ok(grant(&value)?.into_iter().map(Row::Grant).collect());
    }
    Ok(account(&value)?.into_iter().map(Row::Account).collect())
}

fn account(value: &Value) -> Result<Option<AccountRow>, Rejection> {
    let resource = &value["resource"];
    let about = annotation(resource, "UserTrait");
    if about.is_none() && !has_trait(value, "TRAIT_USER") {
        return Ok(None);
    }
    let about = about.unwrap_or(&Value::Null);
    let status = json::text(about, &["status", "status"]);
    Ok(Some(AccountRow {
        account_id: native_id(resource)?,
        name: json::text(about, &["login"]),
        display_name: json::text(resource, &["displayName"]),
        email: email(about),
        employee_id: only(&about["employeeIds"]).and_then(json::scalar),
        active: status.as_deref().and_then(active),
        status: json::text(about, &["status", "details"]).or(status),
        class: json::text(about, &["accountType"])
            .and_then(|kind| AccountClass::parse(kind.strip_prefix("ACCOUNT_TYPE_")?)),
        created_at: json::time(about, &["createdAt"]),
        last_active_at: json::time(about, &["lastLogin"]),
        // Printed without its only field where that is false.
        mfa: about["mfaStatus"]
            .as_object()
            .map(|status| status.get("mfaEnabled") == Some(&Value::Bool(true))),
        ..AccountRow::default()
    }))
}

fn active(status: &str) -> Option<bool> {
    match status {
        "STATUS_ENABLED" => Some(true),
        "STATUS_DISABLED" | "STATUS_DELETED" => Some(false),
        _ => None,
    }
}

/// The primary address, or the only one.
fn email(about: &Value) -> Option<String> {
    let all = about["emails"].as_array()?;
    let primary = all.iter().find(|email| email["isPrimary"] == Value::Bool(true));
    json::text(primary.or_else(|| only(&about["emails"]))?, &["address"])
}

fn only(list: &Value) -> Option<&Value> {
    match list.as_array()?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn grant(value: &Value) -> Result<Option<GrantRow>, Rejection> {
    let grant = &value["grant"];
    let of = |key: &str| value.get(key).filter(|part| part.is_object()).unwrap_or(&grant[key]);
    let (principal, entitlement) = (of("principal"), of("entitlement"));
    let user_type = json::text(principal, &["id", "resourceType"]).is_some_and(|kind| kind == "user");
    if annotation(principal, "UserTrait").is_none() && !user_type {
        return Ok(None);
    }
    let resource = value.get("resource").filter(|part| part.is_object()).unwrap_or(&entitlement["resource"]);
    let kind = kind(value);
    let membership = kind != EntitlementKind::Permission
        && json::text(entitlement, &["purpose"]).is_some_and(|purpose| purpose == "PURPOSE_VALUE_ASSIGNMENT")
        && json::text(entitlement, &["slug"])
            .is_some_and(|slug| ["member", "assigned"].contains(&slug.as_str()));
    let made = || json::text(entitlement, &["id"]).ok_or_else(|| missing("entitlement.id"));
    let (entitlement_id, entitlement_name) = if membership {
        (native_id(resource)?, json::text(resource, &["displayName"]))
    } else {
        (made()?, json::text(entitlement, &["displayName"]))
    };
    Ok(Some(GrantRow {
        account_id: Some(native_id(principal)?),
        entitlement_kind: kind,
        entitlement_id,
        entitlement_name,
        ..GrantRow::default()
    }))
}

/// By what the entitlement's resource is. A repository or a project has no trait: what is
/// held there is a permission.
fn kind(value: &Value) -> EntitlementKind {
    const KINDS: [(&str, EntitlementKind); 3] = [
        ("TRAIT_GROUP", EntitlementKind::Group),
        ("TRAIT_ROLE", EntitlementKind::Role),
        ("TRAIT_APP", EntitlementKind::App),
    ];
    let found = KINDS.iter().find(|(name, _)| has_trait(value, name));
    found.map_or(EntitlementKind::Permission, |(_, kind)| *kind)
}

fn has_trait(value: &Value, name: &str) -> bool {
    let traits = json::get(value, &["resourceType", "traits"]).and_then(Value::as_array);
    traits.is_some_and(|traits| traits.iter().any(|own| own == name))
}

fn annotation<'a>(resource: &'a Value, message: &str) -> Option<&'a Value> {
    let of = |note: &&Value| {
        json::text(note, &["@type"]).is_some_and(|kind| kind.rsplit('.').next() == Some(message))
    };
    resource["annotations"].as_array()?.iter().find(of)
}

fn native_id(resource: &Value) -> Result<String, Rejection> {
    json::text(resource, &["id", "resource"]).ok_or_else(|| missing("id.resource"))
}

fn missing(field: &str) -> Rejection {
    Rejection::new("missing_field", format!("a record of Baton's without {field}"))
}
