//! `sealwright demo`

mod sample;

use tokio::runtime::Handle;

use crate::context::Context;
use crate::failure::Failure;

/// Runs the story.
pub fn run(_context: &Context, _handle: &Handle) -> Result<(), Failure> {
    let _ = sample::alpine_with_zlib("1");
    Ok(())
}
