//! An image in a registry as an [`ImageSource`], for the readers that are not asynchronous.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use sealwright_core::{ImageRef, PinnedRef};
use sealwright_oci::{BlobError, Blobs, Descriptor, ImageSource, media_type};
use tokio::runtime::Handle;

use crate::blob::Stream;
use crate::client::Client;
use crate::error::RegistryError;

/// How often a blob whose connection broke is asked for the rest.
const RESUMES: u32 = 3;

/// An image in a registry. Its blobs are streams; whoever reads them checks them.
///
/// Its methods block: use it on threads outside the runtime, or inside `spawn_blocking` or `block_in_place`.
#[derive(Debug)]
pub struct RemoteImage {
    client: Arc<Client>,
    handle: Handle,
    pinned: PinnedRef,
    root: Descriptor,
    root_bytes: Bytes,
}

impl RemoteImage {
    /// Resolves the reference, once. `handle` is of the runtime on which the requests run.
    ///
    /// # Errors
    /// As [`Client::resolve`].
    pub async fn open(client: Arc<Client>, reference: &ImageRef, handle: Handle) -> Result<Self, RegistryError> {
        let (pinned, root, root_bytes) = client.resolve(reference).await?;
        Ok(Self { client, handle, pinned, root, root_bytes: root_bytes.into() })
    }

    /// The reference by digest.
    pub fn pinned(&self) -> &PinnedRef {
        &self.pinned
    }
}

impl Blobs for RemoteImage {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let digest = descriptor.digest;
        if digest == self.root.digest {
            return Ok(Box::new(Cursor::new(self.root_bytes.clone())));
        }
        let upstream = |error| upstream(descriptor, error);
        // Manifests lie behind another endpoint than blobs.
        if media_type::is_manifest(&descriptor.media_type) || media_type::is_index(&descriptor.media_type) {
            let pinned = self.pinned.repository().pinned(digest);
            let (_, bytes) = self.handle.block_on(self.client.manifest(&pinned)).map_err(upstream)?;
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let stream = self.handle.block_on(self.client.open_blob(self.pinned.repository(), descriptor, 0));
        Ok(Box::new(BlobReader {
            image: self,
            descriptor: descriptor.clone(),
            stream: stream.map_err(upstream)?,
            chunk: Bytes::new(),
            offset: 0,
            resumes: RESUMES,
        }))
    }
}

impl ImageSource for RemoteImage {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn as_blobs(&self) -> &dyn Blobs {
        self
    }
}

fn upstream(descriptor: &Descriptor, error: RegistryError) -> BlobError {
    let digest = descriptor.digest;
    match error {
        RegistryError::NotFound { .. } => BlobError::NotFound { digest },
        RegistryError::DigestMismatch { expected, found, .. } => BlobError::DigestMismatch { digest: expected, found },
        RegistryError::TooLarge { limit, .. } => BlobError::TooLarge { digest, limit },
        other => BlobError::Upstream { digest, message: other.to_string() },
    }
}

struct BlobReader<'a> {
    image: &'a RemoteImage,
    descriptor: Descriptor,
    stream: Stream,
    chunk: Bytes,
    /// Bytes received.
    offset: u64,
    resumes: u32,
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.image.handle.block_on(self.image.client.next_chunk(&mut self.stream)) {
                Ok(Some(chunk)) => {
                    self.offset += chunk.len() as u64;
                    self.chunk = chunk;
                }
                Ok(None) => return Ok(0),
                Err(error) => self.resume(error)?,
            }
        }
        let n = buffer.len().min(self.chunk.len());
        self.chunk.split_to(n).copy_to_slice(buffer.get_mut(..n).unwrap_or_default());
        Ok(n)
    }
}

impl BlobReader<'_> {
    /// Asks for the rest. Whether it is the same blob's is seen by its digest at the end.
    fn resume(&mut self, error: RegistryError) -> io::Result<()> {
        let fail = |error| io::Error::other(upstream(&self.descriptor, error));
        let Some(left) = self.resumes.checked_sub(1) else { return Err(fail(error)) };
        self.resumes = left;
        let client = &self.image.client;
        let rest = client.open_blob(self.image.pinned.repository(), &self.descriptor, self.offset);
        self.stream = self.image.handle.block_on(rest).map_err(fail)?;
        Ok(())
    }
}
