//! The risk score: its terms add up to it, and it is the product that the model states.

use lychgate::detect::score::{Door, Standing, score, severity};
use lychgate::domain::finding::SeverityStep;
use lychgate::domain::{Finding, Severity, UtcMicros};
use lychgate::models::risk::parse_risk_model;
use lychgate::models::risk_model;
use proptest::prelude::*;

const AS_OF: UtcMicros = UtcMicros(1_782_777_600_000_000);
const TEXT: &str = include_str!("../models/risk/score.yml");

fn tenths(points: f64) -> i64 {
    let tenths = (points * 10.0).round();
    assert!((points * 10.0 - tenths).abs() < 1e-6, "{points} is not in tenths");
    tenths as i64
}

/// What an auditor does with a calculator and what is stored with a finding: the product, and the sum.
pub fn recount(finding: &Finding) {
    let terms = &finding.score_terms;
    let names: Vec<&str> = terms.iter().map(|term| term.term.as_str()).collect();
    assert_eq!(names, ["privilege", "exposure", "activity", "reach", "credential", "link"]);
    let mut left = 1.0;
    for term in terms {
        left *= 1.0 - term.weight * term.value;
        assert_eq!(term.value == 0.0, tenths(term.points) == 0 || term.points < 0.1, "{term:?}");
        assert!(!term.says.is_empty());
    }
    assert!((finding.score - 100.0 * (1.0 - left)).abs() <= 0.05 + 1e-9, "{finding:?}");
    assert_eq!(terms.iter().map(|term| tenths(term.points)).sum::<i64>(), tenths(finding.score));
    let base = finding.severity_base.unwrap_or(finding.severity);
    assert_eq!(severity(base, &finding.severity_steps), finding.severity);
    assert_eq!(finding.severity_base.is_some(), !finding.severity_steps.is_empty());
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let days =
        |most: i64| proptest::option::of((0..most).prop_map(|d| UtcMicros(AS_OF.0 - d * 86_400_000_000)));
    let door = prop_oneof![
        Just(None),
        Just(Some(Door::Token)),
        Just(Some(Door::Password)),
        Just(Some(Door::PasswordAndSecondFactor)),
        Just(Some(Door::SingleSignOn)),
        Just(Some(Door::NotKnown)),
        Just(Some(Door::None)),
    ];
    let privileges = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (proptest::option::of(0..40u32), proptest::option::of(0..1_000_000u32));
    let confidence = proptest::option::of(0.0..=1.0f64);
    (privileges, days(400), days(400), proptest::option::of(1..90i64), numbers, door, confidence).prop_map(
        |((tenant_admin, privileged, sensitive), since, used, due, (apps, accounts), door, confidence)| {
            Standing {
                tenant_admin,
                privileged,
                sensitive,
                since,
                due_at: since.zip(due).map(|(since, days)| UtcMicros(since.0 + days * 86_400_000_000)),
                last_success_at: used,
                applications: apps.map(f64::from),
                accounts: accounts.map(f64::from),
                door,
                confidence,
            }
        },
    )
}

proptest! {
    /// If it failed, the parts that people are shown would not be the parts of the number beside them.
    #[test]
    fn the_terms_add_up_to_the_score_and_the_score_is_the_product(standing in any_standing()) {
        let (score, terms) = score(&risk_model().unwrap(), &standing, AS_OF);
        let product: f64 = terms.iter().map(|term| 1.0 - term.weight * term.value).product();
        prop_assert!((score - 100.0 * (1.0 - product)).abs() <= 0.05 + 1e-9);
        prop_assert_eq!(terms.iter().map(|term| tenths(term.points)).sum::<i64>(), tenths(score));
        // Each part is its logarithm's share, to the tenth that rounding gives or takes.
        let logarithm = |w: f64, x: f64| -(1.0 - w * x).ln();
        let sum: f64 = terms.iter().map(|term| logarithm(term.weight, term.value)).sum();
        for term in &terms {
            let share = if sum > 0.0 { score * logarithm(term.weight, term.value) / sum } else { 0.0 };
            prop_assert!((term.points - share).abs() <= 0.1 + 1e-9, "{:?} of {share}", term);
            prop_assert!(term.value > 0.0 || term.points == 0.0);
        }
    }

    /// If it failed, a worse state of affairs would be ranked below a better one.
    #[test]
    fn what_is_worse_scores_no_less(standing in any_standing()) {
        let model = risk_model().unwrap();
        let before = score(&model, &standing, AS_OF).0;
        let worse = [
            Standing { tenant_admin: true, ..standing.clone() },
            Standing { door: Some(Door::Token), ..standing.clone() },
            Standing { confidence: Some(1.0), ..standing.clone() },
            Standing { applications: Some(40.0), ..standing.clone() },
        ];
        for worse in worse {
            prop_assert!(score(&model, &worse, AS_OF).0 >= before, "{worse:?}");
        }
    }
}

/// The number of an account that is known by heart: if it moved, so would every list sorted by it.
#[test]
fn a_score_by_hand() {
    let day = 86_400_000_000;
    let standing = Standing {
        privileged: true,
        since: Some(UtcMicros(AS_OF.0 - 2 * day)),
        due_at: Some(UtcMicros(AS_OF.0 + 2 * day)),
        last_success_at: Some(UtcMicros(AS_OF.0 - day)),
        applications: Some(5.0),
        door: Some(Door::Password),
        confidence: Some(0.95),
        ..Standing::default()
    };
    let (score, terms) = score(&risk_model().unwrap(), &standing, AS_OF);
    // 1 − .6 · .8 · .55 · .85 · .73 · .8575 = 0.8595…
    assert_eq!(score, 86.0);
    let values: Vec<f64> = terms.iter().map(|term| term.value).collect();
    assert_eq!(values, [0.8, 0.5, 1.0, 0.5, 0.9, 0.95]);
    assert_eq!(terms[1].says, "has held for 2 days of 4 days");
}

/// Otherwise two reasons to raise would make a critical finding of a low one.
#[test]
fn severity_moves_by_a_level_each_way_and_stays_on_the_scale() {
    let step = |levels| SeverityStep { modifier: "rule".to_owned(), levels, says: "so".to_owned() };
    let check = |base, levels: &[i8], expect| {
        let steps: Vec<SeverityStep> = levels.iter().map(|levels| step(*levels)).collect();
        assert_eq!(severity(base, &steps), expect, "{base:?} {levels:?}");
    };
    check(Severity::Low, &[], Severity::Low);
    check(Severity::Low, &[1, 1, 1], Severity::Medium);
    check(Severity::High, &[1, -1], Severity::High);
    check(Severity::Critical, &[1], Severity::Critical);
    check(Severity::Info, &[-1], Severity::Info);
    // Up first, so that the end of the scale costs a critical finding nothing it had.
    check(Severity::Critical, &[1, -1], Severity::Critical);
}

/// If it failed, a slip in the weights would be found in production, by its numbers.
#[test]
fn a_weight_out_of_range_or_without_a_source_is_refused() {
    let refused = |from: &str, to: &str, why: &str| {
        assert!(TEXT.contains(from), "{from}");
        let error = parse_risk_model("score.yml", &TEXT.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused("weight: 0.5", "weight: 1.0", "the weight of privilege is 1");
    refused("source: house", "source: ''", "names no source");
    refused("tenant_admin: 1.0", "tenant_admin: 1.5", "1.5 is not from 0 to 1");
    refused("deadline_default: 30d", "deadline_default: soon", "deadline_default is \"soon\"");
    refused("applications_full: 10", "applications_full: 0", "reach");
    refused("link:", "luck:", "luck");
}
