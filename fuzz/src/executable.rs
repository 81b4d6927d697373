//! An executable as cargo-auditable writes one.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

const NAMES: &[u8] = b"\0.dep-v0\0.shstrtab\0";

/// An ELF file of 64 bits whose section `.dep-v0` holds `list`, compressed.
pub fn auditable(list: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(list).expect("memory");
    let list = encoder.finish().expect("memory");
    let (data, names) = (64, 64 + list.len());
    let sections = (names + NAMES.len()).next_multiple_of(8);
    // ELF-64 Object File Format, "File header": little endian, an x86-64 executable, three section headers.
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    file.extend([0; 16]);
    file.extend((sections as u64).to_le_bytes());
    file.extend(b"\0\0\0\0\x40\0\0\0\0\0\x40\0\x03\0\x02\0");
    file.extend(&list);
    file.extend(NAMES);
    file.resize(sections, 0);
    file.extend([0; 64]);
    // "Section header table": name, type, address and flags of no use, place, size.
    for (name, kind, offset, size) in [(1, 1, data, list.len()), (9, 3, names, NAMES.len())] {
        let words = [u64::from(name as u32) | (kind << 32), 0, 0, offset as u64, size as u64, 0, 1, 0];
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
    file
}
