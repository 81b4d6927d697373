//! The evidence that is stored with an image.

use std::collections::BTreeMap;

use sealwright_bundle::{BUNDLE_V03, is_bundle_type};
use sealwright_core::{Limits, PinnedRef};
use sealwright_oci::{Descriptor, Document, Manifest};
use sealwright_registry::{Client, RegistryError};
use sealwright_verify::ImageEvidence;

/// A bundle as it is stored.
#[derive(Debug)]
pub struct StoredBundle {
    /// The annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
    /// The bundle.
    pub bytes: Vec<u8>,
}

/// The bundles of an image as they are stored, and what could not be one.
#[derive(Debug, Default)]
pub struct Stored {
    /// The bundles, in the order of the registry.
    pub bundles: Vec<StoredBundle>,
    /// Referrers that are listed and are not what they say.
    pub broken: Vec<String>,
}

/// The bundles of an image for the verifier, and what could not be one.
#[derive(Debug)]
pub struct Found {
    /// The bundles.
    pub evidence: ImageEvidence,
    /// Referrers that are listed and are not what they say.
    pub broken: Vec<String>,
}

/// Reads every bundle that is listed as a referrer of the image, for the verifier.
///
/// # Errors
/// As [`stored`].
pub async fn fetch(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Found, RegistryError> {
    let Stored { bundles, broken } = stored(client, image, limits).await?;
    let bundles = bundles.into_iter().map(|bundle| bundle.bytes).collect();
    Ok(Found { evidence: ImageEvidence { subject: *image.digest(), bundles }, broken })
}

/// Reads every bundle that is listed as a referrer of the image.
///
/// One that is missing or not what its digest says is left aside: whoever may push could otherwise block an image. A registry
/// that does not answer is an error: silence is not "there is nothing".
///
/// # Errors
/// When the registry does not answer.
pub async fn stored(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Stored, RegistryError> {
    let listed = client.referrers(image, Some(BUNDLE_V03)).await?.descriptors;
    let mut found = Stored::default();
    for descriptor in listed {
        let referrer = image.repository().pinned(descriptor.digest);
        match bundle(client, &referrer, limits).await {
            Ok(Some(bundle)) => found.bundles.push(bundle),
            Ok(None) => {}
            Err(error) if is_content(&error) => found.broken.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn bundle(client: &Client, referrer: &PinnedRef, limits: &Limits) -> Result<Option<StoredBundle>, RegistryError> {
    let (descriptor, bytes) = client.manifest(referrer).await?;
    let Ok(Document::Manifest(manifest)) = Document::parse(&bytes, Some(&descriptor.media_type)) else {
        return Ok(None);
    };
    let Some(layer) = bundle_layer(&manifest) else { return Ok(None) };
    let bytes = client.blob(referrer.repository(), layer, limits.evidence).await?;
    Ok(Some(StoredBundle { annotations: manifest.annotations, bytes }))
}

/// Where the bundle is: cosign writes exactly one layer (cosign, `specs/BUNDLE_SPEC.md`).
pub fn bundle_layer(manifest: &Manifest) -> Option<&Descriptor> {
    let [layer] = manifest.layers.as_slice() else { return None };
    is_bundle_type(&layer.media_type).then_some(layer)
}

/// Whether the content is at fault rather than the registry.
pub fn is_content(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::NotFound { .. }
            | RegistryError::DigestMismatch { .. }
            | RegistryError::SizeMismatch { .. }
            | RegistryError::TooLarge { .. }
    )
}
