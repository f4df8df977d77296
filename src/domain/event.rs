//! One thing that happened, in the vocabulary that all sources share.

use std::borrow::Cow;

use serde::Serialize;

use super::{EntitlementKind, UtcMicros, Verb};

/// Text of a record: borrowed from it where it stands there as it is.
pub type Text<'a> = Cow<'a, str>;

/// A normalised event. Field names are those of the `events` table, where the
/// nested structs are flattened with an underscore (`actor_id`, `account_app`).
///
/// Generic over its text, because a string of its own for each field was a twentieth of what ingest
/// of the busiest source cost: that one borrows [`Text`], the others own a `String`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event<T = String> {
    /// The source's own id, made unique within the source; or a hash of the record.
    pub event_id: T,
    /// Name of the source format, as in `--source`.
    pub source: &'static str,
    /// The customer inside the tenant, where the record names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<T>,
    /// The vendor's own name of what happened.
    pub event_type: T,
    pub verb: Verb,
    pub occurred_at: UtcMicros,
    pub actor: Actor<T>,
    /// The account that it happened to.
    pub account: AccountRef<T>,
    /// The application that access was given to or used in.
    pub app: AppRef<T>,
    pub entitlement: EntitlementRef<T>,
    pub credential: CredentialRef<T>,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_path: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
    /// Attribute changes as a JSON array of `{"attribute", "from", "to"}`; secrets are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<T>,
    /// When the access that this event gives is meant to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UtcMicros>,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actor<T = String> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<T>,
    /// The vendor's word, lower-cased: `user`, `systemprincipal`, `application`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<T>,
    /// Login, e-mail or display name, whichever the source has, in that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
}

/// An account as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountRef<T = String> {
    /// The application in which `id` is the native identifier: `okta`, `entra`,
    /// `google_workspace`, or an application's id where the event is about an account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<T>,
    /// SCIM `userName`: the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<T>,
}

/// An application as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppRef<T = String> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
}

/// An entitlement as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntitlementRef<T = String> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntitlementKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
}

/// A credential as an event names it; never the secret itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CredentialRef<T = String> {
    /// `api_token`, `oauth_grant`, `client_secret` or `app_password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The source's id of it; absent where the source names only its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<T>,
}

impl Event {
    /// The same with text that may also be borrowed.
    pub fn into_text<'a>(self) -> Event<Text<'a>> {
        let Actor { id, kind, name } = self.actor;
        let actor = Actor { id: text(id), kind: text(kind), name: text(name) };
        let AccountRef { app, id, name, email, external_id } = self.account;
        let account = AccountRef {
            app: text(app),
            id: text(id),
            name: text(name),
            email: text(email),
            external_id: text(external_id),
        };
        let AppRef { id, name } = self.app;
        let app = AppRef { id: text(id), name: text(name) };
        let EntitlementRef { kind, id, name } = self.entitlement;
        let entitlement = EntitlementRef { kind, id: text(id), name: text(name) };
        let CredentialRef { kind, id, name } = self.credential;
        let credential = CredentialRef { kind, id: text(id), name: text(name) };
        Event {
            event_id: self.event_id.into(),
            source: self.source,
            org: text(self.org),
            event_type: self.event_type.into(),
            verb: self.verb,
            occurred_at: self.occurred_at,
            actor,
            account,
            app,
            entitlement,
            credential,
            outcome: self.outcome,
            reason_code: text(self.reason_code),
            reason: text(self.reason),
            correlation_id: text(self.correlation_id),
            session_id: text(self.session_id),
            client_ip: text(self.client_ip),
            user_agent: text(self.user_agent),
            http_method: text(self.http_method),
            http_path: text(self.http_path),
            http_status: self.http_status,
            latency_ms: self.latency_ms,
            changes: text(self.changes),
            expires_at: self.expires_at,
        }
    }
}

fn text<'a>(owned: Option<String>) -> Option<Text<'a>> {
    owned.map(Cow::Owned)
}

/// How it ended. Only `success` changes state; `skipped` is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Success,
    Failure,
    Skipped,
    Unknown,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Skipped => "skipped",
            Outcome::Unknown => "unknown",
        }
    }
}
