//! Learned detectors: they score, and a declared rule asks the scores.
//!
//! [`score`] says of every grant of a person how surprising it is among their peers, as
//! the table `peer_lift` of the session; `models/rules/rare_entitlement.yml` (OVP-02)
//! turns scores into findings. Nothing here is trained ahead of time: the model is fitted to
//! the organisation at the instant of the session, so it cannot leak what came later.

mod features;
mod peer_lift;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::error::ArrowError;
use indexmap::IndexSet;

use crate::query::{self, PackedTable, Packer, Rows, Session};
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
    #[error("cannot lay out table \"peer_lift\"")]
    Table(#[from] ArrowError),
}

const GRANTS: &str = include_str!("peer_grants.sql");
/// Rows that are laid out together: all of them unpacked take several times what they say.
const PART_ROWS: usize = 65_536;

/// The grants as indices, and what stands behind them.
struct Grants {
    holdings: Holdings,
    peers: Peers,
    /// Application, account and entitlement of each grant, as numbers of `texts`.
    keys: Vec<[u32; 3]>,
    texts: IndexSet<Box<str>, ahash::RandomState>,
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
    let (mut people, mut entitlements) = (HashMap::new(), HashMap::new());
    let mut grants = Grants {
        holdings: Holdings { person: Vec::new(), entitlement: Vec::new() },
        peers: Peers { department: Vec::new(), title: Vec::new() },
        keys: Vec::new(),
        texts: IndexSet::default(),
    };
    let mut hear = |batch: &RecordBatch| {
        let rows = Rows::new("peer_grants", batch);
        let (app, account) = (rows.texts("app_id")?, rows.texts("account_id")?);
        let (entitlement, identity) = (rows.texts("entitlement_id")?, rows.texts("identity_id")?);
        let (department, title) = (rows.texts("department")?, rows.texts("title")?);
        for row in 0..rows.len() {
            let key = [&app, &account, &entitlement].map(|column| grants.number(column.get(row)));
            let next = people.len() as u32;
            let peers = &mut grants.peers;
            let person = *people.entry(identity.owned(row).unwrap_or_default()).or_insert_with(|| {
                peers.department.push(department.owned(row).unwrap_or_default());
                peers.title.push(title.owned(row).unwrap_or_default());
                next
            });
            let next = entitlements.len() as u32;
            grants.holdings.person.push(person);
            grants.holdings.entitlement.push(*entitlements.entry((key[0], key[2])).or_insert(next));
            grants.keys.push(key);
        }
        Ok(())
    };
    session.each("peer_grants", GRANTS, &mut hear).await?;
    Ok(grants)
}

impl Grants {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let text = text.unwrap_or_default();
        let known = self.texts.get_index_of(text);
        known.unwrap_or_else(|| self.texts.insert_full(text.into()).0) as u32
    }

    fn text(&self, number: u32) -> &str {
        self.texts.get_index(number as usize).map_or("", |text| text)
    }
}

fn table(grants: &Grants, counts: &[PeerCounts], lifts: &[PeerLift]) -> Result<PackedTable, ArrowError> {
    let schema = columns(grants, counts, lifts, 0..0)?.schema();
    let mut packer = Packer::new(Arc::clone(&schema));
    for from in (0..counts.len()).step_by(PART_ROWS) {
        packer.push(columns(grants, counts, lifts, from..counts.len().min(from + PART_ROWS))?)?;
    }
    Packer::table(schema, [packer])
}

fn columns(
    grants: &Grants,
    counts: &[PeerCounts],
    lifts: &[PeerLift],
    part: Range<usize>,
) -> Result<RecordBatch, ArrowError> {
    let (keys, counts, lifts) = (&grants.keys[part.clone()], &counts[part.clone()], &lifts[part]);
    let text = |at: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(keys.iter().map(|key| grants.text(key[at]))))
    };
    let number = |f: fn(&PeerLift) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(lifts.iter().map(f)))
    };
    let count = |f: fn(&PeerCounts) -> u32| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(counts.iter().map(|c| i64::from(f(c)))))
    };
    let scope = counts.iter().map(|c| peer_lift::narrowest(c).0);
    RecordBatch::try_from_iter([
        ("app_id", text(0)),
        ("account_id", text(1)),
        ("entitlement_id", text(2)),
        ("peer_scope", Arc::new(StringArray::from_iter_values(scope)) as ArrayRef),
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
