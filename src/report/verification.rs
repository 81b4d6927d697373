//! The checks of a verification, in lines for a person or as JSON.

use sealwright_core::Untrusted;
use sealwright_verify::{Outcome, Report};
use serde_json::{Value, json};

use super::console::Style;

/// The version of the JSON document.
pub const SCHEMA: u32 = 1;

/// Every check with its number, then what was left aside.
pub fn text(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for check in &report.checks {
        let (mark, why) = match &check.outcome {
            Outcome::Passed => (style.good("ok    "), String::new()),
            Outcome::Failed(why) => (style.bad("FAILED"), format!("  {}", Untrusted::from(why.as_str()))),
            Outcome::NotChecked(why) => (style.faint("-     "), format!("  {}", style.faint(why))),
        };
        let line = format!("{mark}  {:>2}  {:<16}{why}", check.number, check.name);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for waiver in &report.waivers {
        text.push_str(&format!("waived      {}\n", Untrusted::from(waiver.as_str())));
    }
    if !report.left_aside.is_empty() {
        text.push_str(&style.faint(&format!("{} other bundles were left aside\n", report.left_aside.len())));
    }
    text
}

/// One line: how many checks hold, by whom and at which level.
pub fn summary(report: &Report) -> String {
    let builder = report.builder.as_ref().map(|b| format!(", builder {b}")).unwrap_or_default();
    let level = report.level.map(|l| format!(", SLSA_BUILD_LEVEL_{l}")).unwrap_or_default();
    format!("{} checks passed{builder}{level}", report.passes())
}

/// For a machine.
pub fn json(subject: &str, report: &Report) -> Value {
    json!({ "schema": SCHEMA, "subject": subject, "passed": report.passed(), "report": report })
}
