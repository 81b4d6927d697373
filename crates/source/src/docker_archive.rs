//! What `docker save` writes: a tar file with `manifest.json`, configurations and layers.
//!
//! The image becomes an OCI manifest over the configuration and the layers as they lie there. The same archive always gives
//! the same manifest bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use sealwright_core::{Digest, Hasher, ImageRef, Limits};
use sealwright_oci::{BlobError, Blobs, Descriptor, ImageSource, Manifest, media_type};
use serde::Deserialize;

use crate::SourceError;
use crate::archive::{Archive, Range};

/// One image of `manifest.json` (moby, image specification v1.2, "Combined Image JSON + Filesystem Changeset Format").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

pub(crate) struct DockerArchive {
    archive: Archive,
    root: Descriptor,
    small: HashMap<Digest, Vec<u8>>,
    layers: HashMap<Digest, Range>,
}

pub(crate) fn open(file: &Path, name: Option<&str>, limits: &Limits) -> Result<DockerArchive, SourceError> {
    let opened = File::open(file).map_err(|source| SourceError::Io { path: file.to_owned(), source })?;
    from_file(file.display().to_string(), opened, name, limits)
}

pub(crate) fn from_file(
    name: String,
    file: File,
    image: Option<&str>,
    limits: &Limits,
) -> Result<DockerArchive, SourceError> {
    let archive = Archive::index(name, file, limits)?;
    let saved = choose(&archive, image, limits)?;
    let config = archive.read(&saved.config, limits.config)?;
    let mut layers = HashMap::new();
    let mut descriptors = Vec::new();
    for path in saved.layers.iter().flatten() {
        let range = archive.find(path)?;
        let descriptor = layer(&archive, range)?;
        layers.insert(descriptor.digest, range);
        descriptors.push(descriptor);
    }
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::MANIFEST.to_owned()),
        artifact_type: None,
        config: Descriptor::of(media_type::CONFIG, &config),
        layers: descriptors,
        subject: None,
        annotations: Default::default(),
    };
    let bytes = serde_json::to_vec(&manifest).map_err(|e| broken(&archive, &e))?;
    let root = Descriptor::of(media_type::MANIFEST, &bytes);
    let small = HashMap::from([(root.digest, bytes), (Digest::of(&config), config)]);
    Ok(DockerArchive { archive, root, small, layers })
}

fn broken(archive: &Archive, error: &serde_json::Error) -> SourceError {
    SourceError::DockerManifest { name: format!("{}:manifest.json", archive.name()), message: error.to_string() }
}

fn choose(archive: &Archive, wanted: Option<&str>, limits: &Limits) -> Result<Saved, SourceError> {
    let bytes = archive.read("manifest.json", limits.manifest)?;
    let mut images: Vec<Saved> = serde_json::from_slice(&bytes).map_err(|e| broken(archive, &e))?;
    let tags: Vec<String> = images.iter().flat_map(|i| i.repo_tags.iter().flatten().cloned()).collect();
    let found = match wanted {
        None if images.len() == 1 => Some(0),
        None => None,
        Some(wanted) => images.iter().position(|i| i.repo_tags.iter().flatten().any(|tag| same_name(tag, wanted))),
    };
    match found {
        Some(index) => Ok(images.swap_remove(index)),
        None => Err(SourceError::NoImage { wanted: wanted.unwrap_or_default().to_owned(), available: tags }),
    }
}

/// `app`, `app:latest` and `docker.io/library/app:latest` are one name.
fn same_name(one: &str, other: &str) -> bool {
    let full = |name: &str| name.parse::<ImageRef>().ok().map(|r| (r.repository.clone(), r.tag_or_latest().to_owned()));
    one == other || full(one).is_some_and(|one| Some(one) == full(other))
}

/// Hashes a layer where it lies. Its first bytes say whether it is compressed.
fn layer(archive: &Archive, range: Range) -> Result<Descriptor, SourceError> {
    let io = |source| SourceError::Io { path: archive.name().into(), source };
    let mut reader = archive.reader(range);
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut kind = None;
    loop {
        let n = reader.read(&mut buffer).map_err(io)?;
        if n == 0 {
            break;
        }
        let part = buffer.get(..n).unwrap_or_default();
        kind.get_or_insert_with(|| {
            if part.starts_with(&[0x1f, 0x8b]) { media_type::LAYER_GZIP } else { media_type::LAYER }
        });
        hasher.update(part);
    }
    Ok(Descriptor::new(kind.unwrap_or(media_type::LAYER), hasher.finish(), range.length))
}

impl Blobs for DockerArchive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        if let Some(bytes) = self.small.get(&digest) {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let range = self.layers.get(&digest).ok_or(BlobError::NotFound { digest })?;
        Ok(Box::new(self.archive.reader(*range)))
    }
}

impl ImageSource for DockerArchive {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn as_blobs(&self) -> &dyn Blobs {
        self
    }
}
