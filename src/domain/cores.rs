//! Work on many things at once.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

/// Gives what `work` makes of parts of `items`, one part a core, in their order.
///
/// # Errors
/// The first of those of `work`.
pub fn on_all_cores<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Result<Vec<R>, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let parts = items.chunks(items.len().div_ceil(threads.get()).max(1));
    let parts = thread::scope(|scope| {
        let parts: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
        let joined = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.collect::<Result<Vec<_>, E>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}
