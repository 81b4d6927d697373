//! CISA's catalog of exploited flaws: every line of it is contained in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_advisory::Kev;

fuzz_target!(|data: &[u8]| {
    let Ok(kev) = Kev::parse(data) else { return };
    assert!(kev.lines().len() <= data.len() + kev.len());
    assert_eq!(kev.is_empty(), kev.lines().is_empty());
});
