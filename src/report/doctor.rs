//! What `doctor` found: lines for a person, Markdown for the page of a run, or JSON.

use sealwright_core::Untrusted;
use serde_json::{Map, Value, json};

use super::console::Style;
use super::markdown::code;
use crate::exit::Exit;
use crate::pipeline::doctor::{Findings, Outcome, Row};

/// The version of the JSON document.
pub const SCHEMA: u32 = 1;

/// For a person.
pub fn text(findings: &Findings, style: Style) -> String {
    let mut text = String::new();
    if !findings.claims.is_empty() {
        text.push_str(&format!("{}\n", style.heading("what the identity token says")));
        for (name, value) in &findings.claims {
            text.push_str(&format!("  {name:<21}  {}\n", Untrusted::from(value.as_str())));
        }
    }
    text.push_str(&format!("{}\n", style.heading("checks")));
    findings.rows.iter().for_each(|row| write_row(&mut text, row, style));
    text
}

fn write_row(text: &mut String, row: &Row, style: Style) {
    let mark = match row.outcome {
        Outcome::Ok => style.good("ok  "),
        Outcome::Warn => style.remarkable("warn"),
        Outcome::Fail(_) => style.bad("FAIL"),
        Outcome::NotChecked => style.faint("-   "),
    };
    let mut lines = row.why.iter().map(|line| Untrusted::from(line.as_str()).to_string());
    let first = lines.next().unwrap_or_default();
    let first = if row.outcome == Outcome::NotChecked { style.faint(&first) } else { first };
    text.push_str(&format!("{mark}  {:>2}  {:<17}  {first}\n", row.number(), row.name));
    lines.for_each(|line| text.push_str(&format!("{:29}{line}\n", "")));
    for (at, line) in row.next.iter().enumerate() {
        let arrow = if at == 0 { "-> " } else { "   " };
        text.push_str(&format!("{:29}{arrow}{}\n", "", Untrusted::from(line.as_str())));
    }
}

/// For the page of a run. What others wrote stands in code spans.
pub fn markdown(findings: &Findings) -> String {
    let mut text = format!("## Doctor\n\n{}\n\n", verdict(findings));
    for row in &findings.rows {
        let mark = match row.outcome {
            Outcome::Ok => "✅",
            Outcome::Warn => "⚠️",
            Outcome::Fail(_) => "❌",
            Outcome::NotChecked => "➖",
        };
        text.push_str(&format!("- {mark} {} **{}**\n", row.number(), row.name));
        row.why.iter().for_each(|line| text.push_str(&format!("  - {}\n", code(&line.as_str().into()))));
        if !row.next.is_empty() {
            text.push_str("  - next:\n");
            row.next.iter().for_each(|line| text.push_str(&format!("    - {}\n", code(&line.as_str().into()))));
        }
    }
    if !findings.claims.is_empty() {
        text.push_str("\n### What the identity token says\n\n");
        for (name, value) in &findings.claims {
            text.push_str(&format!("- {name}: {}\n", code(&value.as_str().into())));
        }
    }
    text
}

/// For a machine.
pub fn json(findings: &Findings) -> Value {
    let claims: Map<String, Value> =
        findings.claims.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let checks: Vec<Value> = findings
        .rows
        .iter()
        .map(|row| {
            json!({
                "number": row.number(), "name": row.name, "outcome": row.outcome.word(), "why": row.why, "next": row.next,
                "unavailable": row.outcome == Outcome::Fail(Exit::Unavailable),
            })
        })
        .collect();
    json!({ "schema": SCHEMA, "passed": findings.exit() == Exit::Passed, "claims": claims, "checks": checks })
}

/// One line.
pub fn verdict(findings: &Findings) -> String {
    let count = |wanted: fn(Outcome) -> bool| findings.rows.iter().filter(|row| wanted(row.outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Fail(_)));
    let warned = count(|outcome| outcome == Outcome::Warn);
    let aside = count(|outcome| outcome == Outcome::NotChecked);
    let held = count(|outcome| outcome == Outcome::Ok);
    format!("{held} checks hold, {warned} deserve a look, {failed} fail, {aside} were not made")
}
