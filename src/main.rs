//! The `sealwright` binary: a command line in, an exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use sealwright::cli::arguments::Arguments;

fn main() -> ExitCode {
    sealwright::run(&Arguments::parse()).into()
}
