//! Go: the build information that the linker writes into every executable (Go, `debug/buildinfo`).

use memchr::memmem;
use sealwright_core::PackageKind;
use sealwright_oci::EntryMeta;

use crate::cataloger::{Cataloger, Component, File, Interest, Unreadable};

/// Reads the modules of an executable. The standard library is one of them, by its version.
pub(crate) struct Go;

/// `debug/buildinfo`: the magic is aligned at 16 bytes, the header is 32 bytes long.
const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
const HEADER: usize = 32;
/// Flag of Go 1.18 and later: the two strings follow the header.
const INLINE: u8 = 2;
/// The module text stands between markers of this length.
const MARKER: usize = 16;

impl Cataloger for Go {
    fn id(&self) -> &'static str {
        "go"
    }

    fn interest(&self, _: &EntryMeta) -> Interest {
        Interest::Executable
    }

    fn read(&self, file: &File<'_>) -> Result<Vec<Component>, Unreadable> {
        let mut old = false;
        for start in memmem::find_iter(file.bytes, MAGIC) {
            let Some(header) = file.bytes.get(start..start + HEADER) else { continue };
            let (pointer_size, flags) = match header.get(14..16) {
                Some([pointer_size, flags]) => (*pointer_size, *flags),
                _ => continue,
            };
            // Programs that look for the magic hold it as a text: unaligned, or with other bytes behind it.
            if start % ALIGNMENT != 0 || flags > 3 || !(flags & INLINE != 0 || matches!(pointer_size, 4 | 8)) {
                continue;
            }
            if flags & INLINE == 0 {
                old = true;
                continue;
            }
            let rest = file.bytes.get(start + HEADER..).unwrap_or_default();
            let Some((version, rest)) = text(rest) else { continue };
            let Some((modules, _)) = text(rest) else { continue };
            return Ok(components(&version, &modules));
        }
        if old {
            return Err(Unreadable("the build information is of Go 1.17 or older, which is not read".to_owned()));
        }
        Ok(vec![])
    }
}

/// A length (unsigned LEB128) and so many bytes.
fn text(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut length, mut shift) = (0_usize, 0);
    let mut rest = bytes;
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
        if shift > 28 {
            return None;
        }
    }
    Some((rest.get(..length)?.to_vec(), rest.get(length..)?))
}

/// `mod`, `dep` and `=>` lines: path, version and sum, separated by tabs. A replacement stands for the line before it.
fn components(version: &[u8], modules: &[u8]) -> Vec<Component> {
    let version = String::from_utf8_lossy(version);
    let go = version.split_whitespace().next().unwrap_or_default();
    let module = |path: &str, version: &str| Component::new(PackageKind::Go, path, version);
    let mut found = vec![module("stdlib", go)];
    let inner = modules.get(MARKER..modules.len().saturating_sub(MARKER)).unwrap_or_default();
    let text = String::from_utf8_lossy(inner);
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (kind, path, version) = (fields.next(), fields.next(), fields.next());
        let (Some(kind), Some(path), Some(version)) = (kind, path, version) else { continue };
        match kind {
            // A main module that was built outside of a release has no version that could be compared.
            "mod" if version == "(devel)" || version.is_empty() => {}
            "mod" | "dep" => found.push(module(path, version)),
            // A replacement by a folder has no version: nothing is known about it.
            "=>" => {
                found.pop();
                if !version.is_empty() {
                    found.push(module(path, version));
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(before: usize, modules: &str) -> Vec<u8> {
        let mut bytes = vec![0x7f; before];
        let mut header = MAGIC.to_vec();
        header.extend([8, INLINE]);
        header.resize(HEADER, 0);
        bytes.extend(header);
        bytes.push(8);
        bytes.extend(b"go1.21.3");
        let length = modules.len() + 2 * MARKER;
        bytes.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
        bytes.extend([b'<'; MARKER]);
        bytes.extend(modules.as_bytes());
        bytes.extend([b'>'; MARKER]);
        bytes.extend([0; 64]);
        bytes
    }

    fn read(bytes: &[u8]) -> Vec<(String, String)> {
        let found = Go.read(&File { path: "x", bytes }).expect("readable");
        found.iter().map(|c| (c.name.raw().to_owned(), c.version.raw().to_owned())).collect()
    }

    #[test]
    fn modules_replacements_and_the_standard_library_are_read() {
        let modules = "path\texample.com/cmd\nmod\texample.com/cmd\t(devel)\t\ndep\tgolang.org/x/text\tv0.3.0\th1:x\ndep\ta.example/old\tv1.0.0\n=>\ta.example/new\tv1.2.0\th1:y\nbuild\t-compiler=gc\n";
        let expected = [("stdlib", "go1.21.3"), ("golang.org/x/text", "v0.3.0"), ("a.example/new", "v1.2.0")];
        let expected: Vec<(String, String)> =
            expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(read(&binary(4096, modules)), expected);
        assert_eq!(read(&binary(4097, modules)), [], "an unaligned magic is a text of the program");
        assert_eq!(read(b"\x7fELF nothing"), []);
    }

    #[test]
    fn cut_off_build_information_is_none_and_old_one_is_said_to_be_unreadable() {
        let whole = binary(16, "mod\ta\tv1.0.0\n");
        for end in 16..whole.len() - 64 {
            assert!(Go.read(&File { path: "x", bytes: &whole[..end] }).is_ok_and(|found| found.is_empty()), "{end}");
        }
        let mut old = whole;
        old[16 + 15] = 0;
        assert!(Go.read(&File { path: "x", bytes: &old }).is_err());
    }
}
