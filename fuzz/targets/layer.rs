//! A compressed layer: it is what both of its digests say, or nothing.

#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use sealwright_core::{Digest, Limits};
use sealwright_fuzz::InMemory;
use sealwright_oci::{Descriptor, EntryMeta, EntryVisitor, LayerError, media_type, read_layer};

struct PassOver;

impl EntryVisitor for PassOver {
    fn entry(&mut self, _: &EntryMeta, _: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits { uncompressed_layer: 1 << 20, ..Limits::default() };
    let layer = Descriptor::of(media_type::LAYER, data);
    let read = |bytes, diff_id| read_layer(&InMemory(bytes), &layer, diff_id, &limits, &mut PassOver);
    match read(data, &Digest::of(b"something else")) {
        Ok(_) => panic!("the diff id was not looked at"),
        Err(LayerError::DiffIdMismatch { found, bytes, .. }) => {
            let summary = read(data, &found).expect("its own diff id");
            assert!(summary.uncompressed == bytes && bytes <= limits.uncompressed_layer);
            assert!(data.split_last().is_none_or(|(_, cut)| read(cut, &found).is_err()), "a cut blob");
        }
        Err(_) => {}
    }
});
