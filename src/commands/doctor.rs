//! `sealwright doctor`: what a job lacks, and which endpoints a command needs.

use tokio::runtime::Handle;

use crate::cli::arguments::{Doctor, DoctorPart};
use crate::cli::output::{DoctorFormat, or_stdout};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::pipeline::{doctor, egress};
use crate::report::console::write_document;
use crate::report::doctor as report;

/// Checks, or lists.
///
/// # Errors
/// When a report cannot be written, or the endpoints are not known. What a check finds is in the report.
pub fn run(arguments: &Doctor, context: &Context, handle: &Handle) -> Result<Exit, Failure> {
    if let Some(DoctorPart::Egress(arguments)) = &arguments.part {
        let endpoints = egress::endpoints(arguments, context, handle)?;
        let lines: String = endpoints.iter().map(|endpoint| format!("{endpoint}\n")).collect();
        write_document(lines.as_bytes(), None)?;
        return Ok(Exit::Passed);
    }
    let findings = doctor::examine(arguments, context, handle);
    for output in or_stdout(&arguments.output, DoctorFormat::Text).iter() {
        let text = match output.format {
            DoctorFormat::Text => report::text(&findings, context.console.style()),
            DoctorFormat::Json => format!("{:#}\n", report::json(&findings)),
            DoctorFormat::Markdown => report::markdown(&findings),
        };
        write_document(text.as_bytes(), output.file.as_deref())?;
    }
    context.console.note(&report::verdict(&findings));
    Ok(findings.exit())
}
