//! Catalogers: layer entries in, one inventory out.
//!
//! Layers are read in parallel, each exactly once. What a cataloger read from a layer is provisional until the layer's
//! digests are known to match; only then does the fold see it (ARCHITECTURE.md, invariant 5).

mod assemble;
mod cataloger;
mod collect;
mod fold;
mod language;
mod layer;
mod os;

use sealwright_core::{Digest, Inventory, Limits};
use sealwright_oci::{Blobs, LayerError, PlatformImage};

pub use cataloger::{Cataloger, Component, File, Interest, Size, Unreadable};

/// How to catalog.
pub struct Options<'a> {
    /// How much may be read.
    pub limits: &'a Limits,
    /// The pattern of `gate.contents.deny` that a path matches, if one does.
    pub deny: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
}

/// Is told how far the reading is, from several threads.
pub trait Progress: Sync {
    /// A layer begins.
    fn layer(&self, index: usize, of: usize, digest: &Digest);
    /// So many compressed bytes more were read.
    fn bytes(&self, compressed: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn layer(&self, _: usize, _: usize, _: &Digest) {}
    fn bytes(&self, _: u64) {}
}

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A layer is missing, broken, or not what its digests say.
    #[error(transparent)]
    Layer(#[from] LayerError),
}

/// Every cataloger, in the order of documents. A new one is added here.
pub(crate) const CATALOGERS: &[&dyn Cataloger] = &[
    &os::apk::Apk,
    &os::dpkg::Dpkg,
    &language::python::Python,
    &language::npm::Npm,
    &language::go::Go,
    &language::cargo::Cargo,
    &language::composer::Composer,
];

/// All packages of one platform's image.
///
/// # Errors
/// When a layer cannot be read to its end, or a digest does not match.
pub fn catalog(blobs: &dyn Blobs, image: &PlatformImage, options: &Options<'_>) -> Result<Inventory, CatalogError> {
    let layers = collect::read_layers(blobs, image, options)?;
    Ok(assemble::inventory(fold::fold(layers)))
}
