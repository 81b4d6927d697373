//! A Sigstore bundle: one signer, one content, and what is written of it is read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::Bundle;
use sealwright_core::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { evidence: 1 << 15, ..Limits::default() };
    let Ok(bundle) = Bundle::parse(data, &limits) else { return };
    assert!(data.len() <= 1 << 15);
    assert!(bundle.has_key() != bundle.has_certificate());
    assert!(bundle.dsse_envelope.is_some() != bundle.message_signature.is_some());
    assert_eq!(Bundle::parse(&bundle.to_bytes(), &Limits::default()).expect("what was written"), bundle);
});
