//! Instances with and without logs, and bundles of the one at the other. The bundles and trusted roots are genuine.

use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, IdentityRule, Proof, Refusal, Signed, TrustedRoot, verify_bundle};
use serde_json::{Value, json};
use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT,
};

use crate::signing::TestKey;

/// GitHub's own instance: an attestation of a release.
const NO_LOG: &[u8] = include_bytes!("../fixtures/no-log.github.json");
const RELEASED: &str = "sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428";
/// The staging instance: with a log entry and a timestamp.
const LOGGED: &[u8] = include_bytes!("../fixtures/person.rekor-v2.staging.json");
const LOGGED_SUBJECT: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";

fn root(document: &str) -> TrustedRoot {
    TrustedRoot::from_json(document).expect("trusted root")
}

fn anyone(root: TrustedRoot) -> Anchor {
    Anchor::Keyless(Box::new(root), IdentityRule::from_flags(Err(".*"), Err(".*")).expect("rule"))
}

fn verify(bundle: &[u8], subject: &str, root: TrustedRoot) -> Result<Signed, Refusal> {
    let subject = subject.parse().expect("digest");
    verify_bundle(bundle, &subject, &anyone(root), &Limits::default()).map(|verified| verified.into_inner())
}

fn without(document: &str, members: &[&str]) -> TrustedRoot {
    let mut document: Value = serde_json::from_str(document).expect("JSON");
    for member in members {
        document[member] = json!([]);
    }
    root(&document.to_string())
}

#[test]
fn what_an_instance_has_to_show_follows_from_its_trusted_root() {
    let of = |document: &str, left_out: &[&str]| Proof::of(&without(document, left_out));
    assert_eq!(Proof::of(&root(SIGSTORE_GITHUB_TRUSTED_ROOT)), Proof::Timestamp);
    for document in [SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT] {
        assert_eq!(of(document, &[]), Proof::LogEntry);
        // One log of either kind is enough to demand all of them.
        assert_eq!(of(document, &["tlogs"]), Proof::LogEntry);
        assert_eq!(of(document, &["ctlogs"]), Proof::LogEntry);
        // Nobody would be left to say when.
        assert_eq!(of(document, &["tlogs", "ctlogs", "timestampAuthorities"]), Proof::LogEntry);
        assert_eq!(of(document, &["tlogs", "ctlogs", "certificateAuthorities"]), Proof::LogEntry);
    }
}

/// Everything holds but the identity: GitHub's certificate for releases names no issuer, and who is asked for always has one.
#[test]
fn certificate_timestamp_and_signature_of_githubs_own_instance_hold() {
    let known = verify(NO_LOG, RELEASED, root(SIGSTORE_GITHUB_TRUSTED_ROOT));
    assert!(matches!(&known, Err(Refusal::Identity(why)) if why.contains("issuer is not stated")), "{known:?}");
    let other = Digest::of(b"other").to_string();
    for refused in [
        verify(NO_LOG, &other, root(SIGSTORE_GITHUB_TRUSTED_ROOT)),
        verify(NO_LOG, RELEASED, root(SIGSTORE_PRODUCTION_TRUSTED_ROOT)),
    ] {
        assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    }
}

#[test]
fn the_timestamp_cannot_be_left_out_or_changed() {
    let original: Value = serde_json::from_slice(NO_LOG).expect("JSON");
    let times = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let mut none = original.clone();
    *none.pointer_mut(times).expect(times) = json!([]);
    let mut changed = original.clone();
    let time = format!("{times}/0/signedTimestamp");
    let text = changed.pointer(&time).and_then(Value::as_str).expect(&time).to_owned();
    let end = text.len() - 40;
    let letter = if text.as_bytes()[end] == b'A' { "B" } else { "A" };
    *changed.pointer_mut(&time).expect(&time) = format!("{}{letter}{}", &text[..end], &text[end + 1..]).into();
    let mut payload = original.clone();
    payload["dsseEnvelope"]["payload"] = "e30=".into();
    for bundle in [none, changed, payload] {
        let refused = verify(bundle.to_string().as_bytes(), RELEASED, root(SIGSTORE_GITHUB_TRUSTED_ROOT));
        assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    }
    // An authority of timestamps that is not this instance's.
    let mut document: Value = serde_json::from_str(SIGSTORE_GITHUB_TRUSTED_ROOT).expect("JSON");
    let staging: Value = serde_json::from_str(SIGSTORE_STAGING_TRUSTED_ROOT).expect("JSON");
    document["timestampAuthorities"] = staging["timestampAuthorities"].clone();
    let refused = verify(NO_LOG, RELEASED, root(&document.to_string()));
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
}

/// A key has no certificate that lives for minutes: who asks for its log entry gets one or a refusal.
#[test]
fn a_key_that_demands_a_log_entry_finds_none_in_an_instance_without_logs() {
    let key = TestKey::p256();
    let statement = crate::evidence::golden("signature");
    let subject = statement.subject[0].digest["sha256"].clone();
    let subject: Digest = format!("sha256:{subject}").parse().expect("digest");
    let plain = key.bundle(&statement.to_bytes()).to_bytes();
    let verify = |anchor: &Anchor| verify_bundle(&plain, &subject, anchor, &Limits::default());
    assert!(verify(&Anchor::Key(key.public())).is_ok());
    let logged = Anchor::LoggedKey(key.public(), Box::new(root(SIGSTORE_GITHUB_TRUSTED_ROOT)));
    assert_eq!(logged.proof(), Some(Proof::LogEntry));
    let refused = verify(&logged);
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
}

#[test]
fn two_instances_in_one_trusted_root_demand_what_the_stricter_one_does() {
    let mut both: Value = serde_json::from_str(SIGSTORE_STAGING_TRUSTED_ROOT).expect("JSON");
    let github: Value = serde_json::from_str(SIGSTORE_GITHUB_TRUSTED_ROOT).expect("JSON");
    for member in ["certificateAuthorities", "timestampAuthorities"] {
        let more = github[member].as_array().expect(member).clone();
        both[member].as_array_mut().expect(member).extend(more);
    }
    let both = root(&both.to_string());
    assert_eq!(Proof::of(&both), Proof::LogEntry);
    let refused = verify(NO_LOG, RELEASED, both.clone());
    assert!(matches!(refused, Err(Refusal::Sigstore(_))), "{refused:?}");
    assert!(verify(LOGGED, LOGGED_SUBJECT, both).is_ok());
}

#[test]
fn a_trusted_root_that_lost_its_logs_is_no_way_around_them() {
    let lost = without(SIGSTORE_STAGING_TRUSTED_ROOT, &["tlogs", "ctlogs"]);
    assert_eq!(Proof::of(&lost), Proof::Timestamp);
    assert_eq!(verify(LOGGED, LOGGED_SUBJECT, lost.clone()), Err(Refusal::OtherInstance { found: "a log entry" }));
    // The entry can be cut out of the bundle. The promise of the certificate log cannot.
    let mut bundle: Value = serde_json::from_slice(LOGGED).expect("JSON");
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    let bundle = bundle.to_string();
    assert_eq!(
        verify(bundle.as_bytes(), LOGGED_SUBJECT, lost),
        Err(Refusal::OtherInstance { found: "the promise of a certificate log" })
    );
}
