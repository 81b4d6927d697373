//! `sealwright policy`: what is done with a trust file itself, one file for each verb.

pub mod explain;
pub mod export;
pub mod lint;
pub mod render;

use tokio::runtime::Handle;

use crate::cli::arguments::Policy;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;

/// Does what is asked for.
///
/// # Errors
/// As the verb says.
pub fn run(command: &Policy, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    match command {
        Policy::Export(arguments) => export::run(arguments, context).map(|()| Exit::Passed),
        Policy::Render(arguments) => render::run(arguments, context, handle).map(|()| Exit::Passed),
        Policy::Explain(arguments) => explain::run(arguments, context, handle),
        Policy::Lint(arguments) => lint::run(arguments, context),
    }
}
