//! Two sample images made in memory: an Alpine with a vulnerable zlib, and the same with the fixed one.

use std::io::{Cursor, Read};

use sealwright_core::Digest;
use sealwright_oci::{BlobError, Blobs, Descriptor, ImageSource, media_type};
use serde_json::json;

/// An image whose blobs lie in memory.
pub(super) struct SampleImage {
    root: Descriptor,
    blobs: Vec<(Digest, Vec<u8>)>,
}

/// An image of one layer with Alpine 3.16's os-release and a package database that holds zlib in this version.
pub(super) fn alpine_with_zlib(version: &str) -> SampleImage {
    let os_release = "ID=alpine\nNAME=\"Alpine Linux\"\nVERSION_ID=3.16.0\nPRETTY_NAME=\"Alpine Linux v3.16\"\n";
    let installed = format!(
        "P:musl\nV:1.2.3-r0\nA:x86_64\nL:MIT\no:musl\np:so:libc.musl-x86_64.so.1=1\n\n\
         P:zlib\nV:{version}\nA:x86_64\nL:Zlib\no:zlib\nD:so:libc.musl-x86_64.so.1\np:so:libz.so.1=1.2.12\n\n"
    );
    let layer = archive(&[("etc/os-release", os_release), ("lib/apk/db/installed", &installed)]);
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2022-05-23T19:19:31Z",
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer)] },
        "config": { "Cmd": ["/bin/sh"] },
    });
    let mut blobs = Vec::new();
    let config = put(&mut blobs, media_type::CONFIG, config.to_string().into_bytes());
    let layer = put(&mut blobs, media_type::LAYER, layer);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer],
    });
    let root = put(&mut blobs, media_type::MANIFEST, manifest.to_string().into_bytes());
    SampleImage { root, blobs }
}

fn put(blobs: &mut Vec<(Digest, Vec<u8>)>, media_type: &str, bytes: Vec<u8>) -> Descriptor {
    let digest = Digest::of(&bytes);
    let size = bytes.len() as u64;
    blobs.push((digest, bytes));
    Descriptor::new(media_type, digest, size)
}

impl Blobs for SampleImage {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let found = self.blobs.iter().find(|(digest, _)| *digest == descriptor.digest);
        let (_, bytes) = found.ok_or(BlobError::NotFound { digest: descriptor.digest })?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

impl ImageSource for SampleImage {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn as_blobs(&self) -> &dyn Blobs {
        self
    }
}

/// A tar archive of regular files (POSIX.1-1988 ustar).
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, contents) in files {
        out.extend(header(path, contents.len()));
        out.extend(contents.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    // Two empty blocks end an archive.
    out.resize(out.len() + 1024, 0);
    out
}

fn header(path: &str, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    let mut field = |offset: usize, text: &str| {
        if let Some(place) = block.get_mut(offset..offset + text.len()) {
            place.copy_from_slice(text.as_bytes());
        }
    };
    field(0, path);
    field(100, "0000644");
    field(108, "0000000");
    field(116, "0000000");
    field(124, &format!("{size:011o}"));
    field(136, "00000000000");
    // The checksum counts its own field as spaces.
    field(148, "        ");
    field(156, "0");
    field(257, "ustar");
    field(263, "00");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    if let Some(place) = block.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    block
}
