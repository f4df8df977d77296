//! Accounts and grants as a listing of an application shows them.

use serde::{Deserialize, Serialize};

use super::UtcMicros;

/// One account in one listing (an export, or a page of SCIM Users).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AccountRow {
    /// The application's native, immutable identifier.
    pub account_id: String,
    /// SCIM `userName`: the login.
    pub name: Option<String>,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<String>,
    pub employee_id: Option<String>,
    /// Absent when the listing has no status, which makes verdicts unknown.
    pub active: Option<bool>,
    /// The application's own status word.
    pub status: Option<String>,
    pub class: Option<AccountClass>,
    pub created_at: Option<UtcMicros>,
    /// Last successful use that the application reports.
    pub last_active_at: Option<UtcMicros>,
    pub expires_at: Option<UtcMicros>,
    pub mfa: Option<bool>,
    /// The account can sign in without the identity provider.
    pub local_login: Option<bool>,
    pub privileged: Option<bool>,
}

/// One grant in one listing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GrantRow {
    /// The account's native identifier, where the listing has it.
    pub account_id: Option<String>,
    /// The account's login, where the listing has only that.
    pub account_name: Option<String>,
    pub entitlement_kind: EntitlementKind,
    pub entitlement_id: String,
    pub entitlement_name: Option<String>,
    pub granted_at: Option<UtcMicros>,
    pub expires_at: Option<UtcMicros>,
    pub last_used_at: Option<UtcMicros>,
    pub granted_by: Option<String>,
}

/// What kind of thing is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntitlementKind {
    /// Assignment to a whole application.
    App,
    #[default]
    Group,
    Role,
    Permission,
    Licence,
    Scope,
}

impl EntitlementKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EntitlementKind::App => "app",
            EntitlementKind::Group => "group",
            EntitlementKind::Role => "role",
            EntitlementKind::Permission => "permission",
            EntitlementKind::Licence => "licence",
            EntitlementKind::Scope => "scope",
        }
    }
}

/// Who or what is behind an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountClass {
    Human,
    Contractor,
    Guest,
    Service,
    Bot,
    AiAgent,
    Shared,
    BreakGlass,
    Test,
    System,
}

impl AccountClass {
    pub fn as_str(self) -> &'static str {
        match self {
            AccountClass::Human => "human",
            AccountClass::Contractor => "contractor",
            AccountClass::Guest => "guest",
            AccountClass::Service => "service",
            AccountClass::Bot => "bot",
            AccountClass::AiAgent => "ai_agent",
            AccountClass::Shared => "shared",
            AccountClass::BreakGlass => "break_glass",
            AccountClass::Test => "test",
            AccountClass::System => "system",
        }
    }

    /// Reads the words that exports and registers use; none for a word it does not know.
    pub fn parse(text: &str) -> Option<AccountClass> {
        let word = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        Some(match word.as_str() {
            "human" | "person" | "employee" | "member" | "user" | "standard" | "internal" => {
                AccountClass::Human
            }
            "contractor" | "vendor" | "consultant" | "temp" | "external_worker" => AccountClass::Contractor,
            "guest" | "external" | "partner" | "b2b" => AccountClass::Guest,
            "service" | "service_account" | "svc" | "integration" | "machine" | "workload"
            | "application" => AccountClass::Service,
            "bot" | "robot" | "rpa" => AccountClass::Bot,
            "ai_agent" | "agent" => AccountClass::AiAgent,
            "shared" | "shared_mailbox" | "generic" => AccountClass::Shared,
            "break_glass" | "breakglass" | "emergency" => AccountClass::BreakGlass,
            "test" => AccountClass::Test,
            "system" | "built_in" | "builtin" => AccountClass::System,
            _ => return None,
        })
    }
}
