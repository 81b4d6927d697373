//! Tokens of a job, from the loopback authority's endpoint.

use std::time::Duration;

use sealwright_core::{Digest, Redacted};
use sealwright_loopback::authority::{Authority, Effect, Fault, Job, LogVersion, buildkite_claims, workflow_claims};
use sealwright_sign::{JobTokens, KeylessSigner, SIGSTORE, SignError, UnverifiedClaims};
use serde_json::{Value, json};

use crate::keyless::{now, run};
use crate::statement;

fn endpoint(job: &Job) -> JobTokens {
    let bearer = Redacted::new(job.request_token.clone());
    JobTokens::github(&job.request_url, bearer, SIGSTORE, Duration::from_secs(5)).expect("endpoint")
}

fn with(changed: Value) -> Value {
    let mut claims = workflow_claims();
    claims.as_object_mut().expect("object").extend(changed.as_object().expect("object").clone());
    claims
}

fn signer(authority: &Authority, claims: &Value, endpoint: JobTokens) -> KeylessSigner {
    let token = Redacted::new(authority.token(claims).expect("token"));
    let config = authority.signing_config(LogVersion::V2);
    KeylessSigner::new(config.as_bytes(), &token, Some(endpoint), now(), Duration::from_secs(5)).expect("signer")
}

fn asked(authority: &Authority) -> usize {
    authority.requests().iter().filter(|request| request.path.starts_with("/jobs/")).count()
}

#[test]
fn a_job_gets_a_token_for_sigstore() {
    let authority = Authority::start().expect("authority");
    let job = authority.job(&workflow_claims()).expect("job");
    let bearer = Redacted::new(job.request_token.clone());
    let endpoint = JobTokens::github(&job.request_url, bearer, SIGSTORE, Duration::from_secs(5)).expect("endpoint");
    assert!(!format!("{endpoint:?}").contains(&job.request_token));
    for status in [500, 429] {
        authority.fault(Fault::once("GET", "/jobs/0/idtoken", Effect::Status(status)));
    }
    let token = run(endpoint.request()).expect("a token at the third attempt");
    assert_eq!(asked(&authority), 3);
    let config = authority.signing_config(LogVersion::V2);
    let signer = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5)).expect("signer");
    let UnverifiedClaims { issuer, workload, .. } = signer.claims();
    assert_eq!(issuer, authority.issuer());
    assert_eq!(workload.as_ref().map(|w| w.repository.as_str()), Some("acme/shop"));
}

#[test]
fn an_endpoint_that_refuses_says_which_permission_is_missing() {
    let authority = Authority::start().expect("authority");
    let job = authority.job(&workflow_claims()).expect("job");
    let stolen = Job { request_token: "wrong".to_owned(), ..job };
    let error = run(endpoint(&stolen).request()).expect_err("refused");
    assert!(matches!(&error, SignError::TokenEndpoint(why) if why.contains("401") && why.contains("id-token: write")));
    assert!(!error.is_unavailable());
    assert_eq!(asked(&authority), 1, "a refusal is final");
}

#[test]
fn an_answer_without_a_token_and_silence_are_the_endpoints_fault() {
    let authority = Authority::start().expect("authority");
    let job = authority.job(&workflow_claims()).expect("job");
    let keys = Job { request_url: format!("{}/keys", authority.issuer()), ..job.clone() };
    let large = authority.job(&with(json!({ "padding": "x".repeat(65 << 10) }))).expect("job");
    for (job, why) in [(&keys, "no token"), (&large, "longer")] {
        let error = run(endpoint(job).request()).expect_err(why);
        assert!(error.is_unavailable() && error.to_string().contains(why), "{error}");
    }
    authority.fault(Fault::once("GET", "/jobs/0/idtoken", Effect::CutBody));
    run(endpoint(&job).request()).expect("a whole answer at the second attempt");
    drop(authority);
    let error = run(endpoint(&job).request()).expect_err("gone");
    assert!(error.is_unavailable() && !error.to_string().contains("/jobs/"), "{error}");
}

#[test]
fn a_secret_goes_to_no_plain_address() {
    for bad in ["http://example.org/token", "ftp://example.org/", "example.org", ""] {
        let made = JobTokens::github(bad, Redacted::new("t".to_owned()), SIGSTORE, Duration::from_secs(1));
        assert!(matches!(made, Err(SignError::TokenEndpoint(_))), "{bad}");
    }
}

#[test]
fn a_token_that_comes_to_its_end_is_replaced_by_one_of_the_same_workload() {
    let authority = Authority::start().expect("authority");
    let subject = Digest::of(b"image");
    let sign =
        |signer: KeylessSigner| run(sealwright_sign::Signer::Keyless(Box::new(signer)).sign(&statement(&subject)));
    let long = endpoint(&authority.job(&workflow_claims()).expect("job"));
    sign(signer(&authority, &workflow_claims(), long)).expect("signed");
    assert_eq!(asked(&authority), 0, "the first token lives long enough");
    let short = with(json!({ "exp": now().as_second() + 30 }));
    let first = authority.job(&workflow_claims()).expect("job");
    let renewed = endpoint(&first);
    sign(signer(&authority, &short, renewed)).expect("signed");
    assert_eq!(asked(&authority), 1);
    // No other token is to be had, and this one does for one more signature.
    for _ in 0..3 {
        authority.fault(Fault::once("GET", "/jobs/1/idtoken", Effect::Status(503)));
    }
    let silent = endpoint(&Job { request_url: format!("{}/jobs/1/idtoken?x=1", authority.issuer()), ..first });
    sign(signer(&authority, &short, silent)).expect("signed with the token that is there");
    let other = endpoint(&authority.job(&with(json!({ "repository": "mallory/shop" }))).expect("job"));
    let error = sign(signer(&authority, &short, other)).expect_err("another workload");
    assert!(error.to_string().contains("another workload"), "{error}");
}

#[test]
fn a_job_of_buildkite_gets_a_token_as_its_agent_does() {
    let authority = Authority::start().expect("authority");
    let job = authority.buildkite_job(&buildkite_claims()).expect("job");
    let ask = |secret: &str, id: &str| {
        let secret = Redacted::new(secret.to_owned());
        let endpoint = JobTokens::buildkite(Some(&job.endpoint), secret, id, SIGSTORE, Duration::from_secs(5));
        let endpoint = endpoint.expect("endpoint");
        assert!(!format!("{endpoint:?}").contains(&job.access_token));
        run(endpoint.request())
    };
    authority.fault(Fault::once("POST", "/oidc/tokens", Effect::Status(503)));
    let token = ask(&job.access_token, &job.id).expect("a token at the second attempt");
    let config = authority.signing_config(LogVersion::V2);
    let signer = KeylessSigner::new(config.as_bytes(), &token, None, now(), Duration::from_secs(5)).expect("signer");
    assert_eq!(signer.claims().subject, "https://buildkite.com/acme/shop");
    run(sealwright_sign::Signer::Keyless(Box::new(signer)).sign(&statement(&Digest::of(b"image")))).expect("signed");
    for (secret, id, status) in
        [("wrong", job.id.as_str(), "401"), (&job.access_token, "../../x", "404"), ("a\nb", &job.id, "401")]
    {
        let error = ask(secret, id).expect_err(status);
        assert!(matches!(&error, SignError::TokenEndpoint(why) if why.contains(status)), "{error}");
    }
    let plain = JobTokens::buildkite(
        Some("http://a.example"),
        Redacted::new("t".into()),
        "1",
        SIGSTORE,
        Duration::from_secs(1),
    );
    assert!(matches!(plain, Err(SignError::TokenEndpoint(_))));
}
