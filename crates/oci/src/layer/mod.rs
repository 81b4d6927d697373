//! One layer, read once: compressed bytes are hashed and counted, inflated, hashed again for the diff id, and cut into
//! entries. Nothing is believed before both digests match at the very end.

mod header;
mod pax;
mod sparse;
mod tar;
mod unpack;

use std::io::{BufReader, Read};

use sealwright_core::{Digest, Finding, Limits, Place};

pub use self::tar::{TarError, read_tar};
use self::unpack::{NotBegun, Stopped, Unpacked};
use crate::blob::{BlobError, Blobs, VerifiedReader};
use crate::descriptor::Descriptor;
use crate::visitor::EntryVisitor;

/// What the reading of a layer itself saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerSummary {
    /// Flaws of the archive, each with its place. Any of them refuses the image.
    pub findings: Vec<Finding>,
    /// Entries.
    pub entries: u64,
    /// Bytes of the uncompressed archive.
    pub uncompressed: u64,
}

/// Why a layer could not be read to its end. Nothing that was seen of it may be used.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The blob.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The archive inside.
    #[error("layer {layer}: {source}")]
    Tar {
        /// The layer's digest.
        layer: Digest,
        /// Why.
        source: TarError,
    },
    /// The compressed stream is broken or cut off.
    #[error("layer {layer} could not be decompressed: {message}")]
    Compression {
        /// The layer's digest.
        layer: Digest,
        /// As the decompressor says.
        message: String,
    },
    /// The uncompressed bytes are not those that the configuration names.
    #[error("layer {layer} does not match its diff id: expected {expected}, read {found} after {bytes} bytes")]
    DiffIdMismatch {
        /// The layer's digest.
        layer: Digest,
        /// As the configuration says.
        expected: Digest,
        /// As read.
        found: Digest,
        /// Uncompressed bytes read.
        bytes: u64,
    },
    /// More than may be read.
    #[error("layer {layer} holds more than {limit} uncompressed bytes")]
    TooLarge {
        /// The layer's digest.
        layer: Digest,
        /// The limit in bytes.
        limit: u64,
    },
    /// A decompression bomb.
    #[error("layer {layer} expands more than {limit} times")]
    Expansion {
        /// The layer's digest.
        layer: Digest,
        /// Uncompressed bytes for each compressed one.
        limit: u64,
    },
}

/// Reads `layer` to its end, shows each entry to `visitor`, and checks the blob's size and digest and the diff id.
///
/// # Errors
/// When the blob, its compression or its archive is broken, or a digest does not match. What the visitor saw is void then.
pub fn read_layer(
    blobs: &dyn Blobs,
    layer: &Descriptor,
    diff_id: &Digest,
    limits: &Limits,
    visitor: &mut dyn EntryVisitor,
) -> Result<LayerSummary, LayerError> {
    let digest = layer.digest;
    if layer.size > limits.compressed_layer {
        return Err(BlobError::TooLarge { digest, limit: limits.compressed_layer }.into());
    }
    let blob = VerifiedReader::new(blobs.open(layer)?, layer);
    let mut unpacked = match Unpacked::new(blob, limits) {
        Ok(unpacked) => BufReader::with_capacity(256 << 10, unpacked),
        Err(NotBegun { blob: Some(blob), error }) => return Err(blob.explain(error).into()),
        Err(NotBegun { blob: None, error: source }) => return Err(BlobError::Io { digest, source }.into()),
    };
    let mut read = read_tar(&mut unpacked, limits, visitor);
    // Also after the end marker, and after an archive that ended early: the digests cover every byte.
    if read.is_ok() {
        read = drain(&mut unpacked).map_err(TarError::Io).and(read);
    }
    let unpacked = unpacked.into_inner();
    let mut summary = match read {
        Ok(summary) => summary,
        Err(TarError::Io(e)) => return Err(stopped(digest, unpacked, e)),
        Err(source) => {
            // An archive that is broken because the blob was changed is best explained by the blob.
            let (blob, ..) = unpacked.finish();
            blob.finish()?;
            return Err(LayerError::Tar { layer: digest, source });
        }
    };
    let (blob, found, bytes) = unpacked.finish();
    blob.finish()?;
    if found != *diff_id {
        return Err(LayerError::DiffIdMismatch { layer: digest, expected: *diff_id, found, bytes });
    }
    summary.uncompressed = bytes;
    for finding in &mut summary.findings {
        if let Finding::Observation { place: Place { layer, .. }, .. } = finding {
            *layer = Some(*diff_id);
        }
    }
    Ok(summary)
}

/// What ended the stream: the blob itself, a limit, or its compression.
fn stopped<R: Read>(layer: Digest, unpacked: Unpacked<R>, error: std::io::Error) -> LayerError {
    match unpacked.stopped() {
        Some(Stopped::TooLarge { limit }) => return LayerError::TooLarge { layer, limit },
        Some(Stopped::Expansion { limit }) => return LayerError::Expansion { layer, limit },
        None => {}
    }
    let message = error.to_string();
    let (blob, ..) = unpacked.finish();
    match blob.explain(error) {
        // The blob is whole so far, so that it is the compressed stream that is broken. A blob that is too short or changed
        // explains that better than the decompressor does.
        BlobError::Io { .. } => match blob.finish() {
            Err(e) => e.into(),
            Ok(()) => LayerError::Compression { layer, message },
        },
        other => other.into(),
    }
}

fn drain(reader: &mut impl Read) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    while reader.read(&mut buffer)? > 0 {}
    Ok(())
}
