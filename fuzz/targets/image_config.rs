//! An image configuration: reading it twice gives the same platform and diff ids.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_oci::ImageConfig;

fuzz_target!(|data: &[u8]| {
    let Ok(config) = ImageConfig::parse(data) else { return };
    let again = ImageConfig::parse(data).expect("as before");
    assert_eq!((again.platform(), &again.rootfs.diff_ids), (config.platform(), &config.rootfs.diff_ids));
});
