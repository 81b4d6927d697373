//! A bundle checked with a certificate's identity: only what the workflow of the one real bundle signed ever verifies.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::Bundle;
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, IdentityRule, TrustedRoot, verify_bundle};
use sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

const REAL: &[u8] = include_bytes!("../seeds/verify_certificate/github-workflow.json");
const SUBJECT: &str = "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f";

static ANCHOR: LazyLock<Anchor> = LazyLock::new(|| {
    let root = TrustedRoot::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT).expect("a trusted root");
    Anchor::Keyless(Box::new(root), IdentityRule::from_flags(Err(".*"), Err(".*")).expect("a rule"))
});
static PAYLOAD: LazyLock<Digest> = LazyLock::new(|| {
    let real = Bundle::parse(REAL, &Limits::default()).expect("a bundle");
    Digest::of(&real.dsse_envelope.expect("an envelope").payload().expect("base64"))
});

fuzz_target!(|data: &[u8]| {
    let subject = SUBJECT.parse().expect("a digest");
    if let Ok(verified) = verify_bundle(data, &subject, &ANCHOR, &Limits::default()) {
        assert_eq!(verified.get().digest, *PAYLOAD);
    }
});
