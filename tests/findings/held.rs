//! The findings of a run, held small.

use std::cmp::Reverse;

use lychgate::domain::finding::{Owner, ScoreTerm};
use lychgate::domain::{Finding, Severity, Verdict};
use proptest::prelude::*;

use super::{day, finding, held};

/// Findings of several detectors, which repeat themselves more or less, with texts of any kind.
fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let severity = prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical]);
    let one = ("[a-c]", "\\PC{0,40}", 0..1000_i64, severity, any::<bool>(), 0..=1000_u32);
    prop::collection::vec(one, 0..200).prop_map(|all| {
        let made = all.into_iter().enumerate().map(|(at, (detector, text, n, severity, fails, tenths))| {
            let score = f64::from(tenths) / 10.0;
            let term = ScoreTerm {
                term: "reach".to_owned(),
                value: f64::from(tenths) / 1e4,
                weight: 0.3,
                points: score,
                says: text.clone(),
            };
            Finding {
                finding_id: format!("{at:04}"),
                code: format!("{detector}-01"),
                severity,
                score,
                score_terms: vec![term],
                verdict: if fails { Verdict::Fail } else { Verdict::Unknown },
                since: fails.then(|| day(n)),
                explanation: text.repeat(20),
                cause: (!fails).then(|| text.clone()),
                owner: fails.then(|| Owner {
                    id: text.clone(),
                    name: None,
                    email: Some(text.clone()),
                    decided_by: "manager".to_owned(),
                }),
                ..finding(&detector, "crm", &text, &text)
            }
        });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// If it failed, what a run tells would not be what its detectors said.
    #[test]
    fn findings_come_out_as_they_went_in(given in findings(), at in any::<prop::sample::Index>()) {
        let mut held = held(&given);
        prop_assert_eq!(&held.to_vec().unwrap(), &given);
        for (head, finding) in held.heads().iter().zip(&given) {
            let said = (&*head.finding_id, &*head.detector, &*head.code, &*head.subject_id);
            let (id, subject) = (finding.finding_id.as_str(), finding.subject.id.as_str());
            prop_assert_eq!(said, (id, finding.detector.as_str(), finding.code.as_str(), subject));
            let said = (head.verdict, head.severity, head.score, head.since, head.cause.as_deref(), head.held);
            let cause = finding.cause.as_deref();
            prop_assert_eq!(said, (finding.verdict, finding.severity, finding.score, finding.since, cause, false));
        }

        let mut sorted = given.clone();
        sorted.sort_by_key(|f| (Reverse(f.severity), f.code.clone(), f.subject.id.clone(), f.finding_id.clone()));
        held.put_in_order();
        prop_assert_eq!(&held.to_vec().unwrap(), &sorted);
        if sorted.is_empty() {
            return Ok(());
        }
        let place = at.index(sorted.len());
        sorted[place].held_because = Some("held".to_owned());
        held.change(place, |finding| finding.held_because = Some("held".to_owned())).unwrap();
        prop_assert!(held.heads()[place].held);
        let both = [place, 0];
        prop_assert_eq!(held.at(&both).unwrap(), both.map(|place| sorted[place].clone()));
    }
}
