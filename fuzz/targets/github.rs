//! Answers of GitHub's attestation store: a bundle in a list keeps its bytes, a compressed one keeps its limit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_github::{Page, unpack};

const LIMIT: u64 = 1 << 12;

fuzz_target!(|data: &[u8]| {
    if let Ok(page) = Page::parse(data) {
        for bundle in page.bundles() {
            assert!(data.windows(bundle.len()).any(|part| part == bundle));
        }
    }
    if let Ok(bundle) = unpack(data, LIMIT) {
        assert!(bundle.len() as u64 <= LIMIT);
    }
});
