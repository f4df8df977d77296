//! Who held what at an instant, and why we think so.

use serde::Serialize;

use super::{Engine, Error};
use crate::domain::UtcMicros;
use crate::query::{At, Rows, Session};

const SQL: &str = include_str!("access.sql");

/// What the question is about; the text is any id or name of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Identity(String),
    Account(String),
    App(String),
    Entitlement(String),
}

impl Subject {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Subject::Identity(text) => ("identity", text),
            Subject::Account(text) => ("account", text),
            Subject::App(text) => ("app", text),
            Subject::Entitlement(text) => ("entitlement", text),
        }
    }
}

/// One entitlement of one account; without entitlement, an account that holds nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Holding {
    pub app_id: String,
    pub account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// `active`, `inactive` or `unknown`.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_since: Option<UtcMicros>,
    /// `event` or `listing`, and the id of it that says so.
    pub state_from: String,
    pub state_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_method: Option<String>,
    pub link_confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement_kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_ref: Option<String>,
}

impl Engine {
    /// What `subject` held, in order of application, account and entitlement.
    ///
    /// # Errors
    /// When the session cannot be opened or the query does not run.
    pub async fn access(&self, subject: &Subject, at: At) -> Result<Vec<Holding>, Error> {
        let session = self.session(at).await?;
        Ok(holdings(&session, subject).await?)
    }
}

/// The same over a session that is open already.
pub async fn holdings(session: &Session, subject: &Subject) -> Result<Vec<Holding>, crate::query::Error> {
    let (kind, text) = subject.parts();
    let mut found = Vec::new();
    for batch in session.ask("access", SQL, &[("kind", kind), ("subject", text)]).await? {
        let rows = Rows::new("access", &batch);
        let text = |column: &str| rows.texts(column);
        let (app, account, name) = (text("app_id")?, text("account_id")?, text("account_name")?);
        let (state, how, state_ref) = (text("state")?, text("how")?, text("state_ref")?);
        let (identity, identity_name) = (text("identity_id")?, text("identity_name")?);
        let (method, confidence) = (text("link_method")?, rows.numbers("link_confidence")?);
        let (kind, entitlement) = (text("entitlement_kind")?, text("entitlement_id")?);
        let (entitlement_name, granted_by) = (text("entitlement_name")?, text("granted_by")?);
        let (source, grant_ref) = (text("from_source")?, text("grant_ref")?);
        let (state_since, held_since) = (rows.times("state_since")?, rows.times("held_since")?);
        let expires_at = rows.times("expires_at")?;
        for row in 0..rows.len() {
            found.push(Holding {
                app_id: app.owned(row).unwrap_or_default(),
                account_id: account.owned(row).unwrap_or_default(),
                account_name: name.owned(row),
                state: state.owned(row).unwrap_or_default(),
                state_since: state_since.get(row),
                state_from: how.owned(row).unwrap_or_default(),
                state_ref: state_ref.owned(row).unwrap_or_default(),
                identity_id: identity.owned(row),
                identity_name: identity_name.owned(row),
                link_method: method.owned(row),
                link_confidence: confidence.value(row),
                entitlement_kind: kind.owned(row),
                entitlement_id: entitlement.owned(row),
                entitlement_name: entitlement_name.owned(row),
                held_since: held_since.get(row),
                expires_at: expires_at.get(row),
                granted_by: granted_by.owned(row),
                grant_source: source.owned(row),
                grant_ref: grant_ref.owned(row),
            });
        }
    }
    Ok(found)
}
