//! A CycloneDX or SPDX document of anybody: the inventory of it survives our own documents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::Limits;
use sealwright_fuzz::assert_survives_sboms;
use sealwright_sbom::read;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { evidence: 1 << 15, ..Limits::default() };
    let Ok(inventory) = read(data, &limits) else { return };
    assert!(data.len() <= 1 << 15);
    assert_survives_sboms(&inventory);
});
