//! A package URL: what is shown is read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::Purl;

fuzz_target!(|data: &str| {
    let Ok(purl) = data.parse::<Purl>() else { return };
    assert!(purl.names(&purl));
    assert_eq!(purl.to_string().parse(), Ok(purl));
});
