//! The name of the operating system, which goes into the purls of its packages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_fuzz::{assert_sound, assert_survives_sboms, catalog_file};

fuzz_target!(|data: &[u8]| {
    let inventory = catalog_file("etc/os-release", data);
    assert_sound(&inventory);
    assert_survives_sboms(&inventory);
});
