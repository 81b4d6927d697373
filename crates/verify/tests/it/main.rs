//! Every check, and what happens when it is not met. Bundles are signed here with `aws-lc-rs`, or come from other tools.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what helpers of tests cannot do fails the test"
)]

mod anchors;
mod evidence;
mod instance;
mod keyless;
mod keys;
mod log;
mod logged_key;
mod messages;
mod mutation;
mod noise;
mod plain;
mod policy;
mod signing;
mod tampering;
