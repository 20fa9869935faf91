//! The `cardbridge` command: see `cardbridge --help`, and the library's documentation for how it is built.

use std::process::ExitCode;

fn main() -> ExitCode {
    cardbridge::cli::main()
}
