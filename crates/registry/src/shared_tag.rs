//! A document under a tag to which several writers add.
//!
//! The specification has no lock for it. `If-Match` is used where the registry offers an entity tag; always the tag is read
//! back, and written again where another writer was faster.

use reqwest::header::{CONTENT_TYPE, ETAG};
use sealwright_core::{Digest, Repository};
use tokio::time::sleep;

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};

/// How often the tag is written before it is given up.
const ATTEMPTS: u32 = 8;

/// The document as it is now.
pub(crate) struct Present {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    entity_tag: Option<String>,
}

/// What is to be done about it.
pub(crate) enum Step {
    /// What was to be added is there.
    Done,
    /// This document goes in its place.
    Write {
        /// Its media type.
        media_type: String,
        /// It.
        bytes: Vec<u8>,
        /// A blob that it names, with its media type.
        blob: Option<(String, Vec<u8>)>,
    },
}

impl Client {
    /// The document under a tag, or `None` where there is no such tag.
    pub(crate) async fn shared_tag(
        &self,
        repository: &Repository,
        tag: &str,
    ) -> Result<Option<Present>, RegistryError> {
        let asked = Asked { what: "read tag", target: format!("{repository}:{tag}") };
        let fetched = match self.get_manifest(repository, tag, asked).await {
            Ok(fetched) => fetched,
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let header = |name| text(fetched.headers.get(name)).map(str::to_owned);
        let (entity_tag, media_type) = (header(ETAG), header(CONTENT_TYPE).unwrap_or_default());
        Ok(Some(Present { bytes: fetched.bytes, media_type, entity_tag }))
    }

    /// Adds `added` to the document under a tag: `step` says whether it is there, and how the document looks with it.
    pub(crate) async fn add_to_tag(
        &self,
        repository: &Repository,
        tag: &str,
        added: Digest,
        mut step: impl FnMut(Option<&Present>) -> Result<Step, RegistryError>,
    ) -> Result<(), RegistryError> {
        let _one_at_a_time = self.shared_tags.lock().await;
        for attempt in 0..=ATTEMPTS {
            let present = self.shared_tag(repository, tag).await?;
            let Step::Write { media_type, bytes, blob } = step(present.as_ref())? else { return Ok(()) };
            if attempt == ATTEMPTS {
                break;
            }
            // The other writer is in the same loop: the later attempts keep out of its way.
            sleep(self.options.backoff.first.min(self.options.backoff.longest) * attempt).await;
            if let Some((media_type, bytes)) = &blob {
                self.push_bytes(repository, media_type, bytes).await?;
            }
            let asked = Asked { what: "push tag", target: format!("{repository}:{tag}") };
            let state = present.as_ref().and_then(|present| present.entity_tag.as_deref());
            match self.put_manifest(repository, tag, &media_type, &bytes, asked, state).await {
                Ok(()) => {}
                Err(RegistryError::Rejected { answer, .. }) if answer.status == 412 && state.is_some() => {}
                Err(error) => self.explain_tag(error, repository, tag, Digest::of(&bytes)).await?,
            }
        }
        Err(RegistryError::LostUpdate {
            repository: repository.clone(),
            tag: tag.to_owned(),
            referrer: added,
            attempts: ATTEMPTS,
        })
    }
}
