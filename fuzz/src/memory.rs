//! Images that lie in memory.

use std::fs::File;
use std::io::{Cursor, Read, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use sealwright_core::Limits;
use sealwright_oci::{BlobError, Blobs, Descriptor, ImageSource};
use sealwright_source::{SourceError, Transport};

/// One blob, given for every descriptor.
pub struct InMemory<'a>(pub &'a [u8]);

impl Blobs for InMemory<'_> {
    fn open(&self, _: &Descriptor) -> Result<Box<dyn Read + Send + '_>, BlobError> {
        Ok(Box::new(Cursor::new(self.0)))
    }
}

/// Opens an archive. It lies in a file without a name, which a run that crashes does not leave behind.
pub fn open_archive(
    archive: &[u8],
    transport: impl Fn(PathBuf) -> Transport,
) -> Result<Box<dyn ImageSource>, SourceError> {
    static FILE: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a temporary file"));
    let mut file = &*FILE;
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(archive)).expect("a temporary file");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    sealwright_source::open(&transport(path.into()), None, &Limits::default())
}
