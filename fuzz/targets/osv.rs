//! An OSV record: what is kept of it is read as the same, and a package can be matched against it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sealwright_advisory::{Advisory, Kev, MemorySource};
use sealwright_core::{Finding, Inventory};
use sealwright_fuzz::catalog_file;
use sealwright_match::match_inventory;

static INVENTORY: LazyLock<Inventory> =
    LazyLock::new(|| catalog_file("lib/apk/db/installed", b"P:zlib\nV:1.3.1-r0\no:zlib\n\n"));

fuzz_target!(|data: &[u8]| {
    let Ok(advisory) = Advisory::parse(data) else { return };
    let kept = serde_json::to_vec(&advisory).expect("JSON");
    assert_eq!(Advisory::parse(&kept).expect("what was kept"), advisory);
    let withdrawn = advisory.withdrawn.is_some();
    let source = MemorySource::new(vec![advisory], Kev::default());
    let matched = match_inventory(&INVENTORY, &source).expect("memory");
    let affected = matched.findings.iter().any(|found| matches!(found, Finding::Vulnerability(_)));
    assert!(!(withdrawn && affected), "a record that was taken back");
});
