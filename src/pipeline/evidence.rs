//! The evidence that is stored with an image.

use sealwright_bundle::{BUNDLE_V03, is_bundle_type};
use sealwright_core::{Limits, PinnedRef};
use sealwright_oci::{Document, Manifest};
use sealwright_registry::{Client, RegistryError};
use sealwright_verify::ImageEvidence;

/// The bundles of an image, and what could not be one.
#[derive(Debug)]
pub struct Found {
    /// The bundles.
    pub evidence: ImageEvidence,
    /// Referrers that are listed and are not what they say.
    pub broken: Vec<String>,
}

/// Reads every bundle that is listed as a referrer of the image.
///
/// One that is missing or not what its digest says is left aside: whoever may push could otherwise block an image. A registry
/// that does not answer is an error: silence is not "there is nothing".
///
/// # Errors
/// When the registry does not answer.
pub async fn fetch(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Found, RegistryError> {
    let listed = client.referrers(image, Some(BUNDLE_V03)).await?.descriptors;
    let mut found = Found { evidence: ImageEvidence { subject: *image.digest(), bundles: vec![] }, broken: vec![] };
    for descriptor in listed {
        let referrer = image.repository().pinned(descriptor.digest);
        match bundle(client, &referrer, limits).await {
            Ok(Some(bundle)) => found.evidence.bundles.push(bundle),
            Ok(None) => {}
            Err(error) if is_content(&error) => found.broken.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

async fn bundle(client: &Client, referrer: &PinnedRef, limits: &Limits) -> Result<Option<Vec<u8>>, RegistryError> {
    let (descriptor, bytes) = client.manifest(referrer).await?;
    let Ok(Document::Manifest(Manifest { layers, .. })) = Document::parse(&bytes, Some(&descriptor.media_type)) else {
        return Ok(None);
    };
    // cosign writes exactly one layer (cosign, `specs/BUNDLE_SPEC.md`).
    let [layer] = layers.as_slice() else { return Ok(None) };
    if !is_bundle_type(&layer.media_type) {
        return Ok(None);
    }
    client.blob(referrer.repository(), layer, limits.evidence).await.map(Some)
}

/// Whether the content is at fault rather than the registry.
fn is_content(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::NotFound { .. }
            | RegistryError::DigestMismatch { .. }
            | RegistryError::SizeMismatch { .. }
            | RegistryError::TooLarge { .. }
    )
}
