//! What anybody may push beside an image must not block it, and is not passed over in silence either.

use sealwright_verify::MOST_BUNDLES;

use crate::evidence::{Evidence, anchored, builder, failed, golden};
use crate::signing::TestKey;

#[test]
fn noise_beside_valid_evidence_is_reported_and_changes_nothing() {
    let stranger = TestKey::p384();
    let mut evidence = Evidence::new();
    let mut elsewhere = golden("decision");
    elsewhere.subject[0].digest.clear();
    evidence.noise = vec![
        vec![],
        b"\xff\xfe".to_vec(),
        b"{}".to_vec(),
        vec![b'['; 100_000],
        stranger.bundle(&golden("signature").to_bytes()).to_bytes(),
        evidence.key.bundle(&elsewhere.to_bytes()).to_bytes(),
        evidence.key.bundle(b"\x1b[2Jnot JSON").to_bytes(),
    ];
    let report = evidence.verify();
    assert!(report.passed(), "{report:#?}");
    assert_eq!(report.left_aside.len(), evidence.noise.len(), "{:#?}", report.left_aside);
    assert!(report.left_aside.iter().all(|line| !line.contains('\u{1b}')));
}

#[test]
fn the_order_in_which_a_registry_lists_bundles_does_not_matter() {
    let mut evidence = Evidence::new();
    let report = evidence.verify();
    assert_eq!(report.statements.len(), 6);
    evidence.statements.reverse();
    assert_eq!(evidence.verify(), report);
}

#[test]
fn a_failing_decision_beside_a_passing_one_revokes_nothing() {
    // Invariant 11: nobody may rely on what a registry does not hold.
    let mut evidence = Evidence::new();
    let mut refused = golden("decision");
    refused.predicate["verificationResult"] = "FAILED".into();
    evidence.noise = vec![evidence.key.bundle(&refused.to_bytes()).to_bytes()];
    assert!(evidence.verify().passed());
}

#[test]
fn the_number_of_bundles_has_a_limit_that_is_said() {
    let mut evidence = Evidence::new();
    let own = evidence.statements.len();
    evidence.noise = vec![b"{}".to_vec(); MOST_BUNDLES - own];
    let at_the_limit = evidence.verify();
    assert!(at_the_limit.passed());
    assert!(!at_the_limit.left_aside.iter().any(|line| line.contains("were not looked at")));
    // One more pushes the last of our own out.
    evidence.noise.push(b"{}".to_vec());
    let past = evidence.verify();
    assert!(failed(&past).contains(&"decision"));
    let line = "1 more bundles were not looked at: 1000 are the most";
    assert!(past.left_aside.iter().any(|l| l == line), "{:?}", past.left_aside.last());
}

#[test]
fn statements_of_two_builders_are_not_put_together() {
    let evidence = Evidence::new();
    let second = TestKey::p256();
    let mut halves = Evidence::new();
    halves.key = TestKey::p256();
    // The second builder signs the provenance; the first all the rest.
    let provenance = halves.statement("provenance").to_bytes();
    halves.without("provenance");
    halves.noise = vec![second.bundle(&provenance).to_bytes()];
    let builders = |first: &TestKey| [anchored(builder("first"), first), anchored(builder("second"), &second)];
    let report = halves.verify_with(&builders(&halves.key), crate::evidence::NOW);
    assert!(!report.passed());
    // The report is of the one that came closest.
    assert_eq!(report.builder.as_deref(), Some("first"));
    assert_eq!(failed(&report), ["provenance", "provenance-level", "provenance-source", "provenance-parameters"]);
    // The order of the builders does not matter.
    let mut reversed = builders(&halves.key);
    reversed.reverse();
    assert_eq!(halves.verify_with(&reversed, crate::evidence::NOW).builder.as_deref(), Some("first"));
    // Whole evidence by either is enough.
    let [first, other] = builders(&evidence.key);
    let report = evidence.verify_with(&[other, first], crate::evidence::NOW);
    assert!(report.passed());
    assert_eq!(report.builder.as_deref(), Some("first"));
}
