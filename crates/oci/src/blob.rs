//! Blobs by descriptor. Nothing about their bytes is believed before they are hashed.

use std::io::{self, Read};

use sealwright_core::{Digest, Hasher};

use crate::descriptor::Descriptor;

/// Opens blobs where an image lies.
pub trait Blobs: Send + Sync {
    /// The bytes of a blob, not yet checked.
    ///
    /// # Errors
    /// When the blob is not there or cannot be opened.
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError>;
}

/// Blobs, and the manifest or index at which an image starts.
pub trait ImageSource: Blobs {
    /// The descriptor of the manifest or index.
    fn root(&self) -> &Descriptor;

    /// The blobs alone.
    fn as_blobs(&self) -> &dyn Blobs;
}

/// Why a blob could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The image names it, and it is not there.
    #[error("blob {digest} is not there")]
    NotFound {
        /// The blob.
        digest: Digest,
    },
    /// Reading failed.
    #[error("blob {digest} could not be read: {source}")]
    Io {
        /// The blob.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// Its bytes are others.
    #[error("blob {digest} does not match its digest: read {found}")]
    DigestMismatch {
        /// The digest in the descriptor.
        digest: Digest,
        /// The digest of what was read.
        found: Digest,
    },
    /// It is longer or shorter than its descriptor says.
    #[error("blob {digest} has {found} bytes, expected {expected}")]
    SizeMismatch {
        /// The blob.
        digest: Digest,
        /// As the descriptor says.
        expected: u64,
        /// As read; one more than expected where there is more.
        found: u64,
    },
    /// More than may be read.
    #[error("blob {digest} has more than {limit} bytes")]
    TooLarge {
        /// The blob.
        digest: Digest,
        /// The limit in bytes.
        limit: u64,
    },
    /// The registry could not be reached or did not answer as it should.
    #[error("blob {digest} could not be fetched: {message}")]
    Upstream {
        /// The blob.
        digest: Digest,
        /// Why.
        message: String,
    },
}

/// Reads a whole blob, at most `limit` bytes, and checks size and digest.
///
/// # Errors
/// As [`BlobError`] says.
pub fn read_blob(blobs: &dyn Blobs, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, BlobError> {
    let digest = descriptor.digest;
    if descriptor.size > limit {
        return Err(BlobError::TooLarge { digest, limit });
    }
    let mut reader = VerifiedReader::new(blobs.open(descriptor)?, descriptor);
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => bytes.extend(buffer.get(..n).unwrap_or_default()),
            Err(e) => return Err(reader.explain(e)),
        }
    }
    reader.finish()?;
    Ok(bytes)
}

/// Hashes and counts while it reads; hands out no byte past the size in the descriptor.
pub(crate) struct VerifiedReader<R> {
    inner: R,
    hasher: Hasher,
    count: u64,
    expected: Descriptor,
}

impl<R: Read> VerifiedReader<R> {
    pub(crate) fn new(inner: R, expected: &Descriptor) -> Self {
        Self { inner, hasher: Hasher::new(), count: 0, expected: expected.clone() }
    }

    /// The error that a failed read means: a blob that is too long says so, whatever was made of its bytes.
    pub(crate) fn explain(&self, source: io::Error) -> BlobError {
        let digest = self.expected.digest;
        if self.count > self.expected.size {
            return BlobError::SizeMismatch { digest, expected: self.expected.size, found: self.count };
        }
        match source.downcast::<BlobError>() {
            Ok(error) => error,
            Err(source) => BlobError::Io { digest, source },
        }
    }

    /// Bytes read so far.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Reads what is left and checks size and digest.
    pub(crate) fn finish(mut self) -> Result<(), BlobError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) => return Err(self.explain(e)),
            }
        }
        let Descriptor { digest, size: expected, .. } = self.expected;
        if self.count != expected {
            return Err(BlobError::SizeMismatch { digest, expected, found: self.count });
        }
        let found = self.hasher.finish();
        if found != digest { Err(BlobError::DigestMismatch { digest, found }) } else { Ok(()) }
    }
}

impl<R: Read> Read for VerifiedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte past the size is asked for, so that a longer blob is noticed rather than cut.
        let left = self.expected.size.saturating_sub(self.count).saturating_add(1);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(part) = buffer.get_mut(..most) else { return Ok(0) };
        let n = self.inner.read(part)?;
        self.hasher.update(part.get(..n).unwrap_or_default());
        self.count += n as u64;
        if self.count > self.expected.size {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than its descriptor says"));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(Vec<u8>);

    impl Blobs for One {
        fn open(&self, _: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
            Ok(Box::new(&self.0[..]))
        }
    }

    #[test]
    fn a_blob_is_what_its_descriptor_says_or_nothing() {
        let good = Descriptor::of("x", b"hello");
        assert_eq!(read_blob(&One(b"hello".to_vec()), &good, 5).expect("at the limit"), b"hello");
        assert!(matches!(read_blob(&One(b"hello".to_vec()), &good, 4), Err(BlobError::TooLarge { limit: 4, .. })));
        let changed = read_blob(&One(b"hellO".to_vec()), &good, 99);
        assert!(matches!(changed, Err(BlobError::DigestMismatch { .. })));
        let short = read_blob(&One(b"hell".to_vec()), &good, 99);
        assert!(matches!(short, Err(BlobError::SizeMismatch { expected: 5, found: 4, .. })));
        let long = read_blob(&One(b"hello!!".to_vec()), &good, 99);
        assert!(matches!(long, Err(BlobError::SizeMismatch { expected: 5, found: 6, .. })));
        let empty = Descriptor::of("x", b"");
        assert_eq!(read_blob(&One(vec![]), &empty, 0).expect("nothing"), b"");
    }
}
