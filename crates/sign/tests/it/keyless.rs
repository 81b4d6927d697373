//! Keyless against the loopback authority, in both kinds of log.

use std::time::Duration;

use jiff::Timestamp;
use sealwright_bundle::Bundle;
use sealwright_core::{Digest, Limits, Redacted};
use sealwright_loopback::authority::{Authority, Effect, Fault, LogVersion, Logs, workflow_claims};
use sealwright_sign::{KeylessSigner, SignError, Signer};
use sealwright_verify::{Anchor, IdentityRule, Refusal, TrustedRoot, VerifiedSigner, verify_bundle};
use serde_json::{Value, json};

use crate::statement;

#[expect(clippy::disallowed_methods, reason = "the authority has this machine's clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

const WORKFLOW: &str = "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main";

fn signer(authority: &Authority, log: LogVersion, claims: &Value) -> Result<Signer, SignError> {
    let token = Redacted::new(authority.token(claims).expect("token"));
    let config = authority.signing_config(log);
    let keyless = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5))?;
    Ok(Signer::Keyless(Box::new(keyless)))
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(future)
}

fn sign(authority: &Authority, log: LogVersion, claims: &Value) -> Result<Vec<u8>, SignError> {
    let signer = signer(authority, log, claims)?;
    run(signer.sign(&statement(&Digest::of(b"image"))))
}

fn anchor(authority: &Authority, identity: &str, issuer: &str) -> Anchor {
    let root = TrustedRoot::from_json(&authority.trusted_root().expect("JSON")).expect("trusted root");
    Anchor::Keyless(Box::new(root), IdentityRule::from_flags(Ok(identity), Ok(issuer)).expect("rule"))
}

#[test]
fn a_workflow_signs_into_both_kinds_of_log() {
    let authority = Authority::start().expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    for log in [LogVersion::V1, LogVersion::V2] {
        let bundle = sign(&authority, log, &workflow_claims()).expect("signed");
        let parsed = Bundle::parse(&bundle, &limits).expect("bundle");
        assert!(parsed.has_certificate() && parsed.has_log_entry());
        assert_eq!(parsed.has_timestamp(), log == LogVersion::V2);
        let signed = verify_bundle(&bundle, &subject, &anchor(&authority, WORKFLOW, authority.issuer()), &limits);
        let signed = signed.unwrap_or_else(|e| panic!("{log:?}: {e}")).into_inner();
        let VerifiedSigner::Certificate { identity, issuer, claims } = signed.signer else { panic!("a key") };
        assert_eq!((identity.as_str(), issuer.as_str()), (WORKFLOW, authority.issuer()));
        assert_eq!(claims.source_repository_identifier.as_deref(), Some("123456"));
        assert_eq!(claims.runner_environment.as_deref(), Some("github-hosted"));
        assert_eq!(claims.source_repository_ref.as_deref(), Some("refs/heads/main"));
        let now = now().as_second();
        assert!(signed.time.is_some_and(|t| (now - t.as_second()).abs() < 60), "{:?}", signed.time);
        let elsewhere = Authority::start().expect("authority");
        let refused = verify_bundle(&bundle, &subject, &anchor(&elsewhere, WORKFLOW, authority.issuer()), &limits);
        assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    }
}

#[test]
fn an_instance_without_logs_gives_a_certificate_and_a_time() {
    let authority = Authority::start_with(Logs::Absent).expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    let Signer::Keyless(keyless) = signer(&authority, LogVersion::None, &workflow_claims()).expect("signer") else {
        panic!("another signer")
    };
    assert!(!keyless.is_logged());
    let bundle = sign(&authority, LogVersion::None, &workflow_claims()).expect("signed");
    let parsed = Bundle::parse(&bundle, &limits).expect("bundle");
    assert!(parsed.has_certificate() && parsed.has_timestamp() && !parsed.has_log_entry());
    let own = anchor(&authority, WORKFLOW, authority.issuer());
    let signed = verify_bundle(&bundle, &subject, &own, &limits).expect("verified").into_inner();
    assert!(signed.time.is_some_and(|t| (now().as_second() - t.as_second()).abs() < 60), "{:?}", signed.time);
    for wrong in [
        anchor(&authority, WORKFLOW, "https://elsewhere.test"),
        anchor(&authority, &WORKFLOW.replace("acme", "mallory"), authority.issuer()),
    ] {
        assert!(matches!(verify_bundle(&bundle, &subject, &wrong, &limits), Err(Refusal::Identity(_))));
    }
    // A file's own bytes, as `cosign sign-blob` signs them.
    let signer = signer(&authority, LogVersion::None, &workflow_claims()).expect("signer");
    let over_bytes = run(signer.sign_message(b"image")).expect("signed");
    assert!(verify_bundle(&over_bytes, &subject, &own, &limits).is_ok());
    assert!(verify_bundle(&over_bytes, &Digest::of(b"other"), &own, &limits).is_err());
    // Another instance without logs, and a log that is asked for where there is none.
    let elsewhere = Authority::start_with(Logs::Absent).expect("authority");
    let refused = verify_bundle(&bundle, &subject, &anchor(&elsewhere, WORKFLOW, authority.issuer()), &limits);
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    let refused = sign(&authority, LogVersion::V2, &workflow_claims()).expect_err("no log");
    assert!(refused.to_string().contains("no log"), "{refused}");
    let paths: Vec<_> = authority.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths[..4], ["/api/v2/signingCert", "/api/v1/timestamp"].repeat(2));
}

#[test]
fn an_instance_with_logs_is_not_used_without_them() {
    let authority = Authority::start().expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    let bundle = sign(&authority, LogVersion::None, &workflow_claims()).expect("signed");
    let refused = verify_bundle(&bundle, &subject, &anchor(&authority, WORKFLOW, authority.issuer()), &limits);
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    // A log that this version cannot use is no reason to sign without one.
    let token = Redacted::new(authority.token(&workflow_claims()).expect("token"));
    let config = authority.signing_config(LogVersion::V2).replace("\"majorApiVersion\":2", "\"majorApiVersion\":9");
    assert!(config.contains(":9"), "{config}");
    let refused = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5));
    assert!(matches!(refused, Err(SignError::SigningConfig(_))), "{refused:?}");
    // Neither is one timestamp where two are asked for.
    let config = authority.signing_config(LogVersion::None);
    for (selector, accepted) in
        [(r#""ALL""#, true), (r#""EXACT","count":1"#, true), (r#""EXACT","count":2"#, false), (r#""EXACT""#, false)]
    {
        let config =
            config.replace(r#""tsaConfig":{"selector":"ANY""#, &format!(r#""tsaConfig":{{"selector":{selector}"#));
        assert!(config.contains(selector), "{config}");
        let signer = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5));
        assert_eq!(signer.is_ok(), accepted, "{selector}: {signer:?}");
    }
}

/// A foreign verifier, with the same trusted root and nothing of ours.
#[test]
fn the_sigstore_crate_accepts_it() {
    let authority = Authority::start().expect("authority");
    let root = TrustedRoot::from_json(&authority.trusted_root().expect("JSON")).expect("trusted root");
    let subject = sigstore_types::Sha256Hash::new(*Digest::of(b"image").as_bytes());
    for log in [LogVersion::V1, LogVersion::V2] {
        let bundle = sign(&authority, log, &workflow_claims()).expect("signed");
        let bundle = sigstore_types::Bundle::from_json(std::str::from_utf8(&bundle).expect("text")).expect("bundle");
        let policy = sigstore_verify::VerificationPolicy::new(WORKFLOW, authority.issuer());
        let verified = sigstore_verify::verify(subject, &bundle, &policy, &root);
        assert!(verified.is_ok(), "{log:?}: {verified:?}");
    }
}

#[test]
fn persons_and_other_workloads_sign_too() {
    let authority = Authority::start().expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    let person = json!({ "sub": "42", "email": "jane@example.test", "email_verified": true });
    let workload = json!({ "sub": "https://kubernetes.test/namespaces/a/serviceaccounts/b" });
    for (claims, identity) in
        [(person, "jane@example.test"), (workload, "https://kubernetes.test/namespaces/a/serviceaccounts/b")]
    {
        let bundle = sign(&authority, LogVersion::V2, &claims).expect(identity);
        let anchor = anchor(&authority, identity, authority.issuer());
        assert!(verify_bundle(&bundle, &subject, &anchor, &limits).is_ok(), "{identity}");
    }
}

#[test]
fn what_the_authority_refuses_is_named() {
    let authority = Authority::start().expect("authority");
    for (claims, why) in [
        (json!({ "sub": "https://a/b", "iss": "https://elsewhere.test" }), "another issuer"),
        (json!({ "sub": "https://a/b", "nbf": 4_000_000_000_i64 }), "not valid now"),
        (json!({ "sub": "nobody" }), "names nobody"),
        (json!({ "sub": "42", "email": "jane@example.test", "email_verified": false }), "names nobody"),
    ] {
        let error = sign(&authority, LogVersion::V2, &claims).expect_err(why);
        assert!(matches!(&error, SignError::Upstream { service: "Fulcio", .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let expired = json!({ "sub": "https://a/b", "exp": 1 });
    let error = sign(&authority, LogVersion::V2, &expired).expect_err("expired");
    assert!(matches!(error, SignError::Token(_)) && !error.is_unavailable());
}

#[test]
fn a_service_that_comes_back_is_asked_again() {
    for path in ["/api/v2/signingCert", "/api/v2/log/entries"] {
        let authority = Authority::start().expect("authority");
        authority.fault(Fault::once("POST", path, Effect::Status(503)));
        assert!(sign(&authority, LogVersion::V2, &workflow_claims()).is_ok(), "{path}");
    }
}

#[test]
fn a_service_that_stays_away_is_named() {
    let cases = [
        (LogVersion::V2, "/api/v2/signingCert", "Fulcio"),
        (LogVersion::V2, "/api/v2/log/entries", "Rekor"),
        (LogVersion::V1, "/api/v1/log/entries", "Rekor"),
        (LogVersion::V2, "/api/v1/timestamp", "the timestamp authority"),
        (LogVersion::None, "/api/v2/signingCert", "Fulcio"),
        (LogVersion::None, "/api/v1/timestamp", "the timestamp authority"),
    ];
    at_once(&cases, |(log, path, service)| {
        let authority = Authority::start().expect("authority");
        authority.fault(Fault::always("POST", path, Effect::Status(500)));
        let error = sign(&authority, *log, &workflow_claims()).expect_err(path);
        assert!(error.is_unavailable() && error.to_string().starts_with(service), "{path}: {error}");
    });
}

#[test]
fn half_an_answer_and_a_refusal_sign_nothing() {
    let effects = [Effect::CutBody, Effect::Status(400), Effect::Status(401), Effect::Status(403)];
    let paths = ["/api/v2/signingCert", "/api/v2/log/entries", "/api/v1/timestamp"];
    let cases: Vec<_> = paths.iter().flat_map(|path| effects.iter().map(move |effect| (*path, effect))).collect();
    at_once(&cases, |(path, effect)| {
        let authority = Authority::start().expect("authority");
        authority.fault(Fault::always("POST", path, (*effect).clone()));
        let error = sign(&authority, LogVersion::V2, &workflow_claims()).expect_err(path);
        assert!(error.is_unavailable(), "{path} {effect:?}: {error}");
    });
}

/// Most of the time of these cases is waiting before the next attempt.
fn at_once<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

#[test]
fn a_certificate_that_was_not_valid_when_it_signed_counts_for_nobody() {
    let authority = Authority::start().expect("authority");
    let (subject, limits) = (Digest::of(b"image"), Limits::default());
    for log in [LogVersion::V1, LogVersion::V2] {
        for (shift, valid) in [(0, true), (-3_600, false), (3_600, false)] {
            authority.shift_certificates(shift);
            let bundle = sign(&authority, log, &workflow_claims()).expect("signed");
            let verified = verify_bundle(&bundle, &subject, &anchor(&authority, WORKFLOW, authority.issuer()), &limits);
            match verified {
                Ok(_) => assert!(valid, "{log:?} {shift}"),
                Err(refusal) => {
                    assert!(!valid && matches!(refusal, Refusal::Sigstore(_)), "{log:?} {shift}: {refusal}")
                }
            }
        }
    }
}
