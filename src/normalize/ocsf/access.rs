//! What an OCSF event gives or takes: roles, policies, privileges and groups.
//!
//! The class decides where it stands: `iam_role` or `iam_roles`, `policy` or `policies`,
//! `privileges`, a list of names, and `group`. Older minor versions have one, newer a list.

use serde_json::Value;

use crate::domain::{EntitlementKind, EntitlementRef, Event};
use crate::normalize::{draft, json};

/// The event, or one for each thing that is given or taken.
pub fn events(value: &Value, event: Event) -> Vec<Event> {
    let entitlements = entitlements(value, event.verb.as_str());
    if entitlements.is_empty() {
        return vec![event];
    }
    let one = |entitlement| Event { entitlement, ..event.clone() };
    entitlements.into_iter().map(one).collect()
}

fn entitlements(value: &Value, verb: &str) -> Vec<EntitlementRef> {
    if verb.starts_with("group.") {
        let parts = ["group", "entity"].map(|key| json::ci(value, key));
        let group = parts.into_iter().flatten().next();
        return group.map(|group| named(EntitlementKind::Group, group)).into_iter().collect();
    }
    if !verb.starts_with("role.") || verb == "role.define" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (one, many) in [("iam_role", "iam_roles"), ("policy", "policies")] {
        let list = json::ci(value, many).and_then(Value::as_array).into_iter().flatten();
        found.extend(list.chain(json::ci(value, one)).map(|role| named(EntitlementKind::Role, role)));
    }
    let privileges = json::ci(value, "privileges").and_then(Value::as_array).into_iter().flatten();
    let privilege = |name: &Value| draft::entitlement(EntitlementKind::Permission, None, json::scalar(name));
    found.extend(privileges.map(privilege));
    found.retain(|entitlement| entitlement.kind.is_some());
    found
}

fn named(kind: EntitlementKind, part: &Value) -> EntitlementRef {
    draft::entitlement(kind, json::text_ci(part, &["uid"]), json::text_ci(part, &["name"]))
}
