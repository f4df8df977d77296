//! Learned detectors: they score, and a declared rule asks the scores.
//!
//! [`score`] says of every grant of a person how surprising it is among their peers, as
//! the table `peer_lift` of the session; `models/rules/rare_entitlement.yml` (OVP-02)
//! turns scores into findings. Nothing here is trained ahead of time: the model is fitted to
//! the organisation at the instant of the session, so it cannot leak what came later.

mod features;
mod peer_lift;

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};

use crate::query::{self, Numbered, PackedTable, Parts, Rows, Session, Written, failed, parts};
use features::{Holdings, PeerCounts, Peers, peer_counts};
pub use peer_lift::PeerLift;

/// Why scores could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Query(#[from] query::Error),
    #[error("cannot count peers")]
    Features(#[from] features::CountError),
    #[error("cannot scale scores")]
    Scale(#[from] linfa_preprocessing::PreprocessingError),
}

const GRANTS: &str = include_str!("peer_grants.sql");
/// By number: the place among those that were met.
type Places = HashMap<u32, u32, RandomState>;

/// The grants as indices, and what stands behind them.
struct Grants {
    holdings: Holdings,
    peers: Peers,
    /// Application, account and entitlement of each grant, as numbers of `texts`.
    keys: Vec<[u32; 3]>,
    texts: Numbered,
}

/// The table that a rule names when it needs [`score`].
pub const TABLE: &str = "peer_lift";

/// Adds the table `peer_lift` to `session`: one row for each grant of an employed person.
///
/// Columns: app_id, account_id, entitlement_id, peer_scope (`role`, `department`,
/// `organisation`: the narrowest with at least 8 peers), peers, peer_holders,
/// department_people, department_holders, org_people, org_holders (all without the holder), rarity, department_lift, role_lift, score (their
/// sum, in nats), standard_score, share_upper.
///
/// # Errors
/// When the session does not answer, or polars or linfa refuse the features.
pub async fn score(session: &Session) -> Result<(), Error> {
    let grants = grants(session).await?;
    let counts = peer_counts(&grants.holdings, &grants.peers)?;
    let lifts = peer_lift::score(&counts)?;
    session.hold_packed(TABLE, table(&grants, &counts, &lifts)?)?;
    Ok(())
}

async fn grants(session: &Session) -> Result<Grants, Error> {
    let (mut people, mut entitlements) = (Places::default(), Places::default());
    let mut grants = Grants {
        holdings: Holdings { person: Vec::new(), entitlement: Vec::new() },
        peers: Peers { department: Vec::new(), title: Vec::new() },
        keys: Vec::new(),
        texts: Numbered::default(),
    };
    let mut hear = |batch: &RecordBatch| {
        let rows = Rows::new("peer_grants", batch);
        let (identity, entitlement) = (rows.keys("identity_key")?, rows.keys("entitlement_key")?);
        let (department, title) = (rows.texts("department")?, rows.texts("title")?);
        let mut texts = |column| grants.texts.read(&rows, column);
        let [app, account, named] = [texts("app_id")?, texts("account_id")?, texts("entitlement_id")?];
        for row in 0..rows.len() {
            let next = people.len() as u32;
            let peers = &mut grants.peers;
            let person = *people.entry(identity.value(row)).or_insert_with(|| {
                peers.department.push(department.owned(row).unwrap_or_default());
                peers.title.push(title.owned(row).unwrap_or_default());
                next
            });
            let next = entitlements.len() as u32;
            grants.holdings.person.push(person);
            grants.holdings.entitlement.push(*entitlements.entry(entitlement.value(row)).or_insert(next));
            grants.keys.push([app[row], account[row], named[row]]);
        }
        Ok(())
    };
    session.each("peer_grants", GRANTS, &mut hear).await?;
    Ok(grants)
}

fn table(grants: &Grants, counts: &[PeerCounts], lifts: &[PeerLift]) -> Result<PackedTable, query::Error> {
    let (written, mut table) = (grants.texts.written(), Parts::of(TABLE));
    for part in parts(counts.len()) {
        let (keys, counts, lifts) = (&grants.keys[part.clone()], &counts[part.clone()], &lifts[part]);
        table.push(columns(&written, keys, counts, lifts)?)?;
    }
    table.finish()
}

fn columns(
    written: &Written,
    keys: &[[u32; 3]],
    counts: &[PeerCounts],
    lifts: &[PeerLift],
) -> Result<Vec<(&'static str, ArrayRef)>, query::Error> {
    let text = |at: usize| written.column(keys.iter().map(|key| key[at])).map_err(failed(TABLE));
    let number = |f: fn(&PeerLift) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(lifts.iter().map(f)))
    };
    let count = |f: fn(&PeerCounts) -> u32| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(counts.iter().map(|c| i64::from(f(c)))))
    };
    let scope = counts.iter().map(|c| peer_lift::narrowest(c).0);
    Ok(vec![
        ("app_id", text(0)?),
        ("account_id", text(1)?),
        ("entitlement_id", text(2)?),
        ("peer_scope", Arc::new(StringViewArray::from_iter_values(scope)) as ArrayRef),
        ("peers", count(|c| peer_lift::narrowest(c).1.total)),
        ("peer_holders", count(|c| peer_lift::narrowest(c).1.holders)),
        ("department_people", count(|c| c.department.total)),
        ("department_holders", count(|c| c.department.holders)),
        ("org_people", count(|c| c.organisation.total)),
        ("org_holders", count(|c| c.organisation.holders)),
        ("rarity", number(|lift| lift.rarity)),
        ("department_lift", number(|lift| lift.department_lift)),
        ("role_lift", number(|lift| lift.role_lift)),
        ("score", number(|lift| lift.score)),
        ("standard_score", number(|lift| lift.standard_score)),
        ("share_upper", number(|lift| lift.share_upper)),
    ])
}
