//! A DSSE envelope: base64 has one spelling, so that what is decoded is encoded to the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::{Envelope, pae};

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(data) else { return };
    let [signature] = envelope.signatures.as_slice() else { return };
    let (Ok(payload), Ok(bytes)) = (envelope.payload(), signature.bytes()) else { return };
    let again = Envelope::new(&payload, &bytes);
    assert_eq!((&again.payload, &again.signatures[0].sig), (&envelope.payload, &signature.sig));
    assert!(pae(&envelope.payload_type, &payload).ends_with(&payload));
});
