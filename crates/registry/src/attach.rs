//! Attaching an artifact to an image: blobs, a manifest with `subject`, and the listing by which others find it.

use std::collections::BTreeMap;

use sealwright_core::PinnedRef;
use sealwright_oci::{Descriptor, Manifest, media_type};
use tokio::time::sleep;

use crate::client::Client;
use crate::error::{Asked, RegistryError};
use crate::referrers::Via;

/// The empty JSON object, as the configuration of artifacts (image specification, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";

/// The annotation in which cosign states what a bundle's statement is (cosign, `specs/BUNDLE_SPEC.md`).
pub const PREDICATE_TYPE_ANNOTATION: &str = "dev.sigstore.bundle.predicateType";
/// The annotation that states a time (image specification, "Pre-Defined Annotation Keys").
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";

/// What is attached: one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact<'a> {
    /// The manifest's `artifactType`, which is also the type of its one layer.
    pub artifact_type: &'a str,
    /// The document.
    pub content: &'a [u8],
    /// The manifest's annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Where an attached artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its manifest.
    pub referrer: PinnedRef,
    /// Its manifest as it is listed, with type and annotations.
    pub descriptor: Descriptor,
    /// How it is listed.
    pub via: Via,
}

impl<'a> Artifact<'a> {
    /// A Sigstore bundle with the annotations that cosign and GitHub's attest action write (cosign, `specs/BUNDLE_SPEC.md`).
    /// `created` is RFC 3339.
    pub fn bundle(media_type: &'a str, bundle: &'a [u8], predicate_type: &str, created: &str) -> Self {
        let annotations = [
            ("dev.sigstore.bundle.content", "dsse-envelope"),
            (PREDICATE_TYPE_ANNOTATION, predicate_type),
            (CREATED_ANNOTATION, created),
        ];
        let annotations = annotations.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { artifact_type: media_type, content: bundle, annotations }
    }

    /// The manifest, always the same bytes for the same artifact.
    ///
    /// # Errors
    /// Never for what this type can hold; JSON encoding is fallible in general.
    pub fn manifest(&self, subject: &Descriptor) -> Result<(Descriptor, Vec<u8>), serde_json::Error> {
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::MANIFEST.to_owned()),
            artifact_type: Some(self.artifact_type.to_owned()),
            config: Descriptor::of(media_type::EMPTY, EMPTY),
            layers: vec![Descriptor::of(self.artifact_type, self.content)],
            // Only what identifies it: the platform of an index entry is not part of the image.
            subject: Some(Descriptor::new(subject.media_type.as_str(), subject.digest, subject.size)),
            annotations: self.annotations.clone(),
        };
        let bytes = serde_json::to_vec(&manifest)?;
        let mut descriptor = Descriptor::of(media_type::MANIFEST, &bytes);
        descriptor.artifact_type = Some(self.artifact_type.to_owned());
        descriptor.annotations = self.annotations.clone();
        Ok((descriptor, bytes))
    }
}

impl Client {
    /// Pushes an artifact about `subject` beside it and makes sure that it is listed. `subject_descriptor` is of the image's
    /// manifest or index, which need not be in this repository.
    ///
    /// # Errors
    /// When something cannot be pushed, or is pushed and not listed afterwards.
    pub async fn attach(
        &self,
        subject: &PinnedRef,
        subject_descriptor: &Descriptor,
        artifact: &Artifact<'_>,
    ) -> Result<Attached, RegistryError> {
        let repository = subject.repository();
        let asked = Asked { what: "attach to", target: subject.to_string() };
        if subject_descriptor.digest != *subject.digest() {
            let (expected, found) = (*subject.digest(), subject_descriptor.digest);
            return Err(RegistryError::DigestMismatch { asked, expected, found });
        }
        let (descriptor, manifest) = artifact
            .manifest(subject_descriptor)
            .map_err(|e| RegistryError::Protocol { asked, problem: e.to_string() })?;
        self.push_bytes(repository, media_type::EMPTY, EMPTY).await?;
        self.push_bytes(repository, artifact.artifact_type, artifact.content).await?;
        let referrer = self.push_manifest(repository, &descriptor, &manifest).await?;
        let via = self.ensure_listed(subject, &descriptor).await?;
        Ok(Attached { referrer, descriptor, via })
    }

    /// Makes sure that a pushed referrer is listed, with the fallback tag where there is no referrers API.
    ///
    /// Asks the registry itself: `OCI-Subject` in the answer to the push is left out by registries that list it and sent by
    /// one that was said to have no such API, so it proves nothing.
    ///
    /// # Errors
    /// When it is not listed afterwards, or the registry does not say.
    pub async fn ensure_listed(&self, subject: &PinnedRef, referrer: &Descriptor) -> Result<Via, RegistryError> {
        let mut number = 0;
        loop {
            number += 1;
            let Some(listed) = self.list_referrers_api(subject).await? else {
                self.add_to_fallback(subject, referrer).await?;
                return Ok(Via::FallbackTag);
            };
            if listed.iter().any(|listed| listed.digest == referrer.digest) {
                return Ok(Via::Api);
            }
            // The listing may lag behind the push.
            match self.options.backoff.pause(number, None) {
                Some(pause) => sleep(pause).await,
                None => {
                    return Err(RegistryError::ReferrersUnusable {
                        repository: subject.repository().clone(),
                        referrer: referrer.digest,
                        reason: "its referrers API does not list what was pushed",
                    });
                }
            }
        }
    }
}
