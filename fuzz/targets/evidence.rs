//! A predicate of each type that a trust file asks for, rightly signed: one statement alone is never enough.

#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use sealwright_bundle::predicate_type::{CYCLONEDX, PROVENANCE, SIGNATURE, SPDX, VERIFICATION_SUMMARY, VULN};
use sealwright_bundle::{Statement, StatementSubject};
use sealwright_core::{Digest, Limits};
use sealwright_policy::{Policy, parse};
use sealwright_sign::KeySigner;
use sealwright_verify::{BuilderAnchor, EvidenceItem, ImageEvidence, PublicKey, Requirement, verify_image};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    parse(include_bytes!("../fixtures/parent.yaml"), "", &|_| Err(String::new())).expect("a trust file")
});
static SIGNER: LazyLock<KeySigner> = LazyLock::new(|| KeySigner::generate().expect("a key").0);
static BUILDERS: LazyLock<[BuilderAnchor; 1]> = LazyLock::new(|| {
    let key = PublicKey::from_pem(SIGNER.public_pem().as_bytes()).expect("its public key");
    [BuilderAnchor::new(POLICY.builders[0].clone(), Some(key), None).expect("a builder")]
});

fuzz_target!(|data: &[u8]| {
    let Ok(predicate) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let subject = Digest::of(b"the image");
    let requirement = Requirement::Policy { policy: &POLICY, builders: &*BUILDERS };
    for kind in [CYCLONEDX, PROVENANCE, SIGNATURE, SPDX, VERIFICATION_SUMMARY, VULN] {
        let about = StatementSubject::new(None, &subject, Default::default());
        let statement = Statement::new(vec![about], kind, predicate.clone());
        let stored = vec![EvidenceItem::Bundle(SIGNER.sign(&statement.to_bytes()).expect("a signature"))];
        let evidence = ImageEvidence { subject, stored };
        assert!(!verify_image(&evidence, &requirement, Timestamp::UNIX_EPOCH, &Limits::default()).passed(), "{kind}");
    }
});
