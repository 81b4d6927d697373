//! Keys with a log entry and a trusted time, in both kinds of log.

use std::time::Duration;

use sealwright_bundle::Bundle;
use sealwright_core::{Digest, Limits};
use sealwright_loopback::authority::{Authority, Effect, Fault, LogVersion};
use sealwright_sign::{KeySigner, LoggedKeySigner, SignError, Signer};
use sealwright_verify::{Anchor, PublicKey, TrustedRoot, VerifiedSigner, verify_bundle, verify_file};

use crate::keyless::{now, run};
use crate::{file, statement};

fn signer(authority: &Authority, log: LogVersion, key: &str) -> Result<Signer, SignError> {
    let key = KeySigner::from_pem(&file(key), None).expect(key);
    let config = authority.signing_config(log);
    LoggedKeySigner::new(key.into(), config.as_bytes(), Duration::from_secs(5)).map(|s| Signer::LoggedKey(Box::new(s)))
}

fn anchor(authority: &Authority, key: &str) -> Anchor {
    let root = TrustedRoot::from_json(&authority.trusted_root().expect("JSON")).expect("trusted root");
    Anchor::LoggedKey(PublicKey::from_pem(&file(key)).expect(key), Box::new(root))
}

#[test]
fn a_key_signs_into_both_kinds_of_log() {
    let authority = Authority::start().expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    for log in [LogVersion::V1, LogVersion::V2] {
        let signer = signer(&authority, log, "p256.pem").expect("signer");
        let bundle = run(signer.sign(&statement(&subject))).expect("signed");
        let parsed = Bundle::parse(&bundle, &limits).expect("bundle");
        assert!(parsed.has_key() && parsed.has_log_entry());
        assert_eq!(parsed.has_timestamp(), log == LogVersion::V2);
        let signed = verify_bundle(&bundle, &subject, &anchor(&authority, "p256.pub"), &limits);
        let signed = signed.unwrap_or_else(|e| panic!("{log:?}: {e}")).into_inner();
        assert!(matches!(signed.signer, VerifiedSigner::Key { .. }));
        let now = now().as_second();
        assert!(signed.time.is_some_and(|t| (now - t.as_second()).abs() < 60), "{:?}", signed.time);
        let others = anchor(&Authority::start().expect("authority"), "p256.pub");
        assert!(verify_bundle(&bundle, &subject, &others, &limits).is_err(), "another instance's log");
        assert!(verify_bundle(&bundle, &subject, &anchor(&authority, "rsa2048.pub"), &limits).is_err(), "another key");
    }
}

#[test]
fn a_log_of_version_2_takes_p256_only_which_is_said_before_anything_is_sent() {
    let authority = Authority::start().expect("authority");
    for key in ["p384.pem", "ed25519.pem", "rsa2048.pem"] {
        let error = signer(&authority, LogVersion::V2, key).expect_err(key).to_string();
        assert!(error.contains("no log that takes this kind of key"), "{error}");
    }
    assert!(authority.requests().is_empty());
}

#[test]
fn a_log_without_a_time_is_refused() {
    let authority = Authority::start().expect("authority");
    let mut config: serde_json::Value =
        serde_json::from_str(&authority.signing_config(LogVersion::V2)).expect("signing config");
    config["tsaUrls"] = serde_json::json!([]);
    let key = KeySigner::from_pem(&file("p256.pem"), None).expect("key");
    let error =
        LoggedKeySigner::new(key.into(), config.to_string().as_bytes(), Duration::from_secs(5)).expect_err("no time");
    assert!(error.to_string().contains("states no time"), "{error}");
}

#[test]
fn a_log_or_clock_that_fails_signs_nothing() {
    for (path, service) in [("/api/v2/log/entries", "Rekor"), ("/api/v1/timestamp", "the timestamp authority")] {
        let authority = Authority::start().expect("authority");
        authority.fault(Fault::always("POST", path, Effect::Status(403)));
        let signer = signer(&authority, LogVersion::V2, "p256.pem").expect("signer");
        let error = run(signer.sign(&statement(&Digest::of(b"image")))).expect_err(path);
        assert!(error.is_unavailable() && error.to_string().starts_with(service), "{error}");
    }
}

#[test]
fn an_entry_whose_answer_was_lost_is_found_again() {
    let authority = Authority::start().expect("authority");
    authority.fault(Fault::once("POST", "/api/v1/log/entries", Effect::CutBody));
    let signer = signer(&authority, LogVersion::V1, "p256.pem").expect("signer");
    let subject = Digest::of(b"image");
    let bundle = run(signer.sign(&statement(&subject))).expect("signed");
    verify_bundle(&bundle, &subject, &anchor(&authority, "p256.pub"), &Limits::default()).expect("verified");
    let asked: Vec<_> = authority.requests().iter().map(|r| format!("{} {}", r.method, r.status)).collect();
    assert_eq!(asked, ["POST 201", "POST 409", "GET 200"]);
}

#[test]
fn a_key_signs_plain_messages_into_both_kinds_of_log() {
    let authority = Authority::start().expect("authority");
    for log in [LogVersion::V1, LogVersion::V2] {
        let signer = signer(&authority, log, "p256.pem").expect("signer");
        let bundle = run(signer.sign_message(b"a file")).expect("signed");
        let anchor = anchor(&authority, "p256.pub");
        let signed = verify_file(&bundle, b"a file", &anchor, &Limits::default()).expect("verified").into_inner();
        assert!(signed.statement.names(&Digest::of(b"a file")) && signed.time.is_some());
        assert!(verify_file(&bundle, b"another", &anchor, &Limits::default()).is_err());
    }
    let ed25519 = signer(&authority, LogVersion::V1, "ed25519.pem").expect("signer");
    assert_eq!(run(ed25519.sign_message(b"a file")), Err(SignError::NotLogged));
}
