//! What a cataloger is: which files it wants, and what it reads out of one.

use sealwright_core::{PackageKind, SourcePackage, Untrusted};
use sealwright_oci::EntryMeta;

/// Reads one kind of package database or metadata file. It sees bytes only: no network, no file system, no other file.
pub trait Cataloger: Sync {
    /// Its id, as in documents.
    fn id(&self) -> &'static str;

    /// Whether it wants this regular file, and how much of it. Asked for every file, so it has to be quick.
    fn interest(&self, entry: &EntryMeta) -> Interest;

    /// The packages that the file states.
    ///
    /// # Errors
    /// When it is not what its name says. That becomes a finding: what it would have stated is not known.
    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable>;
}

/// How much of a file a cataloger wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Nothing.
    Skip,
    /// All of it. A larger file becomes a finding.
    Whole(Size),
    /// All of it if it starts like an executable.
    Executable,
}

/// Which of the limits a file falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The database of an operating system's package manager.
    Database,
    /// The metadata of one language package.
    Metadata,
}

/// A file that a cataloger asked for.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its path inside the image, without a leading slash.
    pub path: &'a str,
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// A file is not what its name says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// A package as a file states it. Its place, its purl's distribution and its edges are added when all layers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The kind of package.
    pub kind: PackageKind,
    /// Its name.
    pub name: Untrusted,
    /// Its version.
    pub version: Untrusted,
    /// Its architecture.
    pub architecture: Option<Untrusted>,
    /// The source package.
    pub source: Option<SourcePackage>,
    /// Declared licenses.
    pub licenses: Vec<Untrusted>,
    /// Who maintains it.
    pub supplier: Option<Untrusted>,
    /// Names that it answers to beside its own: virtual packages, libraries, commands.
    pub provides: Vec<String>,
    /// What it needs; of each list one is enough.
    pub needs: Vec<Vec<String>>,
}

impl Component {
    /// A package with a name and a version.
    pub fn new(kind: PackageKind, name: impl Into<Untrusted>, version: impl Into<Untrusted>) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            architecture: None,
            source: None,
            licenses: vec![],
            supplier: None,
            provides: vec![],
            needs: vec![],
        }
    }
}
