//! Canonical JSON: it is JSON, and its canonical form is itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::canonical_json;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let canonical = canonical_json::to_vec(&value);
    let again: Value = serde_json::from_slice(&canonical).expect("JSON");
    assert_eq!(canonical_json::to_vec(&again), canonical, "{}", String::from_utf8_lossy(&canonical));
});
