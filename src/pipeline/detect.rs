//! One run of the detectors: session, scores, rules, owners, ledger.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tracing::{debug, info};

use super::occurrences::{Asked, Occurrences};
use super::{BrokenRule, CompanyRules, Engine, Error, chain, now, owners};
use crate::detect::causes::{self, Cause};
use crate::detect::{self as detectors, Reach, Sources, Weigher, learned};
use crate::domain::digest::hex;
use crate::domain::{Finding, Findings, Head, Severity, Status, UtcMicros, Verdict};
use crate::findings::{Changes, Coverage, Run, RunKind};
use crate::models::{self, Profile, Rule};
use crate::query::{At, Session};
use crate::store::checkpoint::Damaged;

/// Findings that are weighed together: unpacked they are some kilobytes each.
const TOGETHER: usize = 16_384;

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct DetectRequest {
    pub at: At,
    /// Threshold profile.
    pub profile: String,
    /// Detector ids or codes; empty for every rule that is on by default.
    pub detectors: Vec<String>,
    /// Whether the ledger takes note.
    pub record: bool,
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct RunReport {
    pub run_id: String,
    pub at: At,
    pub profile: String,
    /// The gravest first, then by code and subject.
    pub findings: Findings,
    /// What stands behind two findings or more, the widest first.
    pub causes: Vec<Cause>,
    /// Why some verdicts are unknown: each reason once.
    pub incomplete: Vec<String>,
    /// By detector id.
    pub detectors: BTreeMap<String, Timing>,
    /// How findings stand on which people have decided, by id; what is not named is open.
    pub decided: BTreeMap<String, Status>,
    /// What the ledger made of it; absent when it was not asked.
    pub changes: Option<Changes>,
    /// Milliseconds that the views of the instant took to build.
    pub build_ms: u64,
    /// Rules of the company that do not run, and why.
    pub not_run: Vec<String>,
    pub sigma: SigmaRun,
}

/// What one detector took for what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub findings: usize,
    pub elapsed_ms: u64,
}

/// The Sigma rules and correlations that ran, and the events that were new to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigmaRun {
    pub rules: usize,
    pub events: usize,
}

/// What the rules answered, before anybody takes note.
pub(super) struct Answers {
    pub findings: Findings,
    pub causes: Vec<Cause>,
    pub incomplete: Vec<String>,
    pub coverage: BTreeMap<String, Coverage>,
    pub timings: BTreeMap<String, Timing>,
}

impl RunReport {
    /// Findings with verdict fail at or above `least` that are neither held nor accepted risk.
    pub fn at_or_above(&self, least: Severity) -> usize {
        let failed = |head: &&Head| head.verdict == Verdict::Fail && head.severity >= least && !head.held;
        self.findings.heads().iter().filter(failed).filter(|head| !self.is_accepted(head)).count()
    }

    /// Findings with verdict unknown at or above `least` that are no accepted risk.
    pub fn undecided(&self, least: Severity) -> usize {
        let unknown = |head: &&Head| head.verdict == Verdict::Unknown && head.severity >= least;
        self.findings.heads().iter().filter(unknown).filter(|head| !self.is_accepted(head)).count()
    }

    /// Findings that are accepted risk now.
    pub fn accepted(&self) -> usize {
        self.findings.heads().iter().filter(|head| self.is_accepted(head)).count()
    }

    fn is_accepted(&self, head: &Head) -> bool {
        self.decided.get(&*head.finding_id) == Some(&Status::AcceptedRisk)
    }
}

impl Engine {
    /// Runs the detectors, gives every finding its owner and records the run.
    ///
    /// # Errors
    /// When a detector is not known, or the lake, a rule or the ledger fails.
    pub async fn detect(&self, request: &DetectRequest) -> Result<RunReport, Error> {
        match self.run(request).await {
            // A checkpoint may cost time and nothing else. Whoever found the damage has seen to it that it is none now.
            Err(error) if Damaged::is_behind(&error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a checkpoint is passed over");
                self.run(request).await
            }
            report => report,
        }
    }

    async fn run(&self, request: &DetectRequest) -> Result<RunReport, Error> {
        let started_at = now();
        let company = self.company_rules().await?;
        let rules = chosen(&request.detectors, &company)?;
        let profile = models::profile(&request.profile)?;
        let (session, stored) = self.opened(request.at).await?;
        if request.record {
            self.rest_on_checkpoint(&session, &stored).await;
        }
        learned::score(&session).await?;
        self.hold_deadlines(&session).await?;
        let build_ms = elapsed_ms(started_at);
        let Answers { mut findings, causes, mut incomplete, mut coverage, mut timings } =
            self.answers(&session, &rules, &profile).await?;
        incomplete.extend(company.broken.iter().map(BrokenRule::says));
        let mut happened = Occurrences::default();
        debug!("findings told");
        // Occurrences wait for a decision also when the rules that told of them are gone.
        if request.record || company.sigma.headings().next().is_some() {
            let (begun_at, names) = (now(), &request.detectors);
            let asked = Asked {
                session: &session,
                events: stored.events(),
                rules: &company,
                names,
                profile: &profile,
            };
            happened = self.happened(&asked).await?;
            if happened.ran.rules > 0 {
                let timing = Timing { findings: happened.findings.len(), elapsed_ms: elapsed_ms(begun_at) };
                timings.insert("sigma".to_owned(), timing);
            }
            incomplete.append(&mut happened.incomplete);
            let (model, context) = (models::risk_model()?, session.context());
            detectors::weigh(&mut happened.findings, &rules, &model, context, request.at).await?;
            findings.extend(&happened.findings)?;
            findings.put_in_order();
        }
        let mut report = RunReport {
            run_id: run_id(self.tenant(), request, started_at),
            at: request.at,
            profile: profile.id.clone(),
            findings,
            causes,
            incomplete,
            detectors: timings,
            decided: BTreeMap::new(),
            changes: None,
            build_ms,
            not_run: happened.not_run,
            sigma: happened.ran,
        };
        // The ledger needs the room.
        drop(session);
        if request.record {
            let removed = self.removed(&company).await?;
            coverage.extend(removed.into_iter().map(|detector| (detector, Coverage::Off)));
            let changes = self.record(&mut report, coverage, started_at).await?;
            debug!(run.id = report.run_id, "run recorded");
            if changes.kind == RunKind::Current {
                // Written last: should it fail, the next run shows the same events again, which changes nothing.
                self.ledger().await?.keep_evaluated(&happened.evaluated).await?;
            }
            report.changes = Some(changes);
        }
        report.decided = self.ledger().await?.decided(now()).await?;
        Ok(report)
    }

    /// The id of the detector that `name`, an id or a code, means.
    ///
    /// # Errors
    /// When there is none, or the ledger fails.
    pub async fn detector_id(&self, name: &str) -> Result<String, Error> {
        let rules = chosen(&[name.to_owned()], &self.company_rules().await?)?;
        // A rule over events has no other name than its id.
        Ok(rules.into_iter().next().map_or_else(|| name.to_owned(), |rule| rule.id))
    }

    /// What the rules answer under one profile, the gravest first.
    pub(super) async fn answers(
        &self,
        session: &Session,
        rules: &[Rule],
        profile: &Profile,
    ) -> Result<Answers, Error> {
        let sources = &Sources::read(session.context(), session.at().as_of).await?;
        let exceptions = &detectors::Exceptions::read(session.context(), session.at()).await?;
        let run = detectors::Run {
            session: session.context(),
            at: session.at(),
            tenant: self.tenant(),
            profile,
            sources,
            exceptions,
        };
        let (mut findings, mut timings) = (Findings::default(), BTreeMap::new());
        let (mut coverage, mut incomplete) = (BTreeMap::new(), BTreeSet::new());
        let (model, directory) = (models::risk_model()?, owners::directory(session).await?);
        let mut weigher = Weigher::new(rules, &model, session.context(), session.at());
        // Told and not weighed yet: what weighing looks up, it looks up for many at a time.
        let mut told = Vec::new();
        for rule in rules {
            let begun_at = now();
            let answer = match detectors::ask(rule, run).await {
                Err(error) if !models::is_built_in(&rule.id) => {
                    // A slip in a rule of the company's keeps no other rule from running.
                    let because = format!("rule {} of yours fails: {}", rule.id, chain(&error));
                    incomplete.insert(because.clone());
                    coverage.insert(rule.id.clone(), Coverage::NotRun(because));
                    continue;
                }
                answer => answer?,
            };
            let mut reach = detectors::reach(rule, run)?;
            incomplete.extend(reach.all.iter().chain(reach.apps.values()).chain(&reach.unsure).cloned());
            weigher.count(rule, answer.people());
            for part in answer.parts() {
                let part = part?;
                reach.leave_out(&part);
                told.extend(part);
                if told.len() >= TOGETHER {
                    weigher.weigh(&mut told).await?;
                    owners::assign(&directory, &mut told);
                    findings.extend(&told)?;
                    told.clear();
                }
            }
            coverage.insert(rule.id.clone(), covered(reach));
            let timing = Timing { findings: answer.len(), elapsed_ms: elapsed_ms(begun_at) };
            let Timing { findings: count, elapsed_ms } = timing;
            info!(detector.id = %rule.id, findings = count, elapsed_ms, "detector finished");
            timings.insert(rule.id.clone(), timing);
        }
        weigher.weigh(&mut told).await?;
        owners::assign(&directory, &mut told);
        findings.extend(&told)?;
        debug!(findings = findings.len(), "findings weighed");
        let causes = causes::roll_up(&mut findings, rules)?;
        findings.put_in_order();
        Ok(Answers { findings, causes, incomplete: incomplete.into_iter().collect(), coverage, timings })
    }

    /// The occurrences of this run: those that are new, with their owners, and those of earlier runs that
    /// still wait for a decision.
    async fn happened(&self, asked: &Asked<'_>) -> Result<Occurrences, Error> {
        let ledger = self.ledger().await?;
        let mut happened = self.occurrences(&ledger, asked).await?;
        owners::assign(&owners::directory(asked.session).await?, &mut happened.findings);
        let ids: Vec<&str> = happened.findings.iter().map(|finding| finding.finding_id.as_str()).collect();
        let known = ledger.statuses(&ids).await?;
        happened.findings.retain(|finding| !known.contains_key(&finding.finding_id));
        let at = asked.session.at();
        let wanted = |finding: &Finding| {
            let named = asked.names.is_empty() || asked.names.contains(&finding.detector);
            named && finding.since.is_some_and(|since| since <= at.as_of) && finding.known_at <= at.known_at
        };
        happened.findings.extend(ledger.occurrences().await?.into_iter().filter(wanted));
        Ok(happened)
    }

    async fn record(
        &self,
        report: &mut RunReport,
        coverage: BTreeMap<String, Coverage>,
        started_at: UtcMicros,
    ) -> Result<Changes, Error> {
        let ledger = self.ledger().await?;
        let finished_at = now();
        let run = Run {
            run_id: report.run_id.clone(),
            as_of: report.at.as_of,
            known_at: report.at.known_at,
            profile: report.profile.clone(),
            started_at,
            finished_at,
            exit_code: if report.incomplete.is_empty() { 0 } else { 4 },
            coverage,
        };
        Ok(ledger.record_run(&run, &report.findings, finished_at).await?)
    }
}

/// The rules of a run: those named by id or code, or all that are on by default; the company's own too.
pub(super) fn chosen(names: &[String], company: &CompanyRules) -> Result<Vec<Rule>, Error> {
    let mut rules = models::builtin_rules()?;
    rules.extend(company.own.iter().cloned());
    let named = |rule: &Rule, name: &String| rule.id == *name || rule.code.eq_ignore_ascii_case(name);
    let is_sigma = |name: &String| company.sigma.headings().any(|heading| heading.detector() == *name);
    if let Some(id) = names.iter().find(|name| !rules.iter().any(|rule| named(rule, name)) && !is_sigma(name))
    {
        return Err(Error::NoDetector { id: id.clone() });
    }
    let wanted = |rule: &Rule| match names {
        [] => rule.on_by_default,
        names => names.iter().any(|name| named(rule, name)),
    };
    Ok(rules.into_iter().filter(wanted).collect())
}

fn covered(reach: Reach) -> Coverage {
    match reach.all {
        Some(reason) => Coverage::Incomplete(reason),
        None if reach.apps.is_empty() => Coverage::Complete,
        None => Coverage::IncompleteApps(reach.apps),
    }
}

fn elapsed_ms(since: UtcMicros) -> u64 {
    u64::try_from(now().0.saturating_sub(since.0) / 1_000).unwrap_or(0)
}

fn run_id(tenant: &str, request: &DetectRequest, started_at: UtcMicros) -> String {
    let text =
        format!("{tenant}\u{1f}{}\u{1f}{}\u{1f}{}", request.at.as_of, request.at.known_at, started_at.0);
    hex(&Sha256::digest(text)[..8])
}
