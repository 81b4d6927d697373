//! Fuzz targets: `fuzz/`, built with the pinned toolchain for libFuzzer and run for a bounded time.
//!
//! cargo-fuzz is not needed: the coverage that libFuzzer looks at comes from flags of stable rustc, the same that cargo-fuzz
//! passes. `--cfg fuzzing` is not among them, because crates switch checks off where they see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::peers::{Missing, Peers};
use crate::process::{cargo, find, output, root, run, variable};

/// LLVM, "SanitizerCoverage".
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// What ends one input and one target: seconds, MiB, bytes.
const LIMITS: [&str; 3] = ["-timeout=20", "-rss_limit_mb=1024", "-max_len=65536"];

/// The same inputs in every run, so that a change that passed does not fail for what nobody changed; `cargo xtask fuzz` goes on
/// from what earlier runs of it learned.
const REPEATABLE: [&str; 2] = ["-seed=1", "-runs=20000"];

/// Runs every target from its seeds for a few seconds, as many at once as there are processors.
pub(crate) fn all(peers: &Peers) -> Result<(), Missing> {
    let programs = build()?;
    let targets = targets().map_err(Missing::Broken)?;
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    let lane = |number: usize| -> Vec<String> {
        let own = targets.iter().skip(number).step_by(lanes);
        own.filter_map(|target| repeatable(peers, &programs, target).err()).collect()
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..lanes).map(|number| scope.spawn(move || lane(number))).collect();
        running.into_iter().flat_map(|lane| lane.join().unwrap_or_else(|_| vec!["a thread ended".into()])).collect()
    });
    if failures.is_empty() { Ok(()) } else { Err(Missing::Broken(failures.join("\n"))) }
}

/// With a corpus that is thrown away.
fn repeatable(peers: &Peers, programs: &Path, target: &str) -> Result<(), String> {
    let corpus = tempfile::tempdir().map_err(|e| format!("no folder for what {target} learns: {e}"))?;
    let mut command = command(peers, programs, target, corpus.path(), 8)?;
    output(command.args(REPEATABLE)).map(|_| ())
}

/// Runs one target until it has found something, or the seconds are over.
pub(crate) fn one(target: &str, seconds: &str) -> Result<(), String> {
    let seconds = seconds.parse().map_err(|_| format!("{seconds:?} is no number of seconds"))?;
    let known = targets()?;
    if !known.iter().any(|t| t == target) {
        return Err(format!("no target {target:?}, expected one of {}", known.join(", ")));
    }
    let programs = build().map_err(Missing::why)?;
    let peers = Peers::prepare()?;
    let corpus = peers.folder().join("fuzz/corpus").join(target);
    run(&mut command(&peers, &programs, target, &corpus, seconds)?)
}

/// The names of all targets, sorted.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/targets");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let names = entries.filter_map(|e| Some(e.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    if names.is_empty() { Err(format!("{} holds no targets", folder.display())) } else { Ok(names) }
}

/// Builds all targets and gives the folder in which the programs lie.
fn build() -> Result<PathBuf, Missing> {
    if find("c++").is_none() {
        return Err(Missing::Absent("c++ is not installed, which compiles libFuzzer (Debian: g++)".into()));
    }
    let version = output(Command::new("rustc").arg("-vV").current_dir(root())).map_err(Missing::Broken)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or_else(|| Missing::Broken("rustc -vV names no host".into()))?;
    let folder = variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("fuzz");
    // With a target named, build scripts and macros do without the flags: nothing links libFuzzer into them.
    let mut build = cargo(&["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", host]);
    build.env("CARGO_TARGET_DIR", &folder).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\x1f"));
    run(&mut build).map_err(Missing::Broken)?;
    Ok(folder.join(host).join("release"))
}

/// libFuzzer writes what it learns into the first folder, and an input that fails beside it; the seeds are only read.
fn command(peers: &Peers, programs: &Path, target: &str, corpus: &Path, seconds: u32) -> Result<Command, String> {
    let failures = peers.folder().join("fuzz/failures").join(target);
    for folder in [corpus, &failures] {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let mut command = Command::new(programs.join(target));
    command.args(LIMITS).arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", failures.display()));
    command.arg(corpus).arg(root().join("fuzz/seeds").join(target));
    Ok(command)
}
