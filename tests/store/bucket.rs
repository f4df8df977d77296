//! A lake in a bucket that several writers share and that fails: whatever happens, what was
//! acknowledged is there, nothing is there twice, and in the end the lake is what one writer and a
//! bucket without faults would have made of the same files.
//!
//! `LYCHGATE_BUCKET_SEEDS` asks for more seeds, `LYCHGATE_BUCKET_SEED` for one, or the first of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lychgate::domain::{Row, UtcMicros};
use lychgate::store::{Bucket, Committed, Error, Home, Ingest, Lake, WriteOptions};
use object_store::{ObjectStore, ObjectStoreExt};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

use super::faulty::{Faulty, Shared};
use super::{EVERY_TABLE, File, NOW, Rows, add, events, listings, query, stored};
use crate::support::block_on;

const WRITERS: usize = 3;
const ROUNDS: usize = 3;

/// What comes in, in every trial: event logs that overlap, and listings.
fn files() -> Vec<File> {
    let logs = [
        File { rejections: 1, ..events("a.ndjson", 0..9) },
        events("b.ndjson", 5..14),
        File { rejections: 2, ..events("c.ndjson", 0..14) },
        events("d.ndjson", 12..20),
    ];
    logs.into_iter().chain(listings()).collect()
}

fn url() -> Url {
    Url::parse("s3://lakes/of/ours/").unwrap()
}

/// The bucket as each of several machines sees it: with a data folder of its own.
fn homes(store: &Arc<Faulty>, folder: &Path) -> Vec<Home> {
    let shared: Arc<dyn ObjectStore> = Arc::new(Shared(Arc::clone(store)));
    let bucket = || Bucket::over(url(), Arc::clone(&shared), Arc::clone(&shared)).unwrap();
    (0..WRITERS).map(|w| Home { data: folder.join(w.to_string()), bucket: Some(bucket()) }).collect()
}

/// One batch that is not committed yet, and what is in it.
struct Open {
    batch: Ingest,
    files: Vec<usize>,
    /// Holds the lock of its data folder.
    _lake: Lake,
}

async fn begin(home: &Home, now: UtcMicros, all: &[File], chosen: Vec<usize>) -> Result<Open, Error> {
    let lake = Lake::open_for_write(home.clone(), "acme", WriteOptions::default()).await?;
    let mut batch = lake.ingest(now).await?;
    for file in &chosen {
        add(&mut batch, &all[*file])?;
    }
    Ok(Open { batch, files: chosen, _lake: lake })
}

/// What happened in a trial, so that a test of faults is seen to have had some.
#[derive(Default)]
struct Tally {
    faults: AtomicU64,
    overtaken: AtomicU64,
    committed: AtomicU64,
    /// Seeds in which a batch failed, or several committed at once.
    uncounted: AtomicU64,
}

/// Runs one seed to its end; the error says what is not as it should be.
async fn trial(seed: u64, careless: bool, folder: &Path, model: &Rows, tally: &Tally) -> Result<(), String> {
    let (store, all) = (Faulty::new(seed, careless), files());
    let homes = homes(&store, folder);
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut acknowledged = BTreeSet::new();
    let mut unsure = false;
    store.set(true);
    for round in 0..ROUNDS {
        let mut open = Vec::new();
        for home in homes.iter().take(dice.gen_range(1..=WRITERS)) {
            // Clocks are not alike.
            let now = UtcMicros(NOW.0 + round as i64 * 60_000_000 + dice.gen_range(-90_000_000..90_000_000));
            let count = dice.gen_range(1..=3);
            let mut chosen: Vec<usize> = (0..count).map(|_| dice.gen_range(0..all.len())).collect();
            chosen.sort_unstable();
            chosen.dedup();
            match begin(home, now, &all, chosen).await {
                Ok(batch) => open.push(batch),
                Err(_) => unsure = true,
            }
        }
        if dice.gen_ratio(1, 4) {
            unsure |= care(&homes[WRITERS - 1], &mut open).await.is_err();
        }
        let order = dice.gen_range(0..3);
        // Who stores a load first is then not who names it first, and counts of `sources` are not told.
        unsure |= order == 2 && open.len() > 1;
        for (files, done) in commit_all(open, order).await {
            match done {
                Ok(committed) => {
                    tally.committed.fetch_add(1, Ordering::Relaxed);
                    tally.overtaken.fetch_add(committed.overtaken.values().sum(), Ordering::Relaxed);
                    acknowledged.extend(files);
                }
                Err(_) => unsure = true,
            }
        }
    }
    store.set(false);
    tally.faults.fetch_add(store.faults.load(Ordering::Relaxed), Ordering::Relaxed);
    tally.uncounted.fetch_add(u64::from(unsure), Ordering::Relaxed);
    check_acknowledged(&homes[0], &all, &acknowledged).await?;
    finish(&homes[0], &all).await.map_err(|error| format!("the lake is not usable: {error}"))?;
    check_end(&homes[0], model, unsure).await?;
    check_prefix(&store).await
}

/// Compacts as the last writer, which must not be at work itself.
async fn care(home: &Home, open: &mut Vec<Open>) -> Result<(), Error> {
    if open.len() == WRITERS {
        open.pop();
    }
    let lake = Lake::open_for_write(home.clone(), "acme", WriteOptions::default()).await?;
    lake.care(7, &[], NOW).await.map(drop)
}

/// Commits in one order, in the other, or all at once.
async fn commit_all(mut open: Vec<Open>, order: u8) -> Vec<(Vec<usize>, Result<Committed, Error>)> {
    if order == 1 {
        open.reverse();
    }
    let commit = async |open: Open| (open.files, open.batch.commit().await);
    if order == 2 {
        return futures::future::join_all(open.into_iter().map(commit)).await;
    }
    let mut done = Vec::new();
    for each in open {
        done.push(commit(each).await);
    }
    done
}

/// Reads every file again, as a nightly job would, with nothing in the way.
async fn finish(home: &Home, all: &[File]) -> Result<(), Error> {
    let open = begin(home, NOW, all, (0..all.len()).collect()).await?;
    open.batch.commit().await.map(drop)
}

/// What was acknowledged is there before anything is read again.
async fn check_acknowledged(home: &Home, all: &[File], acknowledged: &BTreeSet<usize>) -> Result<(), String> {
    let lake = Lake::open(home.clone(), "acme").await.map_err(|error| error.to_string())?;
    let loads = query(&lake, "sources", "SELECT load_id FROM sources").await;
    for file in acknowledged {
        let load = format!("load_id=load of {}", all[*file].name);
        if !loads.contains(&load) {
            return Err(format!("{load} was acknowledged and is not in {loads:?}"));
        }
    }
    for file in all.iter().filter(|file| loads.contains(&format!("load_id=load of {}", file.name))) {
        check_rows(&lake, file).await?;
    }
    Ok(())
}

/// `sources` names only what is there as a whole: what a batch became is asked of it.
async fn check_rows(lake: &Lake, file: &File) -> Result<(), String> {
    let (mut ids, mut listed) = (BTreeSet::new(), 0);
    for row in &file.rows {
        match row {
            Row::Event(event) => drop(ids.insert(format!("event_id={}", event.event_id))),
            _ => listed += 1,
        }
    }
    let stored: BTreeSet<String> =
        query(lake, "events", "SELECT event_id FROM events").await.into_iter().collect();
    let mut rows = 0;
    for table in ["snapshots", "employments", "registers"] {
        let sql = format!("SELECT listing_id FROM {table}");
        let listing = format!("listing_id=listing of {}", file.name);
        rows += query(lake, table, &sql).await.into_iter().filter(|row| *row == listing).count();
    }
    if !ids.is_subset(&stored) || rows != listed {
        return Err(format!("sources names {}, of which {rows} of {listed} rows are there", file.name));
    }
    Ok(())
}

/// The lake is the model's, row by row; only counts may differ, and only where batches failed between
/// two tables.
async fn check_end(home: &Home, model: &Rows, unsure: bool) -> Result<(), String> {
    let found = stored(home.clone()).await;
    for table in EVERY_TABLE.iter().filter(|table| **table != "sources") {
        if found[table] != model[table] {
            let (found, model) = (&found[table], &model[table]);
            return Err(format!("{table} has {} rows, the model {}: {found:#?}", found.len(), model.len()));
        }
    }
    let lake = Lake::open(home.clone(), "acme").await.map_err(|error| error.to_string())?;
    let loads = query(&lake, "sources", "SELECT load_id FROM sources").await;
    let expected: Vec<String> = files().iter().map(|file| format!("load_id=load of {}", file.name)).collect();
    if loads.iter().collect::<BTreeSet<_>>() != expected.iter().collect() || loads.len() != expected.len() {
        return Err(format!("sources has {loads:?}"));
    }
    let new = query(&lake, "sources", "SELECT sum(rows_new) AS new FROM sources WHERE kind = 'events'").await;
    if !unsure && new != [format!("new={}", model["events"].len())] {
        return Err(format!("{new:?} rows counted as new, of {}", model["events"].len()));
    }
    let problems: Vec<_> = lake.verify().await.into_iter().flat_map(|table| table.problems).collect();
    if !problems.is_empty() {
        return Err(format!("{problems:?}"));
    }
    Ok(())
}

/// Each commit of events became known after all before it: checkpoints rest on that.
async fn check_prefix(store: &Faulty) -> Result<(), String> {
    let mut newest = UtcMicros(i64::MIN);
    for (version, entry) in store.texts("of/ours/acme/events/_delta_log").await.into_iter().enumerate() {
        let adds = entry.lines().filter_map(|line| {
            let action: serde_json::Value = serde_json::from_str(line).unwrap();
            let add = action.get("add").filter(|add| add["dataChange"] == true)?;
            Some(serde_json::from_str::<serde_json::Value>(add["stats"].as_str()?).unwrap())
        });
        let instant = |stats: &serde_json::Value, of: &str| {
            UtcMicros::parse(stats[of]["ingested_at"].as_str().unwrap()).unwrap()
        };
        let known: Vec<(UtcMicros, UtcMicros)> =
            adds.map(|stats| (instant(&stats, "minValues"), instant(&stats, "maxValues"))).collect();
        if let Some((first, _)) = known.iter().find(|(first, _)| *first <= newest) {
            return Err(format!("version {version} became known at {first}, not after {newest}"));
        }
        newest = known.into_iter().map(|(_, last)| last).max().unwrap_or(newest);
    }
    Ok(())
}

/// What one writer makes of all files in a folder that does not fail.
async fn model() -> Rows {
    let folder = tempfile::tempdir().unwrap();
    finish(&folder.path().into(), &files()).await.unwrap();
    stored(folder.path()).await
}

/// Runs the seeds on two threads; gives what was wrong with each that failed.
fn trials(seeds: std::ops::Range<u64>, careless: bool) -> (Vec<String>, Tally) {
    let (next, tally, wrong) = (AtomicU64::new(seeds.start), Tally::default(), Mutex::new(Vec::new()));
    let model = block_on(model);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                block_on(async || {
                    while let Some(seed) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).filter(|s| *s < seeds.end)
                    {
                        if let Err(what) = trial(seed, careless, folder.path(), &model, &tally).await {
                            wrong.lock().unwrap().push(format!("seed {seed}: {what}"));
                        }
                    }
                });
            });
        }
    });
    (wrong.into_inner().unwrap(), tally)
}

fn asked_for(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Else two machines that write to one lake would lose each other's events or store them twice, and a
/// service that has a bad hour would spoil the evidence.
#[test]
fn writers_of_a_bucket_that_fails_lose_nothing_and_double_nothing() {
    let seeds = match asked_for("LYCHGATE_BUCKET_SEED") {
        Some(first) => first..first + asked_for("LYCHGATE_BUCKET_SEEDS").unwrap_or(1),
        None => 0..asked_for("LYCHGATE_BUCKET_SEEDS").unwrap_or(200),
    };
    let count = seeds.end - seeds.start;
    let (wrong, tally) = trials(seeds, false);
    eprintln!(
        "{count} seeds: {:?} faults, {:?} batches committed, {:?} rows overtaken, counts not compared in {:?} seeds",
        tally.faults, tally.committed, tally.overtaken, tally.uncounted
    );
    assert!(wrong.is_empty(), "{} of {count} seeds: {}", wrong.len(), wrong[0]);
    if count > 100 {
        let (faults, overtaken) = (tally.faults.into_inner(), tally.overtaken.into_inner());
        assert!(faults > count && overtaken > count, "{faults} faults, {overtaken} rows: what was tried?");
    }
}

/// A test that passes without the condition would prove nothing about it: a service that creates over
/// what is there loses commits, and the same trials see it.
#[test]
fn without_conditional_put_the_same_trials_fail() {
    let (wrong, _) = trials(0..40, true);
    assert!(wrong.len() > 5, "only {} of 40 seeds noticed", wrong.len());
}

/// Else of machines that are set up at once one would lay its own table over the others' entries.
#[test]
fn a_lake_that_several_create_at_once_is_one() {
    block_on(async || {
        let folder = tempfile::tempdir().unwrap();
        for seed in 0..24 {
            let store = Faulty::new(seed, false);
            let homes = homes(&store, &folder.path().join(seed.to_string()));
            store.set(true);
            let open = |home: &Home| Lake::open_for_write(home.clone(), "acme", WriteOptions::default());
            drop(futures::future::join_all(homes.iter().map(open)).await);
            store.set(false);
            for home in &homes {
                open(home).await.unwrap();
            }
            for table in EVERY_TABLE {
                let log = store.texts(&format!("of/ours/acme/{table}/_delta_log")).await;
                let made = log.iter().filter(|entry| entry.contains("\"metaData\"")).count();
                assert_eq!(made, 1, "seed {seed}: {table} was made {made} times");
            }
        }
    });
}

/// Else a bucket whose rules for old objects took the log away would hold a table without rows, and the next compaction
/// would remove its files.
#[test]
fn a_table_without_its_log_is_not_begun_anew() {
    let (store, folder) = (Faulty::new(0, false), tempfile::tempdir().unwrap());
    let home = homes(&store, folder.path()).remove(0);
    block_on(async || {
        finish(&home, &files()).await.unwrap();
        assert!(Lake::open_known(home.clone(), "acme").await.is_ok());
        let unknown = Lake::open_known(home.clone(), "amce").await.map(drop);
        assert!(matches!(unknown, Err(Error::UnknownTenant { .. })), "{unknown:?}");
        store.remove("of/ours/acme/events/_delta_log").await;
        for _ in 0..2 {
            let gone = Lake::open_for_write(home.clone(), "acme", WriteOptions::default()).await.map(drop);
            assert!(
                matches!(&gone, Err(Error::LogGone { path }) if path.contains("acme/events")),
                "{gone:?}"
            );
        }
    });
}

/// Else a machine with an older program would write its rows into a table that a newer one has brought
/// up meanwhile.
#[test]
fn a_table_that_is_brought_up_meanwhile_is_not_written_to() {
    block_on(async || {
        let folder = tempfile::tempdir().unwrap();
        let store = Faulty::new(0, false);
        let home = &homes(&store, folder.path())[0];
        finish(home, &files()[..1]).await.unwrap();
        let open = begin(home, NOW, &files(), vec![1]).await.unwrap();
        // As a newer program does it: the same table, with a higher version.
        let log = "of/ours/acme/events/_delta_log";
        let entries = store.texts(log).await;
        let made = entries[0].lines().find(|line| line.contains("\"metaData\"")).unwrap();
        let mut made: serde_json::Value = serde_json::from_str(made).unwrap();
        made["metaData"]["configuration"]["lychgate.table_version"] = "99".into();
        let path = object_store::path::Path::from(format!("{log}/{:020}.json", entries.len()));
        Shared(Arc::clone(&store)).put(&path, made.to_string().into()).await.unwrap();
        let refused = open.batch.commit().await.unwrap_err();
        assert!(matches!(refused, Error::TableVersion { .. }), "{refused}");
        assert_eq!(store.texts(log).await.len(), entries.len() + 1);
    });
}

/// Else a service without conditional put would be written to until commits are gone.
#[test]
fn a_service_without_conditional_put_is_refused() {
    block_on(async || {
        let store: Arc<dyn ObjectStore> = Arc::new(Shared(Faulty::new(0, true)));
        let bucket =
            Bucket::over(Url::parse("s3://l/_delta_log/").unwrap(), Arc::clone(&store), store).unwrap();
        let refused = bucket.check_conditional_put().await.unwrap_err().to_string();
        assert!(refused.contains("If-None-Match"), "{refused}");
    });
}
