//! What services of Microsoft 365 give and take: mailboxes, groups, sites and teams.

use serde_json::Value;

use super::property;
use crate::domain::{AccountRef, EntitlementKind, EntitlementRef, Event};
use crate::normalize::{draft, entra, json};

/// The event with whom and what it is about, or one for each member of a team.
pub fn events(value: &Value, event: Event) -> Vec<Event> {
    let members = json::ci(value, "Members").and_then(Value::as_array).filter(|members| !members.is_empty());
    if let Some(members) = members.filter(|_| event.event_type.starts_with("Member")) {
        let one = |member: &Value| Event {
            account: named(json::text_ci(member, &["UPN"])),
            entitlement: team(value),
            ..event.clone()
        };
        return members.iter().map(one).collect();
    }
    let (account, entitlement) = match json::text_ci(value, &["Workload"]).as_deref() {
        Some("Exchange") => exchange(value, &event),
        Some("SharePoint" | "OneDrive") => site(value, &event),
        Some("MicrosoftTeams") => (None, team(value)),
        _ => (None, EntitlementRef::default()),
    };
    vec![Event { account: account.unwrap_or_else(|| event.account.clone()), entitlement, ..event }]
}

/// An account of Entra known by its address. Anything else, such as a display name, is
/// nobody's for sure.
fn named(name: Option<String>) -> AccountRef {
    name.filter(|name| name.contains('@')).map(|name| entra::account(None, Some(name))).unwrap_or_default()
}

/// What a cmdlet of Exchange gives to the user in its parameters.
fn exchange(value: &Value, event: &Event) -> (Option<AccountRef>, EntitlementRef) {
    let parameter = |name: &str| property(value, "Parameters", name);
    let verb = event.verb.as_str();
    if verb.starts_with("group.") {
        let group = draft::entitlement(EntitlementKind::Group, None, parameter("Identity"));
        return (Some(named(parameter("Member"))), group);
    }
    if !verb.starts_with("role.") {
        return (None, EntitlementRef::default());
    }
    let user = ["User", "Trustee", "Member"].iter().find_map(|name| parameter(name));
    let rights = parameter("AccessRights").unwrap_or_default();
    let identity = parameter("Identity");
    let right = match event.event_type.as_str() {
        "Add-RoleGroupMember" | "Remove-RoleGroupMember" => {
            draft::entitlement(EntitlementKind::Role, None, identity)
        }
        _ => draft::entitlement(
            EntitlementKind::Permission,
            identity.map(|name| format!("{name}/{rights}")),
            None,
        ),
    };
    (Some(named(user)), right)
}

/// What a site gives to the user that it names.
fn site(value: &Value, event: &Event) -> (Option<AccountRef>, EntitlementRef) {
    let text = |key: &str| json::text_ci(value, &[key]);
    let verb = event.verb.as_str();
    if !verb.starts_with("group.") && !verb.starts_with("role.") {
        return (None, EntitlementRef::default());
    }
    let place = text("SiteUrl").or_else(|| text("ObjectId")).unwrap_or_default();
    let place = place.trim_end_matches('/');
    let entitlement = if verb.starts_with("group.") {
        let data = text("EventData").unwrap_or_default().replace("&lt;", "<").replace("&gt;", ">");
        let name = data.split_once("<Group>").and_then(|(_, rest)| rest.split('<').next()).map(str::to_owned);
        let id = name.as_ref().map(|name| format!("{place}/{name}"));
        draft::entitlement(EntitlementKind::Group, id, name)
    } else {
        let id = Some(format!("{place}/site_collection_admin"));
        draft::entitlement(EntitlementKind::Role, id, Some("site collection administrator".to_owned()))
    };
    (Some(named(text("TargetUserOrGroupName"))), entitlement)
}

/// The team, by the group that it is in Entra.
fn team(value: &Value) -> EntitlementRef {
    let text = |key: &str| json::text_ci(value, &[key]);
    draft::entitlement(
        EntitlementKind::Group,
        text("AADGroupId").or_else(|| text("TeamGuid")),
        text("TeamName"),
    )
}
