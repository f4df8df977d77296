//! Views that stand on links: worked out again for the accounts of which something else is known than when a checkpoint
//! was made, and for those that they count for.

use std::collections::HashMap;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::UInt32Type;
use arrow::error::ArrowError;
use futures::TryStreamExt;

use crate::query::{Error, NumberSet, PackedTable, Rows, Session, failed};

use super::fold::Uses;
use super::kept::{self, KEY, hold_part, numbers};

/// Accounts of which something else is known than when a checkpoint was made: those that were worked out again, and
/// those that were linked again.
#[derive(Clone, Copy)]
pub struct Renewed<'a> {
    pub touched: &'a NumberSet,
    pub relinked: &'a NumberSet,
}

impl Renewed<'_> {
    fn all(&self) -> NumberSet {
        let mut all = self.touched.clone();
        all |= self.relinked;
        all
    }
}

/// A listing may tell of a later time than its own.
const LISTED_SINCE: &str = "SELECT account_key FROM account_attributes WHERE last_active_at > $base_as_of AND last_active_at <= $as_of";

/// Adds `last_activity`, held. An account is used by itself and by the other accounts of its person, so that those
/// are asked together. Of one that was only used since, what the checkpoint says of it goes on. Gives the accounts that
/// were renewed or used since, with the others of their people, of which `uses_since` and `activity_since` tell; none where
/// it is all.
pub async fn lay_activity(
    session: &Session,
    renewed: Option<Renewed<'_>>,
) -> Result<Option<NumberSet>, Error> {
    const NAME: &str = "last_activity";
    /// What is asked of all accounts, and where it is for those that are worked out again.
    const VIEWS: [(&str, &str, &str); 3] = [
        ("active_links", "links", "their_links"),
        ("active_uses", "app_uses", "app_uses"),
        ("active_attributes", "account_attributes", "account_attributes"),
    ];
    /// What came since, and of what it is a part.
    const SINCE: [(&str, &str); 2] = [("uses_since", "app_uses"), ("activity_since", NAME)];
    let Some(renewed) = renewed else {
        for (name, all, _) in VIEWS {
            session.alias(name, all).await?;
        }
        let all = activity(session).await?.table(&NumberSet::default())?;
        kept::lay(session, NAME, all, None).await?;
        for (since, all) in SINCE {
            session.alias(since, all).await?;
        }
        return Ok(None);
    };
    let mut moved = renewed.all();
    moved |= &numbers(session, LISTED_SINCE, KEY).await?;
    let mut concerned = numbers(session, "SELECT account_key FROM told_uses", KEY).await?;
    concerned |= &moved;
    // Cut once, so that what names the accounts is read once. Whoever had one of those that are added below has it still:
    // those that were linked again are here.
    let concerned = with_their_people(session, ["base_links", "links"], concerned).await?;
    hold_part(session, "their_links", "links", KEY, &concerned).await?;
    hold_part(session, "their_links_before", "base_links", KEY, &concerned).await?;
    let (news, unsure) = activity_since(session).await?;
    moved |= &unsure;
    let moved = with_their_people(session, ["their_links_before", "their_links"], moved).await?;
    for (name, _, view) in VIEWS {
        hold_part(session, name, view, KEY, &moved).await?;
    }
    let again = activity(session).await?.table(&NumberSet::default())?;
    let mut active = news.active();
    let again = kept::joined(NAME, &news.table(&moved)?, &again)?;
    active |= &moved;
    kept::lay(session, NAME, again, Some(&active)).await?;
    for (since, all) in SINCE {
        hold_part(session, since, all, KEY, &concerned).await?;
    }
    Ok(Some(concerned))
}

/// The activity of the accounts of `active_links`, which are all accounts of some people.
async fn activity(session: &Session) -> Result<Uses, Error> {
    let mut uses = Uses::default();
    uses.hear_links(session, "active_links").await?;
    uses.hear_uses(session, "active_uses").await?;
    uses.hear_listed(session, "active_attributes").await?;
    Ok(uses)
}

/// The activity of the accounts that were used since, and of which what the checkpoint says of them does not tell it.
async fn activity_since(session: &Session) -> Result<(Uses, NumberSet), Error> {
    let mut uses = Uses::default();
    uses.hear_links(session, "their_links").await?;
    uses.hear_uses(session, "told_uses").await?;
    hold_part(session, "activity_before", "base_last_activity", KEY, &uses.active()).await?;
    let unsure = uses.hear_before(session, "activity_before").await?;
    Ok((uses, unsure))
}

/// These accounts, and the others of whoever has or had one of them, by what links say now and said before.
async fn with_their_people(
    session: &Session,
    [before, now]: [&str; 2],
    mut accounts: NumberSet,
) -> Result<NumberSet, Error> {
    const NAME: &str = "identity_key";
    let mut people = NumberSet::default();
    for view in [before, now] {
        hold_part(session, "theirs", view, KEY, &accounts).await?;
        people |= &numbers(session, "SELECT identity_key FROM theirs", NAME).await?;
    }
    hold_part(session, "theirs", now, NAME, &people).await?;
    accounts |= &numbers(session, "SELECT account_key FROM theirs", KEY).await?;
    session.forget(&["theirs"])?;
    Ok(accounts)
}

/// Adds `grants_now` and `accounts_now`, held, and the rows of them of the accounts that [`lay_activity`] gave:
/// `grants_since` and `accounts_since`.
pub async fn lay_now(session: &Session, renewed: Option<(Renewed<'_>, &NumberSet)>) -> Result<(), Error> {
    /// What is worked out of all accounts, and of those that were worked out again.
    const VIEWS: [(&str, &str, &str); 3] = [
        ("renewed_account_attributes", "account_attributes", "told_account_attributes"),
        ("renewed_account_spans", "account_spans", "told_account_spans"),
        ("renewed_grant_spans", "grant_spans", "told_grant_spans"),
    ];
    for (name, all, told) in VIEWS {
        session.alias(name, if renewed.is_some() { told } else { all }).await?;
    }
    match renewed {
        Some((Renewed { touched, .. }, _)) => {
            hold_part(session, "renewed_links", "links", KEY, touched).await?
        }
        None => session.alias("renewed_links", "links").await?,
    }
    let grants = session.packed_as_written("grants_now", include_str!("spans/grants_now.sql")).await?;
    session.hold_packed("renewed_grants_now", grants.clone())?;
    lay_joined(session, ["grants_now", "grants_since"], grants, &OF_GRANTS, renewed).await?;
    let accounts = session.packed_as_written("accounts_now", include_str!("spans/accounts_now.sql")).await?;
    session.forget(&["renewed_grants_now"])?;
    lay_joined(session, ["accounts_now", "accounts_since"], accounts, &OF_ACCOUNTS, renewed).await
}

/// What grants and accounts say of their link, and what the link calls it.
const OF_GRANTS: [(&str, &str); 3] =
    [("identity_id", "identity_id"), ("identity_key", "identity_key"), ("account_class", "class")];
const OF_ACCOUNTS: [(&str, &str); 7] = [
    ("class", "class"),
    ("class_source", "class_source"),
    ("identity_id", "identity_id"),
    ("identity_key", "identity_key"),
    ("link_method", "method"),
    ("link_confidence", "confidence"),
    ("candidates", "candidates"),
];

/// Adds a view that joins what is told of accounts with their links, and one of its rows that came since: of accounts that
/// were only linked again, what it says of the link is replaced, and the rest stands.
async fn lay_joined(
    session: &Session,
    [name, since]: [&str; 2],
    again: PackedTable,
    of_link: &[(&str, &str)],
    renewed: Option<(Renewed<'_>, &NumberSet)>,
) -> Result<(), Error> {
    let Some((renewed, concerned)) = renewed else {
        session.hold_packed(name, again)?;
        return session.alias(since, name).await;
    };
    let mut relinked = renewed.relinked.clone();
    relinked -= renewed.touched;
    let failed = failed(name);
    let (base, all) = (kept::base(name), renewed.all());
    // Cut once: of a million rows that stand, each cut is a copy.
    let [moved, others] = kept::parted(session, &base, KEY, &all).await?;
    let [linked, _] = moved.parted_by(KEY, &relinked).map_err(&failed)?;
    let again = match linked.rows() {
        0 => again,
        _ => {
            let links = Links::of(session, &relinked).await?;
            let columns: Vec<&str> = of_link.iter().map(|(column, _)| *column).collect();
            let linked = linked.replaced(&columns, KEY, |keys| links.cells(keys, of_link));
            linked.map_err(&failed)?.joined(&again).map_err(&failed)?
        }
    };
    let mut only_concerned = concerned.clone();
    only_concerned -= &all;
    let [theirs, _] = kept::parted(session, &base, KEY, &only_concerned).await?;
    session.hold_packed(since, theirs.joined(&again).map_err(&failed)?)?;
    session.hold_packed(name, others.joined(&again).map_err(&failed)?)
}

/// Some links, by account.
struct Links {
    rows: RecordBatch,
    places: HashMap<u32, u32>,
}

impl Links {
    async fn of(session: &Session, accounts: &NumberSet) -> Result<Links, Error> {
        hold_part(session, "relinked_links", "links", KEY, accounts).await?;
        let (schema, batches) = session.stream("links", "SELECT * FROM relinked_links").await?;
        let rows =
            concat_batches(&schema, &batches.try_collect::<Vec<_>>().await?).map_err(failed("links"))?;
        let keys = Rows::new("links", &rows).keys(KEY)?;
        let places = keys.values().iter().copied().zip(0..).collect();
        Ok(Links { rows, places })
    }

    /// Columns of the links of these accounts.
    fn cells(&self, accounts: &ArrayRef, columns: &[(&str, &str)]) -> Result<Vec<ArrayRef>, ArrowError> {
        let accounts = accounts.as_primitive::<UInt32Type>();
        let places: UInt32Array =
            accounts.iter().map(|account| self.places.get(&account?).copied()).collect();
        let column = |(_, name): &(&str, &str)| {
            take(self.rows.column(self.rows.schema().index_of(name)?), &places, None)
        };
        columns.iter().map(column).collect()
    }
}
