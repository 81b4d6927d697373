//! Pushing blobs: `POST` for a place, then one streamed `PUT` ("Pushing a blob monolithically"). A push that breaks off starts
//! anew, with the blob opened again.

use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Body, Method, StatusCode, Url};
use sealwright_core::{Hasher, Repository};
use sealwright_oci::{BlobError, Blobs, Descriptor};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::blob::blob_asked;
use crate::client::{Client, text};
use crate::error::RegistryError;
use crate::http::{Fetched, Reading, Request};
use crate::retry::{Again, Failure};

/// What a push of a blob came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It was sent.
    Sent,
    /// It was there already.
    WasThere,
}

const CHUNK: usize = 256 << 10;
/// The answers of the upload endpoints are empty or a few words.
const ACKNOWLEDGMENT: u64 = 64 << 10;

impl Client {
    /// Pushes a blob, unless it is there already. The blob is hashed on its way; its last part is only sent when size and
    /// digest are right.
    ///
    /// The blob is read on the calling thread; on a multi-threaded runtime the other tasks move to other threads meanwhile.
    /// Blobs of a [`crate::RemoteImage`] need a multi-threaded runtime.
    ///
    /// # Errors
    /// [`RegistryError::Blob`] when the blob cannot be read or is not what its descriptor says; others when the registry
    /// does not take it.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        blobs: &dyn Blobs,
    ) -> Result<Pushed, RegistryError> {
        if self.blob_exists(repository, descriptor).await? {
            return Ok(Pushed::WasThere);
        }
        let mut number = 0;
        loop {
            number += 1;
            let failure = match self.upload(repository, descriptor, blobs).await {
                Ok(()) => return Ok(Pushed::Sent),
                Err(failure) => failure,
            };
            let pause = match failure.again {
                Again::No => None,
                Again::After(wanted) => self.options.backoff.pause(number, wanted),
            };
            let Some(pause) = pause else { return Err(failure.error) };
            sleep(pause).await;
        }
    }

    /// Pushes bytes as a blob.
    ///
    /// # Errors
    /// As [`Client::push_blob`].
    pub async fn push_bytes(
        &self,
        repository: &Repository,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Descriptor, RegistryError> {
        let descriptor = Descriptor::of(media_type, bytes);
        self.push_blob(repository, &descriptor, &InMemory(bytes)).await?;
        Ok(descriptor)
    }

    async fn upload(&self, repository: &Repository, descriptor: &Descriptor, blobs: &dyn Blobs) -> Result<(), Failure> {
        let asked = blob_asked("push blob", repository, descriptor);
        let url = self.url(repository, "blobs/uploads/").map_err(Failure::last)?;
        let begin = Request::push(Method::POST, url, repository, asked.clone());
        let begun = self.fetch(&begin, Reading::Whole(ACKNOWLEDGMENT)).await.map_err(Failure::last)?;
        // Some registries answer at once that they have it, as for a mount ("Mounting a blob from another repository").
        if begun.status == StatusCode::CREATED {
            return Ok(());
        }
        let place = place(&begun, descriptor).map_err(|problem| {
            Failure::last(RegistryError::Protocol { asked: asked.clone(), problem: problem.into() })
        })?;
        let put = Request::push(Method::PUT, place, repository, asked)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, descriptor.size.to_string());
        self.stream(&put, descriptor, blobs).await
    }

    /// Sends the blob as the request's body and watches that it moves.
    async fn stream(&self, put: &Request<'_>, descriptor: &Descriptor, blobs: &dyn Blobs) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel(2);
        let progress = AtomicU64::new(0);
        let mut request =
            pin!(self.once(put, Some(Body::wrap_stream(Chunks(receiver))), Reading::Whole(ACKNOWLEDGMENT)));
        let mut feed = pin!(feed(blobs, descriptor, sender, &progress));
        let mut fed = None;
        let mut seen = 0;
        loop {
            tokio::select! {
                answer = &mut request => {
                    return match fed {
                        // The connection broke because we ended it: the cause is the blob.
                        Some(Err(error)) => Err(Failure::last(RegistryError::Blob(error))),
                        _ => answer.map(|_| ()),
                    };
                }
                result = &mut feed, if fed.is_none() => fed = Some(result),
                () = sleep(self.options.timeout) => {
                    let now = progress.load(Ordering::Relaxed);
                    if now == seen {
                        return Err(Failure::last(self.too_late(&put.asked)));
                    }
                    seen = now;
                }
            }
        }
    }
}

/// Where to send the blob: the place with the digest added to its query, which may carry the registry's own state.
fn place(begun: &Fetched, descriptor: &Descriptor) -> Result<Url, &'static str> {
    let location = text(begun.headers.get(LOCATION)).ok_or("an upload without a Location")?;
    let mut url = begun.url.join(location).map_err(|_| "an upload's Location that is no URL")?;
    let own = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&")).unwrap_or_default();
    url.set_query(Some(&format!("{own}digest={}", descriptor.digest)));
    Ok(url)
}

/// Reads and hashes the blob and hands it on, one part behind: the last part is held back until all is known to be right.
async fn feed(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    sender: mpsc::Sender<io::Result<Bytes>>,
    progress: &AtomicU64,
) -> Result<(), BlobError> {
    let result = feed_checked(blobs, descriptor, &sender, progress).await;
    if let Err(error) = &result {
        // Ends the request without its last part. Where the request has ended already, there is no one to tell.
        let _ = sender.send(Err(io::Error::other(error.to_string()))).await;
    }
    result
}

async fn feed_checked(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    sender: &mpsc::Sender<io::Result<Bytes>>,
    progress: &AtomicU64,
) -> Result<(), BlobError> {
    let Descriptor { digest, size: expected, .. } = *descriptor;
    let mut reader = blocking(|| blobs.open(descriptor))?;
    let mut hasher = Hasher::new();
    let mut held: Option<Bytes> = None;
    let mut found = 0_u64;
    loop {
        let part = blocking(|| read_part(&mut *reader)).map_err(|e| match e.downcast::<BlobError>() {
            Ok(error) => error,
            Err(source) => BlobError::Io { digest, source },
        })?;
        let end = part.is_empty();
        hasher.update(&part);
        found += part.len() as u64;
        if found > expected || (end && found < expected) {
            return Err(BlobError::SizeMismatch { digest, expected, found });
        }
        if end {
            break;
        }
        if let Some(ready) = held.replace(part)
            && !hand_on(sender, ready, progress).await
        {
            return Ok(());
        }
    }
    let found = hasher.finish();
    if found != digest {
        return Err(BlobError::DigestMismatch { digest, found });
    }
    if let Some(last) = held {
        hand_on(sender, last, progress).await;
    }
    Ok(())
}

/// `false` when the request has ended: the registry's answer says why.
async fn hand_on(sender: &mpsc::Sender<io::Result<Bytes>>, part: Bytes, progress: &AtomicU64) -> bool {
    progress.fetch_add(1, Ordering::Relaxed);
    sender.send(Ok(part)).await.is_ok()
}

/// A full part, or what is left; empty at the end.
fn read_part(reader: &mut dyn Read) -> io::Result<Bytes> {
    let mut buffer = vec![0; CHUNK];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    buffer.truncate(filled);
    Ok(buffer.into())
}

/// Runs blocking work where this runtime can bear it.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

struct Chunks(mpsc::Receiver<io::Result<Bytes>>);

impl futures_core::Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

struct InMemory<'a>(&'a [u8]);

impl Blobs for InMemory<'_> {
    fn open(&self, _: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        Ok(Box::new(self.0))
    }
}
