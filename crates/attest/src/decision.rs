//! The gate's decision, as a SLSA Verification Summary (SLSA v1.0, "Verification Summary Attestation").

use jiff::Timestamp;
use sealwright_bundle::{Statement, predicate_type};
use sealwright_core::{Decision, Digest, Outcome};
use serde_json::json;

use crate::scan::{PolicyName, waiver_lines};
use crate::Subject;

/// What was decided, by which rules, from which statements.
#[derive(Debug)]
pub struct DecisionInput<'a> {
    /// The version of this tool.
    pub tool_version: &'a str,
    /// When.
    pub time: Timestamp,
    /// The rules.
    pub policy: PolicyName<'a>,
    /// The digests of the SBOM and scan statements.
    pub inputs: &'a [Digest],
    /// The decision.
    pub decision: &'a Decision,
    /// The SLSA build level that was reached.
    pub level: u8,
}

/// The level that says that the gate let it pass.
pub(crate) const GATE_LEVEL: &str = "SEALWRIGHT_GATE";

/// The decision about the subject.
pub fn decision(subject: &Subject<'_>, input: &DecisionInput<'_>) -> Statement {
    let result = match input.decision.outcome {
        Outcome::Pass => "PASSED",
        Outcome::Refuse => "FAILED",
    };
    let inputs: Vec<_> = input.inputs.iter().map(|digest| json!({ "digest": { "sha256": digest.hex() } })).collect();
    let predicate = json!({
        "verifier": {
            "id": "https://sealwright.dev/seal",
            "version": { "sealwright": input.tool_version },
        },
        "timeVerified": input.time,
        "resourceUri": format!("{}@{}", subject.name, subject.digest),
        "policy": { "uri": input.policy.uri, "digest": { "sha256": input.policy.digest.hex() } },
        "inputAttestations": inputs,
        "verificationResult": result,
        "verifiedLevels": [format!("SLSA_BUILD_LEVEL_{}", input.level), GATE_LEVEL],
        "slsaVersion": "1.0",
        "sealwright": { "waivers": waiver_lines(input.decision) },
    });
    Statement::new(vec![subject.named()], predicate_type::VERIFICATION_SUMMARY, predicate)
}
