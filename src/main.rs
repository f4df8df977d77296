//! The `lychgate` program: arguments, dispatch, exit code.

use std::process::ExitCode;

/// Ingest allocates and frees large columns all the time; the system's allocator gives each
/// back to the kernel and faults it in again (docs/decisions/0006).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lychgate::cli::run()
}
