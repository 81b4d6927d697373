//! Reading blobs.

use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};
use sealwright_core::{Digest, Repository};
use sealwright_oci::Descriptor;
use tokio::time::timeout;

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};
use crate::http::{Reading, Request, connection};

impl Client {
    /// Whether a blob is there.
    ///
    /// # Errors
    /// When the registry does not say.
    pub async fn blob_exists(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, RegistryError> {
        let asked = blob_asked("look for blob", repository, descriptor);
        let url = self.url(repository, &format!("blobs/{}", descriptor.digest))?;
        let mut request = Request::get(url, repository, asked);
        request.method = Method::HEAD;
        match self.fetch(&request, Reading::Whole(0)).await {
            Ok(_) => Ok(true),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Reads a whole blob of at most `limit` bytes and checks its size and digest.
    ///
    /// # Errors
    /// When it cannot be read or is not what its descriptor says.
    pub async fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let asked = blob_asked("read blob", repository, descriptor);
        let Descriptor { digest: expected, size, .. } = *descriptor;
        if size > limit {
            return Err(RegistryError::TooLarge { asked, limit });
        }
        let url = self.url(repository, &format!("blobs/{expected}"))?;
        let request = Request::get(url, repository, asked.clone());
        let bytes = match self.fetch(&request, Reading::Whole(size)).await {
            Ok(fetched) => fetched.bytes,
            Err(RegistryError::TooLarge { .. }) => {
                return Err(RegistryError::SizeMismatch { asked, expected: size, found: size.saturating_add(1) });
            }
            Err(e) => return Err(e),
        };
        if bytes.len() as u64 != size {
            return Err(RegistryError::SizeMismatch { asked, expected: size, found: bytes.len() as u64 });
        }
        let found = Digest::of(&bytes);
        if found != expected {
            return Err(RegistryError::DigestMismatch { asked, expected, found });
        }
        Ok(bytes)
    }

    /// Opens a blob at `offset`.
    pub(crate) async fn open_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<Stream, RegistryError> {
        let asked = blob_asked("read blob", repository, descriptor);
        let url = self.url(repository, &format!("blobs/{}", descriptor.digest))?;
        let mut request = Request::get(url, repository, asked.clone());
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        let fetched = self.fetch(&request, Reading::Left).await?;
        let protocol = |problem: &str| RegistryError::Protocol { asked: asked.clone(), problem: problem.into() };
        // RFC 9110 §14.2: a range may be ignored; then the part that is known already is dropped.
        let skip = if fetched.status == StatusCode::PARTIAL_CONTENT {
            let range = text(fetched.headers.get(CONTENT_RANGE)).and_then(|r| r.strip_prefix("bytes "));
            let start = range.and_then(|r| r.split('-').next()?.parse::<u64>().ok());
            if start != Some(offset) {
                return Err(protocol("it sent another part than was asked for"));
            }
            0
        } else {
            offset
        };
        let response = fetched.response.ok_or_else(|| protocol("no body"))?;
        Ok(Stream { asked, response, skip })
    }

    /// The next bytes of a blob; `None` at its end.
    pub(crate) async fn next_chunk(&self, stream: &mut Stream) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let chunk = timeout(self.options.timeout, stream.response.chunk()).await;
            let chunk = chunk.map_err(|_| self.too_late(&stream.asked))?;
            let Some(mut chunk) = chunk.map_err(|e| connection(&stream.asked, e).error)? else { return Ok(None) };
            let dropped = usize::try_from(stream.skip).unwrap_or(usize::MAX).min(chunk.len());
            stream.skip -= dropped as u64;
            let rest = chunk.split_off(dropped);
            if !rest.is_empty() {
                return Ok(Some(rest));
            }
        }
    }
}

/// A blob that is being read.
pub(crate) struct Stream {
    asked: Asked,
    response: Response,
    /// Bytes that come once more and are dropped.
    skip: u64,
}

pub(crate) fn blob_asked(what: &'static str, repository: &Repository, descriptor: &Descriptor) -> Asked {
    Asked { what, target: repository.pinned(descriptor.digest).to_string() }
}
