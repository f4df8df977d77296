//! Spans that are kept: of accounts that nothing touched since a checkpoint they are taken from
//! it, and only the others are worked out again. Does not know where checkpoints are.
//!
//! The views of [`BY_ACCOUNT`] have rows of their own for each account, made from what was said of
//! that account alone and of its application's listings. They read `touched_changes` and
//! `touched_snapshots`: what was said of the accounts to be worked out, which without a checkpoint
//! are all.

use crate::query::{self, Rows, Session};

/// What the next session can start from, and the question that tells it.
pub const KEPT: [(&str, &str); 5] = [
    ("account_spans", "SELECT * FROM account_spans"),
    ("account_attributes", "SELECT * FROM account_attributes"),
    ("grant_spans", "SELECT * FROM grant_spans"),
    ("app_aliases", "SELECT alias, app_id FROM app_aliases"),
    ("login_apps", include_str!("kept/login_apps.sql")),
];

/// Views that are kept, and the table of the checkpoint that holds their rows.
const BY_ACCOUNT: [(&str, &str); 3] = [
    ("account_spans", "base_account_spans"),
    ("account_attributes", "base_account_attributes"),
    ("grant_spans", "base_grant_spans"),
];

/// How to tell which accounts are to be worked out again; `true` keeps the rows in memory.
const TOUCHED: [(&str, &str, bool); 4] = [
    ("touched_accounts", include_str!("kept/touched_accounts.sql"), true),
    ("touched_apps", include_str!("kept/touched_apps.sql"), true),
    ("touched_changes", include_str!("kept/touched_changes.sql"), true),
    ("touched_snapshots", include_str!("kept/touched_snapshots.sql"), false),
];

/// Whether a session has kept rows that still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept(bool);

impl Kept {
    /// Finds out which accounts are to be worked out again.
    pub async fn find(session: &Session) -> Result<Kept, query::Error> {
        if !session.has("base_app_aliases")? || aliases_differ(session).await? {
            session.alias("touched_changes", "known_changes").await?;
            session.alias("touched_snapshots", "known_snapshots").await?;
            return Ok(Kept(false));
        }
        for (name, sql, held) in TOUCHED {
            session.define(name, sql, held).await?;
        }
        Ok(Kept(true))
    }

    /// Adds the view `name`, whose rows are worked out by `sql` where nothing is kept of them.
    pub async fn define(self, session: &Session, name: &str, sql: &str) -> Result<(), query::Error> {
        let kept = BY_ACCOUNT.iter().find(|(view, _)| *view == name).filter(|_| self.0);
        let Some((_, kept)) = kept else { return session.define(name, sql, true).await };
        session.define("again", sql, true).await?;
        session.alias("kept", kept).await?;
        session.define(name, include_str!("kept/merged.sql"), true).await?;
        session.forget(&["again", "kept", kept])
    }

    /// Lets go of what was needed only to tell.
    pub fn end(self, session: &Session) -> Result<(), query::Error> {
        session.forget(&TOUCHED.map(|(name, ..)| name))?;
        session.forget(&BY_ACCOUNT.map(|(_, kept)| kept))?;
        session.forget(&["base_app_aliases", "base_login_apps"])
    }
}

async fn aliases_differ(session: &Session) -> Result<bool, query::Error> {
    let sql = include_str!("kept/aliases_differ.sql");
    for batch in session.collect("aliases_differ", sql).await? {
        let rows = Rows::new("aliases_differ", &batch);
        let differ = rows.integers("differ")?;
        if (0..rows.len()).any(|row| differ.value(row) != 0) {
            return Ok(true);
        }
    }
    Ok(false)
}
