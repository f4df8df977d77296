//! A call of Auth0's Management API, as a log record tells it.
//!
//! The operation is the method and the path with `{id}` for what is between slashes at the
//! second and fourth place: `POST /users/{id}/roles`. What the call names in its path and
//! its body becomes an event each.

use serde_json::Value;

use super::SOURCE;
use crate::domain::{AccountRef, EntitlementKind, EntitlementRef, Event, Verb};
use crate::normalize::{draft, json};

pub struct Call<'a> {
    pub method: String,
    /// Method and path, as `models/verbs/auth0.tsv` has them.
    pub operation: String,
    path: Vec<String>,
    body: Option<&'a Value>,
    answer: Option<&'a Value>,
}

impl<'a> Call<'a> {
    pub fn of(record: &'a Value) -> Option<Call<'a>> {
        let text = |key: &str| json::text_ci(record, &["details", "request", key]);
        let method = text("method")?.to_ascii_uppercase();
        let path: Vec<String> = text("path")?
            .trim_start_matches("/api")
            .trim_start_matches("/v2")
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decoded)
            .collect();
        let shape = |(at, part): (usize, &String)| if at % 2 == 1 { "{id}".to_owned() } else { part.clone() };
        let shape: Vec<String> = path.iter().enumerate().map(shape).collect();
        let operation = format!("{method} /{}", shape.join("/"));
        let body = json::get_ci(record, &["details", "request", "body"]);
        Some(Call {
            method,
            operation,
            path,
            body,
            answer: json::get_ci(record, &["details", "response", "body"]),
        })
    }

    /// A blocked user cannot sign in, and an update is how a user is blocked.
    pub fn refined(&self, verb: Verb) -> Verb {
        let blocked = self.body.and_then(|body| json::ci(body, "blocked")).and_then(Value::as_bool);
        match (verb.as_str(), blocked) {
            ("account.update", Some(true)) => Verb::new("account.block"),
            ("account.update", Some(false)) => Verb::new("account.reactivate"),
            _ => verb,
        }
    }

    /// The event for each account and each thing given that the call names.
    pub fn events(&self, event: Event) -> Vec<Event> {
        let accounts = self.accounts();
        let entitlements = self.entitlements();
        let mut events = Vec::new();
        for account in &accounts {
            for entitlement in &entitlements {
                let (account, entitlement) = (account.clone(), entitlement.clone());
                events.push(Event { account, entitlement, ..event.clone() });
            }
        }
        events
    }

    fn part(&self, at: usize) -> Option<&str> {
        self.path.get(at).map(String::as_str)
    }

    /// The users in path, body or answer; one of nobody where there are none.
    fn accounts(&self) -> Vec<AccountRef> {
        let of = |id: String| draft::account(SOURCE, Some(id), None);
        let found: Vec<AccountRef> = match (self.part(0), self.part(2)) {
            (Some("users"), _) if self.part(1).is_some() => {
                self.part(1).map(|id| self.user(id)).into_iter().collect()
            }
            (Some("users"), _) => self.created().into_iter().collect(),
            (Some("roles"), Some("users")) => self.list("users").into_iter().map(of).collect(),
            (Some("organizations"), Some("members")) => match self.part(3) {
                Some(id) => vec![of(id.to_owned())],
                None => self.list("members").into_iter().map(of).collect(),
            },
            _ => Vec::new(),
        };
        if found.is_empty() { vec![AccountRef::default()] } else { found }
    }

    /// The user of `id`, with what the answer to an update says of it.
    fn user(&self, id: &str) -> AccountRef {
        let email = self.answer.and_then(|user| json::text_ci(user, &["email"]));
        draft::account(SOURCE, Some(id.to_owned()), email)
    }

    fn created(&self) -> Option<AccountRef> {
        let text = |key: &str| self.answer.or(self.body).and_then(|user| json::text_ci(user, &[key]));
        text("user_id").map(|id| draft::account(SOURCE, Some(id), text("email").or_else(|| text("username"))))
    }

    /// What is given or taken; one of nothing where it is no such call.
    fn entitlements(&self) -> Vec<EntitlementRef> {
        let of = |kind, id: String| draft::entitlement(kind, Some(id), None);
        let roles = || self.list("roles").into_iter().map(|id| of(EntitlementKind::Role, id)).collect();
        let found: Vec<EntitlementRef> = match (self.part(0), self.part(2), self.part(4)) {
            (Some("users"), Some("roles"), _) => roles(),
            (Some("users"), Some("permissions"), _) => self.permissions(),
            (Some("roles"), Some("users"), _) => {
                self.part(1).map(|id| of(EntitlementKind::Role, id.to_owned())).into_iter().collect()
            }
            // A role in an organisation is another than the same role in the tenant.
            (Some("organizations"), Some("members"), Some("roles")) => {
                let place = self.part(1).unwrap_or_default();
                let role = |id: String| of(EntitlementKind::Role, format!("{place}/{id}"));
                self.list("roles").into_iter().map(role).collect()
            }
            (Some("organizations"), Some("members"), None) => {
                self.part(1).map(|id| of(EntitlementKind::Group, id.to_owned())).into_iter().collect()
            }
            _ => Vec::new(),
        };
        if found.is_empty() { vec![EntitlementRef::default()] } else { found }
    }

    fn permissions(&self) -> Vec<EntitlementRef> {
        let list = self.body.and_then(|body| json::ci(body, "permissions")).and_then(Value::as_array);
        let one = |permission: &Value| {
            let name = json::text_ci(permission, &["permission_name"])?;
            let server = json::text_ci(permission, &["resource_server_identifier"]).unwrap_or_default();
            Some(draft::entitlement(
                EntitlementKind::Permission,
                Some(format!("{server}/{name}")),
                Some(name),
            ))
        };
        list.into_iter().flatten().filter_map(one).collect()
    }

    fn list(&self, key: &str) -> Vec<String> {
        let list = self.body.and_then(|body| json::ci(body, key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(json::scalar).collect()
    }
}

/// The part of a path as it was meant: ids of users have a bar in them, `auth0%7C12`.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
        match (byte, pair) {
            (b'%', (Some(high), Some(low))) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
