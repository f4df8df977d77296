//! Rows that are kept: of accounts that nothing touched since a checkpoint they are taken from
//! it, and only the others are worked out again. Does not know where checkpoints are.
//!
//! Spans and attributes have rows of their own for each account, made from what was said of that account
//! alone and of its application's listings. They are made of `touched_changes` and `touched_snapshots`: what
//! was said of the accounts that are worked out, which without a checkpoint are all.

use crate::query::{self, Keys, PackedTable, Session};

/// Views that the next session can start from as this one holds them.
pub const KEPT: [&str; 19] = [
    "account_attributes",
    "account_keys",
    "account_renames",
    "account_spans",
    "accounts_now",
    "app_uses",
    "employee_numbers",
    "employments",
    "entitlement_keys",
    "former_names",
    "grant_spans",
    "grants_now",
    "identities_now",
    "last_activity",
    "link_people",
    "links",
    "people_aliases",
    "provider_people",
    "rosters",
];

/// How to tell which accounts are to be worked out again.
const TOUCHED: [(&str, &str); 3] = [
    ("touched_accounts", include_str!("kept/touched_accounts.sql")),
    ("touched_apps", include_str!("kept/touched_apps.sql")),
    ("touched_changes", include_str!("kept/touched_changes.sql")),
];
const TOUCHED_SNAPSHOTS: &str = "touched_snapshots";

/// Rows of accounts that are worked out again, by which it is told of which others that is.
const AGAIN: [&str; 19] = [
    "active_account_keys",
    "active_attributes",
    "active_links",
    "active_uses",
    "attributes_again",
    "attributes_before",
    "moved_links",
    "moved_names",
    "names_again",
    "names_before",
    "renewed_account_keys",
    "renewed_account_attributes",
    "renewed_account_spans",
    "renewed_grant_spans",
    "renewed_links",
    "told_attributes",
    "told_grants",
    "told_uses",
    "used_account_keys",
];

/// The columns that name an account.
pub const ACCOUNT: [&str; 2] = ["app_id", "account_id"];

/// Finds out which accounts are to be worked out again; none where it is all, since there is no checkpoint.
pub async fn find_touched(session: &Session) -> Result<Option<Keys>, query::Error> {
    if !session.has("base_listings")? {
        session.alias("touched_changes", "known_changes").await?;
        session.alias(TOUCHED_SNAPSHOTS, "known_snapshots").await?;
        return Ok(None);
    }
    for (name, sql) in TOUCHED {
        session.lay(name, sql).await?;
    }
    session.define(TOUCHED_SNAPSHOTS, include_str!("kept/touched_snapshots.sql"), false).await?;
    let mut touched = keys(session, "SELECT app_id, account_id FROM touched_accounts").await?;
    for batch in session.collect("touched_apps", "SELECT app_id FROM touched_apps").await? {
        touched.add_all("touched_apps", &batch, "app_id")?;
    }
    Ok(Some(touched))
}

/// The accounts that a question answers with.
pub async fn keys(session: &Session, sql: &str) -> Result<Keys, query::Error> {
    let mut keys = Keys::default();
    session.each("keys", sql, |batch| keys.add("keys", batch, ACCOUNT)).await?;
    Ok(keys)
}

/// Adds the view `name`, held: the rows of `renewed` accounts, worked out again, and those that the checkpoint has of
/// the others; all are worked out where no accounts are named. Gives how many rows were worked out.
pub async fn lay(
    session: &Session,
    name: &str,
    again: PackedTable,
    renewed: Option<&Keys>,
) -> Result<usize, query::Error> {
    let rows = again.rows();
    let whole = match renewed {
        Some(renewed) => {
            let [_, others] = parted(session, &base(name), ACCOUNT, renewed).await?;
            joined(name, &others, &again)?
        }
        None => again,
    };
    session.hold_packed(name, whole)?;
    Ok(rows)
}

/// Adds the view `app_uses`, held. The uses since, `told_uses`, are put together with those that the checkpoint has of the
/// same account. Gives how many rows were worked out, and which accounts were used.
pub async fn lay_uses(session: &Session) -> Result<(usize, Keys), query::Error> {
    const NAME: &str = "app_uses";
    const BASE: &str = "base_app_uses";
    const NUMBERED: &str = include_str!("kept/numbered_uses.sql");
    let (mut by_key, mut used) = (Keys::default(), Keys::default());
    if !session.has(BASE)? {
        session.alias("used_account_keys", "account_keys").await?;
        return Ok((session.lay(NAME, NUMBERED).await?, used));
    }
    let accounts = "SELECT account_app, account_key_app, account_id FROM told_uses";
    let hear = |batch: &_| {
        by_key.add(NAME, batch, ["account_app", "account_id"])?;
        used.add(NAME, batch, ["account_key_app", "account_id"])
    };
    session.each(NAME, accounts, hear).await?;
    let [numbers, _] = parted(session, "account_keys", ACCOUNT, &used).await?;
    session.hold_packed("used_account_keys", numbers)?;
    let rows = session.lay("again", NUMBERED).await?;
    let [before, others] = parted(session, BASE, ["account_app", "account_id"], &by_key).await?;
    session.hold_packed("kept", before)?;
    let again = session.packed(NAME, include_str!("kept/merged_uses.sql")).await?;
    session.forget(&["again", "kept"])?;
    session.hold_packed(NAME, joined(NAME, &others, &again)?)?;
    Ok((rows, used))
}

/// Adds the view `name`, held, as the checkpoint has it.
pub async fn stand(session: &Session, name: &str) -> Result<(), query::Error> {
    session.alias(name, &base(name)).await
}

/// Adds the view `name`, held: as the checkpoint has it, where what it is made of `stands`.
pub async fn stand_or_lay(
    session: &Session,
    name: &str,
    sql: &str,
    stands: bool,
) -> Result<(), query::Error> {
    match stands {
        true => stand(session, name).await,
        false => session.lay(name, sql).await.map(|_| ()),
    }
}

/// Rows of `named` accounts in the view `name`, and the others.
pub async fn parted(
    session: &Session,
    name: &str,
    account: [&str; 2],
    named: &Keys,
) -> Result<[PackedTable; 2], query::Error> {
    session.held(name).await?.parted(account, named).map_err(|source| failed(name, source))
}

/// Lets go of what the checkpoint has, and of what was needed only to tell what of it stands.
pub fn forget(session: &Session) -> Result<(), query::Error> {
    session.forget(&TOUCHED.map(|(name, _)| name))?;
    session.forget(&[TOUCHED_SNAPSHOTS])?;
    session.forget(&AGAIN)?;
    session.forget(&KEPT.iter().chain(&query::KEPT).map(|name| base(name)).collect::<Vec<_>>())
}

/// What the checkpoint calls a view.
pub fn base(name: &str) -> String {
    format!("base_{name}")
}

/// The rows of both, in the view `name`.
pub fn joined(name: &str, kept: &PackedTable, again: &PackedTable) -> Result<PackedTable, query::Error> {
    kept.joined(again).map_err(|source| failed(name, source))
}

fn failed(name: &str, source: arrow::error::ArrowError) -> query::Error {
    query::Error::Run { name: name.to_owned(), source: Box::new(source.into()) }
}
