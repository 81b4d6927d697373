//! Sparse entries: only the data is stored, the holes are zeros (GNU tar, "Storing Sparse Files").

use super::header::{BLOCK, Block, numeric};
use super::pax::{SparseRecords, decimal};

/// A piece of data: where it starts in the file and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Pieces in order without overlap, inside the file; and the file's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SparseMap {
    pub(super) pieces: Vec<Piece>,
    pub(super) size: u64,
}

impl SparseMap {
    /// A map from offsets and lengths by turns; `None` where pieces overlap or leave the file, or do not need exactly
    /// `stored` bytes, because readers would disagree about such a file.
    pub(super) fn new(numbers: &[u64], size: u64, stored: u64) -> Option<Self> {
        let mut pieces = Vec::with_capacity(numbers.len() / 2);
        let (mut end, mut total) = (0_u64, 0_u64);
        for pair in numbers.chunks(2) {
            let [offset, length] = *pair else { return None };
            if offset < end {
                return None;
            }
            end = offset.checked_add(length)?;
            total = total.checked_add(length)?;
            if end > size {
                return None;
            }
            pieces.push(Piece { offset, length });
        }
        (total == stored).then_some(Self { pieces, size })
    }
}

/// The four entries of an old GNU header, whether extension blocks follow, and the real size.
pub(super) fn old_gnu(block: &[u8; BLOCK]) -> Option<(Vec<u64>, bool, u64)> {
    let fields = Block(block);
    let mut numbers = Vec::new();
    entries(fields.field(386, 4 * 24), &mut numbers)?;
    let size = u64::try_from(numeric(fields.field(483, 12))?).ok()?;
    Some((numbers, fields.field(482, 1).first().is_some_and(|b| *b != 0), size))
}

/// The 21 entries of an extension block, and whether another follows.
pub(super) fn extension(block: &[u8; BLOCK], numbers: &mut Vec<u64>) -> Option<bool> {
    let fields = Block(block);
    entries(fields.field(0, 21 * 24), numbers)?;
    Some(fields.field(504, 1).first().is_some_and(|b| *b != 0))
}

/// Entries of two 12-byte numbers; one whose first byte is NUL ends the list.
fn entries(bytes: &[u8], numbers: &mut Vec<u64>) -> Option<()> {
    for entry in bytes.chunks(24) {
        let (offset, length) = entry.split_at_checked(12)?;
        if offset.first() == Some(&0) || length.first() == Some(&0) {
            break;
        }
        numbers.push(u64::try_from(numeric(offset)?).ok()?);
        numbers.push(u64::try_from(numeric(length)?).ok()?);
    }
    Some(())
}

/// Which sparse format a PAX header announces, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PaxSparse {
    /// The map stands in the header.
    InHeader(Vec<u64>),
    /// The map stands in front of the data (format 1.0).
    InData,
}

/// As Go decides it: format 1.0 by its version, 0.0 and 0.1 by their version or by a map.
pub(super) fn announced(records: &SparseRecords) -> Option<PaxSparse> {
    match (records.major, records.minor) {
        (Some(1), Some(0)) => Some(PaxSparse::InData),
        (Some(0), Some(0 | 1)) | (None, None) => records.map.clone().map(PaxSparse::InHeader),
        _ => None,
    }
}

/// The name of a sparse file; a header that announces none says nothing about the name either.
pub(super) fn name(records: &SparseRecords) -> Option<Vec<u8>> {
    announced(records)?;
    records.name.clone().filter(|name| !name.is_empty())
}

/// The map of format 1.0: a count, then offsets and lengths, each a decimal number on a line of its own.
#[derive(Debug, Default)]
pub(super) struct DataMap {
    line: Vec<u8>,
    count: Option<u64>,
    numbers: Vec<u64>,
}

impl DataMap {
    /// Takes the next block; `Some(Some(numbers))` when the map is complete, `None` where it is broken.
    pub(super) fn block(&mut self, block: &[u8; BLOCK], most: u64) -> Option<Option<Vec<u64>>> {
        for byte in block {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() > 20 {
                    return None;
                }
                continue;
            }
            let number = decimal(&std::mem::take(&mut self.line))?;
            match self.count {
                None if number > most => return None,
                None => self.count = Some(number),
                Some(_) => self.numbers.push(number),
            }
            if self.count.is_some_and(|count| self.numbers.len() as u64 == count * 2) {
                return Some(Some(std::mem::take(&mut self.numbers)));
            }
        }
        Some(None)
    }
}
