//! What lies behind a `bundle_url`: the bundle in Snappy's block format (google/snappy, `format_description.txt`), which is
//! what GitHub's own clients read.

/// The bundle, of at most `limit` bytes. The size that a block states is looked at before that much memory is taken.
///
/// # Errors
/// What is wrong with it.
pub fn unpack(block: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let broken = |e: snap::Error| format!("is no Snappy block: {e}");
    let size = snap::raw::decompress_len(block).map_err(broken)?;
    if size as u64 > limit {
        return Err(format!("unpacks to {size} bytes, more than {limit}"));
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_unpacked_within_its_limit() {
        let text = b"{}".repeat(50);
        let block = snap::raw::Encoder::new().compress_vec(&text).expect("block");
        assert!(block.len() < text.len());
        assert_eq!(unpack(&block, 100).as_deref(), Ok(text.as_slice()));
        assert!(unpack(&block, 99).is_err_and(|why| why.contains("100 bytes, more than 99")));
        for (end, why) in [(block.len() - 1, "cut"), (0, "empty"), (1, "only its size")] {
            assert!(unpack(&block[..end], 100).is_err(), "{why}");
        }
    }

    #[test]
    fn the_format_is_that_of_its_description() {
        // §1 the length; §2.1 a literal of three bytes; §2.2.1 a copy of six bytes from three back.
        let block = [9, 2 << 2, b'a', b'b', b'c', 1 | (6 - 4) << 2, 3];
        assert_eq!(unpack(&block, 9).as_deref(), Ok(&b"abcabcabc"[..]));
    }

    #[test]
    fn a_size_that_is_only_stated_takes_no_memory() {
        // 4 GiB less one byte, as a varint, and nothing behind it.
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(unpack(&bomb, 1 << 20).is_err_and(|why| why.contains("4294967295")));
    }

    #[test]
    fn the_format_of_streams_is_another_one() {
        // The stream identifier (`framing_format.txt`, §4.1) in front of nothing.
        assert!(unpack(b"\xff\x06\x00\x00sNaPpY", 1 << 20).is_err());
    }
}
