//! Image bytes to inventories: one pass over each layer.

use sealwright_catalog::{Options, catalog};
use sealwright_core::Inventory;
use sealwright_oci::{Blobs, PlatformImage};
use sealwright_policy::PathPattern;

use crate::context::Context;
use crate::failure::Failure;
use crate::report::progress::LayerProgress;

/// All packages of one platform's image. A path that one of `denied` matches becomes a finding.
///
/// # Errors
/// When a layer is missing, corrupt, or not what its digests say.
pub fn inventory(
    blobs: &dyn Blobs,
    image: &PlatformImage,
    denied: &[PathPattern],
    context: &Context,
) -> Result<Inventory, Failure> {
    let total = image.manifest.layers.iter().map(|layer| layer.size).sum();
    let progress = LayerProgress::new(&context.console, total);
    let deny = |path: &str| denied.iter().find(|p| p.matches(path)).map(|p| p.as_str().to_owned());
    let result = catalog(blobs, image, &Options { limits: &context.limits, deny: &deny, progress: &progress });
    progress.finish();
    result.map_err(|e| Failure::from(e).at(image.descriptor.digest))
}
