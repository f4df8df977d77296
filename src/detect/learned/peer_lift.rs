//! Peer lift: how surprising it is that this person holds this entitlement.
//!
//! The share of peers who hold it is shrunk scope by scope towards the wider one,
//! `p_s = (k_s + m_s p_parent) / (n_s + m_s)`, with `m_s` fitted by beta-binomial moments
//! and held in [2, 200]; the grant itself is left out of every count. The log-odds against
//! holding it, `-logit(p_role)`, split exactly into the rarity in the organisation and one
//! term for each step to a narrower scope, so an auditor can add them up.

use linfa::DatasetBase;
use linfa::traits::{Fit, Transformer};
use linfa_preprocessing::linear_scaling::LinearScaler;
use ndarray::{Array1, Array2};

use super::features::{Count, PeerCounts};

/// The surprise of one grant. `score = rarity + department_lift + role_lift`, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeerLift {
    /// `-logit` of the shrunk share in the organisation.
    pub rarity: f64,
    /// What the department adds: positive when it is rarer there.
    pub department_lift: f64,
    /// What department and title together add.
    pub role_lift: f64,
    pub score: f64,
    /// The score in standard deviations from the mean of all grants of this run.
    pub standard_score: f64,
    /// 95 % upper bound of the share among the narrowest peers that are enough to judge by.
    pub share_upper: f64,
}

/// Bounds of the prior's weight (learning reference §4.1).
const WEIGHT_MIN: f64 = 2.0;
const WEIGHT_MAX: f64 = 200.0;
/// One-sided 95 % quantile of the normal distribution, for Wilson's bound.
const Z: f64 = 1.644_853_626_951_472_2;

/// Scores every grant, in order.
///
/// # Errors
/// When scaling fails, which needs at least one grant with finite features.
pub fn score(counts: &[PeerCounts]) -> Result<Vec<PeerLift>, linfa_preprocessing::PreprocessingError> {
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let weights = [
        prior_weight(counts.iter().map(|c| (c.organisation, c.department))),
        prior_weight(counts.iter().map(|c| (c.department, c.role))),
    ];
    let mut lifts: Vec<PeerLift> = counts.iter().map(|count| lift(count, weights)).collect();
    let scores = Array2::from_shape_fn((lifts.len(), 1), |(row, _)| lifts[row].score);
    let dataset = DatasetBase::new(scores, Array1::<()>::from_elem(lifts.len(), ()));
    let scaled = LinearScaler::standard().fit(&dataset)?.transform(dataset);
    for (lift, z) in lifts.iter_mut().zip(scaled.records.column(0)) {
        lift.standard_score = *z;
    }
    Ok(lifts)
}

fn lift(count: &PeerCounts, [department_weight, role_weight]: [f64; 2]) -> PeerLift {
    // Half a holder in one person more: an entitlement that nobody else holds has a finite rarity.
    let organisation =
        (f64::from(count.organisation.holders) + 0.5) / (f64::from(count.organisation.total) + 1.0);
    let department = shrink(count.department, organisation, department_weight);
    let role = shrink(count.role, department, role_weight);
    let (rarity, in_department, in_role) = (-logit(organisation), -logit(department), -logit(role));
    PeerLift {
        rarity,
        department_lift: in_department - rarity,
        role_lift: in_role - in_department,
        score: in_role,
        standard_score: 0.0,
        share_upper: wilson_upper(narrowest(count).1),
    }
}

/// The narrowest scope with at least [`PEERS_MIN`] peers, by name.
pub fn narrowest(count: &PeerCounts) -> (&'static str, Count) {
    if count.role.total >= PEERS_MIN {
        ("role", count.role)
    } else if count.department.total >= PEERS_MIN {
        ("department", count.department)
    } else {
        ("organisation", count.organisation)
    }
}

/// Fewer peers than this say nothing (detectors reference, OVP-01: |P| < 8 is unclassified).
pub const PEERS_MIN: u32 = 8;

fn shrink(count: Count, parent: f64, weight: f64) -> f64 {
    (f64::from(count.holders) + weight * parent) / (f64::from(count.total) + weight)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// Fits the weight of the parent's share by the method of moments: with shares `x_i` among
/// `n_i` peers around parents `p_i`, the excess of the variance over the binomial one gives
/// the intra-class correlation `rho`, and `m = 1/rho - 1`.
fn prior_weight(pairs: impl Iterator<Item = (Count, Count)>) -> f64 {
    let (mut excess, mut spread) = (0.0, 0.0);
    for (parent, child) in pairs {
        if child.total < 2 {
            continue;
        }
        let n = f64::from(child.total);
        let p = (f64::from(parent.holders) + 0.5) / (f64::from(parent.total) + 1.0);
        let x = f64::from(child.holders) / n;
        let binomial = p * (1.0 - p);
        excess += (x - p).powi(2) - binomial / n;
        spread += binomial * (1.0 - 1.0 / n);
    }
    if spread <= 0.0 || excess <= 0.0 {
        return WEIGHT_MAX;
    }
    (spread / excess - 1.0).clamp(WEIGHT_MIN, WEIGHT_MAX)
}

/// Upper end of Wilson's one-sided 95 % interval for the share `holders / total`.
fn wilson_upper(count: Count) -> f64 {
    let n = f64::from(count.total);
    if n == 0.0 {
        return 1.0;
    }
    let x = f64::from(count.holders) / n;
    let z2 = Z * Z;
    let centre = x + z2 / (2.0 * n);
    let margin = Z * (x * (1.0 - x) / n + z2 / (4.0 * n * n)).sqrt();
    (centre + margin) / (1.0 + z2 / n)
}
