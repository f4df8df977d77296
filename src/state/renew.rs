//! Views that stand on links: worked out again for the accounts of which something else is known than when a checkpoint
//! was made, and for those that they count for.

use crate::query::{Error, NumberSet, PackedTable, Session};

use super::fold::Uses;
use super::kept::{self, KEY, hold_part, numbers};

/// A listing may tell of a later time than its own.
const LISTED_SINCE: &str = "SELECT account_key FROM account_attributes WHERE last_active_at > $base_as_of AND last_active_at <= $as_of";

/// Adds `last_activity`, held. An account is used by itself and by the other accounts of its person, so that those
/// are asked together. Of one that was only used since, what the checkpoint says of it goes on.
pub async fn lay_activity(session: &Session, renewed: Option<&NumberSet>) -> Result<(), Error> {
    const NAME: &str = "last_activity";
    const VIEWS: [(&str, &str); 3] =
        [("active_links", "links"), ("active_uses", "app_uses"), ("active_attributes", "account_attributes")];
    let Some(renewed) = renewed else {
        for (name, view) in VIEWS {
            session.alias(name, view).await?;
        }
        let all = activity(session).await?.table(&NumberSet::default())?;
        return kept::lay(session, NAME, all, None).await.map(|_| ());
    };
    let (news, unsure) = activity_since(session).await?;
    let mut moved = renewed.clone();
    moved |= &unsure;
    moved |= &numbers(session, LISTED_SINCE, KEY).await?;
    let moved = with_their_people(session, moved).await?;
    for (name, view) in VIEWS {
        hold_part(session, name, view, KEY, &moved).await?;
    }
    let again = activity(session).await?.table(&NumberSet::default())?;
    let mut active = news.active();
    let again = kept::joined(NAME, &news.table(&moved)?, &again)?;
    active |= &moved;
    kept::lay(session, NAME, again, Some(&active)).await?;
    Ok(())
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
    let used = numbers(session, "SELECT account_key FROM told_uses", KEY).await?;
    let used = with_their_people(session, used).await?;
    hold_part(session, "used_links", "links", KEY, &used).await?;
    let mut uses = Uses::default();
    uses.hear_links(session, "used_links").await?;
    uses.hear_uses(session, "told_uses").await?;
    hold_part(session, "activity_before", "base_last_activity", KEY, &uses.active()).await?;
    let unsure = uses.hear_before(session, "activity_before").await?;
    Ok((uses, unsure))
}

/// These accounts, and the others of whoever has or had one of them.
async fn with_their_people(session: &Session, mut accounts: NumberSet) -> Result<NumberSet, Error> {
    const NAME: &str = "identity_key";
    let mut people = NumberSet::default();
    for view in ["base_links", "links"] {
        hold_part(session, "theirs", view, KEY, &accounts).await?;
        people |= &numbers(session, "SELECT identity_key FROM theirs", NAME).await?;
    }
    hold_part(session, "theirs", "links", NAME, &people).await?;
    accounts |= &numbers(session, "SELECT account_key FROM theirs", KEY).await?;
    session.forget(&["theirs"])?;
    Ok(accounts)
}

/// Adds `grants_now` and `accounts_now`, held.
pub async fn lay_now(session: &Session, renewed: Option<&NumberSet>) -> Result<(), Error> {
    const VIEWS: [(&str, &str); 4] = [
        ("renewed_account_attributes", "account_attributes"),
        ("renewed_account_spans", "account_spans"),
        ("renewed_grant_spans", "grant_spans"),
        ("renewed_links", "links"),
    ];
    for (name, view) in VIEWS {
        match renewed {
            Some(renewed) => hold_part(session, name, view, KEY, renewed).await?,
            None => session.alias(name, view).await?,
        }
    }
    let grants = lay_joined(session, "grants_now", include_str!("spans/grants_now.sql"), renewed).await?;
    session.hold_packed("renewed_grants_now", grants)?;
    lay_joined(session, "accounts_now", include_str!("spans/accounts_now.sql"), renewed).await?;
    session.forget(&["renewed_grants_now"])
}

/// Adds a view that joins what is told of accounts. Gives the rows that were worked out.
async fn lay_joined(
    session: &Session,
    name: &str,
    sql: &str,
    renewed: Option<&NumberSet>,
) -> Result<PackedTable, Error> {
    let again = session.packed_as_written(name, sql).await?;
    kept::lay(session, name, again.clone(), renewed).await?;
    Ok(again)
}
