//! The `manifest.json` of a `docker save`: the image that it becomes holds together.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::Limits;
use sealwright_fuzz::{open_archive, tar};
use sealwright_oci::{Document, read_blob};
use sealwright_source::Transport;

fuzz_target!(|data: &[u8]| {
    let config = include_bytes!("../fixtures/config.json");
    let archive = tar(&[("manifest.json", data), ("c.json", config), ("a/layer.tar", b"a"), ("b.tar", b"\x1f\x8bb")]);
    let Ok(source) = open_archive(&archive, |file| Transport::DockerArchive { file, name: None }) else { return };
    let limit = Limits::default().manifest;
    let root = read_blob(source.as_blobs(), source.root(), limit).expect("a manifest");
    let Ok(Document::Manifest(manifest)) = Document::parse(&root, None) else { panic!("a manifest") };
    for blob in std::iter::once(&manifest.config).chain(&manifest.layers) {
        assert_eq!(read_blob(source.as_blobs(), blob, limit).expect("a blob").len() as u64, blob.size);
    }
});
