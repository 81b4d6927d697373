//! The verbs, one file each: arguments in, work done through the pipeline, a report out.

pub mod attest;
pub mod copy;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod download;
pub mod generate_key_pair;
pub mod login;
pub mod policy;
pub mod prove;
pub mod public_key;
pub mod report;
pub mod sbom;
pub mod scan;
pub mod seal;
pub mod sign;
pub mod tree;
pub mod trust;
pub mod verify;

use std::path::Path;

use sealwright_bundle::predicate_type::from_word;
use sealwright_core::bounded::{read_all, read_file};
use sealwright_core::{Digest, Hasher};

use crate::failure::Failure;

/// A file, or stdin for `-`.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub fn read_input(file: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let result = if file == Path::new("-") { read_all(std::io::stdin().lock(), limit) } else { read_file(file, limit) };
    result.map_err(|e| Failure::usage(format!("{} could not be read: {e}", file.display())))
}

/// The digest of a file of any size.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(path: &Path) -> Result<Digest, Failure> {
    let fail = |e: std::io::Error| Failure::usage(format!("artifact {} could not be read: {e}", path.display()));
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 1 << 20]);
    loop {
        let n = std::io::Read::read(&mut file, &mut buffer).map_err(fail)?;
        if n == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
}

/// Whether two paths lead to one file that is there.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    std::fs::canonicalize(one).is_ok_and(|one| std::fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// The digest that `--artifact` names: itself, or a file's.
///
/// # Errors
/// When the file cannot be read.
pub fn artifact_digest(artifact: &str) -> Result<Digest, Failure> {
    artifact.parse().or_else(|_| hash_file(Path::new(artifact)))
}

/// The URI that `--type` names.
///
/// # Errors
/// When it is neither a word that is known nor a URI.
pub fn predicate_type(word: &str) -> Result<&str, Failure> {
    from_word(word).ok_or_else(|| {
        Failure::usage(format!("--type {word:?} is neither a word that is known nor a URI"))
            .hint("words are cyclonedx, spdx, spdxjson, vuln, openvex, slsaprovenance, slsaprovenance02, slsaprovenance1, link, custom")
    })
}
