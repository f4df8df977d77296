//! Whom a security event is about: subject identifiers (RFC 9493), the SCIM format (RFC
//! 9967), complex subjects of shared signals, and their older spellings.
//!
//! Takes the claims and one event, gives the parts that name an account, a group, a
//! session or a tenant. It links nothing.

use serde_json::Value;

use super::super::json;
use crate::domain::{AccountRef, EntitlementKind, EntitlementRef};
use crate::scim::endpoint::{self, Resource};

#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    pub id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<String>,
    /// The resource's path, in the SCIM format.
    pub uri: Option<String>,
    pub is_group: bool,
    pub session_id: Option<String>,
    pub tenant: Option<String>,
}

impl Subject {
    /// From `sub_id`, else from the event's own `subject` (drafts of shared signals and
    /// Google's RISC), else from `sub`.
    pub fn of(claims: &Value, event: &Value) -> Subject {
        let mut subject = Subject::default();
        let stated = [json::get(claims, &["sub_id"]), json::get(event, &["subject"])];
        match stated.into_iter().flatten().find(|value| value.is_object()) {
            Some(identifier) => subject.add(identifier),
            None => subject.id = json::text(claims, &["sub"]),
        }
        subject
    }

    fn add(&mut self, identifier: &Value) {
        let text = |name: &str| json::text(identifier, &[name]);
        let format = text("format").or_else(|| text("subject_type")).unwrap_or_default().replace('-', "_");
        match format.as_str() {
            "scim" => self.scim(identifier),
            "email" => self.email = text("email"),
            "account" => self.account_uri(text("uri")),
            "iss_sub" | "id_token_claims" => self.iss_sub(text("sub").or_else(|| text("email"))),
            "opaque" => self.id = text("id"),
            "did" => self.id = text("url"),
            "jwt_id" => self.session_id = text("jti"),
            "saml_assertion_id" => self.session_id = text("assertion_id"),
            "aliases" => {
                let all = json::get(identifier, &["identifiers"]).and_then(Value::as_array);
                all.into_iter().flatten().for_each(|one| self.add(one));
            }
            // A complex subject says so in `format`, or is one by its parts. The device is
            // no account.
            _ => self.complex(identifier),
        }
    }

    fn complex(&mut self, identifier: &Value) {
        if let Some(person) = json::get(identifier, &["user"]) {
            self.add(person);
        }
        if let Some(group) = json::get(identifier, &["group"]) {
            self.is_group = true;
            self.add(group);
        }
        if let Some(session) = json::get(identifier, &["session"]) {
            let id = json::text_any(session, &[&["id"], &["jti"], &["assertion_id"], &["sub"]]);
            self.session_id = id.or(self.session_id.take());
        }
        self.tenant = json::text_any(identifier, &[&["tenant", "id"], &["tenant", "sub"]]);
    }

    fn scim(&mut self, identifier: &Value) {
        let uri = json::text(identifier, &["uri"]);
        if let Some(uri) = &uri {
            let endpoint = endpoint::read(uri);
            self.is_group = endpoint.resource == Resource::Groups;
            self.id = endpoint.id;
        }
        self.id = self.id.take().or_else(|| json::text(identifier, &["id"]));
        self.external_id = json::text_any(identifier, &[&["externalId"], &["external_id"]]);
        self.uri = uri;
    }

    /// `sub` is an id, but issuers also put addresses there.
    fn iss_sub(&mut self, sub: Option<String>) {
        match sub {
            Some(address) if address.contains('@') => self.email = Some(address),
            sub => self.id = sub,
        }
    }

    /// `acct:jdoe@example.com` (RFC 7565).
    fn account_uri(&mut self, uri: Option<String>) {
        self.name = uri.map(|uri| uri.strip_prefix("acct:").unwrap_or(&uri).to_string());
    }

    pub fn account(&self, app: Option<String>) -> AccountRef {
        if self.is_group {
            return AccountRef { app, ..AccountRef::default() };
        }
        AccountRef {
            app,
            id: self.id.clone(),
            name: self.name.clone(),
            email: self.email.clone(),
            external_id: self.external_id.clone(),
        }
    }

    pub fn entitlement(&self) -> EntitlementRef {
        if !self.is_group {
            return EntitlementRef::default();
        }
        EntitlementRef { kind: Some(EntitlementKind::Group), id: self.id.clone(), name: None }
    }

    /// The identifier that an `identifier-changed` event replaces, and its name.
    pub fn identifier(&self) -> (String, Option<String>) {
        match &self.email {
            Some(email) => ("email".to_string(), Some(email.clone())),
            None => ("identifier".to_string(), self.name.clone().or_else(|| self.id.clone())),
        }
    }
}

/// The application in which an issuer's subjects are accounts: the identity providers by
/// their known hosts, anyone else by the issuer itself.
pub(super) fn app_of_issuer(issuer: &str) -> String {
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest).split(['/', ':']).next();
    let host = host.unwrap_or_default().to_ascii_lowercase();
    let of = |domains: &[&str]| domains.iter().any(|d| host == *d || host.ends_with(&format!(".{d}")));
    if of(&["okta.com", "oktapreview.com", "okta-emea.com"]) {
        "okta".to_string()
    } else if of(&["login.microsoftonline.com", "sts.windows.net"]) {
        "entra".to_string()
    } else if of(&["accounts.google.com"]) {
        "google_workspace".to_string()
    } else {
        issuer.to_string()
    }
}
