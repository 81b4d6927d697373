//! The report of `policy lint`, for a person and for programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sealwright_admission::lint::{Found, Report, Rule, Severity, Version};
use sealwright_core::Untrusted;
use serde_json::{Value, json};

use super::columns::columns;
use super::console::Style;
use super::lint_sarif;

/// The page with a section for each rule.
pub(super) const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/reference/policy-lint.md");

/// What was found, and for which Kyverno.
#[derive(Debug)]
pub struct LintReport<'a> {
    /// What was found.
    pub report: &'a Report,
    /// The version that was judged for.
    pub version: Version,
}

impl LintReport<'_> {
    /// A row for each finding, then what each rule means.
    pub fn table(&self, style: Style) -> String {
        let mut out = String::new();
        if !self.report.findings.is_empty() {
            let heading = ["severity", "rule", "where", "object", "found"].map(str::to_owned).to_vec();
            let rows: Vec<_> = std::iter::once(heading).chain(self.report.findings.iter().map(row)).collect();
            out = columns(&rows, style, |column, cell, padded| match (column, cell) {
                (0, "error") => style.bad(&padded),
                (0, _) => style.remarkable(&padded),
                _ => padded,
            });
        }
        let rules: BTreeSet<Rule> = self.report.findings.iter().map(|found| found.rule).collect();
        for rule in rules {
            let _ = write!(
                out,
                "\n{}: {}\n  why      {}\n  Kyverno  {}\n  fix      {}\n  more     {PAGES}#{rule}\n",
                style.heading(rule.word()),
                rule.what(),
                rule.why(),
                rule.versions(),
                rule.fix()
            );
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    fn summary(&self) -> String {
        let count = |severity| self.report.findings.iter().filter(|found| found.rule.severity() == severity).count();
        let several = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let mut text = format!(
            "{}, {} in {}, judged for Kyverno {}",
            several(count(Severity::Error), "error"),
            several(count(Severity::Warning), "warning"),
            several(self.report.judged, "object"),
            self.version
        );
        if self.report.others > 0 {
            let _ = write!(text, "; {} of other kinds: nothing to say about them", self.report.others);
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Vec<u8> {
        let findings: Vec<Value> = self.report.findings.iter().map(finding).collect();
        let document = json!({
            "schema": 1,
            "kyverno": self.version.to_string(),
            "judged": self.report.judged,
            "others": self.report.others,
            "findings": findings,
        });
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// For code scanning.
    pub fn sarif(&self) -> Vec<u8> {
        lint_sarif::document(self.report, self.version)
    }
}

fn row(found: &Found) -> Vec<String> {
    let file = Untrusted::new(found.file.clone());
    vec![
        found.rule.severity().word().to_owned(),
        found.rule.word().to_owned(),
        format!("{file}:{}:{}", found.at.line, found.at.column),
        found.object.to_string(),
        found.detail.to_string(),
    ]
}

fn finding(found: &Found) -> Value {
    let rule = found.rule;
    json!({
        "rule": rule.word(),
        "severity": rule.severity().word(),
        "file": found.file,
        "line": found.at.line,
        "column": found.at.column,
        "object": found.object,
        "detail": found.detail,
        "what": rule.what(),
        "why": rule.why(),
        "kyverno": rule.versions().to_string(),
        "fix": rule.fix(),
    })
}
