//! Bundles by certificate that other tools made (`tests/fixtures/README.md`).

use sealwright_core::{Digest, Limits};
use sealwright_policy::{BuilderIdentity, KeylessRule, Policy, Runner, SourceRule, SubjectRule, Transparency};
use sealwright_verify::{
    Anchor, BuilderAnchor, EvidenceItem, IdentityRule, ImageEvidence, LogEntry, Outcome, Refusal, Requirement, Signed,
    TimeSource, TrustedRoot, VerifiedSigner, Vouchers, verify_bundle, verify_image,
};
use sigstore_trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT};

use crate::evidence::builder;
use crate::signing::TestKey;

const WORKFLOW: &[u8] = include_bytes!("../fixtures/github-workflow.rekor-v1.json");
const PERSON: &[u8] = include_bytes!("../fixtures/person.rekor-v2.staging.json");

const SUBJECT: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";
const IDENTITY: &str = "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn subject() -> Digest {
    SUBJECT.parse().expect("digest")
}

fn root(document: &str) -> Box<TrustedRoot> {
    Box::new(TrustedRoot::from_json(document).expect("trusted root"))
}

fn by(identity: Result<&str, &str>, issuer: Result<&str, &str>) -> Anchor {
    let rule = IdentityRule::from_flags(identity, issuer).expect("rule");
    Anchor::Keyless(root(SIGSTORE_PRODUCTION_TRUSTED_ROOT), rule)
}

fn verify(bytes: &[u8], anchor: &Anchor) -> Result<Signed, Refusal> {
    verify_bundle(bytes, &subject(), anchor, &Limits::default()).map(|v| v.into_inner())
}

#[test]
fn a_workflows_bundle_says_who_and_when() {
    let signed = verify(WORKFLOW, &by(Ok(IDENTITY), Ok(ISSUER))).expect("public-good bundle");
    assert_eq!(signed.statement.predicate_type, "https://schemas.conda.org/attestations-publish-1.schema.json");
    assert!(signed.statement.names(&subject()));
    assert_eq!(signed.time.map(|t| t.as_second()), Some(1_756_728_839));
    let Vouchers { media_type, log_entries, time_source, validity } = signed.vouchers;
    assert_eq!(
        (media_type.as_str(), time_source),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", Some(TimeSource::Log))
    );
    let log = Some("https://rekor.sigstore.dev".to_owned());
    // Its place in all of the log, which the log promised; that in the tree of the proof is another one.
    assert_eq!(
        log_entries,
        [LogEntry { index: 456119071, log_id: Some("wNI9atQGlz+VWfO6LRygH4QUfY/8W4RFwiT5i5WRgB0=".into()), log }]
    );
    assert!(validity.is_some_and(|(from, until)| signed.time.is_some_and(|time| from <= time && time <= until)));
    let VerifiedSigner::Certificate { identity, issuer, claims } = signed.signer else { panic!("a key") };
    assert_eq!((identity.as_str(), issuer.as_str()), (IDENTITY, ISSUER));
    assert_eq!(claims.source_repository_identifier.as_deref(), Some("1048392115"));
}

#[test]
fn a_persons_bundle_with_a_timestamp_says_who_and_when() {
    let rule = IdentityRule::from_flags(Ok("jku@goto.fi"), Ok("https://github.com/login/oauth")).expect("rule");
    let signed =
        verify(PERSON, &Anchor::Keyless(root(SIGSTORE_STAGING_TRUSTED_ROOT), rule.clone())).expect("staging bundle");
    assert!(signed.time.is_some_and(|t| t.to_string().starts_with("2026-05-26T07:42")), "{:?}", signed.time);
    assert_eq!(signed.vouchers.time_source, Some(TimeSource::TimestampAuthority));
    let indexes: Vec<u64> = signed.vouchers.log_entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indexes, [4197416]);
    // The public-good instance did not issue this certificate.
    let elsewhere = verify(PERSON, &Anchor::Keyless(root(SIGSTORE_PRODUCTION_TRUSTED_ROOT), rule));
    assert!(matches!(elsewhere, Err(Refusal::Sigstore(_))), "{elsewhere:?}");
}

#[test]
fn identity_and_issuer_both_have_to_fit() {
    let pattern = by(Err("https://github.com/prefix-dev/.*"), Err("https://token\\.actions\\..*"));
    assert!(verify(WORKFLOW, &pattern).is_ok());
    for anchor in [
        by(Ok("https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml"), Ok(ISSUER)),
        by(Err("https://github.com/prefix-dev"), Ok(ISSUER)),
        by(Ok(IDENTITY), Ok("https://accounts.google.com")),
        by(Ok(IDENTITY), Err("https://token")),
    ] {
        let refused = verify(WORKFLOW, &anchor);
        assert!(matches!(refused, Err(Refusal::Identity(_))), "{refused:?}");
    }
}

#[test]
fn the_runner_is_compared_with_the_certificate() {
    let rule = |runner| KeylessRule {
        issuer: ISSUER.into(),
        subject: SubjectRule::Exact(IDENTITY.into()),
        runner: Some(runner),
        triggers: vec![],
    };
    let anchor =
        |runner| Anchor::Keyless(root(SIGSTORE_PRODUCTION_TRUSTED_ROOT), IdentityRule::from_policy(&rule(runner)));
    assert!(verify(WORKFLOW, &anchor(Runner::GithubHosted)).is_ok());
    assert!(matches!(verify(WORKFLOW, &anchor(Runner::SelfHosted)), Err(Refusal::Identity(_))));
}

#[test]
fn tampering_is_noticed_wherever_it_happens() {
    let anchor = by(Ok(IDENTITY), Ok(ISSUER));
    let original: serde_json::Value = serde_json::from_slice(WORKFLOW).expect("JSON");
    for pointer in [
        "/dsseEnvelope/payload",
        "/dsseEnvelope/signatures/0/sig",
        "/verificationMaterial/certificate/rawBytes",
        "/verificationMaterial/tlogEntries/0/canonicalizedBody",
        "/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
        "/verificationMaterial/tlogEntries/0/inclusionProof/hashes/0",
        "/verificationMaterial/tlogEntries/0/inclusionPromise/signedEntryTimestamp",
        "/verificationMaterial/tlogEntries/0/integratedTime",
    ] {
        let mut tampered = original.clone();
        let text = tampered.pointer(pointer).and_then(|v| v.as_str()).expect(pointer).to_owned();
        // Another letter in the middle of the base64, or another digit of the time.
        let middle = text.len() / 2;
        let with = if text.as_bytes()[middle] == b'1' { "2" } else { "1" };
        let changed = format!("{}{with}{}", &text[..middle], &text[middle + 1..]);
        assert_ne!(changed, text);
        *tampered.pointer_mut(pointer).expect(pointer) = changed.into();
        assert!(verify(tampered.to_string().as_bytes(), &anchor).is_err(), "{pointer}");
    }
    let other = verify_bundle(WORKFLOW, &Digest::of(b"other"), &anchor, &Limits::default());
    assert!(other.is_err());
}

#[test]
fn the_log_cannot_be_left_out() {
    let anchor = by(Ok(IDENTITY), Ok(ISSUER));
    let mut bundle: serde_json::Value = serde_json::from_slice(WORKFLOW).expect("JSON");
    bundle["verificationMaterial"]["tlogEntries"] = serde_json::json!([]);
    assert!(matches!(verify(bundle.to_string().as_bytes(), &anchor), Err(Refusal::Sigstore(_))));
}

#[test]
fn keys_and_certificates_do_not_stand_for_each_other() {
    let key = TestKey::p256();
    assert_eq!(verify(WORKFLOW, &Anchor::Key(key.public())), Err(Refusal::OtherMaterial { expected: "a key" }));
    let bundle = key.bundle(&crate::evidence::golden("signature").to_bytes()).to_bytes();
    let refused = verify(&bundle, &by(Err(".*"), Err(".*")));
    assert_eq!(refused, Err(Refusal::OtherMaterial { expected: "a certificate" }));
}

#[test]
fn bytes_that_only_one_parser_reads_are_refused() {
    let anchor = by(Ok(IDENTITY), Ok(ISSUER));
    let mut invalid = WORKFLOW.to_vec();
    invalid.push(0xff);
    assert!(matches!(verify(&invalid, &anchor), Err(Refusal::Shape(_))));
    let mut bundle: serde_json::Value = serde_json::from_slice(WORKFLOW).expect("JSON");
    bundle["verificationMaterial"]["tlogEntries"] = serde_json::json!("none");
    assert!(matches!(verify(bundle.to_string().as_bytes(), &anchor), Err(Refusal::Shape(_))));
}

#[test]
fn a_keyless_builder_is_checked_by_its_rule_and_its_source() {
    let evidence = ImageEvidence { subject: subject(), stored: vec![EvidenceItem::Bundle(WORKFLOW.to_vec())] };
    let policy = Policy::built_in();
    let outcome = |identity: &str, source: Option<SourceRule>, check: &str| {
        let rule = KeylessRule {
            issuer: ISSUER.into(),
            subject: SubjectRule::Exact(identity.into()),
            runner: None,
            triggers: vec![],
        };
        let mut release = builder("release");
        release.identity = BuilderIdentity::Keyless(rule);
        release.transparency = Transparency::Required;
        release.source = source;
        let root = root(SIGSTORE_PRODUCTION_TRUSTED_ROOT);
        let anchors = [BuilderAnchor::new(release, None, Some(&root)).expect("anchor")];
        let requirement = Requirement::Policy { policy: &policy, builders: &anchors };
        let report =
            verify_image(&evidence, &requirement, "2026-01-01T00:00:00Z".parse().expect("time"), &Limits::default());
        report.checks.iter().find(|c| c.name == check).expect(check).outcome.clone()
    };
    assert_eq!(outcome(IDENTITY, None, "signer"), Outcome::Passed);
    assert_eq!(outcome(IDENTITY, None, "transparency"), Outcome::Passed);
    assert!(
        matches!(outcome("https://github.com/evil/x", None, "signer"), Outcome::Failed(why) if why.contains("identity"))
    );
    assert!(matches!(outcome("https://github.com/evil/x", None, "transparency"), Outcome::Failed(_)));
    // The certificate names its repository, but the statement does not say so itself.
    let source = SourceRule {
        repository: Some("prefix-dev/sigstore-example".into()),
        repository_id: None,
        owner_id: None,
        refs: vec![],
    };
    let why = "the statement names the repository none".to_owned();
    assert_eq!(outcome(IDENTITY, Some(source), "source"), Outcome::Failed(why));
}
