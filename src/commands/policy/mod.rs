//! `sealwright policy`: what is done with a trust file itself, one file for each verb.

pub mod export;

use crate::cli::arguments::Policy;
use crate::context::Context;
use crate::failure::Failure;

/// Does what is asked for.
///
/// # Errors
/// As the verb says.
pub fn run(command: &Policy, context: &Context) -> Result<(), Failure> {
    match command {
        Policy::Export(arguments) => export::run(arguments, context),
    }
}
