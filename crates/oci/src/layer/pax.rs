//! PAX extended headers (POSIX.1-2001, pax, "pax Extended Header"): `LENGTH KEY=VALUE\n` records.

/// The records that change how an entry is read, and what is wrong with the header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: SparseRecords,
    /// A key that was stated twice.
    pub(super) duplicate: Option<String>,
    /// `path` or `linkpath` holds a NUL.
    pub(super) nul: bool,
}

/// The `GNU.sparse.*` records (GNU tar, "Storing Sparse Files").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SparseRecords {
    pub(super) major: Option<u64>,
    pub(super) minor: Option<u64>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) real_size: Option<u64>,
    /// Of format 0.1, or collected from the repeated records of format 0.0: offsets and lengths by turns.
    pub(super) map: Option<Vec<u64>>,
}

/// Parses all records; `None` where they do not follow the grammar.
pub(super) fn parse(mut bytes: &[u8]) -> Option<Pax> {
    let mut pax = Pax::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    while !bytes.is_empty() {
        let (key, value, rest) = record(bytes)?;
        bytes = rest;
        // Format 0.0 repeats these two by design.
        let repeats = matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes");
        if !repeats && seen.contains(&key) {
            pax.duplicate = Some(String::from_utf8_lossy(key).chars().take(100).collect());
        }
        seen.push(key);
        pax.take(key, value)?;
    }
    Some(pax)
}

impl Pax {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let sparse = &mut self.sparse;
        match key {
            b"path" => self.path = self.name(value),
            b"linkpath" => self.link = self.name(value),
            // An empty value takes the record back (POSIX pax, "typeflag x").
            b"size" => self.size = if value.is_empty() { None } else { Some(decimal(value)?) },
            b"GNU.sparse.major" => sparse.major = Some(decimal(value)?),
            b"GNU.sparse.minor" => sparse.minor = Some(decimal(value)?),
            b"GNU.sparse.name" => sparse.name = Some(value.to_vec()),
            b"GNU.sparse.size" => sparse.size = Some(decimal(value)?),
            b"GNU.sparse.realsize" => sparse.real_size = Some(decimal(value)?),
            b"GNU.sparse.map" => {
                let numbers = value.split(|b| *b == b',').filter(|n| !n.is_empty());
                sparse.map = Some(numbers.map(decimal).collect::<Option<_>>()?);
            }
            b"GNU.sparse.offset" => {
                let map = sparse.map.get_or_insert_default();
                map.len().is_multiple_of(2).then(|| decimal(value).map(|n| map.push(n)))??;
            }
            b"GNU.sparse.numbytes" => {
                let map = sparse.map.get_or_insert_default();
                (!map.len().is_multiple_of(2)).then(|| decimal(value).map(|n| map.push(n)))??;
            }
            _ => {}
        }
        Some(())
    }

    fn name(&mut self, value: &[u8]) -> Option<Vec<u8>> {
        self.nul |= value.contains(&0);
        (!value.is_empty()).then(|| value.to_vec())
    }
}

/// One record: key, value, and the bytes after it. The length counts itself, the space and the newline.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=')?;
    let key = body.get(..equals)?;
    if key.is_empty() || key.contains(&0) {
        return None;
    }
    Some((key, body.get(equals + 1..)?, bytes.get(length..)?))
}

/// Decimal digits only: a sign or space is no number here.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|n| i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_their_own_length() {
        let pax = parse(b"12 path=a/b\n9 size=5\n19 mtime=123.45678\n").expect("three records");
        assert_eq!((pax.path.as_deref(), pax.size, pax.duplicate), (Some(&b"a/b"[..]), Some(5), None));
        for bad in [
            &b"11 path=a/b\n"[..],
            b"13 path=a/b\n",
            b"path=a\n",
            b"6 =ab\n",
            b"12 path=a/b ",
            b"9 size=x\n",
            b"-1 a=b\n",
        ] {
            assert_eq!(parse(bad), None, "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_key_twice_is_seen_but_sparse_maps_of_format_0_0_repeat_by_design() {
        let twice = parse(b"8 size=1\n8 size=2\n");
        assert_eq!(twice, None, "lengths are wrong");
        let twice = parse(b"9 size=1\n9 size=2\n").expect("records");
        assert_eq!(twice.duplicate.as_deref(), Some("size"));
        let sparse =
            b"23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=3\n23 GNU.sparse.offset=9\n25 GNU.sparse.numbytes=1\n";
        let pax = parse(sparse).expect("records");
        assert_eq!((pax.duplicate, pax.sparse.map), (None, Some(vec![0, 3, 9, 1])));
        assert!(parse(b"11 path=a\0b\n").is_none() || parse(b"12 path=a\0b\n").is_some_and(|p| p.nul));
    }
}
