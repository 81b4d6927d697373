//! What belongs to an image: the referrers API with its pages, and the fallback tag where there is no such API (distribution
//! specification 1.1, "Listing Referrers").

use std::collections::BTreeSet;

use reqwest::header::{ACCEPT, HeaderName, LINK};
use sealwright_core::PinnedRef;
use sealwright_oci::{Descriptor, Document, media_type};

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};
use crate::http::{Fetched, Reading, Request, origin};
use crate::link;

const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// More pages and referrers than any image has.
const PAGES: usize = 1_000;
const MOST: usize = 20_000;

/// How referrers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The referrers API.
    Api,
    /// An index under the tag `sha256-HEX`.
    FallbackTag,
}

/// The referrers of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    /// As the registry lists them. Types and annotations are the registry's word where no artifact type was asked for.
    pub descriptors: Vec<Descriptor>,
    /// Where they were found.
    pub via: Via,
}

struct Listing {
    descriptors: Vec<Descriptor>,
    filtered: bool,
}

impl Client {
    /// The referrers of an image, all of them or those of one artifact type.
    ///
    /// Registries and other clients list referrers under a wrong type or under none (go-containerregistry does both), so a
    /// descriptor that does not have the wanted type is only left out when its manifest does not have it either. The
    /// descriptors of such manifests come back with the manifest's own type and annotations.
    ///
    /// # Errors
    /// When the registry does not say: a `401`, `403` or `5xx` never means that there is nothing.
    pub async fn referrers(
        &self,
        subject: &PinnedRef,
        artifact_type: Option<&str>,
    ) -> Result<Referrers, RegistryError> {
        let (mut listing, via) = match self.list_api(subject, artifact_type).await? {
            Some(listing) => (listing, Via::Api),
            None => (Listing { descriptors: self.list_fallback(subject).await?, filtered: false }, Via::FallbackTag),
        };
        // A registry that filters by a wrong type finds nothing.
        if listing.filtered && listing.descriptors.is_empty() {
            let all = self.list_api(subject, None).await?;
            listing.descriptors = all.map(|listing| listing.descriptors).unwrap_or_default();
        }
        let descriptors = match artifact_type {
            Some(wanted) => self.of_type(subject, listing.descriptors, wanted).await?,
            None => listing.descriptors,
        };
        Ok(Referrers { descriptors, via })
    }

    /// Whether the registry has the referrers API for this repository.
    ///
    /// # Errors
    /// When the registry does not say.
    pub async fn has_referrers_api(&self, subject: &PinnedRef) -> Result<bool, RegistryError> {
        Ok(self.list_api(subject, None).await?.is_some())
    }

    /// What the referrers API lists, or `None` where there is no such API.
    pub(crate) async fn list_referrers_api(
        &self,
        subject: &PinnedRef,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        Ok(self.list_api(subject, None).await?.map(|listing| listing.descriptors))
    }

    async fn list_api(&self, subject: &PinnedRef, filter: Option<&str>) -> Result<Option<Listing>, RegistryError> {
        let asked = Asked { what: "list referrers of", target: subject.to_string() };
        let protocol = |problem: String| RegistryError::Protocol { asked: asked.clone(), problem };
        let mut url = self.url(subject.repository(), &format!("referrers/{}", subject.digest()))?;
        if let Some(filter) = filter {
            url.query_pairs_mut().append_pair("artifactType", filter);
        }
        let home = origin(&url);
        let mut listing = Listing { descriptors: Vec::new(), filtered: false };
        let mut visited = BTreeSet::new();
        loop {
            if !visited.insert(url.to_string()) || visited.len() > PAGES {
                return Err(protocol("its pages do not end".into()));
            }
            let request =
                Request::get(url, subject.repository(), asked.clone()).header(ACCEPT, media_type::INDEX.to_owned());
            let page = match self.fetch(&request, Reading::Whole(self.options.limits.manifest)).await {
                Ok(page) => page,
                Err(error) if visited.len() == 1 && means_no_api(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            // Some registries answer unknown paths with a page for people ("clients SHOULD check the media type").
            if page.media_type() != Some(media_type::INDEX) {
                return if visited.len() == 1 { Ok(None) } else { Err(protocol("a page that is no index".into())) };
            }
            listing.filtered |= filters_applied(&page);
            listing.descriptors.extend(descriptors(&page.bytes).map_err(protocol)?);
            if listing.descriptors.len() > MOST {
                return Err(protocol(format!("more than {MOST} referrers")));
            }
            let Some(next) = text(page.headers.get(LINK)).and_then(link::next) else { break };
            url = page.url.join(next).map_err(|_| protocol("a next page that is no URL".into()))?;
            if origin(&url) != home {
                return Err(protocol("a next page on another host".into()));
            }
        }
        let mut seen = BTreeSet::new();
        listing.descriptors.retain(|descriptor| seen.insert(descriptor.digest));
        Ok(Some(listing))
    }

    /// Those that have the type, by their descriptor or by their manifest.
    async fn of_type(
        &self,
        subject: &PinnedRef,
        listed: Vec<Descriptor>,
        wanted: &str,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut found = Vec::new();
        for mut descriptor in listed {
            if descriptor.artifact_type.as_deref() != Some(wanted) {
                let pinned = subject.repository().pinned(descriptor.digest);
                let (_, bytes) = match self.manifest(&pinned).await {
                    Ok(manifest) => manifest,
                    // Listed and deleted: it is no evidence any more.
                    Err(RegistryError::NotFound { .. }) => continue,
                    // It may be anything: whoever reads it says what is wrong, and it must not hide the others.
                    Err(error) if error.is_about_content() => {
                        found.push(Descriptor { artifact_type: Some(wanted.to_owned()), ..descriptor });
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                // Whatever it is, it does not have the type if it is no document.
                if let Ok(document) = Document::parse(&bytes, None) {
                    descriptor = document.listed(descriptor);
                }
            }
            if descriptor.artifact_type.as_deref() == Some(wanted) {
                found.push(descriptor);
            }
        }
        Ok(found)
    }
}

/// What a registry without the API answers. `400` and `406` are such answers too (go-containerregistry, `remote/referrers.go`).
fn means_no_api(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Rejected { answer, .. } => matches!(answer.status, 400 | 405 | 406),
        _ => false,
    }
}

fn filters_applied(page: &Fetched) -> bool {
    let applied = text(page.headers.get(OCI_FILTERS_APPLIED));
    applied.is_some_and(|filters| filters.split(',').any(|filter| filter.trim() == "artifactType"))
}

/// The descriptors of an index.
pub(crate) fn descriptors(bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    match Document::parse(bytes, Some(media_type::INDEX)) {
        Ok(Document::Index(index)) => Ok(index.manifests),
        Ok(Document::Manifest(_)) => Err("a manifest where an index belongs".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
