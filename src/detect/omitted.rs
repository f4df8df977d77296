//! What a listing does not name and is taken to be there all the same, since some of its records could not be read.
//!
//! A listing says by silence who is gone when all but very few of its records could be read (`query/trust.rs`). One that falls
//! short of that and is otherwise whole decides about what it names. What it leaves out may be gone or be in the records that
//! are missing: neither a failure nor nothing.

use std::collections::HashSet;

use ahash::RandomState;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::prelude::SessionContext;

use super::Error;
use super::cells::Cells;
use super::rule::query;
use super::sources::Feed;
use crate::domain::UtcMicros;
use crate::query::trust;

/// What is there since before the listing, and when it was last listed.
const ACCOUNTS: &str = "
SELECT account_id, listed_at
FROM accounts_now
WHERE app_id = $app_id
  AND state_since < $listed_at
  AND (listed_at IS NULL OR listed_at < $listed_at)";

const GRANTS: &str = "
SELECT account_id, entitlement_id, listed_at
FROM grants_now
WHERE app_id = $app_id
  AND valid_from < $listed_at
  AND (listed_at IS NULL OR listed_at < $listed_at)";

/// Accounts, or grants by account and entitlement.
#[derive(Clone, Debug, Default)]
pub struct Omitted(HashSet<(String, String), RandomState>);

impl Omitted {
    /// Whether it holds the account, or the grant of it.
    pub fn has(&self, account_id: &str, entitlement_id: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&(account_id.to_owned(), entitlement_id.to_owned()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Feed {
    /// Why a listing does not say who is gone, though it decides about what it names.
    pub fn unsure(&self) -> Option<String> {
        let is_listing = matches!(self.kind.as_str(), "roster" | "accounts" | "grants");
        let is_unread = self.quarantined > trust::UNREAD_MAX * self.read_rows;
        (is_listing && is_unread && !self.partial).then(|| {
            let (lost, read, what) = (self.quarantined, self.read_rows, self.what());
            format!("{lost} of the {read} records of the newest {what} could not be read: whom it leaves out is not taken to be gone")
        })
    }
}

/// Finds out what the newest listings leave out that are not trusted to.
///
/// # Errors
/// When what there is now cannot be asked.
pub async fn look_for(feeds: &mut [Feed], session: &SessionContext) -> Result<(), Error> {
    for at in 0..feeds.len() {
        let feed = &feeds[at];
        let (Some(app_id), Some(listed_at)) = (feed.app_id.clone(), feed.watermark_at) else { continue };
        let sql = match feed.kind.as_str() {
            "accounts" => ACCOUNTS,
            "grants" => GRANTS,
            _ => continue,
        };
        if feed.unsure().is_none() {
            continue;
        }
        // What a sibling's newest listing names is there.
        let siblings = feeds.iter().filter(|other| other.kind == feed.kind && other.app_id == feed.app_id);
        let newest: Vec<UtcMicros> = siblings.filter_map(|other| other.watermark_at).collect();
        let params = ParamValues::from(vec![
            ("app_id", ScalarValue::Utf8(Some(app_id))),
            ("listed_at", ScalarValue::TimestampMicrosecond(Some(listed_at.0), Some("UTC".into()))),
        ]);
        let rows = query("sources", session, sql, Some(params)).await?;
        let rows = rows.iter().filter(|row| row.time("listed_at").is_none_or(|at| !newest.contains(&at)));
        feeds[at].omitted = Omitted(rows.filter_map(named).collect());
    }
    Ok(())
}

fn named(row: &Cells) -> Option<(String, String)> {
    Some((row.text("account_id")?, row.text("entitlement_id").unwrap_or_default()))
}
