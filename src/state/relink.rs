//! Which accounts are linked again: those of which linking knows something else than when a checkpoint was made, and
//! those that are linked through them. The others keep their link.
//!
//! An account is somebody's by what is said of it, of people and of registers; by whose an account of an identity
//! provider is, under its id or a name that it had; and by the account that it was renamed from. Where rosters or
//! registers say something else, all are linked again.

use std::collections::HashSet;

use ahash::RandomState;

use crate::query::{Error, NumberSet, Rows, Session, failed};

use super::facts::{self, Ground, Linked};
use super::kept::{self, KEY, hold_part};
use super::names::{self, Names};

const NAMES: [&str; 3] = ["app_id", "account_id", "name"];

/// Adds `links` and `provider_people`, held. `touched` accounts were worked out again. Gives the accounts that were
/// linked again; none where it is all.
pub async fn lay(session: &Session, touched: Option<&NumberSet>) -> Result<Option<NumberSet>, Error> {
    let stands = touched.filter(|_| session.people_stand() && session.registers_stand());
    let Some(touched) = stands else {
        session.alias("linked_attributes", "account_attributes").await?;
        let Linked { links, providers } = Ground::of(session).await?.link_all(session).await?;
        session.forget(&["linked_attributes"])?;
        session.hold_packed("links", links)?;
        session.hold_packed("provider_people", providers)?;
        return Ok(None);
    };
    let mut relinked = changed(session, touched).await?;
    let fresh = fresh_names(session, touched).await?;
    if !relinked.is_empty() || !fresh.is_empty() {
        let ground = Ground::of(session).await?;
        add_followers(session, &ground, fresh, &mut relinked).await?;
        follow_renames(&ground.renamed_keys, &mut relinked);
        let Linked { links, providers } = link_again(session, &ground, &relinked).await?;
        kept::lay(session, "links", links, Some(&relinked)).await?;
        kept::lay(session, "provider_people", providers, Some(&relinked)).await?;
    } else {
        for name in ["links", "provider_people"] {
            kept::stand(session, name).await?;
        }
    }
    Ok(Some(relinked))
}

/// Accounts of which linking knows something else.
async fn changed(session: &Session, touched: &NumberSet) -> Result<NumberSet, Error> {
    hold_part(session, "attributes_before", "base_account_attributes", KEY, touched).await?;
    hold_part(session, "attributes_again", "account_attributes", KEY, touched).await?;
    kept::numbers(session, include_str!("kept/relinked.sql"), KEY).await
}

/// Names that accounts of identity providers had and that were not known.
async fn fresh_names(session: &Session, touched: &NumberSet) -> Result<Vec<String>, Error> {
    hold_part(session, "names_before", "base_former_names", KEY, touched).await?;
    let fresh = facts::triples(session, include_str!("kept/fresh_names.sql"), NAMES, |_| true).await?;
    Ok(fresh.into_iter().map(|[_, _, name]| name).collect())
}

/// Links these accounts; those of identity providers that are not among them belong to whom they belonged to.
async fn link_again(session: &Session, ground: &Ground, relinked: &NumberSet) -> Result<Linked, Error> {
    hold_part(session, "linked_attributes", "account_attributes", KEY, relinked).await?;
    let [_, providers] = kept::parted(session, "base_provider_people", KEY, relinked).await?;
    session.hold_packed("linked_providers", providers)?;
    let linked = ground.link_some(session).await;
    session.forget(&["linked_attributes", "linked_providers"])?;
    linked
}

/// Adds to `relinked` the accounts that may be somebody's by the id of one of its accounts of identity providers, by a
/// name that such an account had, or by one of the `fresh` names. Most of these are addresses in a roster: then nobody is
/// found by what an account of an identity provider tells of them.
async fn add_followers(
    session: &Session,
    ground: &Ground,
    fresh: Vec<String>,
    relinked: &mut NumberSet,
) -> Result<(), Error> {
    let ids = ids_of_providers(session, relinked).await?;
    hold_part(session, "moved_names", "former_names", KEY, relinked).await?;
    let names =
        facts::triples(session, "SELECT app_id, account_id, name FROM moved_names", NAMES, |_| true).await?;
    let names = names.into_iter().map(|[_, _, name]| name).chain(fresh);
    let mut texts = Names::default();
    let unlisted = ground.unlisted(names);
    texts.extend(unlisted.iter().flat_map(|name| names::former_texts(name, &ground.domain_aliases)));
    let accounts = session.held("account_attributes").await?;
    let failed = failed("account_attributes");
    // Nothing is found under no name.
    if !ids.is_empty() {
        let by_id = |id: &str| !id.is_empty() && ids.contains(id.trim());
        *relinked |= &accounts.numbers_of(["external_id", KEY], by_id).map_err(&failed)?;
    }
    if !texts.is_empty() {
        let by_name = |text: &str| !text.is_empty() && texts.has_written(text, &ground.domain_aliases);
        *relinked |= &accounts.numbers_of(["account_name", KEY], by_name).map_err(&failed)?;
        *relinked |= &accounts.numbers_of(["email", KEY], by_name).map_err(&failed)?;
    }
    Ok(())
}

/// The ids of those accounts that are of identity providers, now or when the checkpoint was made.
async fn ids_of_providers(
    session: &Session,
    accounts: &NumberSet,
) -> Result<HashSet<String, RandomState>, Error> {
    /// Of the others, ids are not even read.
    const IDS: &str =
        "SELECT account_id FROM moved_attributes WHERE app_id IN ('okta', 'entra', 'google_workspace')";
    let mut ids = HashSet::default();
    for view in ["base_account_attributes", "account_attributes"] {
        hold_part(session, "moved_attributes", view, KEY, accounts).await?;
        let take = |batch: &_| {
            let accounts = Rows::new("moved_attributes", batch).texts("account_id")?;
            ids.extend(accounts.iter().flatten().map(str::to_owned));
            Ok(())
        };
        session.each("moved_attributes", IDS, take).await?;
    }
    Ok(ids)
}

/// Adds to `relinked` the accounts that were renamed from its accounts or to them.
fn follow_renames(renames: &[[u32; 2]], relinked: &mut NumberSet) {
    loop {
        let mut grown = false;
        for [from, to] in renames {
            if relinked.has(*from) != relinked.has(*to) {
                relinked.extend([*from, *to]);
                grown = true;
            }
        }
        if !grown {
            return;
        }
    }
}
