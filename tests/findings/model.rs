//! Random histories of runs and decisions: the ledger against a naive model of it.

use std::collections::{BTreeMap, BTreeSet};

use lychgate::domain::{Finding, Status, UtcMicros, Verdict};
use lychgate::findings::{
    By, Coverage, Decision, Entry, FindingQuery, Ledger, Order, Run, RunKind, Sort, Terms, fingerprint,
};
use proptest::prelude::*;

use super::{DAY, finding, held, run};

/// Detector, application and account, in the order of finding ids; one names no application.
const SUBJECTS: [(&str, &str, &str); 5] =
    [("d0", "crm", "a"), ("d0", "crm", "b"), ("d0", "erp", "c"), ("d1", "", "d"), ("d1", "crm", "e")];

type Answer = Option<(Verdict, u8)>;

#[derive(Clone, Debug)]
enum Step {
    Run { days: i64, coverage: [Option<Coverage>; 2], answers: [Answer; 5] },
    Decide { subject: usize, decision: u8 },
}

/// What the model keeps of one finding.
#[derive(Clone, Debug, PartialEq)]
struct State {
    status: Status,
    verdict: Verdict,
    evidence: u8,
    waived_until: Option<UtcMicros>,
    first_seen_at: UtcMicros,
    last_seen_at: UtcMicros,
}

type Model = BTreeMap<usize, State>;

fn model_run(model: &mut Model, now: UtcMicros, coverage: &[Option<Coverage>; 2], answers: &[Answer; 5]) {
    for (subject, answer) in answers.iter().enumerate() {
        let (detector, app, _) = SUBJECTS[subject];
        let coverage = coverage[usize::from(detector == "d1")].as_ref();
        let before = model.get(&subject).cloned();
        if let Some((verdict, evidence)) = *answer {
            let lives = before.as_ref().is_some_and(|s| !ended(s.status));
            let mut state = before.clone().unwrap_or(State {
                status: Status::Open,
                verdict,
                evidence,
                waived_until: None,
                first_seen_at: now,
                last_seen_at: now,
            });
            let changed = verdict == Verdict::Fail && evidence != state.evidence;
            let decided = matches!(state.status, Status::Acknowledged | Status::AcceptedRisk);
            if !lives || lapsed(&state, now) || (changed && decided) {
                state.status = Status::Open;
                state.waived_until = None;
            }
            if verdict == Verdict::Fail {
                state.evidence = evidence;
            }
            state.verdict = verdict;
            state.last_seen_at = now;
            model.insert(subject, state);
            continue;
        }
        let Some(mut state) = before.filter(|state| !ended(state.status)) else { continue };
        let silence_means_gone = match coverage {
            Some(Coverage::Complete) => true,
            Some(Coverage::IncompleteApps(apps)) if app.is_empty() => apps.is_empty(),
            Some(Coverage::IncompleteApps(apps)) => !apps.contains_key(app),
            _ => false,
        };
        if coverage == Some(&Coverage::Off) {
            (state.status, state.waived_until) = (Status::Superseded, None);
        } else if silence_means_gone {
            (state.status, state.verdict, state.waived_until) = (Status::Resolved, Verdict::Pass, None);
        } else {
            if coverage.is_some() {
                state.verdict = Verdict::Unknown;
            }
            if lapsed(&state, now) {
                (state.status, state.waived_until) = (Status::Open, None);
            }
        }
        model.insert(subject, state);
    }
}

fn ended(status: Status) -> bool {
    matches!(status, Status::Resolved | Status::Superseded)
}

fn lapsed(state: &State, now: UtcMicros) -> bool {
    state.status == Status::AcceptedRisk && state.waived_until.is_none_or(|until| until <= now)
}

/// Decisions that the ledger accepts, in the model; which those are is tested elsewhere.
fn model_decide(state: &mut State, decision: &Decision) {
    state.waived_until = None;
    state.status = match decision {
        Decision::Acknowledge => Status::Acknowledged,
        Decision::Assign { .. } => Status::InProgress,
        Decision::Resolve => Status::Resolved,
        Decision::Reopen => Status::Open,
        Decision::Waive(terms) => {
            state.waived_until = Some(terms.until);
            Status::AcceptedRisk
        }
    };
}

fn answered(answers: &[Answer; 5], now: UtcMicros) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ((detector, app, account), answer) in SUBJECTS.iter().zip(answers) {
        let Some((verdict, evidence)) = answer else { continue };
        let mut finding = finding(detector, app, account, &format!("r{evidence}"));
        finding.verdict = *verdict;
        (finding.as_of, finding.known_at) = (now, now);
        if app.is_empty() {
            (finding.app, finding.account) = (None, None);
        }
        findings.push(finding);
    }
    findings
}

async fn entries(ledger: &Ledger) -> Vec<Entry> {
    let query = FindingQuery { sort: Sort::FindingId, order: Order::Ascending, ..FindingQuery::default() };
    ledger.list(&query).await.unwrap().entries
}

fn named(coverage: &[Option<Coverage>; 2]) -> Vec<(&'static str, Coverage)> {
    let pairs = ["d0", "d1"].into_iter().zip(coverage.clone());
    pairs.filter_map(|(detector, coverage)| Some((detector, coverage?))).collect()
}

/// Plays the steps on both and compares after each.
async fn play(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("state.db"), "acme").await.unwrap();
    let mut model = Model::new();
    let mut now = super::day(0);
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Run { days, coverage, answers } => {
                now = UtcMicros(now.0 + days * DAY);
                let findings = answered(&answers, now);
                let current = Run { run_id: format!("run-{number}"), ..run(now, &named(&coverage)) };
                ledger.record_run(&current, &held(&findings), now).await.unwrap();
                model_run(&mut model, now, &coverage, &answers);
                let before = entries(&ledger).await;
                let again = Run { run_id: format!("again-{number}"), ..current.clone() };
                let changes = ledger.record_run(&again, &held(&findings), now).await.unwrap();
                assert!(changes.transitions.is_empty(), "the same again: {:?}", changes.transitions);
                let past = Run { run_id: "past".to_owned(), ..run(UtcMicros(now.0 - 1), &named(&coverage)) };
                assert_eq!(ledger.record_run(&past, &held(&[]), now).await.unwrap().kind, RunKind::Historic);
                assert_eq!(entries(&ledger).await, before);
            }
            Step::Decide { subject, decision } => {
                let decision = match decision {
                    0 => Decision::Acknowledge,
                    1 => Decision::Resolve,
                    2 => Decision::Reopen,
                    _ => Decision::Waive(Terms {
                        approver: "bo".to_owned(),
                        until: UtcMicros(now.0 + 20 * DAY),
                    }),
                };
                let (detector, app, account) = SUBJECTS[subject];
                let by = By::new("ada", "review");
                let id = format!("{detector}-{app}-{account}");
                if ledger.decide(&id, &decision, &by, now).await.is_ok() {
                    model_decide(model.get_mut(&subject).unwrap(), &decision);
                }
            }
        }
        compare(&ledger, &model).await;
    }
}

async fn compare(ledger: &Ledger, model: &Model) {
    let entries = entries(ledger).await;
    assert_eq!(entries.len(), model.len());
    for (entry, (subject, state)) in entries.iter().zip(model) {
        let (known, finding) = (&entry.known, &entry.known.finding);
        let row = super::finding("", "", "", &format!("r{}", state.evidence));
        assert_eq!(known.fingerprint, fingerprint(&row), "{:?}", SUBJECTS[*subject]);
        let got = State {
            status: finding.status,
            verdict: finding.verdict,
            evidence: state.evidence,
            waived_until: known.waived_until,
            first_seen_at: finding.first_seen_at.unwrap(),
            last_seen_at: finding.last_seen_at.unwrap(),
        };
        assert_eq!(got, *state, "{:?}", SUBJECTS[*subject]);
        // Also where a run said the same again, and wrote only when.
        assert_eq!([finding.as_of, finding.known_at], [state.last_seen_at; 2], "{:?}", SUBJECTS[*subject]);
        // The history is a chain that ends in the present.
        let history = ledger.events(&finding.finding_id).await.unwrap();
        assert_eq!(history.len() as u64, entry.revision);
        let from: Vec<_> = history.iter().skip(1).map(|event| event.from.unwrap()).collect();
        let to: Vec<_> = history.iter().map(|event| event.to).collect();
        assert_eq!(from, to[..to.len() - 1]);
        assert_eq!((history[0].from, *to.last().unwrap()), (None, finding.status));
    }
}

fn coverage() -> impl Strategy<Value = Option<Coverage>> {
    let apps = prop::sample::subsequence(vec!["crm", "erp"], 0..=2).prop_map(|apps: Vec<&str>| {
        let stale: BTreeSet<&str> = apps.into_iter().collect();
        Coverage::IncompleteApps(stale.into_iter().map(|app| (app.to_owned(), "stale".to_owned())).collect())
    });
    prop_oneof![
        4 => Just(Some(Coverage::Complete)),
        2 => apps.prop_map(Some),
        1 => Just(Some(Coverage::Incomplete("stale".to_owned()))),
        1 => Just(Some(Coverage::NotRun("failed".to_owned()))),
        1 => Just(Some(Coverage::Off)),
        1 => Just(None),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![3 => Just(Verdict::Fail), 1 => Just(Verdict::Unknown)];
    let answer = prop::option::of((verdict, 0_u8..2));
    let run = (1_i64..15, [coverage(), coverage()], prop::array::uniform5(answer)).prop_map(
        |(days, coverage, mut answers)| {
            for (answer, (detector, ..)) in answers.iter_mut().zip(SUBJECTS) {
                let asked = coverage[usize::from(detector == "d1")].as_ref();
                // A detector that did not run has no answers.
                if matches!(asked, None | Some(Coverage::Off | Coverage::NotRun(_))) {
                    *answer = None;
                }
            }
            Step::Run { days, coverage, answers }
        },
    );
    let decide = (0_usize..5, 0_u8..4).prop_map(|(subject, decision)| Step::Decide { subject, decision });
    prop_oneof![1 => run, 1 => decide]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A ledger that differs from the model has lost or invented a finding, a waiver's end,
    /// or a step of the history that an auditor asks for.
    #[test]
    fn the_ledger_agrees_with_a_naive_model(steps in prop::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
