//! Rows that are kept: of accounts that nothing touched since a checkpoint they are taken from
//! it, and only the others are worked out again. Does not know where checkpoints are.
//!
//! The views of [`BY_ACCOUNT`] have rows of their own for each account, made from what was said of
//! that account alone and of its application's listings. Spans and attributes read `touched_changes`
//! and `touched_snapshots`: what was said of the accounts that are worked out, which without a
//! checkpoint are all.

use crate::query::{self, PackedTable, Session};

/// What the next session can start from, and the question that tells it.
pub const KEPT: [(&str, &str); 6] = [
    ("account_spans", "SELECT * FROM account_spans"),
    ("account_attributes", "SELECT * FROM account_attributes"),
    ("grant_spans", "SELECT * FROM grant_spans"),
    ("app_uses", "SELECT * FROM app_uses"),
    ("listings", "SELECT row_kind, app_id, listing_id, trusted FROM listings"),
    ("login_apps", include_str!("kept/login_apps.sql")),
];

/// Views that are kept, the table of the checkpoint that holds their rows, and how these and the rows
/// worked out again become one.
const BY_ACCOUNT: [(&str, &str, &str); 4] = [
    ("account_spans", "base_account_spans", MERGED),
    ("account_attributes", "base_account_attributes", MERGED),
    ("grant_spans", "base_grant_spans", MERGED),
    ("app_uses", "base_app_uses", include_str!("kept/merged_uses.sql")),
];
const MERGED: &str = include_str!("kept/merged.sql");

/// How to tell which accounts are to be worked out again; `true` keeps the rows in memory.
const TOUCHED: [(&str, &str, bool); 4] = [
    ("touched_accounts", include_str!("kept/touched_accounts.sql"), true),
    ("touched_apps", include_str!("kept/touched_apps.sql"), true),
    ("touched_changes", include_str!("kept/touched_changes.sql"), true),
    ("touched_snapshots", include_str!("kept/touched_snapshots.sql"), false),
];

/// Finds out which accounts are to be worked out again.
pub async fn find_touched(session: &Session) -> Result<(), query::Error> {
    if !session.has("base_login_apps")? {
        session.alias("touched_changes", "known_changes").await?;
        return session.alias("touched_snapshots", "known_snapshots").await;
    }
    for (name, sql, held) in TOUCHED {
        session.define(name, sql, held).await?;
    }
    Ok(())
}

/// Adds the view `name`, held: the rows that were worked out again, and those that are kept of the
/// other accounts. Gives how many rows were worked out.
pub async fn lay(session: &Session, name: &str, again: PackedTable) -> Result<usize, query::Error> {
    let rows = again.rows();
    let found = BY_ACCOUNT.iter().find(|(view, ..)| *view == name);
    let Some((_, kept, merged)) = found.filter(|(_, kept, _)| session.has(kept).is_ok_and(|has| has)) else {
        session.hold_packed(name, again)?;
        return Ok(rows);
    };
    session.hold_packed("again", again)?;
    session.alias("kept", kept).await?;
    session.define(name, merged, true).await?;
    session.forget(&["again", "kept", kept])?;
    Ok(rows)
}

/// Lets go of what was needed only to tell.
pub fn forget_touched(session: &Session) -> Result<(), query::Error> {
    session.forget(&TOUCHED.map(|(name, ..)| name))?;
    session.forget(&["base_listings", "base_login_apps"])
}
