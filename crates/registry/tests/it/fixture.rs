//! A registry, a client that does not wait long, and a small image.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Duration;

use sealwright_core::{Digest, ImageRef, PinnedRef, Repository};
use sealwright_loopback::registry::{Registry, Switches};
use sealwright_oci::{BlobError, Blobs, Descriptor, media_type};
use sealwright_registry::{Backoff, Client, Credentials, Options};

pub(crate) const REPOSITORY: &str = "acme/app";

/// Options whose pauses are short.
pub(crate) fn options() -> Options {
    let backoff = Backoff { attempts: 4, first: Duration::from_millis(5), longest: Duration::from_millis(50) };
    Options { timeout: Duration::from_secs(10), backoff, ..Options::default() }
}

pub(crate) fn client() -> Arc<Client> {
    Arc::new(Client::new(options()).expect("client"))
}

pub(crate) fn client_with(credentials: Credentials) -> Arc<Client> {
    Arc::new(Client::new(Options { credentials, ..options() }).expect("client"))
}

pub(crate) fn registry() -> Registry {
    Registry::start(Switches::default()).expect("registry")
}

pub(crate) fn registry_with(change: impl FnOnce(&mut Switches)) -> Registry {
    let mut switches = Switches::default();
    change(&mut switches);
    Registry::start(switches).expect("registry")
}

pub(crate) fn repository(registry: &Registry) -> Repository {
    format!("{}/{REPOSITORY}", registry.host()).parse().expect("repository")
}

pub(crate) fn reference(registry: &Registry, rest: &str) -> ImageRef {
    format!("{}/{REPOSITORY}{rest}", registry.host()).parse().expect("reference")
}

/// An image with one layer, in memory.
pub(crate) struct Image {
    pub(crate) config: Descriptor,
    pub(crate) layer: Descriptor,
    pub(crate) manifest: Vec<u8>,
    pub(crate) descriptor: Descriptor,
    pub(crate) blobs: Memory,
}

/// Blobs by digest.
pub(crate) struct Memory(pub(crate) HashMap<Digest, Vec<u8>>);

impl Blobs for Memory {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        let bytes = self.0.get(&digest).ok_or(BlobError::NotFound { digest })?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

/// Half a megabyte that does not compress and has no period.
pub(crate) fn layer_bytes() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..70_000).flat_map(|_| next()).collect()
}

pub(crate) fn image() -> Image {
    let layer_bytes = layer_bytes();
    let layer = Descriptor::of(media_type::LAYER, &layer_bytes);
    let config_bytes = serde_json::json!({
        "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": [layer.digest] }
    });
    let config_bytes = config_bytes.to_string().into_bytes();
    let config = Descriptor::of(media_type::CONFIG, &config_bytes);
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": [layer]
    });
    let manifest = manifest.to_string().into_bytes();
    let descriptor = Descriptor::of(media_type::MANIFEST, &manifest);
    let blobs = Memory(HashMap::from([(config.digest, config_bytes), (layer.digest, layer_bytes)]));
    Image { config, layer, manifest, descriptor, blobs }
}

/// An image that differs from [`image`] in its annotations only.
pub(crate) fn variant(word: &str) -> Image {
    let mut image = image();
    let mut manifest: serde_json::Value = serde_json::from_slice(&image.manifest).expect("manifest");
    manifest["annotations"] = serde_json::json!({ "word": word });
    image.manifest = manifest.to_string().into_bytes();
    image.descriptor = Descriptor::of(media_type::MANIFEST, &image.manifest);
    image
}

/// Pushes the image by its digest.
pub(crate) async fn pushed(client: &Client, repository: &Repository, image: &Image) -> PinnedRef {
    for blob in [&image.config, &image.layer] {
        client.push_blob(repository, blob, &image.blobs).await.expect("blob");
    }
    client.push_manifest(repository, &image.descriptor, &image.manifest).await.expect("manifest")
}

/// Stores the image without a request.
pub(crate) fn stored(registry: &Registry, image: &Image, tag: Option<&str>) -> PinnedRef {
    for bytes in image.blobs.0.values() {
        registry.put_blob(REPOSITORY, bytes.clone());
    }
    registry.put_manifest(REPOSITORY, tag, &image.descriptor.media_type, image.manifest.clone());
    repository(registry).pinned(image.descriptor.digest)
}

/// `METHOD STATUS` of every request whose path contains `part`.
pub(crate) fn answers(registry: &Registry, part: &str) -> Vec<String> {
    let requests = registry.requests();
    requests.iter().filter(|r| r.path.contains(part)).map(|r| format!("{} {}", r.method, r.status)).collect()
}
