//! `sealwright trust`: what is known of a Sigstore instance.

use tokio::runtime::Handle;

use crate::cli::arguments::Trust;
use crate::cli::output::{ReportFormat, or_stdout};
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::trust_root;
use crate::report::console::write_document;
use crate::report::trust_root as report;

/// Shows what is kept, or fetches it first.
///
/// # Errors
/// When nothing is kept, or the instance is not there or cannot be trusted.
pub fn run(command: &Trust, context: &Context, handle: &Handle) -> Result<(), Failure> {
    let (arguments, (root, origin)) = match command {
        Trust::Show(arguments) => (arguments, trust_root::kept(&arguments.trust, context, handle)?),
        Trust::Update(arguments) => (arguments, trust_root::update(&arguments.trust, context, handle)?),
    };
    for output in or_stdout(&arguments.output, ReportFormat::Text).iter() {
        let text = match output.format {
            ReportFormat::Text => report::text(&root, &origin, context.now, context.console.style()),
            ReportFormat::Json => format!("{:#}\n", report::json(&root, &origin, context.now)),
        };
        write_document(text.as_bytes(), output.file.as_deref())?;
    }
    Ok(())
}
