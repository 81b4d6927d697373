//! The golden statements of `attest`, changed and signed: all the evidence of one image.

use sealwright_bundle::{Statement, predicate_type};
use sealwright_core::{Digest, Limits};
use sealwright_policy::{
    Builder, BuilderIdentity, EvidenceRules, KeyRule, Policy, SbomFormat, SourceRule, Transparency,
};
use sealwright_verify::{BuilderAnchor, EvidenceItem, ImageEvidence, Report, Requirement, verify_image};
use serde_json::{Value, json};

use crate::signing::TestKey;

/// The digest that the golden statements are about.
pub(crate) fn subject() -> Digest {
    Digest::of(b"the image")
}

pub(crate) fn golden(name: &str) -> Statement {
    let bytes: &[u8] = match name {
        "signature" => include_bytes!("../../../attest/tests/golden/signature.json"),
        "cyclonedx" => include_bytes!("../../../attest/tests/golden/cyclonedx.json"),
        "spdx" => include_bytes!("../../../attest/tests/golden/spdx.json"),
        "scan" => include_bytes!("../../../attest/tests/golden/scan.json"),
        "decision" => include_bytes!("../../../attest/tests/golden/decision.json"),
        "provenance" => include_bytes!("../../../attest/tests/golden/provenance-key.json"),
        other => panic!("no golden statement {other}"),
    };
    Statement::parse(bytes, &Limits::default()).expect("golden")
}

/// A day after the golden scan.
pub(crate) const NOW: &str = "2026-11-21T12:00:00Z";

pub(crate) fn rules() -> EvidenceRules {
    let mut rules = EvidenceRules::default();
    rules.sbom.formats = vec![SbomFormat::CycloneDx, SbomFormat::Spdx];
    rules.scan.max_age = Some(2 * 24 * 3_600);
    rules
}

pub(crate) fn builder(name: &str) -> Builder {
    let refs = vec!["refs/tags/v*".parse().expect("pattern")];
    Builder {
        name: name.to_owned(),
        source: Some(SourceRule {
            repository: Some("acme/shop".into()),
            repository_id: Some(123_456),
            owner_id: None,
            refs,
        }),
        identity: BuilderIdentity::Key(KeyRule { file: format!("{name}.pub") }),
        transparency: Transparency::None,
        evidence: rules(),
    }
}

pub(crate) fn anchored(builder: Builder, key: &TestKey) -> BuilderAnchor {
    BuilderAnchor::new(builder, Some(key.public()), None).expect("a key without a log")
}

/// Everything that an image needs, by default signed by one key.
pub(crate) struct Evidence {
    pub(crate) key: TestKey,
    pub(crate) policy: Policy,
    pub(crate) statements: Vec<(&'static str, Statement)>,
    /// Signed by somebody else, or no bundles at all.
    pub(crate) noise: Vec<Vec<u8>>,
}

impl Evidence {
    pub(crate) fn new() -> Self {
        let policy = Policy::built_in();
        let names = ["signature", "cyclonedx", "spdx", "scan", "provenance", "decision"];
        let statements = names.map(|name| (name, golden(name))).to_vec();
        let mut evidence = Self { key: TestKey::p256(), policy, statements, noise: vec![] };
        let rules = evidence.policy.digest();
        evidence.set("scan", "/scanner/result/policy/digest", json!(rules.to_string()));
        evidence.set("decision", "/policy/digest/sha256", json!(rules.hex()));
        evidence.link();
        evidence
    }

    /// Lets the decision name the SBOM and scan statements as they now are.
    pub(crate) fn link(&mut self) {
        let inputs: Vec<Value> = ["cyclonedx", "spdx", "scan"]
            .iter()
            .filter_map(|name| self.statements.iter().find(|(n, _)| n == name))
            .map(|(_, statement)| json!({ "digest": { "sha256": Digest::of(&statement.to_bytes()).hex() } }))
            .collect();
        self.set("decision", "/inputAttestations", json!(inputs));
    }

    pub(crate) fn statement(&mut self, name: &str) -> &mut Statement {
        &mut self.statements.iter_mut().find(|(n, _)| *n == name).expect(name).1
    }

    pub(crate) fn set(&mut self, name: &str, pointer: &str, value: Value) {
        *self.statement(name).predicate.pointer_mut(pointer).expect(pointer) = value;
    }

    pub(crate) fn without(&mut self, name: &str) {
        self.statements.retain(|(n, _)| *n != name);
    }

    pub(crate) fn image(&self) -> ImageEvidence {
        let own = self.statements.iter().map(|(_, statement)| self.key.bundle(&statement.to_bytes()).to_bytes());
        ImageEvidence {
            subject: subject(),
            stored: self.noise.iter().cloned().chain(own).map(EvidenceItem::Bundle).collect(),
        }
    }

    pub(crate) fn verify_with(&self, builders: &[BuilderAnchor], now: &str) -> Report {
        let requirement = Requirement::Policy { policy: &self.policy, builders };
        verify_image(&self.image(), &requirement, now.parse().expect("time"), &Limits::default())
    }

    pub(crate) fn verify_by(&self, rules: EvidenceRules, now: &str) -> Report {
        let builder = Builder { evidence: rules, ..builder("release") };
        self.verify_with(&[anchored(builder, &self.key)], now)
    }

    pub(crate) fn verify(&self) -> Report {
        self.verify_by(rules(), NOW)
    }
}

/// The names of the checks that fail.
pub(crate) fn failed(report: &Report) -> Vec<&'static str> {
    report.failures().map(|check| check.name).collect()
}

#[test]
fn the_golden_evidence_is_of_the_types_that_are_demanded() {
    let evidence = Evidence::new();
    let types: Vec<&str> = evidence.statements.iter().map(|(_, s)| s.predicate_type.as_str()).collect();
    let expected = [
        predicate_type::SIGNATURE,
        predicate_type::CYCLONEDX,
        predicate_type::SPDX,
        predicate_type::VULN,
        predicate_type::PROVENANCE,
        predicate_type::VERIFICATION_SUMMARY,
    ];
    assert_eq!(types, expected);
}
