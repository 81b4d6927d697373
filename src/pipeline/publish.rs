//! Order at the registry: blobs and manifests by digest, then statements, each signed and attached, then everything read
//! back. The tag is the caller's last step.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealwright_bundle::legacy::{self, ATTESTATION_LAYER, SIGNATURE_LAYER};
use sealwright_bundle::{BUNDLE_V03, Bundle, SimpleSigning, Statement, predicate_type};
use sealwright_core::{Digest, Limits, PinnedRef, Repository};
use sealwright_gate::ClearedImage;
use sealwright_github::check_size;
use sealwright_oci::{Descriptor, Document, ImageSource, Manifest, PlatformImage, ResolvedImage, read_blob};
use sealwright_registry::{Artifact, Client, LegacyTag};
use sealwright_verify::{EvidenceItem, Signed};

use super::ecr::Ecr;
use super::evidence::{self, Stored};
use super::signer::Sealer;
use super::statements::{About, Common};
use crate::cli::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::Console;

/// A statement that was signed, or an equal one that was there already.
#[derive(Debug, Clone)]
pub struct Written {
    /// What it is about.
    pub subject: Digest,
    /// Its type.
    pub predicate_type: String,
    /// Whether it was signed now.
    pub new: bool,
    /// The manifest by which the registry lists its bundle.
    pub referrer: Option<Digest>,
    /// The bundle with it; none in the layout of older cosign versions.
    pub bundle: Option<WrittenBundle>,
    /// The number by which GitHub's attestation store knows it, if it was stored there now.
    pub attestation: Option<String>,
}

/// A statement's bundle.
#[derive(Debug, Clone)]
pub struct WrittenBundle {
    /// sha256 over the statement's bytes.
    pub statement: Digest,
    /// It, as it is stored.
    pub bytes: Vec<u8>,
    /// Whether it was signed now.
    pub new: bool,
}

/// Pushes blobs and manifests of a cleared image by digest; no tag.
///
/// # Errors
/// When the registry does not take them, or a blob is not what its descriptor says.
pub async fn push_image(
    client: &Client,
    repository: &Repository,
    source: &dyn ImageSource,
    resolved: &ResolvedImage,
    cleared: &ClearedImage,
    limits: &Limits,
) -> Result<PinnedRef, Failure> {
    if cleared.root() != resolved.root.digest {
        return Err(Failure::new(Exit::Internal, "the clearance is for another image"));
    }
    for PlatformImage { descriptor, manifest, manifest_bytes, .. } in &resolved.images {
        push_manifest(client, repository, source, descriptor, manifest, manifest_bytes).await?;
    }
    // What BuildKit stores beside images belongs to the index: a registry refuses an index with a manifest missing.
    for descriptor in &resolved.not_runnable {
        let bytes = read_blob(source.as_blobs(), descriptor, limits.manifest)?;
        if let Ok(Document::Manifest(manifest)) = Document::parse(&bytes, Some(&descriptor.media_type)) {
            push_manifest(client, repository, source, descriptor, &manifest, &bytes).await?;
        }
    }
    if resolved.index.is_some() {
        client.push_manifest(repository, &resolved.root, &resolved.root_bytes).await?;
    }
    Ok(repository.pinned(cleared.root()))
}

async fn push_manifest(
    client: &Client,
    repository: &Repository,
    source: &dyn ImageSource,
    descriptor: &Descriptor,
    manifest: &Manifest,
    bytes: &[u8],
) -> Result<(), Failure> {
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        client.push_blob(repository, blob, source.as_blobs()).await?;
    }
    client.push_manifest(repository, descriptor, bytes).await?;
    Ok(())
}

/// What a tag names before `digest` is pushed under it. A tag that names another image is moved, where the registry lets it; a
/// person should know.
///
/// # Errors
/// When the registry does not say, or is one of Amazon ECR and will not let it.
pub async fn tag_before(
    client: &Client,
    ecr: &Ecr,
    (repository, tag): (&Repository, &str),
    digest: Digest,
    console: &Console,
) -> Result<Option<Digest>, Failure> {
    let state = client.tag_state(repository, tag).await?;
    if let Some(other) = state.filter(|other| *other != digest) {
        ecr.check_tag(repository, tag, (other, digest), console).await?;
        console.warn(&format!("tag {tag} names {} and will be moved", other.short()));
    }
    Ok(state)
}

/// Signs and attaches statements about the digests of one image.
pub struct Publisher<'a> {
    /// The registry.
    pub client: &'a Client,
    /// Where evidence is kept.
    pub repository: &'a Repository,
    /// The signer.
    pub sealer: &'a Sealer,
    /// How they are stored.
    pub format: Format,
    /// How much may be read.
    pub limits: &'a Limits,
    /// The time that manifests state.
    pub created: String,
    /// Which statements of this signer count as the same, so that they are not written again.
    pub same: fn(&Statement, &Statement) -> bool,
    /// Scans that were finished before are made anew; without it none.
    pub oldest_scan: Option<Timestamp>,
    /// Knows which tags can be written once only.
    pub ecr: &'a Ecr,
    /// Where it is said.
    pub console: &'a Console,
    /// What goes behind the tags of older cosign versions, until [`Publisher::finish`] writes it.
    pub pending: Pending,
    /// Whether GitHub's attestation store gets it too, which does not take everything.
    pub to_github: bool,
}

/// Layers by image and tag.
pub type Pending = BTreeMap<(Digest, LegacyTag), Vec<(Descriptor, Vec<u8>)>>;

impl Publisher<'_> {
    /// SBOMs, scan and the decision that was made from them.
    ///
    /// # Errors
    /// When a statement cannot be signed or attached.
    pub async fn judged(
        &mut self,
        common: &Common<'_>,
        about: &About,
        subject: &Descriptor,
    ) -> Result<Vec<Written>, Failure> {
        let known = self.known(subject).await?;
        let (mut written, mut inputs, mut all_known) = (Vec::new(), Vec::new(), true);
        for statement in &about.inputs {
            let (digest, one) = self.write(statement, subject, &known).await?;
            inputs.push(digest);
            all_known &= known.holds(&digest);
            written.push(one);
        }
        // A decision that was made from other statements is another decision.
        let known = if all_known { known } else { Known::default() };
        let decision = common.decision(about, &inputs);
        written.push(self.write(&decision, subject, &known).await?.1);
        Ok(written)
    }

    /// Statements as they are.
    ///
    /// # Errors
    /// When one cannot be signed or attached.
    pub async fn all(&mut self, statements: &[Statement], subject: &Descriptor) -> Result<Vec<Written>, Failure> {
        let known = self.known(subject).await?;
        let mut written = Vec::new();
        for statement in statements {
            written.push(self.write(statement, subject, &known).await?.1);
        }
        Ok(written)
    }

    /// What this signer stated about the digest before.
    async fn known(&self, subject: &Descriptor) -> Result<Known, Failure> {
        let image = self.repository.pinned(subject.digest);
        let mut known = Known::default();
        if self.format.writes_bundles() {
            let Stored { bundles, .. } = evidence::stored(self.client, &image, self.limits).await?;
            for bundle in bundles {
                let item = EvidenceItem::Bundle(bundle.bytes);
                if let Some(signed) = self.counts(&item, &subject.digest) {
                    known.bundles.push(KnownBundle { signed, item, referrer: bundle.referrer });
                }
            }
        }
        if self.format.writes_legacy() {
            let legacy = evidence::fetch_legacy(self.client, &image, self.limits).await?.evidence;
            known.legacy = legacy.stored.iter().filter_map(|item| self.counts(item, &subject.digest)).collect();
        }
        Ok(known)
    }

    /// A statement of this signer that is not too old.
    fn counts(&self, item: &EvidenceItem, subject: &Digest) -> Option<Signed> {
        let signed = self.check(item, subject).ok()?;
        let too_old = self.oldest_scan.is_some_and(|oldest| is_older(&signed.statement, oldest));
        (!too_old).then_some(signed)
    }

    fn check(&self, item: &EvidenceItem, subject: &Digest) -> Result<Signed, Failure> {
        let verified = item.verify(subject, self.sealer.anchor(), self.limits);
        let verified =
            verified.map_err(|e| Failure::new(Exit::NotVerified, format!("what was signed does not verify: {e}")))?;
        Ok(verified.into_inner())
    }

    /// Signs a statement and stores it, unless a valid equal one is there. Gives the digest of the one that counts, and what
    /// was done.
    async fn write(
        &mut self,
        statement: &Statement,
        subject: &Descriptor,
        known: &Known,
    ) -> Result<(Digest, Written), Failure> {
        let same = |signed: &Signed| (self.same)(&signed.statement, statement);
        let in_bundle = known.bundles.iter().find(|known| same(&known.signed));
        let in_legacy = known.legacy.iter().find(|signed| same(signed));
        let bundle_lacks = self.format.writes_bundles() && in_bundle.is_none();
        let legacy_lacks = self.format.writes_legacy() && in_legacy.is_none();
        let present = in_bundle.map(|known| &known.signed).or(in_legacy);
        let kept = in_bundle.and_then(|known| match &known.item {
            EvidenceItem::Bundle(bytes) => {
                Some(WrittenBundle { statement: known.signed.digest, bytes: bytes.clone(), new: false })
            }
            _ => None,
        });
        let mut written = record(subject, statement, kept);
        written.referrer = in_bundle.and_then(|known| known.referrer);
        if let (Some(present), false, false) = (present, bundle_lacks, legacy_lacks) {
            return Ok((present.digest, written));
        }
        written.new = true;
        // Where one of two places has it, the other gets the same.
        let statement = present.map_or(statement, |present| &present.statement);
        let is_signature = statement.predicate_type == predicate_type::SIGNATURE;
        if legacy_lacks {
            self.can_add(if is_signature { LegacyTag::Signatures } else { LegacyTag::Attestations }, subject).await?;
        }
        if legacy_lacks && is_signature {
            self.write_simple_signing(statement, subject).await?;
        }
        let bytes = statement.to_bytes();
        if self.to_github {
            check_size(&bytes)?;
        }
        let envelope_in_legacy = legacy_lacks && !is_signature;
        if bundle_lacks || envelope_in_legacy {
            let bundle = self.sealer.signer.sign(&bytes).await?;
            // A certificate for somebody else, or a log that lies, is found here and not at the customer's.
            self.check(&EvidenceItem::Bundle(bundle.clone()), &subject.digest)?;
            if bundle_lacks {
                let artifact = Artifact::bundle(BUNDLE_V03, &bundle, &statement.predicate_type, &self.created);
                let attached = self.client.attach(&self.repository.pinned(subject.digest), subject, &artifact).await?;
                written.referrer = Some(*attached.referrer.digest());
            }
            if envelope_in_legacy {
                self.write_envelope(&bundle, &statement.predicate_type, subject)?;
            }
            if bundle_lacks {
                written.bundle = Some(WrittenBundle { statement: Digest::of(&bytes), bytes: bundle, new: true });
            }
        }
        Ok((Digest::of(&bytes), written))
    }

    /// A signature as cosign up to 2.x stores it.
    async fn write_simple_signing(&mut self, statement: &Statement, subject: &Descriptor) -> Result<(), Failure> {
        let payload = SimpleSigning::of(statement, &subject.digest)
            .ok_or_else(|| Failure::new(Exit::Internal, "the signature is about another image"))?
            .to_bytes();
        let bundle = self.sealer.signer.sign_message(&payload).await?;
        let item = EvidenceItem::SimpleSigning { payload: payload.clone(), bundle: bundle.clone() };
        self.check(&item, &subject.digest)?;
        self.add_layer(LegacyTag::Signatures, SIGNATURE_LAYER, payload, &self.parsed(&bundle)?, "", subject)
    }

    /// What was signed just now.
    fn parsed(&self, bundle: &[u8]) -> Result<Bundle, Failure> {
        Bundle::parse(bundle, self.limits).map_err(|e| Failure::new(Exit::Internal, e.to_string()))
    }

    /// An attestation as cosign up to 2.x stores it: the envelope of a bundle.
    fn write_envelope(&mut self, bundle: &[u8], predicate_type: &str, subject: &Descriptor) -> Result<(), Failure> {
        let bundle = self.parsed(bundle)?;
        let envelope = serde_json::to_vec(&bundle.dsse_envelope).unwrap_or_default();
        self.add_layer(LegacyTag::Attestations, ATTESTATION_LAYER, envelope, &bundle, predicate_type, subject)
    }

    /// Refuses before anything is signed for a tag that cannot be written.
    async fn can_add(&self, tag: LegacyTag, subject: &Descriptor) -> Result<(), Failure> {
        if self.pending.contains_key(&(subject.digest, tag)) {
            return Ok(());
        }
        let name = tag.of(&self.repository.pinned(subject.digest));
        match self.ecr.refuses_legacy(self.client, self.repository, &name, self.console).await? {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Writes what is pending: all of an image's layers at once.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn finish(self) -> Result<(), Failure> {
        for ((subject, tag), layers) in self.pending {
            self.client.add_legacy_layers(&self.repository.pinned(subject), tag, &layers).await?;
        }
        Ok(())
    }

    fn add_layer(
        &mut self,
        tag: LegacyTag,
        layer_type: &str,
        content: Vec<u8>,
        bundle: &Bundle,
        predicate_type: &str,
        subject: &Descriptor,
    ) -> Result<(), Failure> {
        let annotations = legacy::annotations(bundle, predicate_type).ok_or_else(no_place)?;
        let layer = Descriptor { annotations, ..Descriptor::of(layer_type, &content) };
        self.pending.entry((subject.digest, tag)).or_default().push((layer, content));
        Ok(())
    }
}

/// What is known in each of the two places.
#[derive(Default)]
struct Known {
    bundles: Vec<KnownBundle>,
    legacy: Vec<Signed>,
}

struct KnownBundle {
    signed: Signed,
    item: EvidenceItem,
    referrer: Option<Digest>,
}

impl Known {
    fn holds(&self, digest: &Digest) -> bool {
        let bundles = self.bundles.iter().map(|known| &known.signed);
        bundles.chain(&self.legacy).any(|signed| signed.digest == *digest)
    }
}

/// Refuses before anything is signed what could not be stored afterwards.
///
/// # Errors
/// When the older layout is asked for, and the signer's log is of version 2.
pub fn can_store(format: Format, sealer: &Sealer) -> Result<(), Failure> {
    if format.writes_legacy() && !sealer.signer.fits_legacy() { Err(no_place()) } else { Ok(()) }
}

fn no_place() -> Failure {
    Failure::usage("the layout of older cosign versions has no place for entries of a log of version 2")
        .hint("--format bundle, a signing config with a log of version 1, or --transparency none with a key")
}

/// Whether a statement is a scan that was finished before `oldest`.
fn is_older(statement: &Statement, oldest: Timestamp) -> bool {
    let finished = statement.predicate.pointer("/metadata/scanFinishedOn").and_then(|time| time.as_str()?.parse().ok());
    statement.predicate_type == predicate_type::VULN && finished.is_none_or(|finished: Timestamp| finished < oldest)
}

fn record(subject: &Descriptor, statement: &Statement, bundle: Option<WrittenBundle>) -> Written {
    let (subject, predicate_type) = (subject.digest, statement.predicate_type.clone());
    Written { subject, predicate_type, new: false, referrer: None, bundle, attestation: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_scan_gets_too_old() {
        let at = |time: &str| time.parse::<Timestamp>().expect("time");
        let scan = |kind: &str, finished: &str| {
            Statement::new(vec![], kind, json!({ "metadata": { "scanFinishedOn": finished } }))
        };
        let noon = scan(predicate_type::VULN, "2026-01-02T12:00:00Z");
        assert!(!is_older(&noon, at("2026-01-02T12:00:00Z")));
        assert!(is_older(&noon, at("2026-01-02T12:00:01Z")));
        assert!(is_older(&scan(predicate_type::VULN, "yesterday"), at("2026-01-02T12:00:00Z")));
        assert!(!is_older(&scan(predicate_type::CYCLONEDX, "2025-01-01T00:00:00Z"), at("2026-01-02T12:00:00Z")));
    }
}
