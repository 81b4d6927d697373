//! Manifests, indexes and configurations that hold together, and those that do not.

use sealwright_core::{Digest, Limits, Platform};
use sealwright_oci::{BlobError, Descriptor, ResolveError, ResolvedImage, Wanted, media_type, resolve};
use serde_json::json;

use crate::Memory;

impl Memory {
    fn image(&mut self, platform: &str) -> Descriptor {
        let layer = self.put(media_type::LAYER, platform.as_bytes());
        let p: Platform = platform.parse().expect("platform");
        let config = json!({ "architecture": p.architecture, "os": p.os, "variant": p.variant, "rootfs": { "type": "layers", "diff_ids": [layer.digest] } });
        let config = self.put(media_type::CONFIG, config.to_string());
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer] });
        self.put(media_type::MANIFEST, manifest.to_string())
    }

    fn index(&mut self, platforms: &[&str]) -> Descriptor {
        let manifests: Vec<Descriptor> = platforms
            .iter()
            .map(|platform| Descriptor { platform: Some(platform.parse().expect("platform")), ..self.image(platform) })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests });
        self.put(media_type::INDEX, index.to_string())
    }

    fn resolve(&mut self, root: Descriptor, wanted: &Wanted) -> Result<ResolvedImage, ResolveError> {
        self.root = Some(root);
        resolve(self, wanted, &Limits::default())
    }
}

fn one(platform: &str) -> Wanted {
    Wanted::One(platform.parse().expect("platform"))
}

#[test]
fn a_manifest_is_one_image_and_an_index_several() {
    let mut memory = Memory::default();
    let root = memory.image("linux/amd64");
    let image = memory.resolve(root.clone(), &Wanted::All).expect("image");
    assert_eq!((image.root.digest, image.images.len(), image.index.is_none()), (root.digest, 1, true));
    assert_eq!(image.images[0].platform.to_string(), "linux/amd64");
    let root = memory.index(&["linux/amd64", "linux/arm64/v8", "unknown/unknown"]);
    let image = memory.resolve(root.clone(), &Wanted::All).expect("index");
    assert_eq!((image.images.len(), image.not_runnable.len()), (2, 1));
    assert_eq!((image.root.digest, image.index.is_some()), (root.digest, true));
}

#[test]
fn one_platform_of_an_index_becomes_the_image() {
    let mut memory = Memory::default();
    let root = memory.index(&["linux/amd64", "linux/arm64/v8"]);
    let image = memory.resolve(root.clone(), &one("linux/arm64")).expect("arm64");
    assert_eq!(image.root.digest, image.images[0].descriptor.digest);
    assert_eq!(Digest::of(&image.root_bytes), image.root.digest);
    assert!(image.index.is_none() && image.root.platform.is_none());
    let error = memory.resolve(root, &one("linux/s390x")).expect_err("absent");
    assert!(
        error.to_string().contains("linux/s390x") && error.to_string().contains("linux/amd64, linux/arm64/v8"),
        "{error}"
    );
    let nothing = memory.index(&["unknown/unknown"]);
    let error = memory.resolve(nothing, &one("linux/amd64")).expect_err("none").to_string();
    assert!(error.contains("none"), "{error}");
    let single = memory.image("linux/amd64");
    assert!(matches!(memory.resolve(single, &one("linux/arm64")), Err(ResolveError::NoPlatform { .. })));
}

#[test]
fn what_does_not_hold_together_is_refused() {
    let mut memory = Memory::default();
    let empty = memory.index(&["unknown/unknown"]);
    assert!(matches!(memory.resolve(empty, &Wanted::All), Err(ResolveError::Empty { .. })));
    let inner = memory.index(&["linux/amd64"]);
    let nested = json!({ "schemaVersion": 2, "manifests": [inner] });
    let nested = memory.put(media_type::INDEX, nested.to_string());
    assert!(matches!(memory.resolve(nested, &Wanted::All), Err(ResolveError::Nested { .. })));
    let config = memory.put(media_type::CONFIG, r#"{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":[]}}"#);
    let layer = memory.put(media_type::LAYER, "x");
    let uneven = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let uneven = memory.put(media_type::MANIFEST, uneven.to_string());
    assert!(matches!(
        memory.resolve(uneven, &Wanted::All),
        Err(ResolveError::LayerCount { layers: 1, diff_ids: 0, .. })
    ));
    let artifact = json!({ "schemaVersion": 2, "artifactType": "x/y", "config": config, "layers": [] });
    let artifact = memory.put(media_type::MANIFEST, artifact.to_string());
    assert!(matches!(memory.resolve(artifact, &Wanted::All), Err(ResolveError::NotAnImage { .. })));
    let text = memory.put(media_type::MANIFEST, "no JSON");
    assert!(matches!(memory.resolve(text, &Wanted::All), Err(ResolveError::Document { .. })));
}

#[test]
fn what_is_missing_or_changed_is_refused() {
    let mut memory = Memory::default();
    let root = memory.image("linux/amd64");
    let mut changed = memory.blobs[&root.digest].clone();
    changed[20] ^= 1;
    memory.blobs.insert(root.digest, changed);
    let error = memory.resolve(root, &Wanted::All).expect_err("changed");
    assert!(matches!(error, ResolveError::Blob(BlobError::DigestMismatch { .. })), "{error}");
    let absent = Descriptor::of(media_type::MANIFEST, b"absent");
    let error = memory.resolve(absent, &Wanted::All).expect_err("absent");
    assert!(matches!(error, ResolveError::Blob(BlobError::NotFound { .. })), "{error}");
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let mut memory = Memory::default();
    let root = memory.index(&["linux/amd64", "linux/arm64"]);
    memory.root = Some(root.clone());
    let layers = |memory: &Memory, layers| resolve(memory, &Wanted::All, &Limits { layers, ..Limits::default() });
    assert!(layers(&memory, 2).is_ok());
    assert!(matches!(layers(&memory, 1), Err(ResolveError::TooMany { found: 2, limit: 1, .. })));
    memory.root = Some(memory.image("linux/amd64"));
    assert!(layers(&memory, 1).is_ok());
    assert!(matches!(layers(&memory, 0), Err(ResolveError::TooMany { found: 1, limit: 0, .. })));
    memory.root = Some(root.clone());
    let manifest = |limit| resolve(&memory, &Wanted::All, &Limits { manifest: limit, ..Limits::default() });
    assert!(manifest(root.size.max(1_000)).is_ok());
    assert!(matches!(manifest(root.size - 1), Err(ResolveError::Blob(BlobError::TooLarge { .. }))));
}
