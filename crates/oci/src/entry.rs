//! One entry of a layer's tar archive, without its contents.

use sealwright_core::Untrusted;

/// What an entry is. Only what matters to a reader of files is kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file (typeflags `0`, NUL, `7`, GNU sparse).
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink(Untrusted),
    /// A hard link and the path inside the layer that it names, cleaned like [`EntryMeta::path`].
    HardLink(Untrusted),
    /// A device, FIFO or socket.
    Special,
    /// `.wh.NAME`: the path without the prefix is deleted from the layers below (OCI layer specification, "Whiteouts").
    Whiteout,
    /// `.wh..wh..opq`: everything that lower layers hold in this directory is deleted. The path is the directory's.
    OpaqueWhiteout,
}

/// The meta data of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryMeta {
    /// Cleaned path: no leading `/` or `./`, no `.` or empty components, never `..`; of a whiteout the path that it deletes.
    /// The root directory itself is the empty path. Names that are not UTF-8 are decoded lossily.
    pub path: Untrusted,
    /// What it is.
    pub kind: EntryKind,
    /// Size of the contents in bytes, after expanding sparse entries; 0 for everything but files.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
}
