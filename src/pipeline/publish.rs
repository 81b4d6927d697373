//! Order at the registry: blobs and manifests by digest, then statements, each signed and attached, then everything read
//! back. The tag is the caller's last step.

use jiff::Timestamp;
use sealwright_bundle::{BUNDLE_V03, Statement, predicate_type};
use sealwright_core::{Digest, Limits, PinnedRef, Repository};
use sealwright_gate::ClearedImage;
use sealwright_oci::{Descriptor, Document, ImageSource, Manifest, PlatformImage, ResolvedImage, read_blob};
use sealwright_registry::{Artifact, Client};
use sealwright_verify::{Signed, verify_bundle};

use super::evidence;
use super::signer::Sealer;
use super::statements::{About, Common};
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
/// When the registry does not say.
pub async fn tag_before(
    client: &Client,
    repository: &Repository,
    tag: &str,
    digest: Digest,
    console: &Console,
) -> Result<Option<Digest>, Failure> {
    let state = client.tag_state(repository, tag).await?;
    if let Some(other) = state.filter(|other| *other != digest) {
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
    /// How much may be read.
    pub limits: &'a Limits,
    /// The time that manifests state.
    pub created: String,
    /// Which statements of this signer count as the same, so that they are not written again.
    pub same: fn(&Statement, &Statement) -> bool,
    /// Scans that were finished before are made anew; without it none.
    pub oldest_scan: Option<Timestamp>,
}

impl Publisher<'_> {
    /// SBOMs, scan and the decision that was made from them.
    ///
    /// # Errors
    /// When a statement cannot be signed or attached.
    pub async fn judged(
        &self,
        common: &Common<'_>,
        about: &About,
        subject: &Descriptor,
    ) -> Result<Vec<Written>, Failure> {
        let known = self.known(subject).await?;
        let (mut written, mut inputs, mut all_known) = (Vec::new(), Vec::new(), true);
        for statement in &about.inputs {
            let (digest, new) = self.write(statement, subject, &known).await?;
            inputs.push(digest);
            all_known &= !new;
            written.push(record(subject, statement, new));
        }
        // A decision that was made from other statements is another decision.
        let known = if all_known { &known[..] } else { &[] };
        let decision = common.decision(about, &inputs);
        let (_, new) = self.write(&decision, subject, known).await?;
        written.push(record(subject, &decision, new));
        Ok(written)
    }

    /// Statements as they are.
    ///
    /// # Errors
    /// When one cannot be signed or attached.
    pub async fn all(&self, statements: &[Statement], subject: &Descriptor) -> Result<Vec<Written>, Failure> {
        let known = self.known(subject).await?;
        let mut written = Vec::new();
        for statement in statements {
            let (_, new) = self.write(statement, subject, &known).await?;
            written.push(record(subject, statement, new));
        }
        Ok(written)
    }

    /// What this signer stated about the digest before.
    async fn known(&self, subject: &Descriptor) -> Result<Vec<Signed>, Failure> {
        let image = self.repository.pinned(subject.digest);
        let found = evidence::fetch(self.client, &image, self.limits).await?;
        let verified = found.evidence.bundles.iter().filter_map(|bundle| {
            verify_bundle(bundle, &subject.digest, self.sealer.anchor(), self.limits).ok().map(|v| v.into_inner())
        });
        Ok(verified
            .filter(|signed| !self.oldest_scan.is_some_and(|oldest| is_older(&signed.statement, oldest)))
            .collect())
    }

    /// Signs and attaches a statement, unless a valid equal one is there. Gives the digest of the one that counts.
    async fn write(
        &self,
        statement: &Statement,
        subject: &Descriptor,
        known: &[Signed],
    ) -> Result<(Digest, bool), Failure> {
        if let Some(same) = known.iter().find(|signed| (self.same)(&signed.statement, statement)) {
            return Ok((same.digest, false));
        }
        let bytes = statement.to_bytes();
        let bundle = self.sealer.signer.sign(&bytes).await?;
        // A certificate for somebody else, or a log that lies, is found here and not at the customer's.
        verify_bundle(&bundle, &subject.digest, self.sealer.anchor(), self.limits)
            .map_err(|e| Failure::new(Exit::NotVerified, format!("what was signed does not verify: {e}")))?;
        let artifact = Artifact::bundle(BUNDLE_V03, &bundle, &statement.predicate_type, &self.created);
        self.client.attach(&self.repository.pinned(subject.digest), subject, &artifact).await?;
        Ok((Digest::of(&bytes), true))
    }
}

/// Whether a statement is a scan that was finished before `oldest`.
fn is_older(statement: &Statement, oldest: Timestamp) -> bool {
    let finished = statement.predicate.pointer("/metadata/scanFinishedOn").and_then(|time| time.as_str()?.parse().ok());
    statement.predicate_type == predicate_type::VULN && finished.is_none_or(|finished: Timestamp| finished < oldest)
}

fn record(subject: &Descriptor, statement: &Statement, new: bool) -> Written {
    Written { subject: subject.digest, predicate_type: statement.predicate_type.clone(), new }
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
