//! CycloneDX and SPDX documents from one inventory, with deterministic bytes, and back.

mod cyclonedx;
mod identifier;
mod license;
mod merge;
mod native;
mod read;
mod spdx_document;
mod stated;

use jiff::Timestamp;
use sealwright_core::{Digest, Platform};

pub use cyclonedx::{CycloneDx, cyclonedx};
pub use merge::merge;
pub use native::native;
pub use read::{SbomError, read};
pub use spdx_document::spdx;
pub use stated::{Stated, stated};

/// What a document is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The repository, or the source as it was named.
    pub name: &'a str,
    /// The digest of the manifest or index.
    pub digest: Digest,
    /// The platform, of one image.
    pub platform: Option<&'a Platform>,
    /// The time that the document states; never the clock's.
    pub created: Timestamp,
    /// The version of this tool.
    pub tool_version: &'a str,
}
