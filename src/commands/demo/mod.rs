//! `sealwright demo`: the whole story on this machine. An embedded registry, two sample images and a throw-away signing
//! authority; no network, no accounts, no containers, and no file is left behind.

mod sample;
mod story;

use tokio::runtime::Handle;

use crate::context::Context;
use crate::failure::Failure;

/// Tells the story and checks every step of it: an ending that differs is a failure.
///
/// # Errors
/// When a step does not end as it has to.
pub fn run(context: &Context, handle: &Handle) -> Result<(), Failure> {
    story::tell(context, handle)
}
