//! Other vendors' tools against ours. Not part of plain `cargo test`: `cargo xtask test --tier NAME` builds or installs the
//! peers, names them in the environment and runs one module. A peer that is not named is a failure here, never a pass.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test whose peer or fixture is broken has nothing to go on with, and says what it saw"
)]

mod action;
mod admission;
mod alpine;
mod authority;
mod browser;
mod charts;
mod cluster;
mod cosign;
mod dashboards;
mod debian;
mod differences;
mod docker_engine;
mod downloads;
mod ecr;
mod github;
mod keyless;
mod kms;
mod kubernetes_schema;
mod kyverno;
mod layout;
mod matrix;
mod metrics;
mod peer;
mod policy_controller;
mod policy_lint;
mod registries;
mod rehearsal;
mod release;
mod requests;
mod sarif;
mod sealed;
mod setup;
mod sigstore_servers;
mod tar;
mod vault;
mod workflow_steps;
