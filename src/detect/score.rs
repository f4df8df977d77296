//! Severity and score of one finding, recountable from what is stored with it. Pure.
//!
//! The score is `100 · (1 − Π(1 − w·x))` over six terms (`models/risk/score.yml`). A product has no
//! summands of its own, so each term gets the share of the score that `−ln(1 − w·x)` has in the sum of
//! these logarithms, whose exponential the product is: no order of terms is preferred, a term of 0 gets
//! nothing, and equal terms get the same. Shares are rounded to tenths so that they add up to the score.

use crate::domain::finding::{ScoreTerm, SeverityStep};
use crate::domain::{Severity, UtcMicros};
use crate::models::RiskModel;

use super::template::elapsed;

/// What is known of the account, the entitlement and the person of one finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub tenant_admin: bool,
    pub privileged: bool,
    pub sensitive: bool,
    pub since: Option<UtcMicros>,
    pub due_at: Option<UtcMicros>,
    pub last_success_at: Option<UtcMicros>,
    /// Applications in which the person has enabled accounts.
    pub applications: Option<f64>,
    /// Accounts of the application of a finding that is about no account.
    pub accounts: Option<f64>,
    /// None when the finding is about no account.
    pub door: Option<Door>,
    /// None when the finding rests on no link.
    pub confidence: Option<f64>,
}

/// With what an account can be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Token,
    Password,
    PasswordAndSecondFactor,
    SingleSignOn,
    NotKnown,
    /// Disabled, or shut out where there is no other way in.
    None,
}

/// `base` moved by the steps: one level up if any says so, one down if any says so, held at the ends.
pub fn severity(base: Severity, steps: &[SeverityStep]) -> Severity {
    let level = Severity::ALL.iter().position(|level| *level == base).unwrap_or(0);
    let raised = level + usize::from(steps.iter().any(|step| step.levels > 0));
    let lowered = raised.saturating_sub(usize::from(steps.iter().any(|step| step.levels < 0)));
    Severity::ALL[lowered.min(Severity::ALL.len() - 1)]
}

/// The score in tenths of a point, and its terms, which add up to it.
pub fn score(model: &RiskModel, standing: &Standing, as_of: UtcMicros) -> (f64, Vec<ScoreTerm>) {
    let terms = &model.terms;
    let valued = [
        ("privilege", terms.privilege.weight, privilege(model, standing)),
        ("exposure", terms.exposure.weight, exposure(model, standing, as_of)),
        ("activity", terms.activity.weight, activity(model, standing, as_of)),
        ("reach", terms.reach.weight, reach(model, standing)),
        ("credential", terms.credential.weight, credential(model, standing.door)),
        ("link", terms.link.weight, link(standing.confidence)),
    ];
    // An auditor recounts with the value that is stored, so that one is used.
    let valued = valued.map(|(term, weight, (value, says))| {
        (term, weight, (value.clamp(0.0, 1.0) * 1e4).round() / 1e4, says)
    });
    let logarithms = valued.each_ref().map(|(_, weight, value, _)| -(-weight * value).ln_1p());
    let sum: f64 = logarithms.iter().sum();
    let tenths = (1000.0 * -(-sum).exp_m1()).round();
    let points = shared_out(tenths, &logarithms);
    let terms = valued.into_iter().zip(points).map(|((term, weight, value, says), tenths)| ScoreTerm {
        term: term.to_owned(),
        value,
        weight,
        points: tenths / 10.0,
        says,
    });
    (tenths / 10.0, terms.collect())
}

/// Whole tenths in proportion to the shares: the largest remainders, the earlier one first, get what
/// rounding down has left over.
fn shared_out(tenths: f64, shares: &[f64; 6]) -> [f64; 6] {
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 {
        return [0.0; 6];
    }
    let exact = shares.map(|share| tenths * share / sum);
    let mut whole = exact.map(f64::floor);
    let mut places: Vec<usize> = (0..exact.len()).filter(|place| exact[*place] > 0.0).collect();
    places.sort_by(|a, b| (exact[*b] - whole[*b]).total_cmp(&(exact[*a] - whole[*a])).then(a.cmp(b)));
    let left = (tenths - whole.iter().sum::<f64>()).max(0.0) as usize;
    for place in places.into_iter().cycle().take(left) {
        whole[place] += 1.0;
    }
    whole
}

type Valued = (f64, String);

fn privilege(model: &RiskModel, standing: &Standing) -> Valued {
    let levels = &model.terms.privilege.levels;
    let (value, says) = match standing {
        Standing { tenant_admin: true, .. } => (levels.tenant_admin, "rules the whole tenant"),
        Standing { privileged: true, .. } => (levels.privileged, "privileged"),
        Standing { sensitive: true, .. } => (levels.sensitive, "a sensitive entitlement"),
        _ => (0.0, "no privilege on record"),
    };
    (value, says.to_owned())
}

fn exposure(model: &RiskModel, standing: &Standing, as_of: UtcMicros) -> Valued {
    let Some(since) = standing.since else { return (0.0, "its beginning is not known".to_owned()) };
    let due_at = standing.due_at.filter(|due_at| *due_at > since);
    let due_at = due_at.unwrap_or_else(|| model.terms.exposure.deadline_default().after(since));
    let held = (as_of.0 - since.0).max(0) as f64;
    let share = held / (due_at.0 - since.0).max(1) as f64;
    (share, format!("has held for {} of {}", elapsed(since, as_of), elapsed(since, due_at)))
}

fn activity(model: &RiskModel, standing: &Standing, as_of: UtcMicros) -> Valued {
    let (activity, Standing { since, .. }) = (&model.terms.activity, standing);
    let Some(used_at) = standing.last_success_at else { return (0.0, "no use on record".to_owned()) };
    let ago = format!("last used {} ago", elapsed(used_at, as_of));
    if since.is_some_and(|since| used_at > since) {
        return (activity.levels.after_the_beginning, format!("{ago}, after the condition began"));
    }
    let recent = activity.recent_within().after(used_at) >= as_of;
    (if recent { activity.levels.recent } else { activity.levels.earlier }, ago)
}

/// A number and its noun: `1 account`, `2 accounts`.
fn count(number: f64, noun: &str) -> String {
    if number == 1.0 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn reach(model: &RiskModel, standing: &Standing) -> Valued {
    let reach = &model.terms.reach;
    if let Some(applications) = standing.applications {
        let share = applications / f64::from(reach.applications_full);
        return (share, format!("the person has enabled accounts in {}", count(applications, "application")));
    }
    match standing.accounts {
        Some(accounts) => {
            let share = accounts.max(0.0).ln_1p() / f64::from(reach.accounts_full).ln_1p();
            (share, format!("the application has {}", count(accounts, "account")))
        }
        None => (0.0, "how far it reaches is not known".to_owned()),
    }
}

fn credential(model: &RiskModel, door: Option<Door>) -> Valued {
    let levels = &model.terms.credential.levels;
    let (value, says) = match door {
        Some(Door::Token) => (levels.token, "a token or key is alive"),
        Some(Door::Password) => (levels.password, "a password of its own, and no second factor on record"),
        Some(Door::PasswordAndSecondFactor) => {
            (levels.password_and_second_factor, "a password of its own with a second factor")
        }
        Some(Door::SingleSignOn) => (levels.single_sign_on, "single sign-on only"),
        Some(Door::NotKnown) => (levels.not_known, "how the account is entered is not known"),
        Some(Door::None) => (levels.none, "nothing on record opens the account"),
        None => (0.0, "about no account"),
    };
    (value, says.to_owned())
}

fn link(confidence: Option<f64>) -> Valued {
    match confidence {
        Some(confidence) => (confidence, format!("tied to the person with confidence {confidence:.2}")),
        None => (1.0, "rests on no link to a person".to_owned()),
    }
}
