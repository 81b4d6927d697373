//! `sealwright policy`: what is done with a trust file itself, one file for each verb.

pub mod export;
pub mod render;

use tokio::runtime::Handle;

use crate::cli::arguments::Policy;
use crate::context::Context;
use crate::failure::Failure;

/// Does what is asked for.
///
/// # Errors
/// As the verb says.
pub fn run(command: &Policy, context: &Context, handle: &Handle) -> Result<(), Failure> {
    match command {
        Policy::Export(arguments) => export::run(arguments, context),
        Policy::Render(arguments) => render::run(arguments, context, handle),
    }
}
