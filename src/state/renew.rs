//! Views that stand on links: worked out again for the accounts of which something else is known than when a checkpoint
//! was made, and for those that they count for.

use crate::query::{Error, Keys, Session};

use super::fold;
use super::kept::{self, ACCOUNT, parted};

/// Adds `last_activity`, held. An account is used by itself and by the other accounts of its person, so that those
/// are asked together.
pub async fn lay_activity(session: &Session, renewed: Option<&Keys>, used: &Keys) -> Result<(), Error> {
    const USES: [&str; 2] = ["account_key_app", "account_id"];
    const VIEWS: [(&str, &str, [&str; 2]); 4] = [
        ("active_account_keys", "account_keys", ACCOUNT),
        ("active_attributes", "account_attributes", ACCOUNT),
        ("active_links", "links", ACCOUNT),
        ("active_uses", "app_uses", USES),
    ];
    let mut active = None;
    if let Some(renewed) = renewed {
        let mut moved = renewed.clone();
        moved.extend(used);
        // A listing may tell of a later time than its own.
        let since = "SELECT app_id, account_id FROM account_attributes \
                     WHERE last_active_at > $base_as_of AND last_active_at <= $as_of";
        moved.extend(&kept::keys(session, since).await?);
        let [before, _] = parted(session, "base_links", ACCOUNT, &moved).await?;
        let [now, _] = parted(session, "links", ACCOUNT, &moved).await?;
        session.hold_packed("moved_links", kept::joined("links", &before, &now)?)?;
        moved.extend(&kept::keys(session, include_str!("kept/of_moved.sql")).await?);
        active = Some(moved);
    }
    for (name, view, account) in VIEWS {
        match &active {
            Some(active) => {
                session.hold_packed(name, parted(session, view, account, active).await?[0].clone())?
            }
            None => session.alias(name, view).await?,
        }
    }
    session.hold_packed("activity_again", fold::activity(session).await?)?;
    let again = session.packed("last_activity", include_str!("kept/numbered_activity.sql")).await?;
    session.forget(&["activity_again"])?;
    kept::lay(session, "last_activity", again, active.as_ref()).await?;
    Ok(())
}

/// Adds `grants_now` and `accounts_now`, held.
pub async fn lay_now(session: &Session, renewed: Option<&Keys>) -> Result<(), Error> {
    const VIEWS: [(&str, &str); 5] = [
        ("renewed_account_keys", "account_keys"),
        ("renewed_account_attributes", "account_attributes"),
        ("renewed_account_spans", "account_spans"),
        ("renewed_grant_spans", "grant_spans"),
        ("renewed_links", "links"),
    ];
    for (name, view) in VIEWS {
        match renewed {
            Some(renewed) => {
                session.hold_packed(name, parted(session, view, ACCOUNT, renewed).await?[0].clone())?
            }
            None => session.alias(name, view).await?,
        }
    }
    let grants = session.packed_as_written("grants_now", include_str!("spans/grants_now.sql")).await?;
    session.hold_packed("renewed_grants_now", grants.clone())?;
    kept::lay(session, "grants_now", grants, renewed).await?;
    let accounts = session.packed_as_written("accounts_now", include_str!("spans/accounts_now.sql")).await?;
    session.forget(&["renewed_grants_now"])?;
    kept::lay(session, "accounts_now", accounts, renewed).await?;
    Ok(())
}
