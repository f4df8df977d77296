//! The sentence in which the setup audit trail says what was done to whom.
//!
//! `Deactivated user Ann Berg (UserID: [005000000000123])`,
//! `Permission set Sales_API: assigned to user Ann Berg (UserID: [005000000000123])`,
//! `Changed profile for user Ann Berg (UserID: […]) from Standard User to Solution Manager`.
//! A sentence without the id names nobody, since names are not unique.

use crate::domain::{EntitlementKind, EntitlementRef, Event, Verb};
use crate::normalize::draft;

pub struct Sentence<'a>(pub &'a str);

impl Sentence<'_> {
    /// The id of the user that the sentence is about.
    pub fn user(&self) -> Option<String> {
        let (_, rest) = self.0.split_once("UserID: [")?;
        rest.split(']').next().map(str::to_owned)
    }

    /// The event with what was given or taken: two where a profile replaces another.
    pub fn events(&self, event: Event) -> Vec<Event> {
        match event.verb.as_str() {
            "role.change" => self.profiles(event),
            "role.grant" | "role.revoke" => vec![Event { entitlement: self.permission_set(), ..event }],
            group if group.starts_with("group.") => vec![Event { entitlement: self.group(), ..event }],
            _ => vec![event],
        }
    }

    fn profiles(&self, event: Event) -> Vec<Event> {
        let change = self.0.rsplit_once(" from ").and_then(|(_, change)| change.split_once(" to "));
        let Some((old, new)) = change else { return vec![event] };
        let one = |verb, name: &str| {
            let id = format!("profile/{}", name.trim());
            let entitlement =
                draft::entitlement(EntitlementKind::Role, Some(id), Some(name.trim().to_owned()));
            Event { verb: Verb::new(verb), entitlement, ..event.clone() }
        };
        vec![one("role.grant", new), one("role.revoke", old)]
    }

    fn permission_set(&self) -> EntitlementRef {
        let named = self.0.strip_prefix("Permission set ").and_then(|rest| rest.split_once(':'));
        draft::entitlement(EntitlementKind::Role, None, named.map(|(name, _)| name.trim().to_owned()))
    }

    fn group(&self) -> EntitlementRef {
        let named =
            self.0.split_once(" Group ").map(|(_, rest)| rest.split(':').next().unwrap_or(rest).trim());
        draft::entitlement(EntitlementKind::Group, None, named.map(str::to_owned))
    }
}
