//! Statements folded into spans: one pass over what was said, in numbers instead of texts.
//!
//! Takes the statements of a session (`spans/*_statements.sql`) in any order and its listings;
//! gives the rows of `account_spans`, `account_attributes`, `grant_spans` and `last_activity`. What is kept of a
//! statement is some numbers, and of an account its newest attributes, so that memory does not grow
//! with the texts of a history (docs/decisions/0014). Does not know what a checkpoint keeps.

mod accounts;
mod activity;
mod described;
mod grants;
mod life;
mod listings;
mod mentions;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, UInt32Array};

pub use self::activity::Uses;

use self::accounts::Accounts;
use self::grants::Grants;
use self::listings::Listings;
use super::kept;
use super::numbers::Numbers;
use crate::query::{Error, PackedTable, Session};

/// No time.
const NEVER: i64 = i64::MIN;
/// Said to have no end.
const ENDLESS: i64 = i64::MAX;

/// The rows of `account_spans` and of `account_attributes` for all accounts that
/// `account_statements` speaks of.
pub async fn accounts(session: &Session, numbers: &mut Numbers) -> Result<[PackedTable; 2], Error> {
    let listings = Listings::of(session).await?;
    let mut accounts = Accounts::of(&listings);
    let statements = include_str!("../spans/account_statements.sql");
    session.each("account_statements", statements, |batch| accounts.hear(batch)).await?;
    let used = "SELECT app_id, account_id, first_at, last_at FROM touched_mentions";
    session.each("touched_mentions", used, |batch| accounts.hear_used(batch)).await?;
    name_used(session, &mut accounts).await?;
    let numbered = accounts.numbered(numbers);
    Ok([accounts.spans(&listings, &numbered)?, accounts.attributes(&numbered)?])
}

/// Lets accounts that nothing describes have the names that their uses give them. Events are read again for that, so that
/// of those that are described nothing is kept.
async fn name_used(session: &Session, accounts: &mut Accounts) -> Result<(), Error> {
    const UNNAMED: &str = "unnamed_accounts";
    let unnamed = accounts.unnamed()?;
    if unnamed.rows() == 0 {
        return Ok(());
    }
    session.hold_packed(UNNAMED, unnamed)?;
    let mut questions = vec![include_str!("../spans/used_names.sql")];
    if session.has(&kept::base("account_attributes"))? {
        questions.push(include_str!("../kept/used_names_before.sql"));
    }
    for sql in questions {
        session.each("used_names", sql, |batch| accounts.hear_names(batch)).await?;
    }
    session.forget(&[UNNAMED])
}

/// The rows of `grant_spans` for all grants that `grant_statements` speaks of.
pub async fn grants(
    session: &Session,
    accounts: &mut Numbers,
    entitlements: &mut Numbers,
) -> Result<PackedTable, Error> {
    let listings = Listings::of(session).await?;
    let mut grants = Grants::of(&listings);
    let deleted = "SELECT app_id, account_id, valid_from, ref FROM account_spans WHERE state = 'deleted' AND how <> 'mention'";
    session.each("account_spans", deleted, |batch| grants.hear_deleted(batch)).await?;
    let groups = "SELECT DISTINCT app_id, entitlement_id, at, ref FROM deleted_groups";
    session.each("deleted_groups", groups, |batch| grants.hear_deleted_groups(batch)).await?;
    let statements = include_str!("../spans/grant_statements.sql");
    session.each("grant_statements", statements, |batch| grants.hear(batch)).await?;
    grants.number(accounts, entitlements);
    grants.spans(&listings)
}

/// A column of numbers that stand for what texts name.
pub fn keys(numbers: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(numbers))
}

/// A column of one of a few words a row.
fn words(words: &[&str], at: impl Iterator<Item = u8>) -> ArrayRef {
    let column: StringViewArray = at.map(|at| words.get(usize::from(at)).copied()).collect();
    Arc::new(column)
}
