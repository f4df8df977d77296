//! Who held what, when: spans of employments, accounts and grants, and the links between
//! accounts and identities, as views of a [`Session`].
//!
//! Takes a session with the base views, gives the same session with the views that
//! detectors ask (`spans/*.sql`, in the order of [`build`]). Spans are SQL plans, so that
//! they run unchanged on a cluster; linking is plain Rust (`link`).

mod class;
mod facts;
mod kept;
pub mod leavers;
pub mod link;
mod semantics;

pub use kept::KEPT;

use crate::models::Semantics;
use crate::query::{self, Session};

/// Applications whose accounts are the identity provider's own.
pub const IDENTITY_PROVIDERS: [&str; 3] = ["okta", "entra", "google_workspace"];

/// Views below linking, in the order in which they stand on each other; all are held in memory,
/// because several others read them.
const BEFORE_LINKS: [(&str, &str); 10] = [
    ("employee_numbers", include_str!("spans/employee_numbers.sql")),
    ("employments", include_str!("spans/employments.sql")),
    ("people_aliases", include_str!("spans/people_aliases.sql")),
    ("account_spans", include_str!("spans/account_spans.sql")),
    ("account_statements", include_str!("spans/account_statements.sql")),
    ("account_attributes", include_str!("spans/account_attributes.sql")),
    ("account_renames", include_str!("spans/account_renames.sql")),
    ("grant_observations", include_str!("spans/grant_observations.sql")),
    ("grant_spans", include_str!("spans/grant_spans.sql")),
    ("app_uses", include_str!("spans/app_uses.sql")),
];

/// Views that stand on links; `true` keeps the rows in memory.
const AFTER_LINKS: [(&str, &str, bool); 15] = [
    ("account_uses", include_str!("spans/account_uses.sql"), true),
    ("last_activity", include_str!("spans/last_activity.sql"), true),
    ("grants_now", include_str!("spans/grants_now.sql"), true),
    ("accounts_now", include_str!("spans/accounts_now.sql"), true),
    ("deleted_accounts", include_str!("spans/deleted_accounts.sql"), true),
    ("rosters", include_str!("spans/rosters.sql"), true),
    ("identities_now", include_str!("spans/identities_now.sql"), true),
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
const PLAIN_REGISTERS: [&str; 10] = [
    "sod_rules",
    "entitlements",
    "exceptions",
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
    kept::find_touched(session).await?;
    let mut renewed = 0;
    for (name, sql) in BEFORE_LINKS {
        renewed += kept::define(session, name, sql).await?;
    }
    kept::forget_touched(session)?;
    session.hold("links", vec![facts::linked(session).await?])?;
    for (name, sql, held) in AFTER_LINKS {
        session.define(name, sql, held).await?;
    }
    // What they hold is in `app_uses`, `account_attributes` and `grant_spans` now.
    session.forget(&["tail_events", "uses", "account_uses", "account_statements", "grant_observations"])?;
    for name in PLAIN_REGISTERS {
        session.alias(name, &format!("reg_{name}")).await?;
    }
    Ok(renewed)
}
