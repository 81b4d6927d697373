//! The referrers of an image as an index under the tag `sha256-HEX`, for registries without the referrers API (distribution
//! specification 1.1, "Referrers Tag Schema").

use std::collections::BTreeMap;

use sealwright_core::{Digest, PinnedRef};
use sealwright_oci::{Descriptor, Index, media_type};

use crate::client::Client;
use crate::error::{Asked, RegistryError};
use crate::referrers::descriptors;
use crate::shared_tag::{Present, Step};

/// `sha256-HEX`.
fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// What the tag lists.
struct Listed {
    descriptors: Vec<Descriptor>,
    /// The tag leads to the image itself (GitLab; oras-project/oras-go#1396).
    is_the_subject: bool,
}

impl Listed {
    fn of(present: Option<&Present>, subject: &PinnedRef) -> Result<Self, RegistryError> {
        let Some(present) = present else { return Ok(Self { descriptors: Vec::new(), is_the_subject: false }) };
        // The children of a multi-platform image must not be taken for its referrers.
        if Digest::of(&present.bytes) == *subject.digest() {
            return Ok(Self { descriptors: Vec::new(), is_the_subject: true });
        }
        let target = format!("{}:{}", subject.repository(), fallback_tag(subject.digest()));
        let asked = Asked { what: "read referrers tag", target };
        let descriptors = descriptors(&present.bytes).map_err(|problem| RegistryError::Protocol { asked, problem })?;
        Ok(Self { descriptors, is_the_subject: false })
    }
}

impl Client {
    /// What the fallback tag of an image lists; nothing where there is no such tag.
    ///
    /// # Errors
    /// When the registry does not say, or the tag leads to something that is no index of referrers.
    pub async fn list_fallback(&self, subject: &PinnedRef) -> Result<Vec<Descriptor>, RegistryError> {
        let present = self.shared_tag(subject.repository(), &fallback_tag(subject.digest())).await?;
        Ok(Listed::of(present.as_ref(), subject)?.descriptors)
    }

    /// Adds a referrer to the tag's index and reads it back.
    pub(crate) async fn add_to_fallback(
        &self,
        subject: &PinnedRef,
        referrer: &Descriptor,
    ) -> Result<(), RegistryError> {
        let mut written = false;
        self.add_to_tag(subject.repository(), &fallback_tag(subject.digest()), referrer.digest, |present| {
            let listed = Listed::of(present, subject)?;
            if listed.descriptors.iter().any(|listed| listed.digest == referrer.digest) {
                return Ok(Step::Done);
            }
            if written && listed.is_the_subject {
                return Err(RegistryError::ReferrersUnusable {
                    repository: subject.repository().clone(),
                    referrer: referrer.digest,
                    reason: "it has no referrers API and reads the referrers tag as a digest",
                });
            }
            written = true;
            let index = Index {
                schema_version: 2,
                media_type: Some(media_type::INDEX.to_owned()),
                artifact_type: None,
                manifests: listed.descriptors.into_iter().chain([referrer.clone()]).collect(),
                subject: None,
                annotations: BTreeMap::new(),
            };
            let asked = Asked { what: "push referrers tag", target: subject.to_string() };
            let bytes =
                serde_json::to_vec(&index).map_err(|e| RegistryError::Protocol { asked, problem: e.to_string() })?;
            Ok(Step::Write { media_type: media_type::INDEX.to_owned(), bytes, blob: None })
        })
        .await
    }
}
