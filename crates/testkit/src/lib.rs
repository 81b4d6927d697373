//! Images made in code, and a stand-in for the runner of GitHub Actions, for tests.
//!
//! ```
//! let folder = std::env::temp_dir().join("sealwright-testkit-doc");
//! let image = sealwright_testkit::image().layer(|l| l.os_release("alpine", "3.20.3").apk("zlib", "1.3.1-r1").gzip());
//! let descriptor = image.write_layout(&folder, "latest");
//! assert!(descriptor.size > 0);
//! std::fs::remove_dir_all(&folder).unwrap();
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test without its image or runner has nothing to go on with"
)]

pub mod expression;
mod layer;
pub mod runner;
mod tar;

use std::fs;
use std::path::Path;

use sealwright_core::{Digest, Platform};
use sealwright_oci::{Descriptor, media_type};
use serde_json::json;

pub use layer::LayerBuilder;

/// An image of `linux/amd64` without layers.
pub fn image() -> ImageBuilder {
    ImageBuilder {
        layers: vec![],
        platform: Platform { os: "linux".into(), architecture: "amd64".into(), variant: None },
        created: "2024-01-02T03:04:05Z".to_owned(),
    }
}

/// An image as it is put together.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    layers: Vec<LayerBuilder>,
    platform: Platform,
    created: String,
}

impl ImageBuilder {
    /// With another layer on top.
    #[must_use]
    pub fn layer(mut self, build: impl FnOnce(LayerBuilder) -> LayerBuilder) -> Self {
        self.layers.push(build(LayerBuilder::default()));
        self
    }

    /// For another platform.
    #[must_use]
    pub fn platform(mut self, platform: &str) -> Self {
        self.platform = platform.parse().expect("a platform");
        self
    }

    /// Created at another time (RFC 3339).
    #[must_use]
    pub fn created(mut self, time: &str) -> Self {
        time.clone_into(&mut self.created);
        self
    }

    /// Writes an OCI layout whose one entry has this tag, and gives the manifest's descriptor.
    pub fn write_layout(&self, folder: &Path, tag: &str) -> Descriptor {
        let mut descriptor = self.write(folder);
        write_index(folder, &mut descriptor, tag);
        descriptor
    }

    /// Writes what `docker save` writes for an image of this name: plain layers in one tar.
    pub fn write_docker_archive(&self, file: &Path, name: &str) {
        let mut archive = tar::Tar::default();
        let mut paths = Vec::new();
        for layer in &self.layers {
            let bytes = layer.uncompressed();
            let path = format!("{}/layer.tar", Digest::of(&bytes).hex());
            archive.file(&path, &bytes);
            paths.push(path);
        }
        let config = self.config();
        let config_path = format!("{}.json", Digest::of(&config).hex());
        archive.file(&config_path, &config);
        let manifest = json!([{ "Config": config_path, "RepoTags": [name], "Layers": paths }]);
        archive.file("manifest.json", manifest.to_string().as_bytes());
        fs::write(file, archive.finish()).expect("archive");
    }

    fn config(&self) -> Vec<u8> {
        let diff_ids: Vec<Digest> = self.layers.iter().map(|l| Digest::of(&l.uncompressed())).collect();
        let mut config = json!({
            "architecture": self.platform.architecture, "os": self.platform.os, "created": self.created,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        if let (Some(variant), Some(members)) = (&self.platform.variant, config.as_object_mut()) {
            members.insert("variant".into(), variant.clone().into());
        }
        config.to_string().into_bytes()
    }

    fn write(&self, folder: &Path) -> Descriptor {
        let layers: Vec<Descriptor> = self
            .layers
            .iter()
            .map(|layer| {
                let (media_type, bytes) = layer.packed();
                write_blob(folder, media_type, &bytes)
            })
            .collect();
        let config = write_blob(folder, media_type::CONFIG, &self.config());
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": layers });
        write_blob(folder, media_type::MANIFEST, manifest.to_string().as_bytes())
    }
}

/// An index of these images.
pub fn index(images: Vec<ImageBuilder>) -> IndexBuilder {
    IndexBuilder { images, with_unknown: false }
}

/// An index as it is put together.
#[derive(Debug, Clone)]
pub struct IndexBuilder {
    images: Vec<ImageBuilder>,
    with_unknown: bool,
}

impl IndexBuilder {
    /// With an attestation manifest for `unknown/unknown`, as BuildKit adds one.
    #[must_use]
    pub fn with_buildkit_attestation(mut self) -> Self {
        self.with_unknown = true;
        self
    }

    /// Writes an OCI layout whose one entry has this tag, and gives the index's descriptor.
    pub fn write_layout(&self, folder: &Path, tag: &str) -> Descriptor {
        let platform = |builder: &ImageBuilder| {
            let mut descriptor = builder.write(folder);
            descriptor.platform = Some(builder.platform.clone());
            descriptor
        };
        let mut manifests: Vec<Descriptor> = self.images.iter().map(platform).collect();
        if self.with_unknown {
            let attestation = image().layer(|l| l.file("attestation", b"{}"));
            let mut descriptor = attestation.write(folder);
            descriptor.platform = Some("unknown/unknown".parse().expect("a platform"));
            manifests.push(descriptor);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests });
        let mut descriptor = write_blob(folder, media_type::INDEX, index.to_string().as_bytes());
        write_index(folder, &mut descriptor, tag);
        descriptor
    }
}

fn write_blob(folder: &Path, media_type: &str, bytes: &[u8]) -> Descriptor {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("folders");
    let descriptor = Descriptor::of(media_type, bytes);
    fs::write(blobs.join(descriptor.digest.hex()), bytes).expect("blob");
    descriptor
}

fn write_index(folder: &Path, descriptor: &mut Descriptor, tag: &str) {
    let mut named = descriptor.clone();
    named.annotations.insert("org.opencontainers.image.ref.name".to_owned(), tag.to_owned());
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [named] });
    fs::write(folder.join("index.json"), index.to_string()).expect("index");
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("layout");
}
