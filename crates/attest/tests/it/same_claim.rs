//! What counts as the same claim when an image is sealed again.

use sealwright_attest::{ProvenBuilder, same_claim};
use sealwright_bundle::Statement;
use sealwright_core::Digest;
use serde_json::{Value, json};

use crate::golden::{decided, passed, proven, scanned, subject, workload};

fn changed(statement: &Statement, pointer: &str, value: Value) -> Statement {
    let mut changed = statement.clone();
    *changed.predicate.pointer_mut(pointer).expect(pointer) = value;
    assert_ne!(&changed, statement, "{pointer}");
    changed
}

#[test]
fn times_and_runs_are_left_out() {
    let subject = subject(None);
    let scan = scanned(&subject, &passed());
    let decision = decided(&subject, &passed(), &[Digest::of(b"scan")]);
    let provenance = proven(&subject, workload());
    for (statement, pointer) in [
        (&scan, "/metadata/scanStartedOn"),
        (&scan, "/metadata/scanFinishedOn"),
        (&decision, "/timeVerified"),
        (&provenance, "/runDetails/metadata/invocationId"),
    ] {
        assert!(same_claim(statement, &changed(statement, pointer, json!("2027-01-01T00:00:00Z"))), "{pointer}");
    }
    let times = |from: &str, to: &str| {
        let metadata = json!({ "startedOn": from, "finishedOn": to });
        changed(&provenance, "/runDetails/metadata", metadata)
    };
    assert!(same_claim(&times("a", "b"), &times("c", "d")));
}

#[test]
fn everything_else_counts() {
    let subject = subject(None);
    let scan = scanned(&subject, &passed());
    let decision = decided(&subject, &passed(), &[Digest::of(b"scan")]);
    let provenance = proven(&subject, workload());
    for (statement, pointer) in [
        (&scan, "/scanner/result/policy/digest"),
        (&scan, "/scanner/result/database/newest"),
        (&scan, "/scanner/result/waivers/0/reason"),
        (&scan, "/scanner/version"),
        (&decision, "/policy/digest/sha256"),
        (&decision, "/inputAttestations/0/digest/sha256"),
        (&decision, "/verificationResult"),
        (&provenance, "/runDetails/builder/id"),
    ] {
        assert!(!same_claim(statement, &changed(statement, pointer, json!("other"))), "{pointer}");
    }
    let key = Digest::of(b"key");
    assert!(!same_claim(&provenance, &proven(&subject, ProvenBuilder::Key { fingerprint: &key })));
    let mut elsewhere = scan.clone();
    elsewhere.subject[0].name = Some("other".into());
    assert!(!same_claim(&scan, &elsewhere));
    // A time in a predicate of another type is part of the claim.
    let mut custom = decision.clone();
    custom.predicate_type = "https://example.com/x".into();
    assert!(!same_claim(&custom, &changed(&custom, "/timeVerified", json!("2027-01-01T00:00:00Z"))));
}
