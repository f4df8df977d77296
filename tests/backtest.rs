//! Replays of history against the slow way: a lake that grows, and a run at each instant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lychgate::domain::{AccountRow, EmploymentRow, Listing, Origin, Row, Severity, UtcMicros, Verdict};
use lychgate::findings::Change;
use lychgate::models::Interval;
use lychgate::pipeline::{Backtest, BacktestRequest, DetectRequest, Engine};
use lychgate::query::At;
use lychgate::store::{Lake, LoadSummary, SourceKind, WriteOptions};

use crate::support::block_on;

const DAY: i64 = UtcMicros::MICROS_PER_DAY;
const PEOPLE: u32 = 8;
const DAYS: i64 = 9;

fn noon(day: i64) -> UtcMicros {
    UtcMicros(1_780_315_200_000_000 + day * DAY)
}

/// One listing: taken on one day, read on the same or a later one.
#[derive(Clone, Debug)]
struct Read {
    listed_at: UtcMicros,
    read_at: UtcMicros,
    roster: bool,
    rows: Vec<Row<'static>>,
}

/// Small numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Rosters and listings of one application over some days: people leave and come back, accounts are
/// disabled and enabled, some days are missing, and some files are read days late.
fn history(seed: u64) -> Vec<Read> {
    let mut dice = Dice(seed);
    // Some have left before the first day, and still have their accounts.
    let mut gone: BTreeMap<u32, UtcMicros> = (0..PEOPLE / 2).map(|person| (person, noon(-3))).collect();
    let mut active = BTreeMap::new();
    let mut reads = Vec::new();
    for day in 0..DAYS {
        for person in 0..PEOPLE {
            match dice.roll(9) {
                0 => drop(gone.insert(person, noon(day - 1))),
                1 => drop(gone.remove(&person)),
                2 => drop(active.insert(person, false)),
                3 => drop(active.remove(&person)),
                _ => {}
            }
        }
        for roster in [true, false] {
            // At least one file of each kind comes days late.
            let late = if day % 5 == 2 { 2 } else { i64::from(dice.roll(5) == 0) };
            if dice.roll(8) == 0 {
                continue;
            }
            let rows = (0..PEOPLE).map(|person| {
                if roster {
                    employment(person, gone.get(&person).copied())
                } else {
                    account(person, active.get(&person) != Some(&false))
                }
            });
            // Who left long ago stays listed: a roster without any end would seem to have lost the column.
            let former = roster.then(|| employment(PEOPLE, Some(noon(-3))));
            let listed_at = UtcMicros(noon(day).0 - DAY / 4);
            reads.push(Read {
                listed_at,
                read_at: UtcMicros(noon(day + late).0 - DAY / 8),
                roster,
                rows: rows.chain(former).collect(),
            });
        }
    }
    // A lake takes its batches in the order in which they become known.
    reads.sort_by_key(|read| read.read_at);
    reads
}

fn employment(person: u32, end_at: Option<UtcMicros>) -> Row<'static> {
    Row::Employment(Box::new(EmploymentRow {
        employee_id: format!("e{person}"),
        name: Some(format!("Person {person}")),
        email: Some(format!("p{person}@example.com")),
        start_at: Some(noon(-900)),
        end_at,
        ..EmploymentRow::default()
    }))
}

fn account(person: u32, active: bool) -> Row<'static> {
    Row::Account(AccountRow {
        account_id: format!("a{person}"),
        name: Some(format!("p{person}")),
        employee_id: Some(format!("e{person}")),
        email: Some(format!("p{person}@example.com")),
        active: Some(active),
        privileged: Some(person.is_multiple_of(3)),
        ..AccountRow::default()
    })
}

/// Reads what becomes known after `after` and up to `to`, each batch at its own instant.
async fn read(data: &Path, reads: &[Read], after: UtcMicros, to: UtcMicros) {
    let lake = Lake::open_for_write(data, "acme", WriteOptions::default()).await.unwrap();
    for read in reads.iter().filter(|read| read.read_at > after && read.read_at <= to) {
        let kind = if read.roster { SourceKind::Roster } else { SourceKind::Accounts };
        let (source, app_id) =
            if read.roster { ("roster", None) } else { ("accounts", Some("crm".to_owned())) };
        let listing = Listing {
            listing_id: format!("{source} {}", read.listed_at),
            app_id: app_id.clone(),
            listed_at: read.listed_at,
            complete: true,
            feed: None,
            has_ends: false,
        };
        let mut batch = lake.ingest(read.read_at).await.unwrap();
        let mut stage = batch.begin(source, &listing).unwrap().stage(1);
        for (line, row) in (1..).zip(&read.rows) {
            stage.add(&Origin { file: source.into(), line }, "{}", row).unwrap();
        }
        batch.merge(stage).unwrap();
        let load = LoadSummary {
            load_id: listing.listing_id.clone(),
            source: source.into(),
            kind,
            app_id,
            file: source.into(),
            listing: Some(listing),
            rows_read: read.rows.len() as u64,
            announced_total: None,
            content_sha256: None,
        };
        batch.load(load).unwrap();
        batch.commit().await.unwrap();
    }
}

fn request(from: UtcMicros, to: UtcMicros, every: &str) -> BacktestRequest {
    BacktestRequest {
        from,
        to,
        every: Interval::parse(every).unwrap(),
        profile: "default".to_owned(),
        detectors: vec!["ZMB-01".to_owned(), "orphan_account".to_owned()],
        known_at: None,
    }
}

/// What a run at each instant finds on a lake that holds what was known by then and nothing else, with
/// the ledger beside it; folded in the most obvious way.
#[derive(Default)]
struct Slow {
    /// By step: failed (with severity), unknown, opened, closed.
    steps: Vec<(BTreeMap<String, Severity>, usize, usize, usize)>,
    first_seen_at: BTreeMap<String, UtcMicros>,
    gravest: BTreeMap<String, Severity>,
}

async fn slowly(data: &Path, reads: &[Read], instants: &[UtcMicros]) -> Slow {
    let engine = Engine::new(data, "acme");
    let mut slow = Slow::default();
    let (mut open, mut before) = (BTreeSet::new(), UtcMicros(0));
    for at in instants {
        read(data, reads, before, *at).await;
        before = *at;
        let request = DetectRequest {
            at: At { as_of: *at, known_at: *at },
            profile: "default".to_owned(),
            detectors: vec!["ZMB-01".to_owned(), "ORP-01".to_owned()],
            record: true,
        };
        let report = engine.detect(&request).await.unwrap();
        let with = |verdict| report.findings.heads().iter().filter(move |finding| finding.verdict == verdict);
        let failed: BTreeMap<String, Severity> =
            with(Verdict::Fail).map(|finding| (finding.finding_id.to_string(), finding.severity)).collect();
        let resolved = report.changes.as_ref().unwrap().transitions.iter();
        let resolved = resolved.filter(|transition| transition.change == Change::Resolved);
        let closed = resolved.filter(|transition| open.remove(&transition.finding_id)).count();
        let mut opened = 0;
        for (finding_id, severity) in &failed {
            opened += usize::from(open.insert(finding_id.clone()));
            slow.first_seen_at.entry(finding_id.clone()).or_insert(*at);
            let gravest = slow.gravest.entry(finding_id.clone()).or_insert(*severity);
            *gravest = (*gravest).max(*severity);
        }
        slow.steps.push((failed, with(Verdict::Unknown).count(), opened, closed));
    }
    slow
}

fn check(replayed: &Backtest, slow: &Slow) {
    for (step, (failed, unknown, opened, closed)) in replayed.steps.iter().zip(&slow.steps) {
        let found = (step.found, step.unknown, step.opened, step.closed);
        assert_eq!(found, (failed.len(), *unknown, *opened, *closed), "{step:?}");
        for severity in [Severity::Critical, Severity::High, Severity::Medium] {
            let expected = failed.values().filter(|each| **each == severity).count();
            assert_eq!(step.severities.get(severity.as_str()).copied().unwrap_or(0), expected, "{step:?}");
        }
    }
    let first: BTreeMap<String, UtcMicros> =
        replayed.findings.iter().map(|seen| (seen.finding_id.clone(), seen.first_seen_at)).collect();
    assert_eq!(first, slow.first_seen_at);
    let gravest: BTreeMap<String, Severity> =
        replayed.findings.iter().map(|seen| (seen.finding_id.clone(), seen.severity)).collect();
    assert_eq!(gravest, slow.gravest);
    assert_eq!(replayed.severities.values().sum::<usize>(), replayed.findings.len());
}

/// If it failed, a replay would promise what no run has ever found, or hide what one did: from what
/// became known only later.
#[test]
fn a_replay_equals_a_run_at_each_instant_on_what_was_known_by_then() {
    for seed in [7, 23] {
        let reads = history(seed);
        let late = reads.iter().any(|read| read.read_at.0 - read.listed_at.0 > DAY);
        assert!(late, "a history in which nothing comes late proves little");
        let (all, growing) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        block_on(async || {
            read(all.path(), &reads, UtcMicros(0), noon(100)).await;
            let asked = request(noon(0), noon(DAYS), "1d");
            assert_eq!(asked.steps(), DAYS as u64 + 1);
            let replayed = Engine::new(all.path(), "acme").backtest(&asked, &mut |_| {}).await.unwrap();
            let instants: Vec<UtcMicros> = (0..=DAYS).map(noon).collect();
            assert_eq!(replayed.steps.iter().map(|step| step.at).collect::<Vec<_>>(), instants);
            let slow = slowly(growing.path(), &reads, &instants).await;
            check(&replayed, &slow);
            let moved =
                |f: fn(&lychgate::pipeline::Step) -> usize| replayed.steps.iter().map(f).sum::<usize>();
            assert!(moved(|step| step.opened) > 2 && moved(|step| step.closed) > 0, "{:?}", replayed.steps);
            // The ledger of the lake that was replayed has heard nothing of it.
            let runs = Engine::new(all.path(), "acme").ledger().await.unwrap().runs(10).await.unwrap();
            assert!(runs.is_empty());
        });
    }
}

/// Otherwise a history that was read in one go, after the fact, could not be replayed at all.
#[test]
fn todays_knowledge_may_be_asked_about_all_instants() {
    let rows = [vec![employment(0, Some(noon(-2)))], vec![account(0, true)]];
    let reads = (DAYS - 5..=DAYS).flat_map(|day| {
        let listed_at = UtcMicros(noon(day).0 - DAY / 4);
        let read = |roster: bool, rows: &Vec<Row<'static>>| Read {
            listed_at,
            read_at: noon(50),
            roster,
            rows: rows.clone(),
        };
        [read(true, &rows[0]), read(false, &rows[1])]
    });
    let reads: Vec<Read> = reads.collect();
    let data = tempfile::tempdir().unwrap();
    block_on(async || {
        read(data.path(), &reads, UtcMicros(0), noon(100)).await;
        let engine = Engine::new(data.path(), "acme");
        let asked = request(noon(DAYS - 4), noon(DAYS), "2d");
        let then = engine.backtest(&asked, &mut |_| {}).await.unwrap();
        assert!(then.findings.is_empty() && then.steps.len() == 3, "{then:?}");
        let asked = BacktestRequest { known_at: Some(noon(60)), ..asked };
        let now = engine.backtest(&asked, &mut |_| {}).await.unwrap();
        assert_eq!((now.findings.len(), now.findings[0].code.as_str()), (1, "ZMB-01"));
        assert_eq!((now.findings[0].first_seen_at, now.findings[0].closed_at), (noon(DAYS - 4), None));
        assert!(now.steps.iter().all(|step| step.known_at == noon(60)));
    });
}

/// A step of no length would never end.
#[test]
fn there_are_as_many_steps_as_the_time_holds() {
    let steps = |days, every| request(noon(0), noon(days), every).steps();
    assert_eq!((steps(0, "1d"), steps(1, "1d"), steps(10, "3d"), steps(1, "1h")), (1, 2, 4, 25));
    assert_eq!((steps(-1, "1d"), steps(5, "0d")), (0, 0));
}
