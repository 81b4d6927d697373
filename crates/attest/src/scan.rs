//! The scan, in cosign's vulnerability predicate (cosign, `specs/COSIGN_VULN_ATTESTATION_SPEC.md`).
//!
//! cosign drops members that it does not know, so that what is ours stands inside `scanner.result`, which it keeps whole.

use jiff::Timestamp;
use sealwright_bundle::{Statement, predicate_type};
use sealwright_core::{Decision, Digest, Finding};
use serde::Serialize;
use serde_json::json;

use crate::Subject;

/// Which rules were in force.
#[derive(Debug, Clone, Copy)]
pub struct PolicyName<'a> {
    /// The trust file, or `built-in`.
    pub uri: &'a str,
    /// The digest of the effective rules without the waivers.
    pub digest: Digest,
}

/// What a scan found, and with what.
#[derive(Debug)]
pub struct ScanInput<'a> {
    /// The version of this tool.
    pub tool_version: &'a str,
    /// Who ran it, as provenance names it.
    pub builder: &'a str,
    /// Where the advisories come from, in words.
    pub database_uri: &'a str,
    /// The digest of the advisory snapshot.
    pub snapshot: Digest,
    /// The newest record of all ecosystems that were consulted.
    pub newest: Option<Timestamp>,
    /// The rules.
    pub policy: PolicyName<'a>,
    /// Everything that was found.
    pub findings: &'a [Finding],
    /// What the gate made of it.
    pub decision: &'a Decision,
    /// When the scan began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// A waiver that let a finding pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverLine {
    /// The flaw, or the word of another finding.
    pub id: String,
    /// The package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The rule that the finding would break.
    pub rule: String,
    /// Why it is accepted.
    pub reason: String,
    /// Who accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which the waiver holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// The waivers of a decision.
pub fn waiver_lines(decision: &Decision) -> Vec<WaiverLine> {
    let line = |waived: &sealwright_core::Waived| {
        let (id, package) = match &waived.finding {
            Finding::Vulnerability(v) => (v.id.raw().to_owned(), Some(v.package.purl.to_string())),
            Finding::Observation { id, .. } => (id.word().to_owned(), None),
        };
        WaiverLine {
            id,
            package,
            rule: waived.rule.clone(),
            reason: waived.reason.clone(),
            owner: waived.owner.clone(),
            expires: waived.expires.clone(),
        }
    };
    decision.waived.iter().map(line).collect()
}

/// The scan of the subject.
pub fn scan(subject: &Subject<'_>, input: &ScanInput<'_>) -> Statement {
    let predicate = json!({
        "invocation": { "uri": "https://sealwright.dev/seal", "event_id": "", "builder.id": input.builder },
        "scanner": {
            "uri": "https://sealwright.dev",
            "version": input.tool_version,
            "db": { "uri": input.database_uri, "version": input.snapshot },
            "result": {
                "schema": 1,
                "policy": { "uri": input.policy.uri, "digest": input.policy.digest },
                "database": { "digest": input.snapshot, "newest": input.newest },
                "outcome": input.decision.outcome,
                "counts": {
                    "refused": input.decision.refused.len(),
                    "waived": input.decision.waived.len(),
                    "reported": input.decision.reported.len(),
                },
                "waivers": waiver_lines(input.decision),
                "findings": input.findings,
            },
        },
        "metadata": { "scanStartedOn": input.started, "scanFinishedOn": input.finished },
    });
    Statement::new(vec![subject.named()], predicate_type::VULN, predicate)
}
