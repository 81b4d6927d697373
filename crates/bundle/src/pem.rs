//! PEM blocks (RFC 7468): the label and the bytes of the first one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Keys and certificates are short; more is something else.
const LONGEST: usize = 64 << 10;

/// A labelled block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// For example `PUBLIC KEY`.
    pub label: String,
    /// What was encoded.
    pub bytes: Vec<u8>,
}

/// Why a text is no PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPem(pub &'static str);

/// Reads the first block.
///
/// # Errors
/// When there is none.
pub fn parse(pem: &[u8]) -> Result<Block, NoPem> {
    if pem.len() > LONGEST {
        return Err(NoPem("the file is too long"));
    }
    let text = std::str::from_utf8(pem).map_err(|_| NoPem("the file is no text"))?;
    let missing = NoPem("there is no PEM block in it");
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(missing)?;
    let (label, rest) = rest.split_once("-----").ok_or(missing)?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or(missing)?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(body).map_err(|_| NoPem("the PEM block is not base64"))?;
    Ok(Block { label: label.to_owned(), bytes })
}

/// Writes one block in lines of 64.
pub fn write(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for length in [0, 1, 47, 48, 49, 500] {
            let bytes = vec![7; length];
            let text = write("PUBLIC KEY", &bytes);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            assert_eq!(parse(text.as_bytes()), Ok(Block { label: "PUBLIC KEY".into(), bytes }));
        }
    }

    #[test]
    fn what_is_no_pem_is_refused() {
        for text in
            ["", "-----BEGIN A-----", "-----BEGIN A-----\n*\n-----END A-----", "-----BEGIN A-----\n-----END B-----"]
        {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(&[0xff]).is_err());
        assert!(parse(&vec![b'a'; LONGEST + 1]).is_err());
    }
}
