//! The evidence that is stored with an image: bundles among its referrers, and the tags of older cosign versions; or bundles in
//! GitHub's attestation store.

use std::collections::BTreeMap;

use sealwright_bundle::legacy::{self, ATTESTATION_LAYER, SIGNATURE_LAYER};
use sealwright_bundle::predicate_type::is_same;
use sealwright_bundle::{BUNDLE_V03, is_bundle_type};
use sealwright_core::{Digest, Limits, PinnedRef, Repository, Untrusted};
use sealwright_github::{Place, Store};
use sealwright_oci::{Descriptor, Document, Manifest};
use sealwright_registry::{Client, LegacyTag, PREDICATE_TYPE_ANNOTATION, RegistryError};
use sealwright_verify::{EvidenceItem, ImageEvidence, MOST_BUNDLES, Report};

use super::github;
use crate::exit::Exit;
use crate::failure::Failure;

/// At most this many bytes of bundles of one image are kept: each may have `Limits::evidence`.
pub const MOST_BYTES: u64 = 512 << 20;

/// A bundle as it is stored.
#[derive(Debug)]
pub struct StoredBundle {
    /// The digest of its manifest, in a registry.
    pub referrer: Option<Digest>,
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
    /// Referrers that are listed and are not what they say, and how many were not read.
    pub broken: Vec<String>,
    /// How many were not read.
    pub unread: usize,
}

/// The bundles of an image for the verifier, and what could not be one.
#[derive(Debug)]
pub struct Found {
    /// The bundles.
    pub evidence: ImageEvidence,
    /// Referrers that are listed and are not what they say.
    pub broken: Vec<String>,
}

/// Where evidence is kept.
pub enum Keeper<'a> {
    /// In a repository of a registry.
    Registry {
        /// The registry.
        client: &'a Client,
        /// The repository.
        repository: Repository,
    },
    /// In GitHub's attestation store.
    GitHub {
        /// The store.
        store: Store,
        /// Whose attestations.
        place: Place,
    },
}

impl Keeper<'_> {
    /// Judges a digest by what is kept about it. Where statements of the type `wanted` suffice, others are not read.
    ///
    /// # Errors
    /// As [`Keeper::stored`].
    pub async fn judge(
        &self,
        subject: &Digest,
        wanted: Option<&str>,
        limits: &Limits,
        verify: impl Fn(&ImageEvidence) -> Report,
    ) -> Result<Report, Failure> {
        if let Self::Registry { client, repository } = self {
            return judge(client, &repository.pinned(*subject), wanted, limits, verify).await.map_err(altered);
        }
        let Stored { bundles, broken, .. } = self.stored(subject, None, limits).await?;
        let stored = bundles.into_iter().map(|bundle| EvidenceItem::Bundle(bundle.bytes)).collect();
        let mut report = verify(&ImageEvidence { subject: *subject, stored });
        report.left_aside.extend(broken.into_iter().map(|why| Untrusted::from(why).to_string()));
        Ok(report)
    }

    /// Every bundle about a digest as it is stored. GitHub is asked for those of `predicate_type` only.
    ///
    /// # Errors
    /// When the keeper does not answer; [`Exit::NotVerified`] for bytes of a registry that are not what their digest says.
    pub async fn stored(
        &self,
        subject: &Digest,
        predicate_type: Option<&str>,
        limits: &Limits,
    ) -> Result<Stored, Failure> {
        match self {
            Self::Registry { client, repository } => {
                stored(client, &repository.pinned(*subject), limits).await.map_err(altered)
            }
            Self::GitHub { store, place } => {
                let found = store.fetch(place, subject, predicate_type, &github::bounds(limits)).await?;
                let bundle = |bytes| StoredBundle { referrer: None, annotations: BTreeMap::new(), bytes };
                Ok(Stored {
                    bundles: found.bundles.into_iter().map(bundle).collect(),
                    broken: found.left_aside,
                    unread: 0,
                })
            }
        }
    }
}

/// Bytes that are not what their digest says are no failure of the registry but of the image.
pub fn altered(error: RegistryError) -> Failure {
    match error {
        RegistryError::DigestMismatch { .. } | RegistryError::SizeMismatch { .. } => {
            Failure::new(Exit::NotVerified, error.to_string())
        }
        other => other.into(),
    }
}

/// Reads every bundle that is listed as a referrer of the image, for the verifier.
///
/// # Errors
/// As [`stored`].
pub async fn fetch(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Found, RegistryError> {
    let Stored { bundles, broken, .. } = stored(client, image, limits).await?;
    let stored = bundles.into_iter().map(|bundle| EvidenceItem::Bundle(bundle.bytes)).collect();
    Ok(Found { evidence: ImageEvidence { subject: *image.digest(), stored }, broken })
}

/// Reads what older cosign versions stored under the image's tags, for the verifier.
///
/// # Errors
/// As [`stored`].
pub async fn fetch_legacy(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Found, RegistryError> {
    let mut stored = Vec::new();
    let mut broken = Vec::new();
    let mut room = MOST_BYTES;
    for (tag, layer_type) in [(LegacyTag::Signatures, SIGNATURE_LAYER), (LegacyTag::Attestations, ATTESTATION_LAYER)] {
        let layers = match client.legacy_layers(image, tag).await {
            Ok(layers) => layers,
            // Whoever may push can put anything there.
            Err(error) if error.is_about_content() || matches!(error, RegistryError::Protocol { .. }) => {
                broken.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error),
        };
        for layer in layers.iter().filter(|layer| layer.media_type == layer_type) {
            if stored.len() >= MOST_BUNDLES || (layer.size <= limits.evidence && layer.size > room) {
                broken.push(format!("not everything under {} was read: it is more than may be", tag.of(image)));
                break;
            }
            let content = match client.blob(image.repository(), layer, limits.evidence).await {
                Ok(content) => content,
                Err(error) if error.is_about_content() => {
                    broken.push(error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            room = room.saturating_sub(content.len() as u64);
            let item = match tag {
                LegacyTag::Signatures => legacy::signature(&layer.annotations, limits)
                    .map(|bundle| EvidenceItem::SimpleSigning { bundle: bundle.to_bytes(), payload: content }),
                LegacyTag::Attestations => legacy::attestation(&content, &layer.annotations, limits)
                    .map(|bundle| EvidenceItem::Bundle(bundle.to_bytes())),
            };
            match item {
                Ok(item) => stored.push(item),
                Err(error) => broken.push(format!("under {}: {error}", tag.of(image))),
            }
        }
    }
    Ok(Found { evidence: ImageEvidence { subject: *image.digest(), stored }, broken })
}

/// Judges an image by its bundles that are listed as of the type `wanted`; where they do not suffice, by its others too, and then
/// by what older cosign versions stored. What is listed is nobody's word: it only says what is worth reading first, and reading
/// less costs fewer requests.
///
/// # Errors
/// As [`fetch_legacy`].
async fn judge(
    client: &Client,
    image: &PinnedRef,
    wanted: Option<&str>,
    limits: &Limits,
    verify: impl Fn(&ImageEvidence) -> Report,
) -> Result<Report, RegistryError> {
    let listed = client.referrers(image, Some(BUNDLE_V03)).await?.descriptors;
    let is_first = |d: &Descriptor| {
        let kind = d.annotations.get(PREDICATE_TYPE_ANNOTATION);
        wanted.is_none_or(|wanted| kind.is_some_and(|kind| is_same(kind, wanted)))
    };
    let (first, others): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_first);
    let mut evidence = ImageEvidence { subject: *image.digest(), stored: vec![] };
    let (mut broken, mut room) = (Vec::new(), MOST_BYTES);
    for listed in [first, others].into_iter().filter(|listed| !listed.is_empty()) {
        let found = up_to(client, image, &listed, limits, MOST_BUNDLES - evidence.stored.len(), room).await?;
        room -= found.bundles.iter().map(|bundle| bundle.bytes.len() as u64).sum::<u64>();
        broken.extend(found.broken);
        evidence.stored.extend(found.bundles.into_iter().map(|bundle| EvidenceItem::Bundle(bundle.bytes)));
        let report = verify(&evidence);
        if report.passed() {
            return Ok(left_aside(report, broken));
        }
    }
    let older = fetch_legacy(client, image, limits).await?;
    broken.extend(older.broken);
    evidence.stored.extend(older.evidence.stored);
    Ok(left_aside(verify(&evidence), broken))
}

fn left_aside(mut report: Report, broken: Vec<String>) -> Report {
    report.left_aside.extend(broken);
    report
}

/// Reads every bundle that is listed as a referrer of the image, up to the verifier's number and `MOST_BYTES`.
///
/// One that is missing or not what its digest says is left aside: whoever may push could otherwise block an image. A registry
/// that does not answer is an error: silence is not "there is nothing".
///
/// # Errors
/// When the registry does not answer.
pub async fn stored(client: &Client, image: &PinnedRef, limits: &Limits) -> Result<Stored, RegistryError> {
    let listed = client.referrers(image, Some(BUNDLE_V03)).await?.descriptors;
    up_to(client, image, &listed, limits, MOST_BUNDLES, MOST_BYTES).await
}

async fn up_to(
    client: &Client,
    image: &PinnedRef,
    listed: &[Descriptor],
    limits: &Limits,
    most: usize,
    most_bytes: u64,
) -> Result<Stored, RegistryError> {
    let mut found = Stored::default();
    let mut room = most_bytes;
    for (number, descriptor) in listed.iter().enumerate() {
        let left = listed.len() - number;
        if found.bundles.len() >= most {
            found.broken.push(format!("{left} more bundles were not read: {most} are the most"));
            found.unread = left;
            break;
        }
        let referrer = image.repository().pinned(descriptor.digest);
        match bundle(client, &referrer, limits, room).await {
            Ok(Read::Bundle(bundle)) => {
                room = room.saturating_sub(bundle.bytes.len() as u64);
                found.bundles.push(bundle);
            }
            Ok(Read::Other) => {}
            Ok(Read::NoRoom) => {
                found.broken.push(format!("{left} more bundles were not read: {most_bytes} bytes in all are the most"));
                found.unread = left;
                break;
            }
            Err(error) if error.is_about_content() => found.broken.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What a referrer is.
enum Read {
    Bundle(StoredBundle),
    /// No bundle.
    Other,
    /// A bundle that may be read, but not beside those that were.
    NoRoom,
}

async fn bundle(client: &Client, referrer: &PinnedRef, limits: &Limits, room: u64) -> Result<Read, RegistryError> {
    let (descriptor, bytes) = client.manifest(referrer).await?;
    let Ok(Document::Manifest(manifest)) = Document::parse(&bytes, Some(&descriptor.media_type)) else {
        return Ok(Read::Other);
    };
    let Some(layer) = bundle_layer(&manifest) else { return Ok(Read::Other) };
    if layer.size <= limits.evidence && layer.size > room {
        return Ok(Read::NoRoom);
    }
    let bytes = client.blob(referrer.repository(), layer, limits.evidence).await?;
    Ok(Read::Bundle(StoredBundle { referrer: Some(descriptor.digest), annotations: manifest.annotations, bytes }))
}

/// Where the bundle is: cosign writes exactly one layer (cosign, `specs/BUNDLE_SPEC.md`).
pub fn bundle_layer(manifest: &Manifest) -> Option<&Descriptor> {
    let [layer] = manifest.layers.as_slice() else { return None };
    is_bundle_type(&layer.media_type).then_some(layer)
}

#[cfg(test)]
mod tests {
    use sealwright_loopback::registry::{Registry, Switches};
    use sealwright_oci::media_type;
    use sealwright_registry::Options;
    use serde_json::json;

    use super::*;

    #[test]
    fn number_and_bytes_of_bundles_have_bounds_and_what_is_left_is_counted() {
        let registry = Registry::start(Switches::default()).expect("registry");
        registry.put_blob("a", b"{}".to_vec());
        let subject = Digest::of(b"image");
        for number in 0..5 {
            let bundle = format!("bundle {number}");
            registry.put_blob("a", bundle.clone());
            let manifest = json!({
                "schemaVersion": 2, "mediaType": media_type::MANIFEST, "artifactType": BUNDLE_V03,
                "config": Descriptor::of(media_type::EMPTY, b"{}"),
                "layers": [Descriptor::of(BUNDLE_V03, bundle.as_bytes())],
                "subject": Descriptor::new(media_type::MANIFEST, subject, 1),
            });
            registry.put_manifest("a", None, media_type::MANIFEST, manifest.to_string());
        }
        let repository: Repository = format!("{}/a", registry.host()).parse().expect("repository");
        let image = repository.pinned(subject);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let client = Client::new(Options::default()).expect("client");
        let read = |most, bytes| {
            let limits = Limits::default();
            let listed = runtime.block_on(client.referrers(&image, Some(BUNDLE_V03))).expect("a list").descriptors;
            runtime.block_on(up_to(&client, &image, &listed, &limits, most, bytes)).expect("an answer")
        };
        for (most, bytes, kept, left) in [
            (5, 40, 5, None),
            (4, 40, 4, Some("1 more ")),
            (5, 39, 4, Some("1 more ")),
            (2, 40, 2, Some("3 more ")),
            (5, 7, 0, Some("5 more ")),
        ] {
            let found = read(most, bytes);
            assert_eq!(found.bundles.len(), kept, "{most} {bytes}");
            assert_eq!(found.broken.len(), usize::from(left.is_some()), "{:?}", found.broken);
            assert_eq!(found.unread, 5 - kept);
            assert!(found.broken.iter().zip(left).all(|(line, words)| line.starts_with(words)), "{:?}", found.broken);
        }
    }
}
