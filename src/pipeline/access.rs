//! Who held what at an instant, and why we think so.

use serde::Serialize;

use super::sources::source_reports;
use super::{Engine, Error, SourceReport};
use crate::domain::UtcMicros;
use crate::query::{At, Rows, Session};

const SQL: &str = include_str!("access.sql");
const NAMED: &str = include_str!("access_named.sql");

/// What the question is about; the text is any id or name of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Identity(String),
    Account(String),
    App(String),
    Entitlement(String),
}

impl Subject {
    /// What it is, in a word.
    pub fn what(&self) -> &'static str {
        self.parts().0
    }

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
    /// The file of that listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_file: Option<String>,
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
    /// Since when a source shows it held without a break.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<UtcMicros>,
    /// When it was granted, as the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UtcMicros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_ref: Option<String>,
    /// The file of the listing that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_file: Option<String>,
}

/// What a subject held, and how far that can be rested on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Access {
    #[serde(rename = "access")]
    pub holdings: Vec<Holding>,
    /// Whether any source names the subject: of one that none names, nothing is known.
    pub is_named: bool,
    /// What speaks against the sources that would tell of more, in sentences.
    pub incomplete_because: Vec<String>,
}

impl Engine {
    /// What `subject` held, in order of application, account and entitlement.
    ///
    /// # Errors
    /// When the session cannot be opened, the profile is not known or a query does not run.
    pub async fn access(&self, subject: &Subject, at: At, profile: &str) -> Result<Access, Error> {
        access(&self.session(at).await?, subject, profile).await
    }
}

/// The same over a session that is open already.
///
/// # Errors
/// As [`Engine::access`].
pub async fn access(session: &Session, subject: &Subject, profile: &str) -> Result<Access, Error> {
    let holdings = holdings(session, subject).await?;
    let (kind, text) = subject.parts();
    let (mut apps, mut incomplete_because) = (Vec::new(), Vec::new());
    for batch in session.ask("named", NAMED, &[("kind", kind), ("subject", text)]).await? {
        let rows = Rows::new("named", &batch);
        let (app_ids, has) =
            (rows.texts("app_id")?, [rows.booleans("has_accounts")?, rows.booleans("has_grants")?]);
        for row in 0..rows.len() {
            let app_id = app_ids.owned(row);
            let of = app_id.as_ref().map(|app_id| format!(" of {app_id}")).unwrap_or_default();
            let lists = [format!("accounts{of}"), format!("what accounts{of} hold")];
            for (has, what) in has.iter().zip(lists) {
                if !has.value(row) {
                    incomplete_because.push(format!("nothing that was read by then tells of {what}"));
                }
            }
            apps.push(app_id);
        }
    }
    // Whatever a person or an entitlement may be in; of an application and an account their own, and logs of none.
    let told = |report: &SourceReport| match (subject, &report.app_id) {
        (_, _) if report.kind == "register" => false,
        (Subject::Identity(_) | Subject::Entitlement(_), _) => true,
        (_, Some(_)) => apps.contains(&report.app_id),
        (_, None) => report.kind == "events",
    };
    let reports = source_reports(session, profile).await?;
    let told = reports.iter().filter(|report| told(report));
    incomplete_because.extend(told.flat_map(|report| report.reasons.clone()));
    if reports.is_empty() {
        incomplete_because.push("nothing had been ingested".to_owned());
    }
    Ok(Access { holdings, is_named: !apps.is_empty(), incomplete_because })
}

/// What `subject` held alone.
///
/// # Errors
/// When the query does not run.
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
        let (expires_at, granted_at) = (rows.times("expires_at")?, rows.times("granted_at")?);
        let (state_file, grant_file) = (text("state_file")?, text("grant_file")?);
        for row in 0..rows.len() {
            found.push(Holding {
                app_id: app.owned(row).unwrap_or_default(),
                account_id: account.owned(row).unwrap_or_default(),
                account_name: name.owned(row),
                state: state.owned(row).unwrap_or_default(),
                state_since: state_since.get(row),
                state_from: how.owned(row).unwrap_or_default(),
                state_ref: state_ref.owned(row).unwrap_or_default(),
                state_file: state_file.owned(row),
                identity_id: identity.owned(row),
                identity_name: identity_name.owned(row),
                link_method: method.owned(row),
                link_confidence: confidence.value(row),
                entitlement_kind: kind.owned(row),
                entitlement_id: entitlement.owned(row),
                entitlement_name: entitlement_name.owned(row),
                held_since: held_since.get(row),
                granted_at: granted_at.get(row),
                expires_at: expires_at.get(row),
                granted_by: granted_by.owned(row),
                grant_source: source.owned(row),
                grant_ref: grant_ref.owned(row),
                grant_file: grant_file.owned(row),
            });
        }
    }
    Ok(found)
}
