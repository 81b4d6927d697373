//! Other vendors' tools against ours. Not part of plain `cargo test`: `cargo xtask test --tier NAME` builds or installs the
//! peers, names them in the environment and runs one module. A peer that is not named is a failure here, never a pass.

mod alpine;
mod cosign;
mod debian;
mod docker_engine;
mod layout;
mod peer;
mod registries;
mod sealed;
mod sigstore_servers;
mod tar;
