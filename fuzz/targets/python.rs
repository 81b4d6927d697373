//! The metadata of an installed Python distribution.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_fuzz::{assert_sound, assert_survives_sboms, catalog_file};

fuzz_target!(|data: &[u8]| {
    let inventory = catalog_file("usr/lib/python3/dist-packages/a.dist-info/METADATA", data);
    assert_sound(&inventory);
    assert_survives_sboms(&inventory);
});
