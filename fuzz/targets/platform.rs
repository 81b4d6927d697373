//! A platform: what is shown is read as the same, and accepts itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::Platform;

fuzz_target!(|data: &str| {
    let Ok(platform) = data.parse::<Platform>() else { return };
    assert!(platform.accepts(&platform));
    assert_eq!(platform.to_string().parse(), Ok(platform));
});
