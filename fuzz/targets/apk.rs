//! Alpine's package database.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_fuzz::{assert_sound, assert_survives_sboms, catalog_file};

fuzz_target!(|data: &[u8]| {
    let inventory = catalog_file("lib/apk/db/installed", data);
    assert_sound(&inventory);
    assert_survives_sboms(&inventory);
});
