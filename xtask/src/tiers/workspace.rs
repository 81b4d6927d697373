//! The tiers that need nothing but Cargo.

use std::path::Path;
use std::process::Command;

use super::{Outcome, outcome};
use crate::generate;
use crate::peers::{self, Peers};
use crate::process::{cargo, root, run as run_command};

/// The manifests of all workspaces.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

pub(super) fn format(_: &Peers) -> Outcome {
    outcome(
        WORKSPACES.iter().try_for_each(|manifest| {
            run_command(&mut cargo(&["fmt", "--all", "--check", "--manifest-path", manifest]))
        }),
    )
}

pub(super) fn lints(_: &Peers) -> Outcome {
    // The tests of the tiers are no target of `cargo test`, and so none of these either.
    let interop = ["clippy", "--test", "interop", "--locked", "--", "-D", "warnings"];
    outcome(
        run_command(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
            .and_then(|()| run_command(&mut cargo(&interop))),
    )
}

pub(super) fn hermetic(_: &Peers) -> Outcome {
    outcome(run_command(&mut cargo(&["test", "--workspace", "--locked"])))
}

pub(super) fn documents(_: &Peers) -> Outcome {
    let mut rustdoc = cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]);
    rustdoc.env("RUSTDOCFLAGS", "-D warnings");
    outcome(run_command(&mut rustdoc).and_then(|()| generate::check()))
}

pub(super) fn demo(_: &Peers) -> Outcome {
    outcome(run_command(&mut cargo(&["run", "--release", "--locked", "--", "demo"])))
}

pub(super) fn licenses(peers: &Peers) -> Outcome {
    let judged = peers::cargo_deny(peers).and_then(|deny| WORKSPACES.iter().try_for_each(|w| judge(&deny, w)));
    outcome(judged)
}

/// The advisories of cargo-deny are left out: they would need the network, and be other ones every day.
fn judge(deny: &Path, manifest: &str) -> Result<(), String> {
    // The sources of every platform's crates are looked at, also of those that no build here has needed.
    run_command(&mut cargo(&["fetch", "--locked", "--manifest-path", manifest]))?;
    let mut command = Command::new(deny);
    command.current_dir(root()).args(["--locked", "--offline", "--manifest-path", manifest]);
    run_command(command.args(["check", "bans", "licenses", "sources"]))
}
