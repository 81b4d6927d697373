//! The only unlimited-looking reads in the workspace, and they are limited.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a bounded read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is more than the limit allows. Nothing of it is used: half a file would hide the other half.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The read itself failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads all of `reader`, at most `limit` bytes.
///
/// # Errors
/// [`ReadError::TooLarge`] when one more byte than `limit` can be had.
pub fn read_all(reader: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the bounded reader: `take` ends it one byte past the limit"
    )]
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    // One byte more than allowed is asked for, so that a file of exactly the limit is not taken for a truncated one.
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge { limit }) } else { Ok(bytes) }
}

/// Reads the file at `path`, at most `limit` bytes.
///
/// # Errors
/// As [`read_all`], and when the file cannot be opened.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    read_all(File::open(path)?, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_limit_is_read_and_one_past_it_is_not() {
        assert_eq!(read_all(&b"12345"[..], 5).expect("at the limit"), b"12345");
        assert!(matches!(read_all(&b"123456"[..], 5), Err(ReadError::TooLarge { limit: 5 })));
        assert_eq!(read_all(&b""[..], 0).expect("nothing within nothing"), b"");
    }

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let file = std::env::temp_dir().join(format!("sealwright-bounded-{}", std::process::id()));
        std::fs::write(&file, b"12345").expect("file");
        let (whole, past) = (read_file(&file, 5), read_file(&file, 4));
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(whole.expect("at the limit"), b"12345");
        assert!(matches!(past, Err(ReadError::TooLarge { limit: 4 })));
        assert!(matches!(read_file(&file, 5), Err(ReadError::Io(_))));
    }
}
