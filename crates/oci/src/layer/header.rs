//! One 512-byte header block (POSIX.1-1988 ustar, pre-POSIX v7, GNU), read as Go's `archive/tar` reads it.

/// The size of a block in bytes.
pub(super) const BLOCK: usize = 512;

/// Which of the formats a block is in; it decides what the last third of the block means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// A header's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) kind: u8,
}

/// Why a block is no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// Neither of the two ways to sum the bytes gives the checksum.
    Checksum,
    /// A number that cannot be read.
    Number(&'static str),
}

/// A block's bytes at fixed offsets.
pub(super) struct Block<'a>(pub(super) &'a [u8; BLOCK]);

impl<'a> Block<'a> {
    pub(super) fn field(&self, offset: usize, length: usize) -> &'a [u8] {
        self.0.get(offset..offset + length).unwrap_or_default()
    }

    /// Up to the first NUL.
    fn text(&self, offset: usize, length: usize) -> &'a [u8] {
        let field = self.field(offset, length);
        field.split(|b| *b == 0).next().unwrap_or_default()
    }

    fn format(&self) -> Format {
        match (self.field(257, 6), self.field(263, 2)) {
            (b"ustar\0", _) if self.field(508, 4) == b"tar\0" => Format::Star,
            (b"ustar\0", _) => Format::Ustar,
            (b"ustar ", b" \0") => Format::Gnu,
            _ => Format::V7,
        }
    }

    /// Historic writers summed signed bytes; both sums are accepted, as everywhere.
    fn checksum_holds(&self) -> bool {
        let Some(stated) = octal(self.field(148, 8)) else { return false };
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (i, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&i) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        i64::try_from(stated).is_ok_and(|s| s == unsigned || s == signed)
    }
}

/// Parses one block that is not all zeros.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Header, HeaderError> {
    let fields = Block(block);
    if !fields.checksum_holds() {
        return Err(HeaderError::Checksum);
    }
    let format = fields.format();
    let number = |name, offset, length| numeric(fields.field(offset, length)).ok_or(HeaderError::Number(name));
    let mode = number("mode", 100, 8)?;
    number("uid", 108, 8)?;
    number("gid", 116, 8)?;
    let size = number("size", 124, 12)?;
    number("mtime", 136, 12)?;
    if format != Format::V7 {
        number("devmajor", 329, 8)?;
        number("devminor", 337, 8)?;
    }
    let prefix = match format {
        Format::Ustar => fields.text(345, 155),
        Format::Star => fields.text(345, 131),
        Format::V7 | Format::Gnu => b"",
    };
    let mut name = prefix.to_vec();
    if !name.is_empty() {
        name.push(b'/');
    }
    name.extend(fields.text(0, 100));
    let kind = fields.field(156, 1).first().copied().unwrap_or_default();
    Ok(Header {
        format,
        name,
        link: fields.text(157, 100).to_vec(),
        mode: u32::try_from(mode & 0o7777).unwrap_or_default(),
        size: u64::try_from(size).map_err(|_| HeaderError::Number("size"))?,
        kind,
    })
}

/// Octal digits, or base-256 where the first bit is set (GNU tar, "Extensions"); two's complement, at most 63 bits.
pub(super) fn numeric(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return octal(field).and_then(|n| i64::try_from(n).ok());
    }
    let negative = first & 0x40 != 0;
    let invert = if negative { 0xff } else { 0 };
    let mut value: u64 = 0;
    for byte in std::iter::once((first ^ invert) & 0x7f).chain(rest.iter().map(|b| b ^ invert)) {
        if value >> 56 != 0 {
            return None;
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).ok()?;
    Some(if negative { !value } else { value })
}

/// Octal digits between spaces and NULs; an empty field is zero.
fn octal(field: &[u8]) -> Option<u64> {
    let trimmed = trim(field);
    let digits = trimmed.split(|b| *b == 0).next().unwrap_or_default();
    if digits.is_empty() {
        return trimmed.is_empty().then_some(0);
    }
    digits.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn trim(field: &[u8]) -> &[u8] {
    let filler = |b: &u8| *b == b' ' || *b == 0;
    let start = field.iter().position(|b| !filler(b)).unwrap_or(field.len());
    let end = field.iter().rposition(|b| !filler(b)).map_or(start, |i| i + 1);
    field.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_gos_reader_reads_them() {
        // The cases of Go's archive/tar TestParseNumeric, by value.
        let cases: [(&[u8], Option<i64>); 13] = [
            (b"0000000\0", Some(0)),
            (b" \x000000123\x00", Some(0o123)),
            (b"00000123 \0", Some(0o123)),
            (b"777777777777", Some(0o777777777777)),
            (b"00000008\0", None),
            (b"\0\0\0\0", Some(0)),
            (b"    ", Some(0)),
            (b"\x80", Some(0)),
            (b"\x80\0\0\x01", Some(1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\0\0\0\x07\x76\xa2\x22\xeb\x8a\x72\x61", Some(537_795_476_381_659_745)),
            (b"\x80\0\0\0\xf7\x76\xa2\x22\xeb\x8a\x72\x61", None),
        ];
        for (field, expected) in cases {
            assert_eq!(numeric(field), expected, "{field:?}");
        }
    }
}
