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

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::datatypes::{Schema, SchemaRef};

pub use self::activity::Uses;

use self::accounts::Accounts;
use self::grants::Grants;
use self::listings::Listings;
use super::kept::failed;
use super::numbers::Numbers;
use crate::query::{Error, PackedTable, Packer, Session};

/// No time.
const NEVER: i64 = i64::MIN;
/// Rows that are written together: all of them unpacked take several times what is folded.
const PART_ROWS: usize = 65_536;

/// The rows of `account_spans` and of `account_attributes` for all accounts that
/// `account_statements` speaks of.
pub async fn accounts(session: &Session, numbers: &mut Numbers) -> Result<[PackedTable; 2], Error> {
    let listings = Listings::of(session).await?;
    let mut accounts = Accounts::default();
    let statements = include_str!("../spans/account_statements.sql");
    session.each("account_statements", statements, |batch| accounts.hear(batch)).await?;
    let numbered = accounts.numbered(numbers);
    Ok([accounts.spans(&listings, &numbered)?, accounts.attributes(&numbered)?])
}

/// The rows of `grant_spans` for all grants that `grant_statements` speaks of.
pub async fn grants(
    session: &Session,
    accounts: &mut Numbers,
    entitlements: &mut Numbers,
) -> Result<PackedTable, Error> {
    let listings = Listings::of(session).await?;
    let mut grants = Grants::default();
    let deleted = "SELECT app_id, account_id, valid_from, ref FROM account_spans WHERE state = 'deleted'";
    session.each("account_spans", deleted, |batch| grants.hear_deleted(batch)).await?;
    let statements = include_str!("../spans/grant_statements.sql");
    session.each("grant_statements", statements, |batch| grants.hear(batch)).await?;
    grants.number(accounts, entitlements);
    grants.spans(&listings)
}

/// Columns as a table.
fn table(name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(failed(name))
}

/// A table that is made in parts, each packed before the next is made.
pub struct Parts {
    name: &'static str,
    /// From the first part on.
    packed: Option<(SchemaRef, Packer)>,
}

impl Parts {
    pub fn of(name: &'static str) -> Parts {
        Parts { name, packed: None }
    }

    /// Takes some rows; of a table without rows, its columns.
    pub fn push(&mut self, columns: Vec<(&str, ArrayRef)>) -> Result<(), Error> {
        let batch = table(self.name, columns)?;
        let begun = || (batch.schema(), Packer::new(batch.schema()));
        let (_, packer) = self.packed.get_or_insert_with(begun);
        packer.push(batch).map_err(failed(self.name))
    }

    pub fn finish(self) -> Result<PackedTable, Error> {
        let (schema, packer) = self.packed.unzip();
        Packer::table(schema.unwrap_or_else(|| Arc::new(Schema::empty())), packer).map_err(failed(self.name))
    }
}

/// Rows in parts; no rows are one part.
pub fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..rows).step_by(PART_ROWS).map(move |from| from..rows.min(from + PART_ROWS));
    starts.chain(iter::once(0..0).filter(move |_| rows == 0))
}

/// A column of numbers that stand for what texts name.
pub fn keys(numbers: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(numbers))
}

fn times(at: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(at.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}
