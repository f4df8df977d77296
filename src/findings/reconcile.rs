//! A run's findings against the ledger's: which open, stay, return, end. Pure.
//!
//! Silence ends a finding only where the detector ran over complete sources; everywhere
//! else the finding stays, with the verdict unknown. What expires fails open. An occurrence (a finding
//! about an event, with `ages_out_at`) is opened once, and ends by a person's decision or by its age.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;

use super::decide::waiver_days_max;
use super::known::app_id;
use super::{Change, Coverage, Known, Run, Transition, Waiver, WaiverScope, fingerprint};
use crate::domain::{Finding, Head, Severity, Status, UtcMicros, Verdict};

/// What a run found, and the waivers that wait for findings to come.
pub struct RunFindings<'a> {
    pub run: &'a Run,
    pub findings: &'a [Finding],
    /// Only those on a subject count, and only for findings that open.
    pub waivers: &'a [Waiver],
}

/// Gives the transitions that follow from a run, in the order of finding ids.
///
/// `previous` must hold every finding that is not resolved or superseded, and every
/// finding that the run names. Findings of the run with the verdict pass count as absent.
/// A run without coverage only lets waivers expire.
pub fn reconcile(previous: &[Known], run: &RunFindings<'_>, now: UtcMicros) -> Vec<Transition> {
    let told = run.findings.iter().map(|finding| (Claim::from(finding), finding));
    reconcile_seen(previous, &gravest(run.run, told), run.run, run.waivers, now)
}

/// The same with the findings of the run by id.
pub(super) fn reconcile_seen(
    previous: &[Known],
    seen: &BTreeMap<&str, &Finding>,
    run: &Run,
    waivers: &[Waiver],
    now: UtcMicros,
) -> Vec<Transition> {
    let mut transitions = Vec::with_capacity(seen.len().max(previous.len()));
    let mut known_ids = HashSet::with_capacity(previous.len());
    for known in previous {
        known_ids.insert(known.finding.finding_id.as_str());
        match seen.get(known.finding.finding_id.as_str()) {
            // It happened once, and being shown it again says nothing new.
            Some(_) if is_occurrence(known) => transitions.extend(happened(known, now)),
            Some(finding) => transitions.push(seen_again(known, finding, now)),
            None if is_occurrence(known) => transitions.extend(happened(known, now)),
            None => transitions.extend(unseen(known, run, now)),
        }
    }
    for (id, finding) in seen {
        if !known_ids.contains(id) {
            transitions.push(opened(finding, waivers, now));
        }
    }
    transitions.sort_by(|a, b| a.known.finding.finding_id.cmp(&b.known.finding.finding_id));
    transitions
}

/// What decides which of a run's findings count.
pub(super) struct Claim<'a> {
    finding_id: &'a str,
    detector: &'a str,
    verdict: Verdict,
    severity: Severity,
}

impl<'a> From<&'a Finding> for Claim<'a> {
    fn from(Finding { finding_id, detector, verdict, severity, .. }: &'a Finding) -> Claim<'a> {
        Claim { finding_id, detector, verdict: *verdict, severity: *severity }
    }
}

impl<'a> From<&'a Head> for Claim<'a> {
    fn from(Head { finding_id, detector, verdict, severity, .. }: &'a Head) -> Claim<'a> {
        Claim { finding_id, detector, verdict: *verdict, severity: *severity }
    }
}

/// One finding an id: where a detector answers twice about one subject, the graver answer.
pub(super) fn gravest<'a, F>(
    run: &Run,
    findings: impl Iterator<Item = (Claim<'a>, F)>,
) -> BTreeMap<&'a str, F> {
    let mut seen: BTreeMap<&str, ((bool, Severity), F)> = BTreeMap::new();
    for (Claim { finding_id, detector, verdict, severity }, finding) in findings {
        if matches!(run.coverage.get(detector), Some(Coverage::Off)) || verdict == Verdict::Pass {
            continue;
        }
        let weight = (verdict == Verdict::Fail, severity);
        match seen.entry(finding_id) {
            Entry::Vacant(place) => {
                place.insert((weight, finding));
            }
            Entry::Occupied(mut kept) if weight > kept.get().0 => {
                kept.insert((weight, finding));
            }
            Entry::Occupied(_) => {}
        }
    }
    seen.into_iter().map(|(id, (_, finding))| (id, finding)).collect()
}

fn opened(finding: &Finding, waivers: &[Waiver], now: UtcMicros) -> Transition {
    let waived_until = waivers.iter().filter_map(|waiver| standing(waiver, finding)).max();
    let waived_until = waived_until.filter(|until| *until > now);
    let mut finding = finding.clone();
    finding.status = if waived_until.is_some() { Status::AcceptedRisk } else { Status::Open };
    finding.first_seen_at = Some(now);
    finding.last_seen_at = Some(now);
    let reason = match (waived_until, finding.verdict) {
        (Some(_), _) => "waived_in_advance",
        (None, Verdict::Unknown) => "verdict_unknown",
        (None, _) => "condition_holds",
    };
    let known = Known { fingerprint: fingerprint(&finding), finding, waived_until, assigned: false };
    Transition { from: None, change: Change::Opened, reason: reason.to_owned(), known }
}

/// The end of a waiver on a subject for a finding that was unknown when it was granted;
/// held to the limit for the severity that the finding turned out to have.
fn standing(waiver: &Waiver, finding: &Finding) -> Option<UtcMicros> {
    let standing = matches!(waiver.scope, WaiverScope::Subject { .. }) && waiver.scope.covers(finding);
    let limit = SignedDuration::from_hours(24 * waiver_days_max(finding.severity));
    standing.then(|| waiver.until.min(waiver.created_at.plus(limit)))
}

fn seen_again(known: &Known, finding: &Finding, now: UtcMicros) -> Transition {
    let from = known.finding.status;
    let mut next = carried(known, finding);
    next.finding.last_seen_at = Some(now);
    let changed = next.fingerprint != known.fingerprint;
    let reason = match from {
        Status::Resolved => Some("condition_returned"),
        Status::Superseded => Some("detector_on"),
        Status::AcceptedRisk if expired(known, now) => Some("waiver_expired"),
        Status::AcceptedRisk | Status::Acknowledged if changed => Some("evidence_changed"),
        // In progress: someone is at work on it and will see the new evidence.
        Status::AcceptedRisk | Status::Acknowledged | Status::Open | Status::InProgress => None,
    };
    if let Some(reason) = reason {
        // A deadline of the time before would be overdue on arrival.
        next.finding.due_at = finding.due_at;
        return reopened(from, next, reason);
    }
    let (change, reason) = match (known.finding.verdict, finding.verdict) {
        (Verdict::Fail, Verdict::Unknown) => (Change::Doubted, "verdict_unknown"),
        (Verdict::Unknown, Verdict::Fail) => (Change::Confirmed, "condition_holds"),
        _ => (Change::StillOpen, "condition_holds"),
    };
    Transition { from: Some(from), change, reason: reason.to_owned(), known: next }
}

/// The run's finding with what only the ledger knows.
fn carried(known: &Known, finding: &Finding) -> Known {
    let mut next = finding.clone();
    let before = &known.finding;
    next.status = before.status;
    next.first_seen_at = before.first_seen_at;
    // While a finding stays open its deadline never moves out.
    next.due_at = [before.due_at, finding.due_at].into_iter().flatten().min();
    if known.assigned {
        next.owner = before.owner.clone();
    }
    // Doubt shows less evidence than there is, so it cannot say that evidence changed.
    let fingerprint = match finding.verdict {
        Verdict::Unknown => known.fingerprint.clone(),
        Verdict::Fail | Verdict::Pass => fingerprint(finding),
    };
    Known { finding: next, fingerprint, ..known.clone() }
}

fn unseen(known: &Known, run: &Run, now: UtcMicros) -> Option<Transition> {
    let from = known.finding.status;
    if matches!(from, Status::Resolved | Status::Superseded) {
        return None;
    }
    let doubt = match run.coverage.get(&known.finding.detector) {
        None => None,
        Some(Coverage::Off) => return Some(ended(known, Change::Superseded, "detector_off")),
        Some(Coverage::Complete) => return Some(ended(known, Change::Resolved, "condition_cleared")),
        Some(Coverage::Incomplete(because) | Coverage::NotRun(because)) => Some(because),
        Some(Coverage::IncompleteApps(apps)) => match doubt_about(&known.finding, apps) {
            None => return Some(ended(known, Change::Resolved, "condition_cleared")),
            because => because,
        },
    };
    let mut next = known.clone();
    if let Some(because) = doubt {
        next.finding.verdict = Verdict::Unknown;
        next.finding.unknown_because = Some(because.clone());
    }
    if from == Status::AcceptedRisk && expired(known, now) {
        return Some(reopened(from, next, "waiver_expired"));
    }
    doubt?;
    let failed = known.finding.verdict == Verdict::Fail;
    let change = if failed { Change::Doubted } else { Change::StillOpen };
    Some(Transition { from: Some(from), change, reason: "verdict_unknown".to_owned(), known: next })
}

/// Whether it is about what happened, not about what holds: no silence resolves it.
fn is_occurrence(known: &Known) -> bool {
    known.finding.ages_out_at.is_some()
}

/// What time does to an occurrence: a waiver ends, and what nobody decides on ages out. It has not
/// passed then, so it is superseded, not resolved.
fn happened(known: &Known, now: UtcMicros) -> Option<Transition> {
    match known.finding.status {
        Status::AcceptedRisk if expired(known, now) => {
            Some(reopened(Status::AcceptedRisk, known.clone(), "waiver_expired"))
        }
        Status::Open if known.finding.ages_out_at.is_some_and(|end| end <= now) => {
            Some(ended(known, Change::Superseded, "aged_out"))
        }
        _ => None,
    }
}

/// Why an application's sources leave this finding in doubt. A finding that names no
/// application rests on those whose listings are its evidence, or may rest on any of them.
fn doubt_about<'a>(finding: &Finding, apps: &'a BTreeMap<String, String>) -> Option<&'a String> {
    match (app_id(finding), evident_apps(finding)) {
        (Some(app), _) => apps.get(app),
        (None, Some(evident)) => evident.into_iter().find_map(|app| apps.get(app)),
        (None, None) => apps.values().next(),
    }
}

/// The applications of whose accounts and grants the evidence is, and of no others; none where there is
/// evidence of another kind that does not say. Rosters are of no application.
fn evident_apps(finding: &Finding) -> Option<Vec<&str>> {
    let mut apps = Vec::new();
    for evidence in &finding.evidence {
        match evidence.table.as_str() {
            "accounts" | "grants" => apps.push(evidence.key.split_once('/')?.0),
            "employments" => {}
            _ => return None,
        }
    }
    (!finding.evidence.is_empty()).then_some(apps)
}

/// An end that nobody wrote down has passed.
fn expired(known: &Known, now: UtcMicros) -> bool {
    known.waived_until.is_none_or(|until| until <= now)
}

fn reopened(from: Status, mut known: Known, reason: &str) -> Transition {
    known.finding.status = Status::Open;
    known.waived_until = None;
    Transition { from: Some(from), change: Change::Reopened, reason: reason.to_owned(), known }
}

fn ended(known: &Known, change: Change, reason: &str) -> Transition {
    let mut next = known.clone();
    next.waived_until = None;
    next.finding.status = if change == Change::Superseded { Status::Superseded } else { Status::Resolved };
    if change == Change::Resolved {
        next.finding.verdict = Verdict::Pass;
        next.finding.unknown_because = None;
    }
    Transition { from: Some(known.finding.status), change, reason: reason.to_owned(), known: next }
}
