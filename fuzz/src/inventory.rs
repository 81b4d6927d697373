//! What holds of every inventory, whatever it was made of.

use jiff::Timestamp;
use sealwright_catalog::{Options, Silent, catalog};
use sealwright_core::{Digest, Inventory, Limits};
use sealwright_oci::{Descriptor, ImageConfig, Manifest, PlatformImage, RootFs, media_type};
use sealwright_sbom::{CycloneDx, Subject, cyclonedx, read, spdx};

use crate::{InMemory, tar};

/// The inventory of an Alpine image with one package that also holds `bytes` at `path`.
pub fn catalog_file(path: &str, bytes: &[u8]) -> Inventory {
    let release = b"ID=alpine\nVERSION_ID=3.20.3\n";
    let package = b"Package: a\nVersion: 1\n";
    let layer = tar(&[("usr/lib/os-release", release), ("var/lib/dpkg/status.d/a", package), (path, bytes)]);
    let image = image(&layer);
    let options = Options { limits: &Limits::default(), deny: &|_| None, progress: &Silent };
    // A file that is not what its name says is a finding: only a layer that is itself broken ends the reading.
    catalog(&InMemory(&layer), &image, &options).expect("a whole layer")
}

fn image(layer: &[u8]) -> PlatformImage {
    let rootfs = RootFs { diff_ids: vec![Digest::of(layer)] };
    let (architecture, os) = ("amd64".to_owned(), "linux".to_owned());
    let config = ImageConfig { architecture, os, variant: None, created: None, rootfs };
    let manifest = Manifest {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        config: Descriptor::of(media_type::CONFIG, b""),
        layers: vec![Descriptor::of(media_type::LAYER, layer)],
        subject: None,
        annotations: Default::default(),
    };
    PlatformImage {
        descriptor: Descriptor::of(media_type::MANIFEST, b""),
        platform: config.platform(),
        manifest,
        manifest_bytes: vec![],
        config,
        config_bytes: vec![],
    }
}

/// Packages are sorted and stand once, edges are inside, every package has a name and a purl that names it.
pub fn assert_sound(inventory: &Inventory) {
    assert!(inventory.packages.is_sorted_by(|a, b| a < b));
    let count = inventory.packages.len();
    assert!(inventory.dependencies.iter().all(|edge| edge.dependent < count && edge.dependency < count));
    for package in &inventory.packages {
        assert!(!package.name.is_empty());
        assert_eq!(package.purl.to_string().parse().as_ref(), Ok(&package.purl));
    }
}

/// Both kinds of SBOM give back the inventory that they were made of.
pub fn assert_survives_sboms(inventory: &Inventory) {
    let created = Timestamp::UNIX_EPOCH;
    let subject = Subject { name: "r/a", digest: Digest::of(b""), platform: None, created, tool_version: "1.2.3" };
    let again = |document: Vec<u8>| read(&document, &Limits::default()).expect("our own document");
    assert_eq!(&again(cyclonedx(inventory, &subject, CycloneDx::V1_6)), inventory, "CycloneDX");
    assert_eq!(&again(spdx(inventory, &subject)), inventory, "SPDX");
}
