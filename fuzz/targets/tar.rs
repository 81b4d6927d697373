//! The entries of an uncompressed layer: clean paths, exactly as many bytes as announced, never past a limit.

#![no_main]

use std::io::{self, Read, copy, sink};

use libfuzzer_sys::fuzz_target;
use sealwright_core::Limits;
use sealwright_fuzz::mend_checksums;
use sealwright_oci::{EntryMeta, EntryVisitor, read_tar};

/// Of a sparse file of any size only so much is read.
const MOST: u64 = 1 << 16;

struct Check;

impl EntryVisitor for Check {
    fn entry(&mut self, meta: &EntryMeta, contents: &mut dyn Read) -> io::Result<()> {
        let path = meta.path.raw();
        assert!(path.is_empty() || path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{path:?}");
        assert_eq!(copy(&mut contents.take(MOST), &mut sink())?, meta.size.min(MOST));
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let mut data = data.to_vec();
    mend_checksums(&mut data);
    let limits = Limits { entries: 20, path: 300, extension_header: 2_048, ..Limits::default() };
    if let Ok(summary) = read_tar(&mut data.as_slice(), &limits, &mut Check) {
        assert!(summary.entries <= 20);
    }
});
