//! Who held what, when: spans of employments, accounts and grants, and the links between
//! accounts and identities, as views of a [`Session`].
//!
//! Takes a session with the base views, gives the same session with the views that
//! detectors ask, in the order of [`build`]. What was said is asked for in SQL (`spans/*.sql`), and
//! folded into spans in Rust (`fold`); linking is plain Rust too (`link`).

mod class;
mod contracts;
mod facts;
mod fold;
mod kept;
pub mod leavers;
pub mod link;
mod link_candidates;
mod names;
mod numbers;
mod people;
mod relink;
mod renew;
mod semantics;
mod statuses;

pub use kept::KEPT;

use self::numbers::Numbers;
use self::renew::Renewed;
use arrow::array::RecordBatch;

use crate::models::Semantics;
use crate::query::{self, Session};

/// Applications whose accounts are the identity provider's own.
pub const IDENTITY_PROVIDERS: [&str; 3] = ["okta", "entra", "google_workspace"];

/// Lines of rosters, and the numbers in them that several people have.
const LINES: &str = "roster_lines";
const SHARED: &str = "shared_numbers";

/// Views of people, which linking needs, in the order in which they stand on each other.
const PEOPLE: [(&str, &str); 3] = [
    ("employments", include_str!("spans/employments.sql")),
    ("people_aliases", include_str!("spans/people_aliases.sql")),
    ("link_people", include_str!("spans/link_people.sql")),
];

/// Views that stand on links; `true` keeps the rows in memory once they are asked.
const AFTER_LINKS: [(&str, &str, bool); 10] = [
    ("grants_ended", include_str!("spans/grants_ended.sql"), true),
    ("deleted_accounts", include_str!("spans/deleted_accounts.sql"), true),
    ("idp_accounts", include_str!("spans/idp_accounts.sql"), false),
    ("assignments_now", include_str!("spans/assignments_now.sql"), true),
    ("applications", include_str!("spans/applications.sql"), true),
    ("owners", include_str!("spans/owners.sql"), false),
    ("scim_tokens", include_str!("spans/scim_tokens.sql"), false),
    ("credential_spans", include_str!("spans/credential_spans.sql"), true),
    ("non_human_identities", include_str!("spans/non_human_identities.sql"), true),
    ("leaver_steps", include_str!("spans/leaver_steps.sql"), false),
];

/// Registers that need nothing resolved: view name and the register behind it.
const PLAIN_REGISTERS: [&str; 9] = [
    "sod_rules",
    "entitlements",
    "trusted_domains",
    "requests",
    "licences",
    "control_totals",
    "companions",
    "nested_groups",
    "review_decisions",
];

/// Adds every view of this room to `session`; `configured` says how applications behave where the
/// configuration does. Gives how many rows were worked out that a checkpoint could have kept.
///
/// # Errors
/// Those of [`query::Error`], with the name of the view.
pub async fn build(session: &Session, configured: &[Semantics]) -> Result<usize, query::Error> {
    session.hold("semantics", vec![semantics::table(configured)?])?;
    let touched = kept::find_touched(session).await?;
    people(session).await?;
    let mut accounts = Numbers::of_accounts(session, touched.as_ref()).await?;
    let mut entitlements = Numbers::of_entitlements(session).await?;
    let [spans, attributes] = fold::accounts(session, &mut accounts).await?;
    let touched = touched.map(|touched| accounts.among(&touched));
    let touched = touched.as_ref();
    session.hold_packed("told_account_spans", spans.clone())?;
    session.hold_packed("told_account_attributes", attributes.clone())?;
    let mut renewed = kept::lay(session, "account_spans", spans, touched).await?;
    renewed += kept::lay(session, "account_attributes", attributes, touched).await?;
    session.lay("account_renames", include_str!("spans/account_renames.sql")).await?;
    let grants = fold::grants(session, &mut accounts, &mut entitlements).await?;
    session.hold_packed("told_grant_spans", grants.clone())?;
    renewed += kept::lay(session, "grant_spans", grants, touched).await?;
    let names = include_str!("spans/former_names.sql");
    let names = accounts.numbered(session, "former_names", names, kept::ACCOUNT).await?;
    session.hold_packed("names_again", names.clone())?;
    kept::lay(session, "former_names", names, touched).await?;
    let uses = accounts.numbered(session, "app_uses", numbers::USES, kept::EVENT_ACCOUNT).await?;
    renewed += kept::lay_uses(session, uses).await?;
    accounts.lay(session).await?;
    entitlements.lay(session).await?;
    let relinked = relink::lay(session, touched).await?;
    let again = touched.zip(relinked.as_ref()).map(|(touched, relinked)| Renewed { touched, relinked });
    let concerned = renew::lay_activity(session, again).await?;
    renew::lay_now(session, again.zip(concerned.as_ref())).await?;
    kept::forget(session)?;
    settle(session).await?;
    // What they hold is in `app_uses` now.
    session.forget(&["tail_changes", "tail_events", "uses"])?;
    for name in PLAIN_REGISTERS {
        session.alias(name, &format!("reg_{name}")).await?;
    }
    Ok(renewed)
}

/// Adds the views that stand on links, or plans them anew where they are there: what they ask may lie elsewhere since.
///
/// # Errors
/// Those of [`query::Error`], with the name of the view.
pub async fn settle(session: &Session) -> Result<(), query::Error> {
    session.forget(&AFTER_LINKS.map(|(name, ..)| name))?;
    for (name, sql, held) in AFTER_LINKS {
        session.define(name, sql, held).await?;
    }
    Ok(())
}

/// Adds the views of people, which only rosters speak of.
async fn people(session: &Session) -> Result<(), query::Error> {
    if !session.people_stand() {
        statuses::lay(session).await?;
        lines(session).await?;
    }
    contracts::lay(session).await?;
    for (name, sql) in PEOPLE {
        kept::stand_or_lay(session, name, sql, session.people_stand()).await?;
    }
    session.forget(&[statuses::GONE])?;
    session.lay("rosters", include_str!("spans/rosters.sql")).await?;
    let mut stand = session.people_stand();
    if stand {
        let moved = session.collect("people_moved", include_str!("kept/people_moved.sql")).await?;
        stand = moved.iter().all(|batch| batch.num_rows() == 0);
    }
    if session.people_stand() && !stand {
        lines(session).await?;
    }
    kept::stand_or_lay(session, "identities_now", include_str!("spans/identities_now.sql"), stand).await?;
    session.forget(&[LINES, SHARED])
}

/// Adds the lines of rosters, with numbers of one person each.
async fn lines(session: &Session) -> Result<(), query::Error> {
    const FEEDS: &str = "SELECT DISTINCT feed FROM loads WHERE kind = 'roster' LIMIT 2";
    let feeds: usize = session.collect("feeds", FEEDS).await?.iter().map(RecordBatch::num_rows).sum();
    let is_shared = feeds > 1 && session.lay(SHARED, include_str!("spans/shared_numbers.sql")).await? > 0;
    match is_shared {
        true => session.define(LINES, include_str!("spans/roster_lines.sql"), false).await,
        false => session.alias(LINES, "employments_raw").await,
    }
}
