//! Decompression with the diff id's hash, and limits on what comes out.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use sealwright_core::{Digest, Hasher, Limits};

use crate::blob::VerifiedReader;

/// Compressed bytes are read in pieces of this size.
const BUFFER: usize = 128 << 10;

/// A limit that ended the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    TooLarge { limit: u64 },
    Expansion { limit: u64 },
}

/// The stream could not be begun.
pub(super) struct NotBegun<R> {
    /// The blob, which can explain the error.
    pub(super) blob: Option<Box<VerifiedReader<R>>>,
    pub(super) error: io::Error,
}

/// The first bytes, which were looked at, and the rest.
type Input<R> = BufReader<Chain<Cursor<Vec<u8>>, VerifiedReader<R>>>;

/// What the first bytes say, as containerd decides it: media types of layers are often wrong.
enum Decoder<R: Read> {
    Plain(Input<R>),
    Gzip(Box<MultiGzDecoder<Input<R>>>),
    Zstd(zstd::stream::read::Decoder<'static, Input<R>>),
}

/// The uncompressed bytes of a layer.
pub(super) struct Unpacked<R: Read> {
    decoder: Decoder<R>,
    hasher: Hasher,
    count: u64,
    limit: u64,
    grace: u64,
    ratio: u64,
    stopped: Option<Stopped>,
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes. The blob comes back with the error, so that it can explain it.
    pub(super) fn new(mut blob: VerifiedReader<R>, limits: &Limits) -> Result<Self, NotBegun<R>> {
        let mut start = Vec::new();
        let mut byte = [0];
        while start.len() < 4 {
            match blob.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => start.extend(byte),
                Err(e) => return Err(NotBegun { blob: Some(Box::new(blob)), error: e }),
            }
        }
        let magic = [0, 1, 2, 3].map(|i| start.get(i).copied());
        let input = BufReader::with_capacity(BUFFER, Cursor::new(start).chain(blob));
        let decoder = match magic {
            // RFC 1952 §2.3.1.
            [Some(0x1f), Some(0x8b), ..] => Decoder::Gzip(Box::new(MultiGzDecoder::new(input))),
            // RFC 8878 §3.1.1: a frame, or a skippable frame in front of it (§3.1.2).
            [Some(0x28), Some(0xb5), Some(0x2f), Some(0xfd)]
            | [Some(0x50..=0x5f), Some(0x2a), Some(0x4d), Some(0x18)] => {
                match zstd::stream::read::Decoder::with_buffer(input) {
                    Ok(decoder) => Decoder::Zstd(decoder),
                    Err(error) => return Err(NotBegun { blob: None, error }),
                }
            }
            _ => Decoder::Plain(input),
        };
        let Limits { uncompressed_layer: limit, expansion_grace: grace, expansion_ratio: ratio, .. } = *limits;
        Ok(Self { decoder, hasher: Hasher::new(), count: 0, limit, grace, ratio, stopped: None })
    }

    fn compressed(&self) -> u64 {
        match &self.decoder {
            Decoder::Plain(input) => input.get_ref().get_ref().1.count(),
            Decoder::Gzip(decoder) => decoder.get_ref().get_ref().get_ref().1.count(),
            Decoder::Zstd(decoder) => decoder.get_ref().get_ref().get_ref().1.count(),
        }
    }

    /// The limit that ended the stream, if one did.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// The blob, the digest of all uncompressed bytes, and their count.
    pub(super) fn finish(self) -> (VerifiedReader<R>, Digest, u64) {
        let input = match self.decoder {
            Decoder::Plain(input) => input,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        };
        (input.into_inner().into_inner().1, self.hasher.finish(), self.count)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.decoder {
            Decoder::Plain(input) => input.read(buffer),
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        }?;
        self.hasher.update(buffer.get(..n).unwrap_or_default());
        self.count += n as u64;
        if self.count > self.limit {
            self.stopped = Some(Stopped::TooLarge { limit: self.limit });
        } else if self.count > self.grace && self.count / self.compressed().max(1) > self.ratio {
            self.stopped = Some(Stopped::Expansion { limit: self.ratio });
        }
        if self.stopped.is_some() { Err(io::Error::other("limit")) } else { Ok(n) }
    }
}
