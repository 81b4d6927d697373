//! One key bundle, and every place where it can be tampered with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sealwright_bundle::{Bundle, Envelope, EnvelopeSignature, PAYLOAD_TYPE, Statement, pae};
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, Refusal, Signed, VerifiedSigner, verify_bundle};
use serde_json::json;

use crate::evidence::{golden, subject};
use crate::signing::TestKey;

fn verify(key: &TestKey, bytes: &[u8]) -> Result<Signed, Refusal> {
    verify_bundle(bytes, &subject(), &Anchor::Key(key.public()), &Limits::default()).map(|v| v.into_inner())
}

/// A bundle whose payload type is signed too, whatever it is.
fn typed(key: &TestKey, payload_type: &str, statement: &[u8]) -> Bundle {
    let mut bundle = key.bundle(statement);
    let sig = STANDARD.encode(key.sign(&pae(payload_type, statement)));
    bundle.dsse_envelope = Some(Envelope {
        payload_type: payload_type.to_owned(),
        payload: STANDARD.encode(statement),
        signatures: vec![EnvelopeSignature { keyid: String::new(), sig }],
    });
    bundle
}

#[test]
fn what_was_signed_is_what_comes_out() {
    let key = TestKey::p256();
    let statement = golden("scan");
    let signed = verify(&key, &key.bundle(&statement.to_bytes()).to_bytes()).expect("own bundle");
    assert_eq!(signed.statement, statement);
    assert_eq!(signed.digest, Digest::of(&statement.to_bytes()));
    assert_eq!(signed.signer, VerifiedSigner::Key { fingerprint: Digest::of(&key.spki()) });
}

#[test]
fn every_version_of_the_bundle_is_verified() {
    let key = TestKey::p256();
    for version in ["0.1", "0.2", "0.3"] {
        let mut bundle = key.bundle(&golden("signature").to_bytes());
        bundle.media_type = format!("application/vnd.dev.sigstore.bundle+json;version={version}");
        assert!(verify(&key, &bundle.to_bytes()).is_ok(), "{version}");
    }
    let mut later = key.bundle(&golden("signature").to_bytes());
    later.media_type = "application/vnd.dev.sigstore.bundle.v0.4+json".to_owned();
    assert!(matches!(verify(&key, &later.to_bytes()), Err(Refusal::Shape(_))));
}

#[test]
fn every_bit_of_payload_and_signature_is_covered() {
    let key = TestKey::ed25519();
    let statement = golden("signature").to_bytes();
    let bundle = key.bundle(&statement);
    let fingerprint = key.public().fingerprint();
    let envelope = bundle.dsse_envelope.clone().expect("envelope");
    let signature = envelope.signatures[0].bytes().expect("base64");
    let refused = |payload: &[u8], signature: &[u8]| {
        let tampered = Bundle { dsse_envelope: Some(Envelope::new(payload, signature)), ..bundle.clone() };
        assert_eq!(verify(&key, &tampered.to_bytes()), Err(Refusal::Signature { fingerprint }));
    };
    for bit in 0..statement.len() * 8 {
        let mut payload = statement.clone();
        payload[bit / 8] ^= 1 << (bit % 8);
        refused(&payload, &signature);
    }
    for bit in 0..signature.len() * 8 {
        let mut tampered = signature.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        refused(&statement, &tampered);
    }
    refused(&statement[1..], &signature);
    refused(&statement, &signature[1..]);
    refused(&statement, &[]);
    refused(&[&statement[..], b" "].concat(), &signature);
}

#[test]
fn claims_cannot_be_exchanged_under_a_signature() {
    let key = TestKey::p256();
    let fingerprint = key.public().fingerprint();
    let original = golden("cyclonedx");
    let signature =
        key.bundle(&original.to_bytes()).dsse_envelope.expect("envelope").signatures[0].bytes().expect("sig");
    let mut other_type = original.clone();
    other_type.predicate_type = "https://sigstore.dev/cosign/sign/v1".into();
    let mut other_version = original.clone();
    other_version.kind = "https://in-toto.io/Statement/v0.1".into();
    let mut other_subject = original.clone();
    other_subject.subject[0].digest.insert("sha256".into(), Digest::of(b"evil").hex());
    let mut other_source = original.clone();
    other_source.subject[0].annotations.insert("dev.sealwright.source.repository".into(), "evil/shop".into());
    for forged in [other_type, other_version, other_subject, other_source] {
        let bundle = Bundle::with_key(Envelope::new(&forged.to_bytes(), &signature), &key.hint());
        assert_eq!(verify(&key, &bundle.to_bytes()), Err(Refusal::Signature { fingerprint }));
    }
}

#[test]
fn a_statement_about_another_digest_does_not_count() {
    let key = TestKey::p256();
    let bytes = key.bundle(&golden("signature").to_bytes()).to_bytes();
    let other = Digest::of(b"another image");
    let refused = verify_bundle(&bytes, &other, &Anchor::Key(key.public()), &Limits::default());
    assert_eq!(refused, Err(Refusal::OtherSubject { subject: other }));
    let mut nothing = golden("signature");
    nothing.subject.clear();
    assert_eq!(
        verify(&key, &key.bundle(&nothing.to_bytes()).to_bytes()),
        Err(Refusal::OtherSubject { subject: subject() })
    );
}

#[test]
fn a_signed_payload_of_another_type_does_not_count() {
    let key = TestKey::p256();
    let statement = golden("signature").to_bytes();
    assert!(verify(&key, &typed(&key, PAYLOAD_TYPE, &statement).to_bytes()).is_ok());
    for other in ["application/vnd.in-toto+json; v=1", "application/json", ""] {
        let refused = verify(&key, &typed(&key, other, &statement).to_bytes());
        assert_eq!(refused, Err(Refusal::PayloadType { found: other.to_owned() }));
    }
    // The type alone was changed: the signature covers it.
    let mut bundle = typed(&key, "application/json", &statement);
    bundle.dsse_envelope.as_mut().expect("envelope").payload_type = PAYLOAD_TYPE.to_owned();
    assert!(matches!(verify(&key, &bundle.to_bytes()), Err(Refusal::Signature { .. })));
}

#[test]
fn there_is_one_signature() {
    let key = TestKey::p256();
    let mut bundle = key.bundle(&golden("signature").to_bytes());
    let signatures = &mut bundle.dsse_envelope.as_mut().expect("envelope").signatures;
    signatures.push(signatures[0].clone());
    assert_eq!(verify(&key, &bundle.to_bytes()), Err(Refusal::SignatureCount { found: 2 }));
    bundle.dsse_envelope.as_mut().expect("envelope").signatures.clear();
    assert_eq!(verify(&key, &bundle.to_bytes()), Err(Refusal::SignatureCount { found: 0 }));
}

#[test]
fn a_hint_that_names_another_key_is_refused_and_free_words_are_passed_over() {
    let key = TestKey::p256();
    let other = TestKey::p256();
    let with = |material: serde_json::Value| {
        let mut bundle = key.bundle(&golden("signature").to_bytes());
        bundle.verification_material = material;
        verify(&key, &bundle.to_bytes())
    };
    let expected = key.public().fingerprint();
    let found = other.public().fingerprint();
    assert_eq!(with(json!({ "publicKey": { "hint": other.hint() } })), Err(Refusal::OtherKey { found, expected }));
    for hint in ["release key", "c2hvcnQ=", ""] {
        assert!(with(json!({ "publicKey": { "hint": hint } })).is_ok(), "{hint}");
    }
    assert!(with(json!({ "publicKey": {} })).is_ok());
    let certificate = with(json!({ "certificate": { "rawBytes": "" } }));
    assert_eq!(certificate, Err(Refusal::OtherMaterial { expected: "a key" }));
    assert!(matches!(with(json!({})), Err(Refusal::Shape(_))));
}

#[test]
fn what_is_signed_also_has_to_be_a_statement() {
    let key = TestKey::p256();
    let about = golden("signature").to_bytes();
    let twice = String::from_utf8(about.clone()).expect("UTF-8").replacen('{', "{\"predicate\":1,", 1);
    for payload in [&b"{}"[..], b"", b"null", twice.as_bytes()] {
        assert!(matches!(verify(&key, &key.bundle(payload).to_bytes()), Err(Refusal::Shape(_))), "{payload:?}");
    }
    let mut other_kind = golden("signature");
    other_kind.kind = "https://example.com/Statement".into();
    assert!(matches!(verify(&key, &key.bundle(&other_kind.to_bytes()).to_bytes()), Err(Refusal::Shape(_))));
    // `cosign attest` writes version 0.1.
    let older = Statement { kind: "https://in-toto.io/Statement/v0.1".into(), ..golden("signature") };
    assert!(verify(&key, &key.bundle(&older.to_bytes()).to_bytes()).is_ok());
}

#[test]
fn bundles_and_statements_have_a_limit() {
    let key = TestKey::p256();
    let bytes = key.bundle(&golden("signature").to_bytes()).to_bytes();
    let limits = |evidence| Limits { evidence, ..Limits::default() };
    let at = |limit| verify_bundle(&bytes, &subject(), &Anchor::Key(key.public()), &limits(limit));
    assert!(at(bytes.len() as u64).is_ok());
    assert!(matches!(at(bytes.len() as u64 - 1), Err(Refusal::Shape(_))));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..2_000_usize, with in any::<u8>()) {
        let key = TestKey::ed25519();
        prop_assert!(verify(&key, &bytes).is_err());
        let good = golden("signature");
        let mut damaged = key.bundle(&good.to_bytes()).to_bytes();
        let place = at % damaged.len();
        damaged[place] = with;
        // Where the damage is not seen, the statement is the one that was signed.
        if let Ok(signed) = verify(&key, &damaged) {
            prop_assert_eq!(signed.statement, good);
        }
    }
}
