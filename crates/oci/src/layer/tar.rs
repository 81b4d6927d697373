//! The entries of a tar archive, as Go's `archive/tar` gives them to containerd and Docker.
//!
//! Where another reader of the same bytes would see other files, a finding says so and the image is refused; where Go
//! itself gives up, the entries end there too. Nothing is unpacked.

use std::io::{self, BufRead, Read};

use sealwright_core::{Finding, FindingId, Limits, Place, Untrusted};

use super::LayerSummary;
use super::header::{self, BLOCK, Format, Header, HeaderError};
use super::pax::{self, Pax};
use super::sparse::{self, DataMap, PaxSparse, SparseMap};
use crate::entry::{EntryKind, EntryMeta};
use crate::visitor::EntryVisitor;

/// From here on a size does not fit the eleven octal digits of a header, which then holds anything.
const OCTAL_SIZES: u64 = 1 << 33;
/// Pieces of one sparse file.
const MOST_PIECES: u64 = 1 << 20;

/// Why an archive could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// Reading failed below the archive.
    #[error(transparent)]
    Io(io::Error),
    /// The archive ends inside an entry or header.
    #[error("the archive is cut off inside entry {entry}")]
    Truncated {
        /// The number of the entry, from 1.
        entry: u64,
    },
    /// A header that no reader understands.
    #[error("the header of entry {entry} is broken: {what}")]
    Malformed {
        /// The number of the entry, from 1.
        entry: u64,
        /// Which part.
        what: &'static str,
    },
    /// More than may be read.
    #[error("{what} of entry {entry} is larger than {limit}")]
    Limit {
        /// The number of the entry, from 1.
        entry: u64,
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

/// Shows every entry of an uncompressed archive to `visitor`.
///
/// # Errors
/// When the archive is cut off, broken, or larger than `limits`.
pub fn read_tar(
    reader: &mut impl BufRead,
    limits: &Limits,
    visitor: &mut dyn EntryVisitor,
) -> Result<LayerSummary, TarError> {
    let mut archive = Archive { reader, limits, entry: 0, findings: Vec::new(), flawed: 0 };
    while let Some(next) = archive.next()? {
        archive.show(next, visitor)?;
    }
    Ok(LayerSummary { findings: archive.findings, entries: archive.entry, uncompressed: 0 })
}

/// At most this many findings of one archive are kept: one is enough to refuse it.
const MOST_FINDINGS: usize = 1_000;

struct Archive<'a, R> {
    reader: &'a mut R,
    limits: &'a Limits,
    /// The number of the entry that is being read, from 1.
    entry: u64,
    findings: Vec<Finding>,
    flawed: usize,
}

/// A header with everything that stood in front of it.
struct Next {
    header: Header,
    name: Vec<u8>,
    link: Vec<u8>,
    /// Bytes stored in the archive.
    stored: u64,
    sparse: Option<SparseMap>,
}

/// The bytes of one block.
type Bytes = Box<[u8; BLOCK]>;

enum Block {
    Data(Bytes),
    Zero,
    End,
}

impl<R: BufRead> Archive<'_, R> {
    /// The next entry that is not itself a header of another one.
    fn next(&mut self) -> Result<Option<Next>, TarError> {
        let (mut pax, mut long_name, mut long_link) = (Pax::default(), None, None);
        self.entry += 1;
        loop {
            let Some((header, block)) = self.header()? else {
                self.entry -= 1;
                return Ok(None);
            };
            if self.entry > self.limits.entries {
                return Err(self.limit("the number", self.limits.entries));
            }
            match header.kind {
                b'x' => pax = self.pax(header.size)?,
                b'g' => self.global(header.size)?,
                b'L' => long_name = Some(self.gnu_text(header.size)?),
                b'K' => long_link = Some(self.gnu_text(header.size)?),
                _ => return self.merge(header, &block, pax, long_name, long_link).map(Some),
            }
        }
    }

    /// A header, or nothing at the end of the archive.
    fn header(&mut self) -> Result<Option<(Header, Bytes)>, TarError> {
        let block = match self.block()? {
            Block::Data(block) => block,
            Block::End => return Ok(None),
            Block::Zero => {
                self.end()?;
                return Ok(None);
            }
        };
        match header::parse(&block) {
            Ok(header) => Ok(Some((header, block))),
            Err(HeaderError::Checksum) => {
                self.flaw(FindingId::ArchiveBadChecksum, None, "the entries end at a header with a wrong checksum");
                Ok(None)
            }
            Err(HeaderError::Number(what)) => Err(self.malformed(what)),
        }
    }

    /// After the first block of zeros: a second one ends the archive, and only zeros may follow.
    fn end(&mut self) -> Result<(), TarError> {
        let lone = match self.block()? {
            Block::Zero => false,
            Block::Data(_) => true,
            Block::End => return Ok(()),
        };
        if lone || self.rest_has_data()? {
            self.flaw(FindingId::ArchiveTrailingData, None, "data follows the end marker of the archive");
        }
        Ok(())
    }

    fn rest_has_data(&mut self) -> Result<bool, TarError> {
        loop {
            let bytes = self.reader.fill_buf().map_err(TarError::Io)?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let length = bytes.len();
            let data = bytes.iter().any(|b| *b != 0);
            self.reader.consume(length);
            if data {
                return Ok(true);
            }
        }
    }

    fn block(&mut self) -> Result<Block, TarError> {
        let mut block = Box::new([0; BLOCK]);
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(Block::End),
                Ok(0) => return Err(self.truncated()),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(TarError::Io(e)),
            }
        }
        Ok(if block.iter().all(|b| *b == 0) { Block::Zero } else { Block::Data(block) })
    }

    fn data_block(&mut self) -> Result<Bytes, TarError> {
        match self.block()? {
            Block::Data(block) => Ok(block),
            Block::Zero => Ok(Box::new([0; BLOCK])),
            Block::End => Err(self.truncated()),
        }
    }

    /// The whole contents of an extension header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > self.limits.extension_header {
            return Err(self.limit("an extension header", self.limits.extension_header));
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < size {
            bytes.extend(self.data_block()?.iter());
        }
        bytes.truncate(usize::try_from(size).unwrap_or_default());
        Ok(bytes)
    }

    fn pax(&mut self, size: u64) -> Result<Pax, TarError> {
        let bytes = self.extension(size)?;
        let pax = pax::parse(&bytes).ok_or_else(|| self.malformed("its PAX records"))?;
        if let Some(key) = &pax.duplicate {
            self.flaw(FindingId::ArchiveDuplicatePaxKey, None, &format!("a PAX header states {key:?} twice"));
        }
        Ok(pax)
    }

    /// Go does not apply global records; GNU tar applies a global size to every entry.
    fn global(&mut self, size: u64) -> Result<(), TarError> {
        if self.pax(size)?.size.is_some() {
            self.flaw(FindingId::ArchiveSizeConflict, None, "a global PAX header states a size");
        }
        Ok(())
    }

    /// The text of a GNU long name: it ends at its NUL.
    fn gnu_text(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        let mut bytes = self.extension(size)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        if bytes.get(end..).is_some_and(|rest| rest.iter().any(|b| *b != 0)) {
            self.flaw(FindingId::ArchiveNulInName, None, "a GNU long name holds a NUL");
        }
        bytes.truncate(end);
        Ok(bytes)
    }

    fn merge(
        &mut self,
        mut header: Header,
        block: &[u8; BLOCK],
        pax: Pax,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Next, TarError> {
        // Go's order: a GNU long name stands above a PAX path, the name of a sparse file above both.
        let name = long_name.filter(|n| !n.is_empty()).or(pax.path).unwrap_or_else(|| header.name.clone());
        let name = sparse::name(&pax.sparse).unwrap_or(name);
        let link = long_link.filter(|l| !l.is_empty()).or(pax.link).unwrap_or_else(|| header.link.clone());
        if pax.nul {
            self.flaw(FindingId::ArchiveNulInName, Some(&name), "a PAX name holds a NUL");
        }
        if let Some(size) = pax.size.filter(|size| *size != header.size && *size < OCTAL_SIZES) {
            let detail = format!("the header says {} bytes, its PAX record {size}", header.size);
            self.flaw(FindingId::ArchiveSizeConflict, Some(&name), &detail);
        }
        if header.kind == 0 {
            header.kind = if name.ends_with(b"/") { b'5' } else { b'0' };
        }
        let mut stored = pax.size.unwrap_or(header.size);
        if matches!(header.kind, b'1'..=b'6') && stored > 0 {
            self.flaw(FindingId::ArchiveLinkWithSize, Some(&name), "an entry without contents states a size");
            stored = 0;
        }
        let sparse = self.sparse(&header, block, &pax.sparse, &mut stored)?;
        Ok(Next { header, name, link, stored, sparse })
    }

    fn sparse(
        &mut self,
        header: &Header,
        block: &[u8; BLOCK],
        records: &pax::SparseRecords,
        stored: &mut u64,
    ) -> Result<Option<SparseMap>, TarError> {
        let (numbers, size) = if header.kind == b'S' && header.format == Format::Gnu {
            let broken = || "its sparse map";
            let (mut numbers, mut more, size) = sparse::old_gnu(block).ok_or_else(|| self.malformed(broken()))?;
            while more {
                let block = self.data_block()?;
                more = sparse::extension(&block, &mut numbers).ok_or_else(|| self.malformed(broken()))?;
                if numbers.len() as u64 / 2 > MOST_PIECES {
                    return Err(self.limit("the sparse map", MOST_PIECES));
                }
            }
            (numbers, size)
        } else if header.kind == b'0' {
            let size = records.size.or(records.real_size).unwrap_or(*stored);
            match sparse::announced(records) {
                None => return Ok(None),
                Some(PaxSparse::InHeader(numbers)) => (numbers, size),
                Some(PaxSparse::InData) => (self.map_in_data(stored)?, size),
            }
        } else {
            return Ok(None);
        };
        SparseMap::new(&numbers, size, *stored).map(Some).ok_or_else(|| self.malformed("its sparse map"))
    }

    fn map_in_data(&mut self, stored: &mut u64) -> Result<Vec<u64>, TarError> {
        let mut map = DataMap::default();
        loop {
            *stored = stored.checked_sub(BLOCK as u64).ok_or_else(|| self.malformed("its sparse map"))?;
            let block = self.data_block()?;
            if let Some(numbers) = map.block(&block, MOST_PIECES).ok_or_else(|| self.malformed("its sparse map"))? {
                return Ok(numbers);
            }
        }
    }

    /// Shows one entry, and passes over what was not read of it.
    fn show(&mut self, next: Next, visitor: &mut dyn EntryVisitor) -> Result<(), TarError> {
        let padding = next.stored.wrapping_neg() % BLOCK as u64;
        let meta = self.meta(&next)?;
        let entry = self.entry;
        let shown = meta.as_ref().map_or(0, |meta| meta.size);
        let mut contents = Contents::new(self.reader, next.stored, shown, next.sparse);
        if let Some(meta) = meta
            && let Err(e) = visitor.entry(&meta, &mut contents)
        {
            return Err(if contents.cut_off { TarError::Truncated { entry } } else { TarError::Io(e) });
        }
        let rest = contents.stored;
        self.skip(rest)?;
        // The padding of the last entry may be missing: Go reads such an archive too.
        self.skip_padding(padding)
    }

    fn skip(&mut self, mut count: u64) -> Result<(), TarError> {
        while count > 0 {
            let available = self.reader.fill_buf().map_err(TarError::Io)?.len() as u64;
            if available == 0 {
                return Err(self.truncated());
            }
            let step = available.min(count);
            self.reader.consume(usize::try_from(step).unwrap_or_default());
            count -= step;
        }
        Ok(())
    }

    fn skip_padding(&mut self, count: u64) -> Result<(), TarError> {
        match self.skip(count) {
            Err(TarError::Truncated { .. }) => Ok(()),
            other => other,
        }
    }

    /// What the visitor sees; nothing for entries that no runtime unpacks.
    fn meta(&mut self, next: &Next) -> Result<Option<EntryMeta>, TarError> {
        let Some(path) = self.clean(&next.name)? else {
            self.flaw(FindingId::ArchiveEscapingPath, Some(&next.name), "the path of an entry leads out of the root");
            return Ok(None);
        };
        let mode = next.header.mode;
        let (parent, base) = path.rsplit_once('/').unwrap_or(("", &path));
        // OCI layer specification, "Whiteouts"; other names that start like this are aufs's own files, which runtimes drop.
        if base == ".wh..wh..opq" {
            return Ok(Some(EntryMeta { path: parent.into(), kind: EntryKind::OpaqueWhiteout, size: 0, mode }));
        }
        if base.starts_with(".wh..wh.") {
            return Ok(None);
        }
        if let Some(name) = base.strip_prefix(".wh.") {
            if matches!(name, "" | "." | "..") {
                self.flaw(FindingId::ArchiveEscapingPath, Some(&next.name), "a whiteout names no file");
                return Ok(None);
            }
            let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
            return Ok(Some(EntryMeta { path: path.into(), kind: EntryKind::Whiteout, size: 0, mode }));
        }
        let kind = match next.header.kind {
            b'0' | b'7' => EntryKind::File,
            b'S' if next.sparse.is_some() => EntryKind::File,
            b'5' => EntryKind::Directory,
            b'2' => EntryKind::Symlink(Untrusted::new(self.text(&next.link)?)),
            b'1' => match self.clean(&next.link)? {
                Some(target) => EntryKind::HardLink(target.into()),
                None => {
                    let detail = "the target of a hard link leads out of the root";
                    self.flaw(FindingId::ArchiveEscapingPath, Some(&next.name), detail);
                    return Ok(None);
                }
            },
            _ => EntryKind::Special,
        };
        let size = match kind {
            EntryKind::File => next.sparse.as_ref().map_or(next.stored, |map| map.size),
            _ => 0,
        };
        Ok(Some(EntryMeta { path: path.into(), kind, size, mode }))
    }

    /// A path without `.`, `..`, empty components and slashes at the ends; `None` where it leads out of the root.
    fn clean(&self, path: &[u8]) -> Result<Option<String>, TarError> {
        let text = self.text(path)?;
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Ok(None);
                    }
                }
                _ => parts.push(part),
            }
        }
        Ok(Some(parts.join("/")))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, TarError> {
        if bytes.len() > self.limits.path {
            return Err(self.limit("the path", self.limits.path as u64));
        }
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn flaw(&mut self, id: FindingId, path: Option<&[u8]>, detail: &str) {
        self.flawed += 1;
        if self.flawed > MOST_FINDINGS {
            return;
        }
        let path = path.map(|p| String::from_utf8_lossy(p.get(..self.limits.path).unwrap_or(p)).into_owned().into());
        let detail = format!("{detail} (entry {})", self.entry);
        self.findings.push(Finding::observation(id, Place { layer: None, path }, detail));
    }

    fn truncated(&self) -> TarError {
        TarError::Truncated { entry: self.entry }
    }

    fn malformed(&self, what: &'static str) -> TarError {
        TarError::Malformed { entry: self.entry, what }
    }

    fn limit(&self, what: &'static str, limit: u64) -> TarError {
        TarError::Limit { entry: self.entry, what, limit }
    }
}

/// The contents of one entry, with its holes.
struct Contents<'a, R> {
    reader: &'a mut R,
    /// Bytes of the archive that are left.
    stored: u64,
    /// Bytes that are left for the reader of the contents.
    left: u64,
    position: u64,
    sparse: Option<std::iter::Peekable<std::vec::IntoIter<sparse::Piece>>>,
    cut_off: bool,
}

impl<'a, R: BufRead> Contents<'a, R> {
    /// `stored` bytes in the archive, of which `left` are shown: none of an entry that is no file.
    fn new(reader: &'a mut R, stored: u64, left: u64, map: Option<SparseMap>) -> Self {
        let sparse = map.map(|m| m.pieces.into_iter().peekable());
        Self { reader, stored, left, position: 0, sparse, cut_off: false }
    }

    /// How many bytes follow from one place: data of the archive, or zeros.
    fn run(&mut self) -> (u64, bool) {
        let Some(pieces) = &mut self.sparse else { return (self.left, true) };
        while pieces.next_if(|p| p.offset + p.length <= self.position).is_some() {}
        match pieces.peek() {
            Some(piece) if piece.offset <= self.position => (piece.offset + piece.length - self.position, true),
            Some(piece) => (piece.offset - self.position, false),
            None => (self.left, false),
        }
    }
}

impl<R: BufRead> Read for Contents<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let (run, data) = self.run();
        let most = usize::try_from(run.min(self.left)).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..most).unwrap_or_default();
        let n = if data {
            let n = self.reader.read(part)?;
            if n == 0 {
                self.cut_off = true;
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside this entry"));
            }
            self.stored -= n as u64;
            n
        } else {
            part.fill(0);
            most
        };
        self.left -= n as u64;
        self.position += n as u64;
        Ok(n)
    }
}
