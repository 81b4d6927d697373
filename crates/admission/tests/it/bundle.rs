//! `policies/` is what the renderer writes.

use std::path::Path;

use sealwright_admission::render::{Settings, kyverno};
use sealwright_core::bounded::read_file;

/// No file of the bundle is larger, in bytes.
const LIMIT: u64 = 1 << 20;

#[test]
fn the_committed_bundle_is_what_its_trust_file_renders_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let read = |name: &str| read_file(&folder.join(name), LIMIT).unwrap_or_else(|e| panic!("{name}: {e}"));
    let trust_file = read("sealwright.yaml");
    let policy = sealwright_policy::parse(&trust_file, "policies/sealwright.yaml", &|_| Err("none".into()));
    let rendered = kyverno(&policy.expect("a trust file"), &Settings::default()).expect("rendered");
    for (name, text) in &rendered.files {
        assert!(read(name) == text.as_bytes(), "policies/{name} has drifted: run cargo xtask generate");
    }
}
