//! Admin events: whom they are about, and what they give.

use serde_json::Value;

use super::SOURCE;
use crate::domain::{AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Verb};
use crate::normalize::{draft, json};

/// The event, one for each role that it names, and what an update says of a user's state.
pub fn events(value: &Value, event: Event) -> Vec<Event> {
    let by = |key: &str| json::text_ci(value, &["authDetails", key]);
    let resource = Resource::of(value);
    let event = Event {
        actor: Actor { id: by("userId"), kind: None, name: by("username") },
        account: resource.account(),
        app: resource.app(),
        client_ip: by("ipAddress"),
        verb: resource.refined(event.verb.clone()),
        ..event
    };
    let entitlements = resource.entitlements(&event.verb);
    if entitlements.is_empty() {
        return resource.with_state(event);
    }
    let one = |entitlement| Event { entitlement, ..event.clone() };
    entitlements.into_iter().map(one).collect()
}

/// What an admin event was done to.
struct Resource {
    /// The parts of the resource path: `users`, its id, `groups`, its id.
    path: Vec<String>,
    representation: Value,
}

impl Resource {
    fn of(value: &Value) -> Resource {
        let path = json::text_ci(value, &["resourcePath"]).unwrap_or_default();
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        // The representation is JSON in a string.
        let representation = match json::get_ci(value, &["representation"]) {
            Some(Value::String(text)) => json::parse(text).unwrap_or_default(),
            other => other.cloned().unwrap_or_default(),
        };
        Resource { path, representation }
    }

    fn part(&self, at: usize) -> Option<&str> {
        self.path.get(at).map(String::as_str)
    }

    fn of_group(&self) -> bool {
        self.part(0) == Some("groups")
    }

    /// Whether it is something that a user has: credentials, an identity elsewhere, consents, sessions.
    fn below_user(&self) -> bool {
        self.part(0) == Some("users") && self.path.len() > 2
    }

    fn refined(&self, verb: Verb) -> Verb {
        match (verb.as_str(), self.part(2)) {
            ("role.grant", _) if self.of_group() => Verb::new("role.grant.group"),
            ("role.revoke", _) if self.of_group() => Verb::new("role.revoke.group"),
            // Keycloak calls what a user has a user too: only the path tells that the user stays.
            ("account.create" | "account.delete", Some(_)) if self.below_user() => {
                Verb::new("account.update")
            }
            ("account.update", _) if self.enabled() == Some(false) => Verb::new("account.deactivate"),
            // An action on a user is what the end of its path says.
            ("other", Some("reset-password")) => Verb::new("credential.reset"),
            ("other", Some("logout")) => Verb::new("session.revoke"),
            ("other", Some("impersonation")) => Verb::new("impersonate"),
            _ => verb,
        }
    }

    fn enabled(&self) -> Option<bool> {
        if self.below_user() {
            return None;
        }
        json::ci(&self.representation, "enabled")?.as_bool()
    }

    /// The event, and what the representation says of the user's state: a user who is
    /// created disabled, or updated as an enabled one.
    fn with_state(&self, event: Event) -> Vec<Event> {
        let more = match (event.verb.as_str(), self.enabled()) {
            ("account.create", Some(false)) => "account.deactivate",
            ("account.update", Some(true)) => "account.reactivate",
            _ => return vec![event],
        };
        let stated = Event { verb: Verb::new(more), ..event.clone() };
        vec![event, stated]
    }

    fn account(&self) -> AccountRef {
        let Some(id) = self.part(1).filter(|_| self.part(0) == Some("users")) else {
            return AccountRef::default();
        };
        // Below the user, the representation is of something else.
        let own = |key: &str| json::text_ci(&self.representation, &[key]).filter(|_| !self.below_user());
        let account = draft::account(SOURCE, Some(id.to_owned()), own("username"));
        AccountRef { email: own("email").or(account.email.clone()), ..account }
    }

    /// The client that is made, or whose roles are given.
    fn app(&self) -> AppRef {
        let at = self.path.iter().position(|part| part == "clients");
        let id = at.and_then(|at| self.part(at + 1)).map(str::to_owned);
        let name = json::text_ci(&self.representation, &["clientId"]);
        AppRef { id, name }
    }

    /// What is given or taken; none where the representation was not kept.
    fn entitlements(&self, verb: &Verb) -> Vec<EntitlementRef> {
        let text = |key: &str| json::text_ci(&self.representation, &[key]);
        if verb.as_str().starts_with("group.") {
            let at = self.path.iter().position(|part| part == "groups");
            let id = at.and_then(|at| self.part(at + 1)).map(str::to_owned);
            let name = text("path").or_else(|| text("name"));
            return vec![draft::entitlement(EntitlementKind::Group, id.or_else(|| text("id")), name)];
        }
        if !verb.as_str().starts_with("role.") || verb.as_str() == "role.define" {
            return Vec::new();
        }
        let roles = self.representation.as_array().into_iter().flatten();
        let role = |role: &Value| {
            let text = |key: &str| json::text_ci(role, &[key]);
            draft::entitlement(EntitlementKind::Role, text("id"), text("name"))
        };
        roles.map(role).collect()
    }
}
