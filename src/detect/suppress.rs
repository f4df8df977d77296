//! Exceptions of the register: who decided that a subject is not to be a finding.
//!
//! Takes the lines that have effect at one instant ([`STANDING_EXCEPTIONS`]), which a run reads once, and says of a row
//! whether one of them covers it. A number or address of a person names that person and nobody's account that happens
//! to have the same id.

use std::collections::HashSet;

use datafusion::common::JoinType;
use datafusion::prelude::SessionContext;

use super::cells::{self, Cells};
use super::{Error, bind};
use crate::models::Rule;
use crate::query::{At, STANDING_EXCEPTIONS};

/// The exceptions that have effect at the instant of a run.
#[derive(Default)]
pub struct Exceptions(Vec<Exception>);

struct Exception {
    kind: String,
    detector: String,
    subject: String,
    app_id: Option<String>,
    /// Whom the subject names among people.
    identity_id: Option<String>,
}

impl Exceptions {
    /// Reads the register as it stands at one instant.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(session: &SessionContext, at: At) -> Result<Exceptions, Error> {
        let failed = |source| Error::Plan { rule: "exceptions".to_owned(), source: Box::new(source) };
        let people = session.table("people_aliases").await.map_err(failed)?;
        let standing = session.sql(STANDING_EXCEPTIONS).await.map_err(failed)?;
        let standing = standing.with_param_values(bind::as_of(at.as_of)).map_err(failed)?;
        let named = standing.join(people, JoinType::Left, &["subject"], &["alias"], None).map_err(failed)?;
        let batches = named.collect().await;
        let batches = batches
            .map_err(|source| Error::Query { rule: "exceptions".to_owned(), source: Box::new(source) })?;
        let rows = cells::rows(&batches).map_err(|(column, source)| Error::Column {
            rule: "exceptions".to_owned(),
            column,
            source,
        })?;
        Ok(Exceptions(rows.iter().filter_map(Exception::new).collect()))
    }
}

impl Exception {
    fn new(row: &Cells) -> Option<Exception> {
        Some(Exception {
            kind: row.text("kind").unwrap_or_default(),
            detector: row.text("detector").unwrap_or_default(),
            subject: row.text("subject")?,
            app_id: row.text("app_id"),
            identity_id: row.text("identity_id"),
        })
    }

    fn concerns(&self, rule: &Rule) -> bool {
        let answers = self.kind == "approved" || rule.suppressed_by.contains(&self.kind);
        let named =
            self.detector.is_empty() || self.detector == rule.code || self.detector == rule.id.to_uppercase();
        answers && named
    }
}

/// The exceptions that speak to one rule: what each names, and the application that it is limited to.
#[derive(Default)]
pub struct Suppressions {
    people: HashSet<(String, Option<String>)>,
    texts: HashSet<(String, Option<String>)>,
    /// Addresses of people: accounts of which no person is told may have them.
    addresses: HashSet<(String, Option<String>)>,
}

impl Suppressions {
    pub fn new(rule: &Rule, exceptions: &Exceptions) -> Suppressions {
        let mut spoken = Suppressions::default();
        for Exception { subject, app_id, identity_id, .. } in
            exceptions.0.iter().filter(|line| line.concerns(rule))
        {
            let text = (subject.clone(), app_id.clone());
            let Some(identity_id) = identity_id else {
                spoken.texts.insert(text);
                continue;
            };
            spoken.people.insert((identity_id.clone(), app_id.clone()));
            if app_id.is_some() {
                spoken.texts.insert(text);
            } else if subject.contains('@') {
                spoken.addresses.insert(text);
            }
        }
        spoken
    }

    /// Whether an exception names the row's account, person or other subject. One that is
    /// limited to an application speaks only of subjects there.
    pub fn cover(&self, row: &Cells) -> bool {
        if self.people.is_empty() && self.texts.is_empty() {
            return false;
        }
        let (app_id, identity_id) = (row.text("app_id"), row.text("identity_id"));
        let among = |named: &HashSet<(String, Option<String>)>, name: &str| {
            !named.is_empty()
                && (named.contains(&(name.to_owned(), None))
                    || app_id.is_some() && named.contains(&(name.to_owned(), app_id.clone())))
        };
        if identity_id.as_deref().is_some_and(|person| among(&self.people, person)) {
            return true;
        }
        let whole =
            app_id.as_ref().zip(row.text("account_id")).map(|(app, account)| format!("{app}/{account}"));
        let names = ["subject_id", "account_id", "account_name", "account_email", "identity_id", "app_id"];
        names.into_iter().filter_map(|column| row.text(column)).chain(whole).any(|name| {
            let name = name.to_lowercase();
            among(&self.texts, &name) || identity_id.is_none() && among(&self.addresses, &name)
        })
    }
}
