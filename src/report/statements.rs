//! Which statements were signed, and which were there already.

use serde_json::{Value, json};

use super::console::{Style, write_document};
use crate::cli::output::{Output, ReportFormat, or_stdout};
use crate::failure::Failure;
use crate::pipeline::publish::Written;

/// A line for each.
pub fn text(written: &[Written], style: Style) -> String {
    let line = |one: &Written| {
        let word = if one.new { style.good("signed ") } else { style.faint("kept   ") };
        let stored = one.attestation.as_ref().map(|id| format!("  attestation {id} of GitHub")).unwrap_or_default();
        format!("{word} {}  {}{stored}\n", one.subject.short(), one.predicate_type)
    };
    written.iter().map(line).collect()
}

/// A list of objects.
pub fn json(written: &[Written]) -> Value {
    let object = |one: &Written| {
        let mut object = json!({ "subject": one.subject, "predicateType": one.predicate_type, "new": one.new });
        let more =
            [("referrer", one.referrer.map(|digest| digest.to_string())), ("attestation", one.attestation.clone())];
        for (name, value) in more {
            if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
                object.insert(name.to_owned(), json!(value));
            }
        }
        object
    };
    written.iter().map(object).collect()
}

/// The whole report of a command that only signs. `kind` and `place` say where the statements are: `image` and a reference,
/// or `bundle` and a file. `verify_command` verifies an image's signature.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    (kind, place): (&str, &str),
    verify_command: Option<&str>,
    written: &[Written],
    outputs: &[Output<ReportFormat>],
    style: Style,
) -> Result<(), Failure> {
    for output in or_stdout(outputs, ReportFormat::Text).iter() {
        let report = match output.format {
            ReportFormat::Text => format!("{}{place}\n", text(written, style)),
            ReportFormat::Json => {
                let mut report = json!({ "schema": 1, kind: place, "statements": json(written) });
                if let (Some(command), Some(report)) = (verify_command, report.as_object_mut()) {
                    report.insert("verifyCommand".to_owned(), json!(command));
                }
                format!("{report:#}\n")
            }
        };
        write_document(report.as_bytes(), output.file.as_deref())?;
    }
    Ok(())
}
