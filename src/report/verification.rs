//! The checks of a verification, in lines for a person or as JSON.

use jiff::Timestamp;
use sealwright_core::Untrusted;
use sealwright_verify::{CHECKS, Outcome, Report};
use serde_json::{Value, json};

use super::console::Style;
use super::trust_root::{origin_json, origin_lines};
use crate::pipeline::trust_root::Origin;

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
        let line = format!("{mark}  {:>2}  {:<21}{why}", check.number, check.name);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for waiver in &report.waivers {
        text.push_str(&format!("waived      {}\n", Untrusted::from(waiver.as_str())));
    }
    if report.statements.iter().any(|statement| statement.time.is_none()) {
        text.push_str(
            &style.faint("times are self-asserted: no log and no timestamp authority says when it was signed\n"),
        );
    }
    if !report.left_aside.is_empty() {
        text.push_str(&style.faint(&format!("{} other bundles were left aside\n", report.left_aside.len())));
    }
    text
}

/// What stands behind the checks: what each demands, whose keys and certificates they go by, the statements that count, and why
/// others do not.
pub fn explanation(report: &Report, root: Option<&Origin>, now: Timestamp, style: Style) -> String {
    let mut text = format!("{}\n", style.heading("the checks"));
    for info in CHECKS {
        let made = report.checks.iter().any(|check| check.number == info.number);
        let aside = if made { "" } else { " (not asked for here)" };
        text.push_str(&format!(
            "{:>2}  {:<21}  {}{aside}\n    {}\n",
            info.number,
            info.name,
            info.meaning,
            info.anchor()
        ));
    }
    text.push_str(&format!("{}\n", style.heading("trusted root")));
    text.push_str(&root.map_or_else(
        || "none: keys alone are asked for, without a log and a trusted time\n".to_owned(),
        |origin| origin_lines(origin, now),
    ));
    if let (Some(level), Some(why)) = (report.level, &report.level_reason) {
        let why = Untrusted::from(why.as_str());
        text.push_str(&format!("{}\nSLSA_BUILD_LEVEL_{level}: {why}\n", style.heading("build level")));
    }
    text.push_str(&format!("{}\n", style.heading("statements that count")));
    for statement in &report.statements {
        let time = statement.time.map_or("self-asserted".to_owned(), |time| time.to_string());
        let (kind, signer) = (statement.predicate_type.as_str(), statement.signer.as_str());
        let (kind, signer) = (Untrusted::from(kind), Untrusted::from(signer));
        text.push_str(&format!("{}  {kind}\n    signed  {time}\n    by      {signer}\n", statement.digest.short()));
    }
    if !report.left_aside.is_empty() {
        text.push_str(&format!("{}\n", style.heading("left aside")));
        for why in &report.left_aside {
            text.push_str(&format!("{}\n", Untrusted::from(why.as_str())));
        }
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
pub fn json(subject: &str, report: &Report, root: Option<&Origin>, now: Timestamp) -> Value {
    let mut document = json!({ "schema": SCHEMA, "subject": subject, "passed": report.passed(), "report": report });
    if let (Some(origin), Some(members)) = (root, document.as_object_mut()) {
        members.insert("trust_root".to_owned(), origin_json(origin, now));
    }
    document
}
