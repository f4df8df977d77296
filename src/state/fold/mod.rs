//! Statements folded into spans: one pass over what was said, in numbers instead of texts.
//!
//! Takes the statements of a session (`spans/*_statements.sql`) in any order and its trusted listings;
//! gives the rows of `account_spans`, `account_attributes`, `grant_spans` and `last_activity`. What is kept of a
//! statement is some numbers, and of an account its newest attributes, so that memory does not grow
//! with the texts of a history (docs/decisions/0014). Does not know what a checkpoint keeps.

mod accounts;
mod activity;
mod described;
mod grants;
mod listings;
mod texts;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::error::ArrowError;

use self::accounts::Accounts;
use self::activity::Uses;
use self::grants::Grants;
use self::listings::Listings;
use crate::query::{Error, Session};

/// No time.
const NEVER: i64 = i64::MIN;

/// The rows of `account_spans` and of `account_attributes` for all accounts that
/// `account_statements` speaks of.
pub async fn accounts(session: &Session) -> Result<[RecordBatch; 2], Error> {
    let listings = Listings::of(session).await?;
    let mut accounts = Accounts::default();
    let statements = include_str!("../spans/account_statements.sql");
    session.each("account_statements", statements, |batch| accounts.hear(batch)).await?;
    Ok([accounts.spans(&listings)?, accounts.attributes()?])
}

/// The rows of `grant_spans` for all grants that `grant_statements` speaks of.
pub async fn grants(session: &Session) -> Result<RecordBatch, Error> {
    let listings = Listings::of(session).await?;
    let mut grants = Grants::default();
    let deleted = "SELECT app_id, account_id, valid_from, ref FROM account_spans WHERE state = 'deleted'";
    session.each("account_spans", deleted, |batch| grants.hear_deleted(batch)).await?;
    let statements = include_str!("../spans/grant_statements.sql");
    session.each("grant_statements", statements, |batch| grants.hear(batch)).await?;
    grants.spans(&listings)
}

/// The rows of `last_activity`.
pub async fn activity(session: &Session) -> Result<RecordBatch, Error> {
    let mut uses = Uses::default();
    let links = "SELECT app_id, account_id, identity_id FROM links";
    session.each("links", links, |batch| uses.hear_links(batch)).await?;
    let used = "SELECT account_key_app, account_id, app_key, verb, outcome = 'success' AS ok, first_at, last_at, uses FROM app_uses";
    session.each("app_uses", used, |batch| uses.hear_uses(batch)).await?;
    let listed =
        "SELECT app_id, account_id, last_active_at FROM account_attributes WHERE last_active_at <= $as_of";
    session.each("account_attributes", listed, |batch| uses.hear_listed(batch)).await?;
    uses.last_activity()
}

/// Columns as a table.
pub fn table(name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(failed(name))
}

fn times(at: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(at.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn failed(name: &str) -> impl Fn(ArrowError) -> Error {
    move |source| Error::Run { name: name.to_owned(), source: Box::new(source.into()) }
}
