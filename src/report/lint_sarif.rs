//! Findings of `policy lint` as SARIF 2.1.0: one run, the file and place of each finding as they are in the repository.

use std::collections::BTreeMap;

use sealwright_admission::lint::{Found, Report, Rule, Severity, Version};
use sealwright_core::Digest;
use serde_json::{Value, json};

use super::lint::PAGES;
use super::sarif::{SCHEMA, encoded, plain};

/// Results that code scanning shows of a run (GitHub Docs, "SARIF results exceed one or more limits").
const MOST_RESULTS: usize = 5_000;

/// The document.
pub(super) fn document(report: &Report, version: Version) -> Vec<u8> {
    let mut positions = BTreeMap::new();
    let mut rules: Vec<Value> = Vec::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .take(MOST_RESULTS)
        .map(|found| {
            let index = *positions.entry(found.rule).or_insert_with(|| {
                rules.push(rule(found.rule));
                rules.len() - 1
            });
            result(found, index)
        })
        .collect();
    let mut invocation = json!({ "executionSuccessful": true });
    let left = report.findings.len().saturating_sub(MOST_RESULTS);
    if left > 0
        && let Some(members) = invocation.as_object_mut()
    {
        let text = format!("{left} findings are left out: {MOST_RESULTS} are the most");
        members
            .insert("toolExecutionNotifications".into(), json!([{ "level": "warning", "message": { "text": text } }]));
    }
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Sealwright",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "automationDetails": { "id": "sealwright/policy-lint/" },
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "kyverno": version.to_string() },
        }],
    });
    let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn rule(rule: Rule) -> Value {
    let text = |text: &str| plain(text, 400);
    json!({
        "id": rule.word(),
        "shortDescription": { "text": format!("{}.", text(rule.what())) },
        "fullDescription": { "text": format!("{}: {}.", text(rule.what()), text(rule.why())) },
        "help": { "text": format!("{}.\nFix: {}.\nKyverno: {}.", text(rule.why()), text(rule.fix()), rule.versions()) },
        "helpUri": format!("{PAGES}#{rule}"),
        "defaultConfiguration": { "level": level(rule) },
        "properties": { "tags": ["security", "admission"] },
    })
}

fn level(rule: Rule) -> &'static str {
    match rule.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(found: &Found, index: usize) -> Value {
    let path = place(&found.file);
    let what = format!("{}: {}. {}.", plain(found.object.raw(), 200), found.rule.what(), found.rule.why());
    let detail = plain(found.detail.raw(), 200);
    let text = if detail.is_empty() { what } else { format!("{what}\nFound: {detail}") };
    // Lines move with every edit; the object and what stands there do not.
    let print = Digest::of(format!("{}\n{path}\n{}\n{detail}", found.rule, found.object.raw()).as_bytes());
    json!({
        "ruleId": found.rule.word(),
        "ruleIndex": index,
        "level": level(found.rule),
        "message": { "text": plain(&text, 1_500) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": path },
            "region": { "startLine": found.at.line.max(1), "startColumn": found.at.column.max(1) },
        } }],
        "partialFingerprints": { "ruleAndObject/v1": print.hex().chars().take(32).collect::<String>() },
    })
}

/// A path below the working directory as a relative reference (RFC 3986).
fn place(file: &str) -> String {
    let segments = file.split('/').filter(|segment| !["", ".", ".."].contains(segment));
    segments.map(encoded).collect::<Vec<_>>().join("/")
}
