//! Manifests and tags.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, IF_MATCH};
use sealwright_core::{Digest, DigestError, ImageRef, PinnedRef, Repository};
use sealwright_oci::{Descriptor, Document, media_type};

use crate::client::{Client, text};
use crate::error::{Asked, RegistryError};
use crate::http::{Fetched, Reading, Request};

const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The answer to a pushed manifest is empty or a few words.
const ACKNOWLEDGMENT: u64 = 64 << 10;

impl Client {
    /// Reads the manifest or index that a reference names and pins it by the digest of its bytes.
    ///
    /// # Errors
    /// When it cannot be read, or the registry announces another digest than its bytes have.
    pub async fn resolve(&self, reference: &ImageRef) -> Result<(PinnedRef, Descriptor, Vec<u8>), RegistryError> {
        let repository = &reference.repository;
        if let Some(digest) = reference.digest {
            let pinned = repository.pinned(digest);
            let (descriptor, bytes) = self.manifest(&pinned).await?;
            return Ok((pinned, descriptor, bytes));
        }
        let tag = reference.tag_or_latest();
        let asked = Asked { what: "resolve", target: format!("{repository}:{tag}") };
        let fetched = self.get_manifest(repository, tag, asked).await?;
        let (descriptor, bytes) = (described(&fetched), fetched.bytes);
        Ok((repository.pinned(descriptor.digest), descriptor, bytes))
    }

    /// Reads a manifest or index by its digest and checks the bytes against it.
    ///
    /// # Errors
    /// When it cannot be read or is not what its digest says.
    pub async fn manifest(&self, image: &PinnedRef) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        let expected = *image.digest();
        let asked = Asked { what: "read manifest", target: image.to_string() };
        let fetched = self.get_manifest(image.repository(), &expected.to_string(), asked.clone()).await?;
        let descriptor = described(&fetched);
        if descriptor.digest != expected {
            return Err(RegistryError::DigestMismatch { asked, expected, found: descriptor.digest });
        }
        Ok((descriptor, fetched.bytes))
    }

    /// Whether a manifest or index is there.
    ///
    /// # Errors
    /// When the registry does not say.
    pub async fn manifest_exists(&self, image: &PinnedRef) -> Result<bool, RegistryError> {
        let asked = Asked { what: "look for manifest", target: image.to_string() };
        match self.head_manifest(image.repository(), &image.digest().to_string(), asked).await {
            Ok(_) => Ok(true),
            Err(RegistryError::NotFound { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Pushes a manifest or index by its digest. Its blobs, or its manifests, have to be there.
    ///
    /// # Errors
    /// When the registry refuses it, or the descriptor does not describe the bytes.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<PinnedRef, RegistryError> {
        let pinned = repository.pinned(descriptor.digest);
        let asked = Asked { what: "push manifest", target: pinned.to_string() };
        matches(&asked, &descriptor.digest, bytes)?;
        let reference = descriptor.digest.to_string();
        self.put_manifest(repository, &reference, &descriptor.media_type, bytes, asked, None).await?;
        Ok(pinned)
    }

    /// Gives a pushed manifest a tag. A tag that names this digest already is success; one that names another is moved where
    /// the registry allows it.
    ///
    /// # Errors
    /// [`RegistryError::TagConflict`] where the tag names another digest and is immutable.
    pub async fn tag(&self, image: &PinnedRef, tag: &str, media_type: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        let repository = image.repository();
        check_tag(repository, tag)?;
        let asked = Asked { what: "push tag", target: format!("{repository}:{tag}") };
        matches(&asked, image.digest(), bytes)?;
        match self.put_manifest(repository, tag, media_type, bytes, asked, None).await {
            Ok(()) => Ok(()),
            Err(error) => self.explain_tag(error, repository, tag, *image.digest()).await,
        }
    }

    /// The digest that a tag names now, or `None` where there is no such tag or repository.
    ///
    /// # Errors
    /// When the registry does not say.
    pub async fn tag_state(&self, repository: &Repository, tag: &str) -> Result<Option<Digest>, RegistryError> {
        check_tag(repository, tag)?;
        let asked = Asked { what: "look up tag", target: format!("{repository}:{tag}") };
        let fetched = match self.head_manifest(repository, tag, asked.clone()).await {
            Ok(fetched) => fetched,
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        if let Some(digest) = announced(&fetched.headers, &asked)? {
            return Ok(Some(digest));
        }
        // A registry that does not say: the bytes do.
        let fetched = self.get_manifest(repository, tag, asked).await?;
        Ok(Some(Digest::of(&fetched.bytes)))
    }

    async fn head_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        asked: Asked,
    ) -> Result<Fetched, RegistryError> {
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut request = Request::get(url, repository, asked).header(ACCEPT, accept());
        request.method = Method::HEAD;
        self.fetch(&request, Reading::Whole(0)).await
    }

    pub(crate) async fn get_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        asked: Asked,
    ) -> Result<Fetched, RegistryError> {
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let request = Request::get(url, repository, asked.clone()).header(ACCEPT, accept());
        let fetched = self.fetch(&request, Reading::Whole(self.options.limits.manifest)).await?;
        let found = Digest::of(&fetched.bytes);
        match announced(&fetched.headers, &asked)? {
            Some(expected) if expected != found => Err(RegistryError::DigestMismatch { asked, expected, found }),
            _ => Ok(fetched),
        }
    }

    pub(crate) async fn put_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
        asked: Asked,
        if_match: Option<&str>,
    ) -> Result<(), RegistryError> {
        let url = self.url(repository, &format!("manifests/{reference}"))?;
        let mut request = Request::push(Method::PUT, url, repository, asked.clone()).header(CONTENT_TYPE, media_type);
        request.body = Bytes::copy_from_slice(bytes);
        if let Some(state) = if_match {
            request = request.header(IF_MATCH, state);
        }
        // `Location` is not read: registries leave it out, and the digest is known here.
        let fetched = self.fetch(&request, Reading::Whole(ACKNOWLEDGMENT)).await?;
        let expected = Digest::of(bytes);
        match announced(&fetched.headers, &asked)? {
            Some(found) if found != expected => Err(RegistryError::DigestMismatch { asked, expected, found }),
            _ => Ok(()),
        }
    }

    /// What a refused push of a tag means: the tag may name our digest already (a lost answer, a second run), or be
    /// immutable and name another one.
    pub(crate) async fn explain_tag(
        &self,
        error: RegistryError,
        repository: &Repository,
        tag: &str,
        wanted: Digest,
    ) -> Result<(), RegistryError> {
        if !may_be_immutable(&error) {
            return Err(error);
        }
        match self.tag_state(repository, tag).await {
            Ok(Some(existing)) if existing == wanted => Ok(()),
            Ok(Some(existing)) if says_immutable(&error) => {
                let asked = Asked { what: "push tag", target: format!("{repository}:{tag}") };
                Err(RegistryError::TagConflict { asked, existing, wanted })
            }
            _ => Err(error),
        }
    }
}

fn may_be_immutable(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Rejected { .. } | RegistryError::Denied { .. })
}

/// ECR: `400 TAG_INVALID` and "immutable"; Harbor: `412` and "immutable"; others: `409`, or `403` and "immutable".
fn says_immutable(error: &RegistryError) -> bool {
    error.answer().is_some_and(|answer| {
        let code = answer.code.raw();
        matches!(answer.status, 409 | 412)
            || code.contains("TAG_INVALID")
            || code.contains("IMMUTABLE")
            || answer.message.raw().to_ascii_lowercase().contains("immutable")
    })
}

fn accept() -> String {
    media_type::MANIFESTS.join(", ")
}

fn check_tag(repository: &Repository, tag: &str) -> Result<(), RegistryError> {
    let parsed = format!("{repository}:{tag}").parse::<ImageRef>();
    if parsed.is_ok_and(|reference| reference.tag.as_deref() == Some(tag)) {
        Ok(())
    } else {
        Err(RegistryError::NotATag { tag: tag.chars().take(128).collect() })
    }
}

fn matches(asked: &Asked, expected: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let found = Digest::of(bytes);
    if found == *expected {
        return Ok(());
    }
    Err(RegistryError::DigestMismatch { asked: asked.clone(), expected: *expected, found })
}

/// `Docker-Content-Digest`. Another algorithm than sha256 cannot be compared and says nothing here.
fn announced(headers: &HeaderMap, asked: &Asked) -> Result<Option<Digest>, RegistryError> {
    match text(headers.get(DOCKER_CONTENT_DIGEST)).map(str::parse::<Digest>) {
        None | Some(Err(DigestError::UnsupportedAlgorithm { .. })) => Ok(None),
        Some(Ok(digest)) => Ok(Some(digest)),
        Some(Err(e)) => {
            Err(RegistryError::Protocol { asked: asked.clone(), problem: format!("Docker-Content-Digest: {e}") })
        }
    }
}

/// The descriptor of what came: the type is the header's, or the document's own where the header says nothing useful.
fn described(fetched: &Fetched) -> Descriptor {
    let known = |t: &&str| media_type::is_manifest(t) || media_type::is_index(t);
    let stated = fetched.media_type().filter(known).map(str::to_owned);
    let media_type = stated.or_else(|| {
        let document = Document::parse(&fetched.bytes, None).ok()?;
        Some(document.media_type().to_owned())
    });
    let unknown = || fetched.media_type().unwrap_or("application/octet-stream").to_owned();
    Descriptor::of(media_type.unwrap_or_else(unknown), &fetched.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Answer;

    #[test]
    fn a_tag_cannot_become_a_path_or_a_digest() {
        let repository: Repository = "127.0.0.1:1/a".parse().expect("repository");
        for bad in ["", "a/b", "../x", "-x", "a:b", "sha256:00", "x@y", "a?b", "é"] {
            assert!(check_tag(&repository, bad).is_err(), "{bad:?}");
        }
        assert!(check_tag(&repository, "v1.0_x-y").is_ok());
        let with_digest = format!("x@{}", Digest::of(b"x"));
        assert!(check_tag(&repository, &with_digest).is_err());
    }

    #[test]
    fn registries_say_immutable_in_their_own_ways() {
        let says = |status, code: &str, message: &str| {
            let answer = Answer { status, code: code.into(), message: message.into() };
            let asked = Asked { what: "push tag", target: "r/a:v1".into() };
            says_immutable(&RegistryError::Rejected { asked, answer })
        };
        assert!(says(400, "TAG_INVALID", "no") && says(400, "TAG_IMMUTABLE", "no"));
        assert!(says(400, "DENIED", "The tag is Immutable.") && says(409, "", "") && says(412, "", ""));
        assert!(!says(400, "DENIED", "no") && !says(403, "", ""));
    }
}
