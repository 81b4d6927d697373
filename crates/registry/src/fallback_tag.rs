//! The referrers of an image as an index under the tag `sha256-HEX`, for registries without the referrers API (distribution
//! specification 1.1, "Referrers Tag Schema").
//!
//! The specification has no lock for it. `If-Match` is used where the registry offers an entity tag; always the tag is read
//! back, and written again where another writer was faster.

use std::collections::BTreeMap;

use reqwest::header::ETAG;
use sealwright_core::{Digest, PinnedRef};
use sealwright_oci::{Descriptor, Index, media_type};
use tokio::time::sleep;

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};
use crate::referrers::descriptors;

/// How often the tag is written before it is given up.
const ATTEMPTS: u32 = 8;

/// `sha256-HEX`.
fn fallback_tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// The tag as it is now.
struct State {
    listed: Vec<Descriptor>,
    entity_tag: Option<String>,
    /// The tag leads to the image itself (GitLab; oras-project/oras-go#1396).
    is_the_subject: bool,
}

impl Client {
    /// What the fallback tag of an image lists; nothing where there is no such tag.
    ///
    /// # Errors
    /// When the registry does not say, or the tag leads to something that is no index of referrers.
    pub async fn list_fallback(&self, subject: &PinnedRef) -> Result<Vec<Descriptor>, RegistryError> {
        Ok(self.fallback_state(subject).await?.listed)
    }

    async fn fallback_state(&self, subject: &PinnedRef) -> Result<State, RegistryError> {
        let tag = fallback_tag(subject.digest());
        let asked = Asked { what: "read referrers tag", target: format!("{}:{tag}", subject.repository()) };
        let fetched = match self.get_manifest(subject.repository(), &tag, asked.clone()).await {
            Ok(fetched) => fetched,
            Err(RegistryError::NotFound { .. }) => {
                return Ok(State { listed: Vec::new(), entity_tag: None, is_the_subject: false });
            }
            Err(e) => return Err(e),
        };
        // The children of a multi-platform image must not be taken for its referrers.
        if Digest::of(&fetched.bytes) == *subject.digest() {
            return Ok(State { listed: Vec::new(), entity_tag: None, is_the_subject: true });
        }
        let entity_tag = text(fetched.headers.get(ETAG)).map(str::to_owned);
        let listed = descriptors(&fetched.bytes).map_err(|problem| RegistryError::Protocol { asked, problem })?;
        Ok(State { listed, entity_tag, is_the_subject: false })
    }

    /// Adds a referrer to the tag's index and reads it back.
    pub(crate) async fn add_to_fallback(
        &self,
        subject: &PinnedRef,
        referrer: &Descriptor,
    ) -> Result<(), RegistryError> {
        let _one_at_a_time = self.fallback.lock().await;
        let mut written = false;
        for attempt in 1..=ATTEMPTS {
            let state = self.fallback_state(subject).await?;
            if state.listed.iter().any(|listed| listed.digest == referrer.digest) {
                return Ok(());
            }
            if written && state.is_the_subject {
                return Err(RegistryError::ReferrersUnusable {
                    repository: subject.repository().clone(),
                    referrer: referrer.digest,
                    reason: "it has no referrers API and reads the referrers tag as a digest",
                });
            }
            if attempt > 1 {
                // The other writer is in the same loop: the later attempts keep out of its way.
                sleep(self.options.backoff.first.min(self.options.backoff.longest) * (attempt - 1)).await;
            }
            written |= self.write_fallback(subject, state, referrer).await?;
        }
        let state = self.fallback_state(subject).await?;
        if state.listed.iter().any(|listed| listed.digest == referrer.digest) {
            return Ok(());
        }
        Err(RegistryError::LostUpdate {
            repository: subject.repository().clone(),
            tag: fallback_tag(subject.digest()),
            referrer: referrer.digest,
            attempts: ATTEMPTS,
        })
    }

    /// `false` when the tag changed since it was read.
    async fn write_fallback(
        &self,
        subject: &PinnedRef,
        state: State,
        referrer: &Descriptor,
    ) -> Result<bool, RegistryError> {
        let repository = subject.repository();
        let tag = fallback_tag(subject.digest());
        let index = Index {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            artifact_type: None,
            manifests: state.listed.into_iter().chain([referrer.clone()]).collect(),
            subject: None,
            annotations: BTreeMap::new(),
        };
        let asked = Asked { what: "push referrers tag", target: format!("{repository}:{tag}") };
        let bytes = serde_json::to_vec(&index)
            .map_err(|e| RegistryError::Protocol { asked: asked.clone(), problem: e.to_string() })?;
        let entity_tag = state.entity_tag.as_deref();
        match self.put_manifest(repository, &tag, media_type::INDEX, &bytes, asked, entity_tag).await {
            Ok(()) => Ok(true),
            Err(RegistryError::Rejected { answer, .. }) if answer.status == 412 && entity_tag.is_some() => Ok(false),
            Err(error) => self.explain_tag(error, repository, &tag, Digest::of(&bytes)).await.map(|()| true),
        }
    }
}
