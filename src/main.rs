//! The `lychgate` program: arguments, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    lychgate::cli::run()
}
