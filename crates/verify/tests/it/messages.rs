//! Signatures over plain bytes: over a file, over an image's manifest, and over the simple signing payload of an older cosign.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{
    Bundle, MessageSignature, SHA2_256, SimpleSigning, Statement, StatementSubject, legacy, predicate_type,
};
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, Refusal, Signed, verify_bundle, verify_file, verify_simple_signing};
use serde_json::json;

use crate::evidence::subject;
use crate::signing::TestKey;

const FILE: &[u8] = b"a file";

fn anchor(key: &TestKey) -> Anchor {
    Anchor::Key(key.public())
}

fn over(key: &TestKey, message: &[u8]) -> Bundle {
    let signature = STANDARD.encode(key.sign(message));
    Bundle::of_message(MessageSignature { message_digest: None, signature }, &key.hint())
}

fn about_file(bundle: &Bundle, file: &[u8], key: &TestKey) -> Result<Signed, Refusal> {
    verify_file(&bundle.to_bytes(), file, &anchor(key), &Limits::default()).map(|v| v.into_inner())
}

fn about_digest(bundle: &Bundle, digest: &Digest, key: &TestKey) -> Result<Signed, Refusal> {
    verify_bundle(&bundle.to_bytes(), digest, &anchor(key), &Limits::default()).map(|v| v.into_inner())
}

#[test]
fn a_signature_over_a_file_is_a_signature_of_its_digest_and_nothing_more() {
    for key in [TestKey::p256(), TestKey::p384(), TestKey::rsa(), TestKey::ed25519()] {
        let signed = about_file(&over(&key, FILE), FILE, &key).expect("its key");
        assert_eq!(signed.statement.predicate_type, predicate_type::SIGNATURE);
        assert!(signed.statement.names(&Digest::of(FILE)));
        assert_eq!(signed.digest, Digest::of(FILE));
        let fingerprint = key.public().fingerprint();
        assert_eq!(about_file(&over(&key, b"another"), FILE, &key), Err(Refusal::Signature { fingerprint }));
        let other = TestKey::p256();
        let mut bundle = over(&other, FILE);
        bundle.verification_material = json!({ "publicKey": { "hint": "" } });
        assert_eq!(about_file(&bundle, FILE, &key), Err(Refusal::Signature { fingerprint }));
    }
}

#[test]
fn a_digest_alone_is_enough_for_keys_that_sign_one() {
    let digest = Digest::of(FILE);
    for key in [TestKey::p256(), TestKey::rsa()] {
        assert!(about_digest(&over(&key, FILE), &digest, &key).is_ok());
        let fingerprint = key.public().fingerprint();
        assert_eq!(about_digest(&over(&key, b"another"), &digest, &key), Err(Refusal::Signature { fingerprint }));
    }
    for key in [TestKey::p384(), TestKey::ed25519()] {
        assert_eq!(about_digest(&over(&key, FILE), &digest, &key), Err(Refusal::NeedsFile));
    }
}

#[test]
fn a_stated_digest_has_to_be_the_messages() {
    let key = TestKey::p256();
    let mut bundle = over(&key, FILE);
    for (stated, holds) in [(Digest::of(FILE), true), (Digest::of(b"another"), false)] {
        bundle.message_signature = Some(MessageSignature::new(SHA2_256, stated.as_bytes(), &key.sign(FILE)));
        assert_eq!(about_file(&bundle, FILE, &key).is_ok(), holds, "{stated}");
    }
}

fn payload(digest: &Digest) -> Vec<u8> {
    let named =
        StatementSubject::new(Some("registry.example/app"), digest, BTreeMap::from([("by".into(), "ops".into())]));
    let statement = Statement::new(vec![named], predicate_type::SIGNATURE, json!({}));
    SimpleSigning::of(&statement, digest).expect("its subject").to_bytes()
}

fn simple(payload: &[u8], bundle: &Bundle, key: &TestKey) -> Result<Signed, Refusal> {
    let bundle = bundle.to_bytes();
    let verified = verify_simple_signing(payload, &bundle, &subject(), &anchor(key), &Limits::default());
    verified.map(|v| v.into_inner())
}

#[test]
fn a_payload_of_an_older_cosign_is_a_signature_of_the_image_that_it_names() {
    for key in [TestKey::p256(), TestKey::p384(), TestKey::rsa(), TestKey::ed25519()] {
        let right = payload(&subject());
        let annotations = legacy::annotations(&over(&key, &right), "").expect("annotations");
        let layer = legacy::signature(&annotations, &Limits::default()).expect("a layer");
        let signed = simple(&right, &layer, &key).expect("its key");
        assert_eq!(signed.statement.predicate_type, predicate_type::SIGNATURE);
        assert_eq!(signed.statement.about(&subject()).expect("the image").annotations["by"], "ops");
        let other = payload(&Digest::of(b"another"));
        assert_eq!(simple(&other, &over(&key, &other), &key), Err(Refusal::OtherSubject { subject: subject() }));
        let fingerprint = key.public().fingerprint();
        assert_eq!(simple(&right, &over(&key, &other), &key), Err(Refusal::Signature { fingerprint }));
        assert!(matches!(simple(b"{}", &over(&key, b"{}"), &key), Err(Refusal::Shape(_))));
    }
}

#[test]
fn an_attestation_about_a_payload_is_no_signature_of_an_image() {
    let key = TestKey::p256();
    let payload = payload(&subject());
    let named = StatementSubject::new(None, &Digest::of(&payload), BTreeMap::new());
    let statement = Statement::new(vec![named], predicate_type::CYCLONEDX, json!({}));
    let bundle = key.bundle(&statement.to_bytes());
    assert_eq!(simple(&payload, &bundle, &key), Err(Refusal::NoMessageSignature));
}

#[test]
fn every_byte_of_a_payload_and_of_its_signature_counts() {
    let key = TestKey::p256();
    let payload = payload(&subject());
    let bundle = over(&key, &payload);
    for at in 0..payload.len() {
        let mut changed = payload.clone();
        changed[at] ^= 1;
        assert!(simple(&changed, &bundle, &key).is_err(), "byte {at}");
    }
    let signature = bundle.message_signature.as_ref().expect("a signature").bytes().expect("base64");
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        let message = MessageSignature { message_digest: None, signature: STANDARD.encode(changed) };
        assert!(simple(&payload, &Bundle::of_message(message, &key.hint()), &key).is_err(), "byte {at}");
    }
}
