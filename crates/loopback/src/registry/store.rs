//! What was pushed, in memory.

use std::collections::{BTreeMap, HashMap};

use axum::body::Bytes;
use sealwright_core::Digest;
use serde_json::Value;

/// A stored manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// sha256 over the bytes.
    pub digest: Digest,
    /// As its push said.
    pub media_type: String,
    /// As pushed.
    pub bytes: Bytes,
}

impl StoredManifest {
    /// The document, or `null` where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    repositories: BTreeMap<String, Contents>,
    altered: HashMap<Digest, Bytes>,
    uploads: HashMap<String, Vec<u8>>,
    next_upload: u64,
}

#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<Digest, Bytes>,
    manifests: Vec<StoredManifest>,
    tags: BTreeMap<String, Digest>,
}

impl Store {
    pub(crate) fn alter(&mut self, digest: Digest, bytes: Bytes) {
        self.altered.insert(digest, bytes);
    }

    /// What is served for `digest`: the altered bytes if there are any.
    pub(crate) fn served(&self, digest: &Digest, bytes: &Bytes) -> Bytes {
        self.altered.get(digest).unwrap_or(bytes).clone()
    }

    pub(crate) fn is_altered(&self, digest: &Digest) -> bool {
        self.altered.contains_key(digest)
    }

    pub(crate) fn put_blob(&mut self, repository: &str, bytes: Bytes) -> Digest {
        let digest = Digest::of(&bytes);
        self.contents(repository).blobs.insert(digest, bytes);
        digest
    }

    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.repositories.get(repository)?.blobs.get(digest).cloned()
    }

    pub(crate) fn put_manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> Digest {
        let digest = Digest::of(&bytes);
        let contents = self.contents(repository);
        if !contents.manifests.iter().any(|m| m.digest == digest) {
            contents.manifests.push(StoredManifest { digest, media_type: media_type.into(), bytes });
        }
        if let Some(tag) = tag {
            contents.tags.insert(tag.into(), digest);
        }
        digest
    }

    pub(crate) fn manifest(&self, repository: &str, digest: &Digest) -> Option<StoredManifest> {
        self.repositories.get(repository)?.manifests.iter().find(|m| m.digest == *digest).cloned()
    }

    pub(crate) fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.repositories.get(repository)?.tags.get(tag).copied()
    }

    pub(crate) fn knows(&self, repository: &str) -> bool {
        self.repositories.contains_key(repository)
    }

    pub(crate) fn manifests(&self, repository: &str) -> Vec<StoredManifest> {
        self.repositories.get(repository).map(|c| c.manifests.clone()).unwrap_or_default()
    }

    pub(crate) fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        self.repositories.get(repository).map(|c| c.tags.clone()).unwrap_or_default()
    }

    pub(crate) fn blobs(&self, repository: &str) -> BTreeMap<Digest, u64> {
        let blobs = self.repositories.get(repository).map(|c| &c.blobs);
        blobs.into_iter().flatten().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect()
    }

    pub(crate) fn repositories(&self) -> Vec<String> {
        self.repositories.keys().cloned().collect()
    }

    pub(crate) fn begin_upload(&mut self) -> String {
        self.next_upload += 1;
        let id = format!("upload-{}", self.next_upload);
        self.uploads.insert(id.clone(), Vec::new());
        id
    }

    pub(crate) fn upload(&mut self, id: &str) -> Option<&mut Vec<u8>> {
        self.uploads.get_mut(id)
    }

    pub(crate) fn end_upload(&mut self, id: &str) -> Option<Vec<u8>> {
        self.uploads.remove(id)
    }

    fn contents(&mut self, repository: &str) -> &mut Contents {
        self.repositories.entry(repository.to_owned()).or_default()
    }
}
