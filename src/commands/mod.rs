//! The verbs, one file each: arguments in, work done through the pipeline, a report out.

pub mod db;
pub mod demo;
pub mod sbom;
pub mod scan;
pub mod seal;
pub mod verify;

use std::path::Path;

use sealwright_core::bounded::{read_all, read_file};

use crate::failure::Failure;

/// A file, or stdin for `-`.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub fn read_input(file: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let result = if file == Path::new("-") { read_all(std::io::stdin().lock(), limit) } else { read_file(file, limit) };
    result.map_err(|e| Failure::usage(format!("{} could not be read: {e}", file.display())))
}
