//! A file that extends another may only tighten it.

use proptest::prelude::*;
use sealwright_core::Severity;
use sealwright_policy::{Policy, Word};

use crate::{child, read};

const PARENT: &str = r#"version: 1
images: ["registry.example/shop/**", "registry.example/lab/**"]
builders:
  - { name: a, key: a.pub, transparency: none, source: { repository: acme/shop } }
  - { name: b, key: b.pub }
  - { name: c, keyless: { issuer: github, identity: [u, w] } }
evidence: { signature: { threshold: 2, of: [a, b] }, decision: optional, sbom: { formats: [cyclonedx] }, scan: { max-age: 7d }, provenance: { level: 1, parameters: [inputs, vars] } }
gate:
  fail-on: high
  known-exploited: report
  max-advisory-age: 5d
  contents: { deny: ["**/.env"] }
  waivable: [low, medium]
  waivers: [{ id: CVE-1, reason: parent }]
"#;

#[test]
fn what_is_omitted_is_inherited() {
    let (parent, inherited) = (read(PARENT).expect("parent"), child(PARENT, "").expect("child"));
    assert_eq!(inherited.digest(), parent.digest());
    assert_eq!(inherited.gate, parent.gate);
    assert_eq!(inherited.builders.len(), 3);
}

#[test]
fn stricter_is_allowed() {
    let policy = child(
        PARENT,
        r#"images: ["registry.example/shop/**"]
builders: [{ name: a, key: a.pub, transparency: none, source: { repository: acme/shop }, evidence: { provenance: { level: 2 } } }]
evidence: { signature: { threshold: 3, of: [a] }, decision: required, sbom: { formats: [cyclonedx, spdx] }, scan: { max-age: 1d }, provenance: { parameters: [vars] } }
gate:
  fail-on: medium
  known-exploited: fail
  max-advisory-age: 1d
  contents: { deny: ["**/.git/**"] }
  waivable: [low]
  waivers: [{ id: CVE-2, reason: child }]
"#,
    )
    .expect("stricter");
    assert_eq!((policy.images.len(), policy.builders.len()), (1, 1));
    assert_eq!(policy.builders[0].evidence.provenance.level, 2);
    assert!(policy.builders[0].evidence.decision, "what the file asks for is asked of every builder");
    assert_eq!(policy.builders[0].evidence.scan.max_age, Some(86_400));
    assert_eq!(policy.builders[0].evidence.signers, policy.evidence.signers);
    assert_eq!((policy.evidence.signers.threshold, policy.evidence.signers.of.join(" ")), (3, "a".to_owned()));
    assert_eq!(policy.evidence.provenance.parameters, ["vars"]);
    assert_eq!((policy.gate.fail_on, policy.gate.known_exploited), (Some(Severity::Medium), Word::Fail));
    assert_eq!(policy.gate.contents_deny.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["**/.env", "**/.git/**"]);
    assert_eq!(policy.gate.waivers.len(), 2);
}

#[test]
fn stricter_evidence_reaches_inherited_builders() {
    let policy = child(PARENT, "evidence: { decision: required }\n").expect("stricter");
    assert!(policy.builders.iter().all(|b| b.evidence.decision));
    // The word alone takes nothing back.
    let policy = child(PARENT, "evidence: { signature: required }\n").expect("stricter");
    assert!(policy.builders.iter().all(|b| b.evidence.signers.threshold == 2));
}

#[test]
fn looser_is_an_error_at_its_place() {
    for (text, key) in [
        ("images: [\"**\"]", "images"),
        ("builders: [{ name: d, key: c.pub }]", "builders"),
        ("builders: [{ name: b, key: other.pub }]", "builders"),
        ("builders: [{ name: b, key: b.pub, transparency: none }]", "builders"),
        ("builders: [{ name: a, key: a.pub, transparency: none }]", "builders"),
        ("builders: [{ name: c, keyless: { issuer: github, identity: [u, w, z] } }]", "builders"),
        ("builders: [{ name: c, keyless: { issuer: github, identity: [u, w], triggers: [push] } }]", "builders"),
        ("builders: [{ name: b, key: b.pub, source: { owner-id: 7 } }]", "builders"),
        ("builders: [{ name: b, key: b.pub, evidence: { signature: optional } }]", "evidence.signature"),
        ("builders: [{ name: c, keyless: { issuer: github, identity: [u, w, z] } }]", "builders"),
        ("builders: [{ name: c, keyless: { issuer: github, identity: [u, w], triggers: [push] } }]", "builders"),
        ("builders: [{ name: b, key: b.pub, source: { owner-id: 7 } }]", "builders"),
        ("builders: [{ name: b, key: b.pub, evidence: { provenance: { level: 0 } } }]", "evidence.provenance.level"),
        ("evidence: { signature: optional }", "evidence.signature"),
        ("evidence: { signature: { threshold: 1 } }", "evidence.signature.threshold"),
        ("evidence: { signature: { of: [a, c] } }", "evidence.signature.of"),
        ("evidence: { decision: { verifiers: [x] } }", "evidence.decision.verifiers"),
        (
            "evidence: { decision: { policies: [\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"] } }",
            "evidence.decision.policies",
        ),
        ("evidence: { provenance: { parameters: [inputs, other] } }", "evidence.provenance.parameters"),
        ("evidence: { sbom: { required: false } }", "evidence.sbom.required"),
        ("evidence: { sbom: { formats: [spdx] } }", "evidence.sbom.formats"),
        ("evidence: { scan: { required: false } }", "evidence.scan.required"),
        ("evidence: { scan: { max-age: 8d } }", "evidence.scan.max-age"),
        ("evidence: { scan: { max-age: off } }", "evidence.scan.max-age"),
        ("evidence: { provenance: { required: false } }", "evidence.provenance.required"),
        ("evidence: { provenance: { level: 0 } }", "evidence.provenance.level"),
        ("gate: { fail-on: critical }", "gate.fail-on"),
        ("gate: { unknown-severity: report }", "gate.unknown-severity"),
        ("gate: { unknown-distro: report }", "gate.unknown-distro"),
        ("gate: { only-fixed: true }", "gate.only-fixed"),
        ("gate: { max-advisory-age: 6d }", "gate.max-advisory-age"),
        ("gate: { max-advisory-age: off }", "gate.max-advisory-age"),
        ("gate: { waivable: [high] }", "gate.waivable"),
    ] {
        let error = child(PARENT, text).expect_err(text);
        assert_eq!((error.key.as_str(), error.at.line, error.file.as_str()), (key, 3, "trust.yaml"), "{text}: {error}");
        assert!(error.message.contains("looser"), "{text}: {error}");
    }
    let strict = PARENT
        .replace("known-exploited: report", "known-exploited: fail")
        .replace("decision: optional", "decision: required");
    for text in ["gate: { known-exploited: report }", "evidence: { decision: optional }"] {
        assert!(child(&strict, text).expect_err(text).message.contains("looser"));
    }
}

/// Whether nothing that `ceiling` refuses passes by `own`.
/// What a parent asks of one builder is a ceiling too, whoever states less: the child for all, or for that builder.
#[test]
fn what_one_builder_is_asked_is_not_loosened_for_all() {
    let parent = "version: 1
builders:
  - { name: a, key: a.pub, evidence: { provenance: { level: 3 }, signature: { threshold: 2 } } }
  - { name: b, key: b.pub }
evidence: { provenance: { level: 0 } }
";
    let named = "builders: [{ name: a, key: a.pub }]\n";
    for builders in ["", named] {
        for evidence in ["provenance: { level: 1 }", "signature: { threshold: 1 }"] {
            let text = format!("{builders}evidence: {{ {evidence} }}\n");
            let error = child(parent, &text).expect_err(&text);
            assert!(error.message.contains("looser"), "{text}: {error}");
        }
        assert!(child(parent, &format!("{builders}evidence: {{ provenance: {{ level: 3 }} }}\n")).is_ok());
    }
}

fn is_never_looser(own: &Policy, ceiling: &Policy) -> bool {
    let word = |own: Word, ceiling: Word| ceiling == Word::Report || own == Word::Fail;
    let age = |own: Option<u64>, ceiling: Option<u64>| ceiling.is_none_or(|most| own.is_some_and(|own| own <= most));
    let subset = |own: &[String], ceiling: &[String]| own.iter().all(|one| ceiling.contains(one));
    let (g, c) = (&own.gate, &ceiling.gate);
    g.fail_on <= c.fail_on
        && word(g.unknown_severity, c.unknown_severity)
        && word(g.known_exploited, c.known_exploited)
        && word(g.unknown_distro, c.unknown_distro)
        && (!g.only_fixed || c.only_fixed)
        && age(g.max_advisory_age, c.max_advisory_age)
        && c.contents_deny.iter().all(|p| g.contents_deny.contains(p))
        && age(own.evidence.scan.max_age, ceiling.evidence.scan.max_age)
        && (own.evidence.signature || !ceiling.evidence.signature)
        && own.evidence.provenance.level >= ceiling.evidence.provenance.level
        && own.evidence.signers.threshold >= ceiling.evidence.signers.threshold
        && subset(&own.evidence.provenance.parameters, &ceiling.evidence.provenance.parameters)
        && subset(&own.evidence.verifiers, &ceiling.evidence.verifiers)
}

fn part() -> impl Strategy<Value = String> {
    let severity = prop::sample::select(vec!["negligible", "low", "medium", "high", "critical"]);
    let word = || prop::sample::select(vec!["fail", "report"]);
    let age = || prop::sample::select(vec!["1d", "5d", "9d", "off"]);
    let signature = prop::sample::select(vec!["required", "optional", "{ threshold: 2 }", "{ threshold: 3, of: [a] }"]);
    let decision = prop::sample::select(vec!["required", "{ verifiers: [x] }", "{ verifiers: [x, z] }"]);
    let parameters = prop::sample::select(vec!["", "inputs", "inputs, vars"]);
    let evidence = (age(), signature, decision, 0_u8..4, parameters);
    (severity, word(), word(), word(), any::<bool>(), age(), evidence)
        .prop_map(|(fail_on, unknown, exploited, distro, fixed, advisory, (scan, signature, decision, level, parameters))| {
            format!(
                "evidence: {{ signature: {signature}, decision: {decision}, scan: {{ max-age: {scan} }}, provenance: {{ level: {level}, parameters: [{parameters}] }} }}\n\
                 gate: {{ fail-on: {fail_on}, unknown-severity: {unknown}, known-exploited: {exploited}, unknown-distro: {distro}, only-fixed: {fixed}, max-advisory-age: {advisory} }}\n"
            )
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_child_that_is_accepted_is_never_looser_and_one_that_is_never_looser_is_accepted(parent in part(), own in part()) {
        let parent = format!("version: 1\nbuilders: [{{ name: a, key: k }}]\n{parent}");
        let ceiling = read(&parent).expect("parent");
        let alone = read(&format!("version: 1\nbuilders: [{{ name: a, key: k }}]\n{own}")).expect("alone");
        match child(&parent, &own) {
            Ok(policy) => prop_assert!(is_never_looser(&policy, &ceiling)),
            Err(_) => prop_assert!(!is_never_looser(&alone, &ceiling)),
        }
    }
}
