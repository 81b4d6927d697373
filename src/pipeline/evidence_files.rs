//! Bundles in a folder: what a later step archives, or hands to somebody who has no access to the registry.

use std::path::Path;

use sealwright_bundle::predicate_type;

use super::publish::Written;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::write_document;

/// Writes each bundle into `folder`, which is made where it is missing. A file is named after what it is about and says.
///
/// # Errors
/// When the folder cannot be made or written.
pub fn write(folder: Option<&Path>, written: &[Written]) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::new(Exit::Usage, format!("the folder {} could not be made: {e}", folder.display())))?;
    for one in written {
        if let Some(bundle) = &one.bundle {
            write_document(&bundle.bytes, Some(&folder.join(name(one))))?;
        }
    }
    Ok(())
}

/// `sha256-HEX.WORD.sigstore.json`, with the digest of what it is about.
fn name(written: &Written) -> String {
    format!("sha256-{}.{}.sigstore.json", written.subject.hex(), predicate_type::file_word(&written.predicate_type))
}
