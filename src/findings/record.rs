//! Recording a run. What it says as the run before did is not written again: the cost is that of
//! what changed, and of looking.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::SqliteConnection;
use tracing::debug;

use super::columns::failed;
use super::finding_text;
use super::read;
use super::reconcile::{self, gravest, reconcile_seen};
use super::unresolved::{self, Standing};
use super::write::{self, Cause, Row};
use super::{Change, Changes, Counts, Error, Known, Ledger, Run, RunKind, Step, Transition, Waiver};
use crate::domain::cores::on_all_cores;
use crate::domain::packing::{Examples, Packed, Packer};
use crate::domain::{Finding, Findings, UtcMicros, Verdict};

/// Findings that are looked at together: their texts are in memory at once, and written before the next.
const TOGETHER: usize = 8192;

impl Ledger {
    /// Records a run with what it found, in one transaction: all of it or nothing.
    ///
    /// A run about the past or the future (see [`RunKind`]) changes nothing, and its
    /// changes are empty.
    ///
    /// # Errors
    /// When the run is recorded already, a score is not finite, or the file fails.
    pub async fn record_run(&self, run: &Run, findings: &Findings, now: UtcMicros) -> Result<Changes, Error> {
        let heads = findings.heads();
        if let Some(head) = heads.iter().find(|head| !head.score.is_finite()) {
            return Err(Error::Score { finding_id: head.finding_id.to_string() });
        }
        let mut tx = self.begin("begin a run").await?;
        let kind = RunKind::of(run, read::last_run(&mut tx, &self.tenant, now).await?, now);
        if kind != RunKind::Current {
            return Ok(Changes { kind, counts: Counts::default(), transitions: Vec::new() });
        }
        let seen = gravest(run, heads.iter().map(reconcile::Claim::from).zip(0..));
        let standing = unresolved::standing(&mut tx, &self.tenant).await?;
        debug!(seen = seen.len(), standing = standing.len(), "run held against the ledger");
        let waivers = read::waivers_in_force(&mut tx, &self.tenant, now).await?;
        let mut recording = Recording {
            tenant: &self.tenant,
            run,
            now,
            waivers: &waivers,
            findings,
            examples: examples(&mut tx, &self.tenant, findings, &seen).await?,
            counts: Counts::default(),
            steps: Vec::new(),
            parted: Vec::new(),
        };
        let standing: BTreeMap<&str, &Standing> =
            standing.iter().map(|standing| (standing.finding_id.as_str(), standing)).collect();
        let ids: BTreeSet<&str> = seen.keys().chain(standing.keys()).copied().collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        for ids in ids.chunks(TOGETHER) {
            recording.take(&mut tx, ids, &seen, &standing).await?;
        }
        // Those that go on following are told when, those that do no more keep what was.
        let holds = seen.values().map(|place| &heads[*place]).filter(|head| head.ages_out_at.is_none());
        let told: BTreeSet<&str> = holds.map(|head| &*head.detector).collect();
        let parted: Vec<&str> = recording
            .parted
            .iter()
            .filter(|one| told.contains(one.detector.as_str()))
            .map(|one| one.finding_id.as_str())
            .collect();
        write::part(&mut tx, &self.tenant, &parted).await?;
        write::sightings(&mut tx, &self.tenant, &told, run, now).await?;
        let Recording { counts, steps: transitions, .. } = recording;
        write::run(&mut tx, &self.tenant, run, &counts).await?;
        debug!(steps = transitions.len(), "run written");
        tx.commit().await.map_err(failed("commit a run"))?;
        Ok(Changes { kind, counts, transitions })
    }
}

/// What texts are packed with; a detector that tells of findings for the first time gets its example.
async fn examples(
    tx: &mut SqliteConnection,
    tenant: &str,
    findings: &Findings,
    seen: &BTreeMap<&str, usize>,
) -> Result<Examples, Error> {
    let mut examples = unresolved::examples(tx, tenant).await?;
    for place in seen.values() {
        if !examples.contains_key(&*findings.heads()[*place].detector) {
            for finding in findings.at(&[*place])? {
                let mut text = Vec::new();
                finding_text::push_text(&mut text, &finding)?;
                write::example(tx, tenant, &finding.detector, &text).await?;
                examples.insert(finding.detector, text);
            }
        }
    }
    Ok(examples)
}

/// A run on its way into the ledger.
struct Recording<'a> {
    tenant: &'a str,
    run: &'a Run,
    now: UtcMicros,
    waivers: &'a [Waiver],
    findings: &'a Findings,
    examples: Examples,
    counts: Counts,
    steps: Vec<Step>,
    /// Findings that followed their detector's sightings, of which the run does not tell and which it does not end.
    parted: Vec<&'a Standing>,
}

/// What a run says of a finding: the same as the one before, or this.
enum News {
    Same,
    Anew { content: String, text: Packed },
}

impl<'a> Recording<'a> {
    /// Takes in all that concerns these ids; `seen` are the places of the run's findings.
    async fn take(
        &mut self,
        tx: &mut SqliteConnection,
        ids: &[&str],
        seen: &BTreeMap<&str, usize>,
        standing: &BTreeMap<&str, &'a Standing>,
    ) -> Result<(), Error> {
        let places: Vec<usize> = ids.iter().filter_map(|id| seen.get(id).copied()).collect();
        let findings = self.findings.at(&places)?;
        let told = tell(&findings, standing, &self.examples)?;
        let (mut moved, mut joining) = (BTreeMap::new(), Vec::new());
        for (finding, told) in findings.iter().zip(&told) {
            let id = finding.finding_id.as_str();
            if matches!(told, News::Anew { .. }) {
                moved.insert(id, finding);
                continue;
            }
            self.counts.still_open += 1;
            self.counts.unknown += u64::from(finding.verdict == Verdict::Unknown);
            if standing.get(id).is_some_and(|standing| !standing.follows) {
                joining.push(id);
            }
        }
        write::follow(tx, self.tenant, &joining).await?;
        let unseen =
            ids.iter().filter(|id| !seen.contains_key(*id)).filter_map(|id| standing.get(id).copied());
        let unseen: Vec<&Standing> = unseen.collect();
        let may_move = unseen.iter().filter(|standing| self.may_move(standing));
        let asked: Vec<&str> =
            may_move.map(|standing| standing.finding_id.as_str()).chain(moved.keys().copied()).collect();
        let known = read::entries_among(tx, self.tenant, &asked).await?;
        let known: Vec<Known> = known.into_values().map(|entry| entry.known).collect();
        let transitions = reconcile_seen(&known, &moved, self.run, self.waivers, self.now);
        let told = findings.iter().zip(told).map(|(finding, told)| (finding.finding_id.as_str(), told));
        let written = self.write(tx, &transitions, told.collect(), &known, standing).await?;
        self.parted.extend(
            unseen
                .iter()
                .filter(|standing| standing.follows && !written.contains(standing.finding_id.as_str())),
        );
        Ok(())
    }

    /// Whether the run can move a finding of which it does not tell.
    fn may_move(&self, standing: &Standing) -> bool {
        // What is waived or happened moves with time alone.
        !standing.open || standing.ages || self.run.coverage.contains_key(&standing.detector)
    }

    /// Writes what transitions led to, and gives the ids of what was written.
    async fn write<'t>(
        &mut self,
        tx: &mut SqliteConnection,
        transitions: &'t [Transition],
        mut told: BTreeMap<&str, News>,
        known: &[Known],
        standing: &BTreeMap<&str, &Standing>,
    ) -> Result<BTreeSet<&'t str>, Error> {
        let (mut rows, mut packer, mut json) = (Vec::new(), Packer::new(&self.examples), Vec::new());
        for transition in transitions {
            self.counts.add(transition);
            let finding = &transition.known.finding;
            let id = finding.finding_id.as_str();
            // In doubt already, for the same reason.
            let untold =
                standing.get(id).is_some_and(|standing| standing.content.is_empty() && !standing.follows);
            if untold
                && !told.contains_key(id)
                && known
                    .binary_search_by(|known| known.finding.finding_id.as_str().cmp(id))
                    .is_ok_and(|at| known[at] == transition.known)
            {
                continue;
            }
            if transition.change != Change::StillOpen {
                self.steps.push(Step::of(transition));
            }
            let happened = finding.ages_out_at.is_some() && transition.change != Change::Opened;
            let (content, text) = match told.remove(id) {
                // As the run says it, for the ledger changes only what columns have.
                Some(News::Anew { content, text }) if !happened && !transition.known.assigned => {
                    (content, Some(text))
                }
                Some(News::Anew { content, .. }) => (content, None),
                _ => (String::new(), None),
            };
            let follows = !content.is_empty() && finding.ages_out_at.is_none();
            let text = match text {
                Some(text) => text,
                None => {
                    json.clear();
                    finding_text::push_text(&mut json, finding)?;
                    packer.pack(&finding.detector, &json)?
                }
            };
            rows.push(Row { transition, text, content: Some(content), follows });
        }
        write::rows(tx, self.tenant, &rows, &Cause::run(&self.run.run_id), self.now).await?;
        Ok(rows.iter().map(|row| row.transition.known.finding.finding_id.as_str()).collect())
    }
}

/// What the run says of each of these findings, worked out on all cores.
fn tell(
    findings: &[Finding],
    standing: &BTreeMap<&str, &Standing>,
    examples: &Examples,
) -> Result<Vec<News>, Error> {
    on_all_cores(findings, |part| tell_part(part, standing, examples))
}

fn tell_part(
    findings: &[Finding],
    standing: &BTreeMap<&str, &Standing>,
    examples: &Examples,
) -> Result<Vec<News>, Error> {
    let (mut told, mut packer, mut text) =
        (Vec::with_capacity(findings.len()), Packer::new(examples), Vec::new());
    for finding in findings {
        text.clear();
        finding_text::push_text(&mut text, finding)?;
        let content = finding_text::content(&text);
        let before = standing.get(finding.finding_id.as_str());
        let same =
            before.is_some_and(|standing| standing.open && !standing.ages && standing.content == content);
        told.push(if same && finding.ages_out_at.is_none() {
            News::Same
        } else {
            News::Anew { content, text: packer.pack(&finding.detector, &text)? }
        });
    }
    Ok(told)
}
