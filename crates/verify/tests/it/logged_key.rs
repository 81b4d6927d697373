//! Bundles by key whose builder demands a log entry and a trusted time.

use jiff::Timestamp;
use sealwright_bundle::Bundle;
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, Refusal, Signed, VerifiedSigner, verify_bundle};
use serde_json::json;

use crate::evidence::{golden, subject};
use crate::log::Log;
use crate::signing::TestKey;

const TIME: i64 = 1_760_000_000;

fn verify(bundle: &Bundle, key: &TestKey, log: &Log) -> Result<Signed, Refusal> {
    let anchor = Anchor::LoggedKey(key.public(), Box::new(log.trusted_root()));
    verify_bundle(&bundle.to_bytes(), &subject(), &anchor, &Limits::default()).map(|v| v.into_inner())
}

#[test]
fn a_logged_bundle_has_the_time_of_the_log() {
    let (key, log) = (TestKey::p256(), Log::new());
    let statement = golden("scan");
    let bundle = log.enter(key.bundle(&statement.to_bytes()), &key, TIME);
    let signed = verify(&bundle, &key, &log).expect("logged");
    assert_eq!(signed.statement, statement);
    assert_eq!(signed.digest, Digest::of(&statement.to_bytes()));
    assert_eq!(signed.signer, VerifiedSigner::Key { fingerprint: key.public().fingerprint() });
    assert_eq!(signed.time, Some(Timestamp::from_second(TIME).expect("time")));
}

#[test]
fn without_a_log_entry_it_is_refused() {
    let (key, log) = (TestKey::p256(), Log::new());
    let refused = verify(&key.bundle(&golden("scan").to_bytes()), &key, &log);
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
}

#[test]
fn an_entry_whose_time_nobody_signed_is_refused() {
    let (key, log) = (TestKey::p256(), Log::new());
    let mut bundle = log.enter(key.bundle(&golden("scan").to_bytes()), &key, TIME);
    // The inclusion proof still holds, but it does not cover the time.
    bundle.verification_material["tlogEntries"][0]["inclusionPromise"] = json!(null);
    assert_eq!(verify(&bundle, &key, &log), Err(Refusal::NoTrustedTime));
}

#[test]
fn the_entry_has_to_be_of_this_log_this_key_and_this_statement() {
    let (key, log) = (TestKey::p256(), Log::new());
    let bundle = log.enter(key.bundle(&golden("scan").to_bytes()), &key, TIME);
    assert!(matches!(verify(&bundle, &key, &Log::new()), Err(Refusal::Sigstore(_))), "another log");
    assert!(matches!(verify(&bundle, &TestKey::p256(), &log), Err(Refusal::OtherKey { .. })), "another key");
    let mut silent = bundle.clone();
    silent.verification_material["publicKey"] = json!({});
    assert!(verify(&silent, &key, &log).is_ok());
    assert!(matches!(verify(&silent, &TestKey::p256(), &log), Err(Refusal::Sigstore(_))), "another key without a hint");
    let mut exchanged = key.bundle(&golden("signature").to_bytes());
    exchanged.verification_material = bundle.verification_material.clone();
    assert!(matches!(verify(&exchanged, &key, &log), Err(Refusal::Sigstore(_))), "another statement");
    let mut certificate = bundle;
    certificate.verification_material["publicKey"] = json!(null);
    certificate.verification_material["certificate"] = json!({ "rawBytes": "" });
    assert_eq!(verify(&certificate, &key, &log), Err(Refusal::OtherMaterial { expected: "a key" }));
}

#[test]
fn a_statement_about_something_else_is_refused() {
    let (key, log) = (TestKey::p256(), Log::new());
    let bundle = log.enter(key.bundle(&golden("scan").to_bytes()), &key, TIME);
    let anchor = Anchor::LoggedKey(key.public(), Box::new(log.trusted_root()));
    let other = Digest::of(b"other");
    assert!(verify_bundle(&bundle.to_bytes(), &other, &anchor, &Limits::default()).is_err());
}
