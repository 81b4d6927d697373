//! PEM blocks (RFC 7468): the label and the bytes of the first one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::SignError;

/// Key files are short; more is something else.
const LONGEST: usize = 64 << 10;

pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn parse(pem: &[u8]) -> Result<Block, SignError> {
    if pem.len() > LONGEST {
        return Err(SignError::NotAKey("the file is too long"));
    }
    let text = std::str::from_utf8(pem).map_err(|_| SignError::NotAKey("the file is no text"))?;
    let missing = SignError::NotAKey("there is no PEM block in it");
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(missing.clone())?;
    let (label, rest) = rest.split_once("-----").ok_or(missing.clone())?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or(missing)?;
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(body).map_err(|_| SignError::NotAKey("the PEM block is not base64"))?;
    Ok(Block { label: label.to_owned(), bytes })
}

pub(crate) fn write(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
