//! Work on many threads whose results come in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs `work` on all that `produce` gives, and hands the results to `consume` in the order of
/// production. With one thread, or one item, all happens here; else `produce` has a thread of
/// its own, `work` has `threads`, and `consume` runs here. About three items a thread are held.
///
/// # Errors
/// The first of `consume`, else that of `produce`; the rest is then not worked on.
pub fn in_order<T: Send, R: Send, E: Send>(
    threads: NonZeroUsize,
    mut produce: impl FnMut() -> Result<Option<T>, E> + Send,
    work: impl Fn(T) -> R + Sync,
    mut consume: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let Some(first) = produce()? else { return Ok(()) };
    let second = produce()?;
    if threads.get() == 1 || second.is_none() {
        consume(work(first))?;
        let mut next = second;
        while let Some(item) = next {
            consume(work(item))?;
            next = produce()?;
        }
        return Ok(());
    }
    let (items_in, items) = sync_channel(threads.get());
    let (results_in, results) = sync_channel(threads.get());
    // Held by the workers alone: when they stop, whoever still produces finds nobody waiting.
    let items = Arc::new(Mutex::new(items));
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || {
            let early = [first].into_iter().chain(second);
            feed(early, produce, &items_in)
        });
        for _ in 0..threads.get() {
            let (items, work, results_in) = (Arc::clone(&items), &work, results_in.clone());
            scope.spawn(move || labour(&items, work, &results_in));
        }
        drop((items, results_in));
        let consumed = sort(&results, &mut consume);
        // A worker whose result nobody takes stops.
        drop(results);
        let produced = match producer.join() {
            Ok(produced) => produced,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        consumed.and(produced)
    })
}

/// Numbers what is produced and hands it on, as long as anybody takes it.
fn feed<T, E>(
    early: impl Iterator<Item = T>,
    mut produce: impl FnMut() -> Result<Option<T>, E>,
    items: &SyncSender<(u64, T)>,
) -> Result<(), E> {
    let mut count = 0;
    for item in early {
        if items.send((count, item)).is_err() {
            return Ok(());
        }
        count += 1;
    }
    while let Some(item) = produce()? {
        if items.send((count, item)).is_err() {
            return Ok(());
        }
        count += 1;
    }
    Ok(())
}

fn labour<T, R>(items: &Mutex<Receiver<(u64, T)>>, work: &impl Fn(T) -> R, results: &SyncSender<(u64, R)>) {
    loop {
        let next = items.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, item)) = next else { return };
        if results.send((number, work(item))).is_err() {
            return;
        }
    }
}

/// Consumes results in the order of their numbers.
fn sort<R, E>(results: &Receiver<(u64, R)>, consume: &mut impl FnMut(R) -> Result<(), E>) -> Result<(), E> {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    while let Ok((number, result)) = results.recv() {
        waiting.insert(number, result);
        while let Some(result) = waiting.remove(&next) {
            consume(result)?;
            next += 1;
        }
    }
    Ok(())
}
