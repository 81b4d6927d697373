//! An image reference: what is shown is read as the same, and holds nothing that a URL or a shell would read otherwise.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::ImageRef;

fuzz_target!(|data: &str| {
    let Ok(reference) = data.parse::<ImageRef>() else { return };
    let shown = reference.to_string();
    assert!(shown.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@[]".contains(&b)), "{shown:?}");
    assert_eq!(shown.parse(), Ok(reference));
});
