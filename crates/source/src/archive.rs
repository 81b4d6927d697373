//! A tar file whose members are read in place: where each begins and how long it is.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::rc::Rc;

use sealwright_core::bounded::{ReadError, read_all};
use sealwright_core::{Finding, Limits};
use sealwright_oci::{EntryKind, EntryMeta, EntryVisitor, link_target, read_tar};

use crate::SourceError;

/// A piece of a file in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The archive and its members.
pub(crate) struct Archive {
    name: String,
    file: File,
    members: HashMap<String, Member>,
}

enum Member {
    File(Range),
    /// The path that a symbolic link names, already joined to the link's folder.
    Link(String),
}

impl Archive {
    /// Passes over the archive once. `name` is for messages.
    pub(crate) fn index(name: String, file: File, limits: &Limits) -> Result<Self, SourceError> {
        let position = Rc::new(Cell::new(0));
        let mut members = Members { position: position.clone(), found: HashMap::new() };
        let mut reader = Counted { inner: BufReader::with_capacity(1 << 20, &file), position };
        let summary = read_tar(&mut reader, limits, &mut members)
            .map_err(|source| SourceError::Archive { archive: name.clone(), source })?;
        // A layer may be flawed and become a finding; the file that carries the image has to be plain.
        if let Some(Finding::Observation { detail, .. }) = summary.findings.first() {
            return Err(SourceError::AmbiguousArchive { archive: name, detail: detail.to_string() });
        }
        let members = members.found;
        Ok(Self { name, file, members })
    }

    /// Where a member lies. Links are followed: `docker save` of old engines links a layer that two images share.
    pub(crate) fn find(&self, path: &str) -> Result<Range, SourceError> {
        let mut current = path;
        // A chain longer than this is a loop.
        for _ in 0..8 {
            match self.members.get(current) {
                Some(Member::File(range)) => return Ok(*range),
                Some(Member::Link(target)) => current = target,
                None => break,
            }
        }
        Err(SourceError::NoMember { archive: self.name.clone(), member: path.chars().take(200).collect() })
    }

    /// A whole member, at most `limit` bytes.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let member = || format!("{}:{path}", self.name).into();
        read_all(self.reader(self.find(path)?), limit).map_err(|e| match e {
            ReadError::TooLarge { limit } => SourceError::TooLarge { path: member(), limit },
            ReadError::Io(source) => SourceError::Io { path: member(), source },
        })
    }

    /// Reads a piece of the file; several readers do not disturb each other.
    pub(crate) fn reader(&self, range: Range) -> impl Read + Send + '_ {
        Piece { file: &self.file, range }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

struct Piece<'a> {
    file: &'a File,
    range: Range,
}

impl Read for Piece<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.range.length).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.range.offset)?;
        self.range.offset += n as u64;
        self.range.length -= n as u64;
        Ok(n)
    }
}

/// Counts what was consumed, so that a visitor knows where the contents that it is shown begin.
struct Counted<R> {
    inner: R,
    position: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.position.set(self.position.get() + n as u64);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.position.set(self.position.get() + amount as u64);
    }
}

struct Members {
    position: Rc<Cell<u64>>,
    found: HashMap<String, Member>,
}

impl EntryVisitor for Members {
    fn entry(&mut self, meta: &EntryMeta, _: &mut dyn Read) -> io::Result<()> {
        let path = meta.path.raw().to_owned();
        match &meta.kind {
            EntryKind::File => {
                let range = Range { offset: self.position.get(), length: meta.size };
                self.found.insert(path, Member::File(range));
            }
            EntryKind::HardLink(target) => {
                self.found.insert(path, Member::Link(target.raw().to_owned()));
            }
            EntryKind::Symlink(target) => {
                let target = link_target(&path, target.raw());
                self.found.insert(path, Member::Link(target));
            }
            EntryKind::Directory | EntryKind::Special | EntryKind::Whiteout | EntryKind::OpaqueWhiteout => {}
        }
        Ok(())
    }
}
