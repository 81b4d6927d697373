//! The list of crates inside an executable: the list alone, or all of an ELF file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_fuzz::{assert_sound, assert_survives_sboms, auditable, catalog_file};

fuzz_target!(|data: &[u8]| {
    let mut file = if data.starts_with(b"\x7fELF") { data.to_vec() } else { auditable(data) };
    // Smaller files are not looked at.
    file.resize(file.len().max(4_096), 0);
    let inventory = catalog_file("usr/bin/a", &file);
    assert_sound(&inventory);
    assert_survives_sboms(&inventory);
});
