//! One thing that happened, in the vocabulary that all sources share.

use serde::Serialize;

use super::{EntitlementKind, UtcMicros, Verb};

/// A normalised event. Field names are those of the `events` table, where the
/// nested structs are flattened with an underscore (`actor_id`, `account_app`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The source's own id, made unique within the source; or a hash of the record.
    pub event_id: String,
    /// Name of the source format, as in `--source`.
    pub source: &'static str,
    /// The customer inside the tenant, where the record names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The vendor's own name of what happened.
    pub event_type: String,
    pub verb: Verb,
    pub occurred_at: UtcMicros,
    pub actor: Actor,
    /// The account that it happened to.
    pub account: AccountRef,
    /// The application that access was given to or used in.
    pub app: AppRef,
    pub entitlement: EntitlementRef,
    pub credential: CredentialRef,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u32>,
    /// Attribute changes as a JSON array of `{"attribute", "from", "to"}`; secrets are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// When the access that this event gives is meant to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UtcMicros>,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The vendor's word, lower-cased: `user`, `systemprincipal`, `application`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Login, e-mail or display name, whichever the source has, in that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An account as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountRef {
    /// The application in which `id` is the native identifier: `okta`, `entra`,
    /// `google_workspace`, or an application's id where the event is about an account there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// SCIM `userName`: the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// An application as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An entitlement as an event names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntitlementRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntitlementKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A credential as an event names it; never the secret itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CredentialRef {
    /// `api_token`, `oauth_grant`, `client_secret` or `app_password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The source's id of it; absent where the source names only its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
