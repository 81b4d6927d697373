//! A manifest or index: what is written of it is read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_oci::Document;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::parse(data, None) else { return };
    let written = match &document {
        Document::Manifest(manifest) => serde_json::to_vec(manifest),
        Document::Index(index) => serde_json::to_vec(index),
    };
    let again = Document::parse(&written.expect("JSON"), Some(document.media_type()));
    assert_eq!(again.expect("what was written"), document);
});
