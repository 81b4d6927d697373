//! `cargo xtask`: tests in tiers, benchmarks beside the peers, generated documents.
//!
//! What a tier needs (another vendor's tool, a Debian package) is set up by [`peers`] at pinned versions with checked
//! hashes, in a folder outside the checkout that may be missing.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool that talks to a terminal")]

#[cfg(test)]
mod attacks;
mod bench;
mod bench_signatures;
mod charts;
mod fuzz;
mod generate;
mod linters;
mod peers;
mod policies;
mod process;
mod setup_action;
mod table;
mod tiers;
mod workflows;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test [--tier NAME]… [--list]   run all tiers, or the named ones, and print which passed, failed or were not run
  bench [DIR]                    measure beside the peers; DIR keeps the images (default: a temporary folder)
  bench-action                   measure the container action beside the binary on the machine
  bench-admission                measure the webhooks of a real API server with Kyverno
  bench-signatures LAYOUT        measure verifying and signing beside cosign; LAYOUT is the OCI layout of an image
  fuzz TARGET SECONDS            run one fuzz target until it has found something or the time is over
  generate [--check]             write what is generated, or fail where it has drifted

Environment:
  CI=true                 a required tier that cannot run is a failure; missing Debian packages are installed
  SEALWRIGHT_PEERS        where built peers are kept (default: $XDG_CACHE_HOME/sealwright-peers)
  SEALWRIGHT_TEST_DATA    folder with rootfs/ and osv/, for the tiers that need data which is not in the repository";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", "--list"] => {
            table::print_list(tiers::ALL);
            Ok(())
        }
        ["test", rest @ ..] => tiers::named(rest).and_then(|chosen| tiers::run(&chosen)),
        ["bench"] => bench::run(None),
        ["bench", folder] => bench::run(Some(folder.as_ref())),
        ["bench-action"] => tiers::bench_action(),
        ["bench-admission"] => tiers::bench_admission(),
        ["bench-signatures", layout] => bench_signatures::run(layout.as_ref()),
        ["fuzz", target, seconds] => fuzz::one(target, seconds),
        ["generate"] => generate::write(),
        ["generate", "--check"] => generate::check(),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
