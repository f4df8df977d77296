//! Which accounts are linked again: those of which linking knows something else than when a checkpoint was made, and
//! those that are linked through them. The others keep their link.
//!
//! An account is somebody's by what is said of it, of people and of registers; by whose an account of an identity
//! provider is, under its id or a name that it had; and by the account that it was renamed from. Where rosters or
//! registers say something else, all are linked again.

use std::collections::HashSet;

use crate::query::{Error, Keys, Rows, Session};

use super::facts::{self, Ground, Linked};
use super::kept::{self, ACCOUNT};
use super::{IDENTITY_PROVIDERS, names};

const NAMES: [&str; 3] = ["app_id", "account_id", "name"];

/// Adds `links`, `provider_people` and `former_names`, held. `touched` accounts were worked out again. Gives the accounts
/// whose rows in views that stand on links must be worked out; none where it is all.
pub async fn lay(session: &Session, touched: Option<&Keys>) -> Result<Option<Keys>, Error> {
    let names = session.packed("former_names", include_str!("spans/former_names.sql")).await?;
    session.hold_packed("names_again", names.clone())?;
    kept::lay(session, "former_names", names, touched).await?;
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
        follow_renames(&ground.renames, &mut relinked);
        let Linked { links, providers } = link_again(session, &ground, &relinked).await?;
        kept::lay(session, "links", links, Some(&relinked)).await?;
        kept::lay(session, "provider_people", providers, Some(&relinked)).await?;
    } else {
        for name in ["links", "provider_people"] {
            kept::stand(session, name).await?;
        }
    }
    relinked.extend(touched);
    Ok(Some(relinked))
}

/// Accounts of which linking knows something else.
async fn changed(session: &Session, touched: &Keys) -> Result<Keys, Error> {
    for (view, name) in
        [("base_account_attributes", "attributes_before"), ("account_attributes", "attributes_again")]
    {
        let [named, _] = kept::parted(session, view, ACCOUNT, touched).await?;
        session.hold_packed(name, named)?;
    }
    kept::keys(session, include_str!("kept/relinked.sql")).await
}

/// Names that accounts of identity providers had and that were not known.
async fn fresh_names(session: &Session, touched: &Keys) -> Result<Vec<String>, Error> {
    let [before, _] = kept::parted(session, "base_former_names", ACCOUNT, touched).await?;
    session.hold_packed("names_before", before)?;
    let fresh = facts::triples(session, include_str!("kept/fresh_names.sql"), NAMES, |_| true).await?;
    Ok(fresh.into_iter().map(|[_, _, name]| name).collect())
}

/// Links these accounts; those of identity providers that are not among them belong to whom they belonged to.
async fn link_again(session: &Session, ground: &Ground, relinked: &Keys) -> Result<Linked, Error> {
    let [attributes, _] = kept::parted(session, "account_attributes", ACCOUNT, relinked).await?;
    let [_, providers] = kept::parted(session, "base_provider_people", ACCOUNT, relinked).await?;
    session.hold_packed("linked_attributes", attributes)?;
    session.hold_packed("linked_providers", providers)?;
    let linked = ground.link_some(session).await;
    session.forget(&["linked_attributes", "linked_providers"])?;
    linked
}

/// Adds to `relinked` the accounts that may be somebody's by the id of one of its accounts of identity providers, by a
/// name that such an account had, or by one of the `fresh` names.
async fn add_followers(
    session: &Session,
    ground: &Ground,
    fresh: Vec<String>,
    relinked: &mut Keys,
) -> Result<(), Error> {
    let moved = relinked.of_firsts(&IDENTITY_PROVIDERS);
    let [names, _] = kept::parted(session, "former_names", ACCOUNT, &moved).await?;
    session.hold_packed("moved_names", names)?;
    let names =
        facts::triples(session, "SELECT app_id, account_id, name FROM moved_names", NAMES, |_| true).await?;
    let names = names.into_iter().map(|[_, _, name]| name).chain(fresh);
    let texts: HashSet<String> =
        names.flat_map(|name| names::former_texts(&name, &ground.domain_aliases)).collect();
    if texts.is_empty() && moved.is_empty() {
        return Ok(());
    }
    let accounts = "SELECT app_id, account_id, account_name, email, external_id FROM account_attributes";
    let follow = |batch: &_| {
        let rows = Rows::new("account_attributes", batch);
        let [app_id, account_id] = [rows.texts("app_id")?, rows.texts("account_id")?];
        let (name, email) = (rows.texts("account_name")?, rows.texts("email")?);
        let external_id = rows.texts("external_id")?;
        for row in 0..rows.len() {
            let keys = names::former_keys(name.get(row), email.get(row), &ground.domain_aliases);
            let by_name = keys.iter().flatten().any(|key| texts.contains(key));
            let by_id = || external_id.get(row).is_some_and(|id| moved.has_second(id.trim()));
            if let (Some(app), Some(account)) = (app_id.get(row), account_id.get(row))
                && (by_name || by_id())
            {
                relinked.add_pair(app, account);
            }
        }
        Ok(())
    };
    session.each("account_attributes", accounts, follow).await
}

/// Adds to `relinked` the accounts that were renamed from its accounts or to them.
fn follow_renames(renames: &[[String; 3]], relinked: &mut Keys) {
    loop {
        let mut grown = false;
        for [app, from, to] in renames {
            if relinked.has(app, from) != relinked.has(app, to) {
                relinked.add_pair(app, from);
                relinked.add_pair(app, to);
                grown = true;
            }
        }
        if !grown {
            return;
        }
    }
}
