//! The build information inside a Go executable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_fuzz::{assert_sound, assert_survives_sboms, catalog_file};

/// Go, `debug/buildinfo`: the magic, a pointer size of no use, and the flag that says that two texts follow.
const HEADER: &[u8; 32] = b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fuzz_target!(|data: &[u8]| {
    let mut file = b"\x7fELF".to_vec();
    file.resize(4_096, 0);
    let inventory = catalog_file("usr/bin/a", &[&file, HEADER.as_slice(), data].concat());
    assert_sound(&inventory);
    assert_survives_sboms(&inventory);
});
