//! The `index.json` of an image layout in an archive: what is resolved has the digests by which it is called.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sealwright_core::{Digest, Limits};
use sealwright_fuzz::{open_archive, tar};
use sealwright_oci::{Wanted, resolve};
use sealwright_source::Transport;

const CONFIG: &[u8] = include_bytes!("../fixtures/config.json");
const MANIFEST: &[u8] = include_bytes!("../fixtures/manifest.json");
const INDEX: &[u8] = include_bytes!("../fixtures/index.json");

fuzz_target!(|data: &[u8]| {
    let paths = [CONFIG, MANIFEST, INDEX].map(|blob| format!("blobs/sha256/{}", Digest::of(blob).hex()));
    let [config, manifest, index] = &paths;
    let archive = tar(&[("index.json", data), (config, CONFIG), (manifest, MANIFEST), (index, INDEX)]);
    let Ok(source) = open_archive(&archive, |file| Transport::OciArchive { file, tag: None }) else { return };
    let Ok(image) = resolve(&*source, &Wanted::All, &Limits::default()) else { return };
    assert_eq!(image.root.digest, Digest::of(&image.root_bytes));
    for platform in image.images {
        assert_eq!(platform.descriptor.digest, Digest::of(&platform.manifest_bytes));
        assert_eq!(platform.manifest.config.digest, Digest::of(&platform.config_bytes));
    }
});
