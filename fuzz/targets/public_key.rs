//! A public key file: one that was read verifies nothing that it did not sign.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, PublicKey, verify_bundle};

/// Signed by a key that is not among the seeds.
const BUNDLE: &[u8] = include_bytes!("../fixtures/bundle.json");

fuzz_target!(|data: &[u8]| {
    let Ok(key) = PublicKey::from_pem(data) else { return };
    let subject = Digest::of(b"the image");
    assert!(verify_bundle(BUNDLE, &subject, &Anchor::Key(key), &Limits::default()).is_err());
});
