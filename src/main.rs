//! Parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    domain_runner::cli::main()
}
