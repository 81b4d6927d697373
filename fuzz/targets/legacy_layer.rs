//! A layer of an older cosign, as its annotations in one JSON object and its content behind the first line: what is read is a
//! bundle, and its annotations are read as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_bundle::legacy::{self, Annotations};
use sealwright_bundle::{BUNDLE_V03, Bundle};
use sealwright_core::Limits;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (Some(head), content) = (parts.next(), parts.next().unwrap_or_default()) else { return };
    let Ok(annotations) = serde_json::from_slice::<Annotations>(head) else { return };
    let layers = [legacy::signature(&annotations, &limits), legacy::attestation(content, &annotations, &limits)];
    for bundle in layers.into_iter().flatten() {
        assert_ne!(bundle.media_type, BUNDLE_V03);
        assert_eq!(Bundle::parse(&bundle.to_bytes(), &Limits::default()).expect("a bundle"), bundle);
        let Some(written) = legacy::annotations(&bundle, "p") else { continue };
        let again = match &bundle.dsse_envelope {
            None => legacy::signature(&written, &limits),
            Some(_) => legacy::attestation(content, &written, &limits),
        };
        assert_eq!(again.expect("what was written"), bundle);
    }
});
