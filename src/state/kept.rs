//! Rows that are kept: of accounts that nothing touched since a checkpoint they are taken from
//! it, and only the others are worked out again. Does not know where checkpoints are.
//!
//! Spans and attributes have rows of their own for each account, made from what was said of that account
//! alone and of its application's listings. They are made of `touched_changes` and `touched_snapshots`: what
//! was said of the accounts that are worked out, which without a checkpoint are all.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use arrow::error::ArrowError;

use crate::query::{self, CHANGES, Error, Keys, NumberSet, PackedTable, Rows, Session, failed};

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
const TOUCHED: [(&str, &str); 2] = [
    ("touched_accounts", include_str!("kept/touched_accounts.sql")),
    ("touched_apps", include_str!("kept/touched_apps.sql")),
];
/// Applications with such accounts whose grants are listed by login. Most companies have none: then no login is looked up.
const BY_LOGIN: &str = "listed_by_login";
const BY_LOGIN_SQL: &str = include_str!("kept/listed_by_login.sql");
const TOUCHED_CHANGES: &str = "touched_changes";
const TOUCHED_SNAPSHOTS: &str = "touched_snapshots";
/// The changes as they were told, before it is known whose the addresses in them are.
const CHANGES_TOLD: &str = "changes_told";
/// Whose accounts its log names by address or by id.
const BY_ADDRESS: &str = "google_workspace";
/// Accounts that were used: since the checkpoint, and all of these that are worked out again.
const TOLD_MENTIONS: &str = "told_mentions";
const TOUCHED_MENTIONS: &str = "touched_mentions";

/// Rows of accounts that are worked out again, by which it is told of which others that is.
const AGAIN: [&str; 21] = [
    "activity_before",
    "active_attributes",
    "active_links",
    "active_uses",
    "attributes_again",
    "attributes_before",
    "moved_attributes",
    "moved_names",
    "names_again",
    "names_before",
    "relinked_links",
    "renewed_account_attributes",
    "renewed_account_spans",
    "renewed_grant_spans",
    "renewed_links",
    "their_links",
    "their_links_before",
    "told_account_attributes",
    "told_account_spans",
    "told_grant_spans",
    "told_uses",
];

/// The columns that name an account, those in which events name it, and the one that numbers it.
pub const ACCOUNT: [&str; 2] = ["app_id", "account_id"];
pub const EVENT_ACCOUNT: [&str; 2] = ["account_key_app", "account_id"];
pub const KEY: &str = "account_key";

/// Finds out which accounts are to be worked out again; none where it is all, since there is no checkpoint.
pub async fn find_touched(session: &Session) -> Result<Option<Keys>, Error> {
    session.lay("deleted_groups", include_str!("kept/deleted_groups.sql")).await?;
    let mentions = include_str!("spans/told_mentions.sql");
    if !session.has("base_listings")? {
        session.alias(TOUCHED_SNAPSHOTS, "known_snapshots").await?;
        session.alias(CHANGES_TOLD, CHANGES).await?;
        let told = session.ask(CHANGES_TOLD, TELLS_OF, &[("app_id", BY_ADDRESS)]).await?;
        lay_changes(session, told.iter().any(|batch| batch.num_rows() > 0)).await?;
        session.alias("touched_apps", "listed_rows").await?;
        session.define(TOUCHED_MENTIONS, mentions, false).await?;
        session.lay(BY_LOGIN, BY_LOGIN_SQL).await?;
        return Ok(None);
    }
    session.lay(TOLD_MENTIONS, mentions).await?;
    for (name, sql) in TOUCHED {
        session.lay(name, sql).await?;
    }
    let mut touched = Keys::default();
    session
        .each("touched_accounts", "SELECT app_id, account_id FROM touched_accounts", |batch| {
            touched.add("touched_accounts", batch, ACCOUNT)
        })
        .await?;
    for batch in session.collect("touched_apps", "SELECT app_id FROM touched_apps").await? {
        touched.add_all("touched_apps", &batch, "app_id")?;
    }
    session.lay(BY_LOGIN, BY_LOGIN_SQL).await?;
    session.define_among("listed_there", "known_snapshots", "app_id", touched.firsts()).await?;
    session.define(TOUCHED_SNAPSHOTS, include_str!("kept/touched_snapshots.sql"), false).await?;
    session.define(TOUCHED_MENTIONS, include_str!("kept/touched_mentions.sql"), false).await?;
    let changes = session.held(CHANGES).await?.parted(EVENT_ACCOUNT, &touched);
    let [changes, _] = changes.map_err(failed(TOUCHED_CHANGES))?;
    session.hold_packed(CHANGES_TOLD, changes)?;
    lay_changes(session, touched.firsts().any(|app| app == BY_ADDRESS)).await?;
    Ok(Some(touched))
}

/// Whether anything happened to an account of an application.
const TELLS_OF: &str = "SELECT account_key_app FROM changes_told WHERE account_key_app = $app_id LIMIT 1";

/// Adds the changes of the accounts that are worked out; in most companies none is named by address.
async fn lay_changes(session: &Session, are_by_address: bool) -> Result<(), Error> {
    match are_by_address {
        true => session.define(TOUCHED_CHANGES, include_str!("kept/addressed.sql"), false).await,
        false => session.alias(TOUCHED_CHANGES, CHANGES_TOLD).await,
    }
}

/// The numbers that a question answers with.
pub async fn numbers(session: &Session, sql: &str, column: &str) -> Result<NumberSet, Error> {
    let mut numbers = NumberSet::default();
    session.each("numbers", sql, |batch| numbers.add("numbers", batch, column)).await?;
    Ok(numbers)
}

/// Adds the view `name`, held: the rows of `renewed` accounts, worked out again, and those that the checkpoint has of
/// the others; all are worked out where no accounts are named. Gives how many rows were worked out.
pub async fn lay(
    session: &Session,
    name: &str,
    again: PackedTable,
    renewed: Option<&NumberSet>,
) -> Result<usize, Error> {
    let rows = again.rows();
    let whole = match renewed {
        Some(renewed) => {
            let [_, others] = parted(session, &base(name), KEY, renewed).await?;
            joined(name, &others, &again)?
        }
        None => again,
    };
    session.hold_packed(name, whole)?;
    Ok(rows)
}

/// Adds the views `app_uses` and `told_uses`, held. The uses since, `told`, are put together with those that the checkpoint
/// has of the same account. Gives how many rows came.
pub async fn lay_uses(session: &Session, told: PackedTable) -> Result<usize, Error> {
    const NAME: &str = "app_uses";
    session.hold_packed("told_uses", told.clone())?;
    let rows = told.rows();
    if !session.has(&base(NAME))? {
        session.hold_packed(NAME, told)?;
        return Ok(rows);
    }
    if rows == 0 {
        return stand(session, NAME).await.map(|()| rows);
    }
    let used = Used::of(session).await?;
    let before = session.held(&base(NAME)).await?;
    let [before, others] =
        before.parted_where(&Used::COLUMNS, |rows| used.among(rows)).map_err(failed(NAME))?;
    session.hold_packed("kept", before)?;
    let again = session.packed(NAME, include_str!("kept/merged_uses.sql")).await?;
    session.forget(&["kept"])?;
    session.hold_packed(NAME, joined(NAME, &others, &again)?)?;
    Ok(rows)
}

/// By account: the applications in which it was used since. Who is unknown is nobody's account.
struct Used(HashMap<Option<u32>, Vec<Option<String>>, RandomState>);

impl Used {
    const COLUMNS: [&str; 2] = [KEY, "app_key"];

    async fn of(session: &Session) -> Result<Used, Error> {
        let mut used = Used(HashMap::default());
        let take = |batch: &RecordBatch| {
            let rows = Rows::new("told_uses", batch);
            let (keys, apps) = (rows.keys(KEY)?, rows.texts("app_key")?);
            for (key, app) in keys.iter().zip(apps.iter()) {
                used.0.entry(key).or_default().push(app.map(str::to_owned));
            }
            Ok(())
        };
        session.each("told_uses", "SELECT DISTINCT account_key, app_key FROM told_uses", take).await?;
        Ok(used)
    }

    /// Which of these rows of `app_uses` may be one with what came since.
    fn among(&self, rows: &RecordBatch) -> Result<BooleanBuffer, ArrowError> {
        let failed = |error: Error| ArrowError::ExternalError(Box::new(error));
        let rows = Rows::new("app_uses", rows);
        let (keys, apps) = (rows.keys(KEY).map_err(failed)?, rows.texts("app_key").map_err(failed)?);
        let is_used = |(row, key)| {
            let used: Option<&Vec<Option<String>>> = self.0.get(&key);
            used.is_some_and(|used| used.iter().any(|app| app.as_deref() == apps.get(row)))
        };
        Ok(keys.iter().enumerate().map(is_used).collect())
    }
}

/// Adds the view `name`, held, as the checkpoint has it.
pub async fn stand(session: &Session, name: &str) -> Result<(), Error> {
    session.alias(name, &base(name)).await
}

/// Adds the view `name`, held: as the checkpoint has it, where what it is made of `stands`.
pub async fn stand_or_lay(session: &Session, name: &str, sql: &str, stands: bool) -> Result<(), Error> {
    match stands {
        true => stand(session, name).await,
        false => session.lay(name, sql).await.map(|_| ()),
    }
}

/// Rows of the view `name` that have one of these numbers in a column, and the others.
pub async fn parted(
    session: &Session,
    name: &str,
    column: &str,
    numbers: &NumberSet,
) -> Result<[PackedTable; 2], Error> {
    session.held(name).await?.parted_by(column, numbers).map_err(failed(name))
}

/// Holds as `part`, and no longer what it was, the rows of the view `name` that have one of these numbers in a column.
pub async fn hold_part(
    session: &Session,
    part: &str,
    name: &str,
    column: &str,
    numbers: &NumberSet,
) -> Result<(), Error> {
    let [named, _] = parted(session, name, column, numbers).await?;
    session.forget(&[part])?;
    session.hold_packed(part, named)
}

/// Lets go of what the checkpoint has, and of what was needed only to tell what of it stands.
pub fn forget(session: &Session) -> Result<(), Error> {
    session.forget(&TOUCHED.map(|(name, _)| name))?;
    session.forget(&[
        TOUCHED_CHANGES,
        CHANGES_TOLD,
        TOUCHED_SNAPSHOTS,
        TOUCHED_MENTIONS,
        TOLD_MENTIONS,
        BY_LOGIN,
        "deleted_groups",
        "listed_there",
    ])?;
    session.forget(&AGAIN)?;
    session.forget(&KEPT.iter().chain(&query::KEPT).map(|name| base(name)).collect::<Vec<_>>())
}

/// What the checkpoint calls a view.
pub fn base(name: &str) -> String {
    format!("base_{name}")
}

/// The rows of both, in the view `name`.
pub fn joined(name: &str, kept: &PackedTable, again: &PackedTable) -> Result<PackedTable, Error> {
    kept.joined(again).map_err(failed(name))
}
