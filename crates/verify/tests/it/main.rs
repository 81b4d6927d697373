//! Every check, and what happens when it is not met. Bundles are signed here with `aws-lc-rs`, or come from other tools.

mod anchors;
mod evidence;
mod keyless;
mod keys;
mod log;
mod logged_key;
mod noise;
mod plain;
mod policy;
mod signing;
mod tampering;
