//! Images and layers that are whole, broken, and lying.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken fixture fails the test")]

mod archive;
mod layer;
mod resolve;

use std::collections::HashMap;
use std::io::{self, Read};

use sealwright_core::Digest;
use sealwright_oci::{BlobError, Blobs, Descriptor, EntryKind, EntryMeta, EntryVisitor, ImageSource};

/// Blobs in memory; those that are not there are missing.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) blobs: HashMap<Digest, Vec<u8>>,
    pub(crate) root: Option<Descriptor>,
}

impl Memory {
    pub(crate) fn put(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Descriptor {
        let bytes = bytes.into();
        let descriptor = Descriptor::of(media_type, &bytes);
        self.blobs.insert(descriptor.digest, bytes);
        descriptor
    }
}

/// Gives one byte at a time: readers must not depend on how much comes at once.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.len().min(buffer.len()).min(1);
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

impl Blobs for Memory {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        let bytes = self.blobs.get(&descriptor.digest).ok_or(BlobError::NotFound { digest: descriptor.digest })?;
        Ok(Box::new(Drip(bytes)))
    }
}

impl ImageSource for Memory {
    fn root(&self) -> &Descriptor {
        self.root.as_ref().expect("a root")
    }

    fn as_blobs(&self) -> &dyn Blobs {
        self
    }
}

/// Every entry with its contents.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) Vec<(String, EntryKind, Vec<u8>)>);

impl EntryVisitor for Seen {
    fn entry(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        let bytes =
            sealwright_core::bounded::read_all(contents, 1 << 24).map_err(|e| io::Error::other(e.to_string()))?;
        assert_eq!(bytes.len() as u64, meta.size, "{}", meta.path);
        self.0.push((meta.path.raw().to_owned(), meta.kind.clone(), bytes));
        Ok(())
    }
}

impl Seen {
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.0.iter().map(|(path, ..)| path.as_str()).collect()
    }
}

/// A tar writer that can lie.
#[derive(Default, Clone)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn file(self, path: &str, contents: &[u8]) -> Self {
        self.entry(path, b'0', "", contents.len() as u64, contents)
    }

    pub(crate) fn entry(mut self, path: &str, kind: u8, link: &str, size: u64, contents: &[u8]) -> Self {
        let mut block = [0_u8; 512];
        let mut field = |offset: usize, text: &[u8]| block[offset..offset + text.len()].copy_from_slice(text);
        field(0, path.as_bytes());
        field(100, b"0000644\x000000000\x000000000\x00");
        field(124, format!("{size:011o}\0").as_bytes());
        field(136, b"00000000000\x00        ");
        field(156, &[kind]);
        field(157, link.as_bytes());
        field(257, b"ustar\x0000");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(block);
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A PAX header for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let text: String = records.iter().map(|(key, value)| record(key, value)).collect();
        self.entry("pax", b'x', "", text.len() as u64, text.as_bytes())
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// A record counts its own length.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}
