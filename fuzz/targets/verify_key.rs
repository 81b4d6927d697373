//! A bundle checked with a key that signed one statement, long ago: no other statement ever verifies.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealwright_core::{Digest, Limits};
use sealwright_verify::{Anchor, PublicKey, verify_bundle};

/// Its private key was thrown away.
const KEY: &[u8] = include_bytes!("../fixtures/signer.pub");
const STATEMENT: &[u8] = include_bytes!("../fixtures/statement.json");

static ANCHOR: LazyLock<Anchor> = LazyLock::new(|| Anchor::Key(PublicKey::from_pem(KEY).expect("a key")));

fuzz_target!(|data: &[u8]| {
    if let Ok(verified) = verify_bundle(data, &Digest::of(b"the image"), &ANCHOR, &Limits::default()) {
        assert_eq!(verified.get().digest, Digest::of(STATEMENT));
    }
});
