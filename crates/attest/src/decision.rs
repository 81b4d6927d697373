//! The gate's decision, as a SLSA Verification Summary (SLSA v1.0, "Verification Summary Attestation").

use jiff::Timestamp;
use sealwright_bundle::{Statement, predicate_type, vocabulary};
use sealwright_core::{Decision, Digest, Outcome};
use serde_json::{Value, json};

use crate::Subject;
use crate::scan::{PolicyName, waiver_lines};

/// What was decided, by which rules, from which statements.
#[derive(Debug)]
pub struct DecisionInput<'a> {
    /// The version of this tool.
    pub tool_version: &'a str,
    /// When.
    pub time: Timestamp,
    /// The rules.
    pub policy: PolicyName<'a>,
    /// The digests of the bytes of the SBOM and scan statements.
    pub inputs: &'a [Digest],
    /// The decision.
    pub decision: &'a Decision,
    /// The SLSA build level that was reached.
    pub level: u8,
}

/// The decision about the subject. Of a refused image no level is stated ("FAILED" stands alone).
pub fn decision(subject: &Subject<'_>, input: &DecisionInput<'_>) -> Statement {
    let (result, levels) = match input.decision.outcome {
        Outcome::Pass => {
            ("PASSED", vec![format!("SLSA_BUILD_LEVEL_{}", input.level), vocabulary::GATE_LEVEL.to_owned()])
        }
        Outcome::Refuse => ("FAILED", vec!["FAILED".to_owned()]),
    };
    let inputs: Vec<Value> =
        input.inputs.iter().map(|digest| json!({ "digest": { "sha256": digest.hex() } })).collect();
    let predicate = json!({
        "verifier": {
            "id": vocabulary::VERIFIER,
            "version": { "sealwright": input.tool_version },
        },
        "timeVerified": input.time,
        "resourceUri": format!("{}@{}", subject.name, subject.digest),
        "policy": { "uri": input.policy.uri, "digest": { "sha256": input.policy.digest.hex() } },
        "inputAttestations": inputs,
        "verificationResult": result,
        "verifiedLevels": levels,
        "slsaVersion": "1.0",
        vocabulary::WAIVERS: waiver_lines(input.decision),
    });
    Statement::new(vec![subject.named()], predicate_type::VERIFICATION_SUMMARY, predicate)
}
