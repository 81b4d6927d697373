//! Signatures and attestations as cosign up to 2.x keeps them: layers of one manifest under the tag `sha256-HEX.sig` or `.att`
//! (cosign, `specs/SIGNATURE_SPEC.md` and `ATTESTATION_SPEC.md`).

use std::collections::BTreeMap;

use sealwright_core::{PinnedRef, Repository};
use sealwright_oci::{Descriptor, Document, Manifest, media_type};
use serde_json::json;

use crate::client::Client;
use crate::error::{Asked, RegistryError};
use crate::shared_tag::{Present, Step};

/// Which of the two tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegacyTag {
    /// `.sig`.
    Signatures,
    /// `.att`.
    Attestations,
}

impl LegacyTag {
    /// The tag of an image.
    pub fn of(self, image: &PinnedRef) -> String {
        let suffix = match self {
            Self::Signatures => "sig",
            Self::Attestations => "att",
        };
        format!("sha256-{}.{suffix}", image.digest().hex())
    }
}

impl Client {
    /// The layers of one of an image's tags, with their annotations; none where there is no such tag.
    ///
    /// # Errors
    /// When the registry does not say, or the tag leads to something that is no manifest.
    pub async fn legacy_layers(&self, image: &PinnedRef, which: LegacyTag) -> Result<Vec<Descriptor>, RegistryError> {
        let tag = which.of(image);
        let present = self.shared_tag(image.repository(), &tag).await?;
        Ok(manifest(present.as_ref(), image.repository(), &tag)?.map(|m| m.layers).unwrap_or_default())
    }

    /// Adds layers to one of an image's tags, which keeps those that are there. All are added at once: in an immutable
    /// repository the tag can be written only once. A descriptor has its annotations: they tell two signatures over one
    /// payload apart.
    ///
    /// # Errors
    /// When something cannot be pushed, or the tag cannot be moved.
    pub async fn add_legacy_layers(
        &self,
        image: &PinnedRef,
        which: LegacyTag,
        layers: &[(Descriptor, Vec<u8>)],
    ) -> Result<(), RegistryError> {
        let (repository, tag) = (image.repository(), which.of(image));
        for (layer, content) in layers {
            self.push_bytes(repository, &layer.media_type, content).await?;
        }
        let Some((first, _)) = layers.first() else { return Ok(()) };
        self.add_to_tag(repository, &tag, first.digest, |present| {
            let found = manifest(present, repository, &tag)?;
            let found_type = present.map(|present| present.media_type.clone()).filter(|_| found.is_some());
            let mut manifest = found.unwrap_or_else(empty);
            let lacking: Vec<_> = layers.iter().filter(|(layer, _)| !manifest.layers.contains(layer)).collect();
            if lacking.is_empty() {
                return Ok(Step::Done);
            }
            manifest.layers.extend(lacking.into_iter().map(|(layer, _)| layer.clone()));
            let config = config(&manifest.layers);
            // The manifest's kind stays: a Docker manifest names another type of configuration.
            let kind = manifest.config.media_type.clone();
            manifest.config = Descriptor::of(&kind, &config);
            let asked = Asked { what: "push tag", target: format!("{repository}:{tag}") };
            let bytes =
                serde_json::to_vec(&manifest).map_err(|e| RegistryError::Protocol { asked, problem: e.to_string() })?;
            let media_type = found_type.unwrap_or_else(|| media_type::MANIFEST.to_owned());
            Ok(Step::Write { media_type, bytes, blob: Some((kind, config)) })
        })
        .await
    }
}

fn manifest(present: Option<&Present>, repository: &Repository, tag: &str) -> Result<Option<Manifest>, RegistryError> {
    let Some(present) = present else { return Ok(None) };
    let problem = match Document::parse(&present.bytes, Some(&present.media_type)) {
        Ok(Document::Manifest(manifest)) => return Ok(Some(manifest)),
        Ok(Document::Index(_)) => "it is an index, expected a manifest".to_owned(),
        Err(error) => format!("it is {error}"),
    };
    Err(RegistryError::Protocol { asked: Asked { what: "read tag", target: format!("{repository}:{tag}") }, problem })
}

fn empty() -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(media_type::MANIFEST.to_owned()),
        artifact_type: None,
        config: Descriptor::of(media_type::CONFIG, b""),
        layers: Vec::new(),
        subject: None,
        annotations: BTreeMap::new(),
    }
}

/// cosign takes the manifest for an image and needs its configuration when it adds a layer (go-containerregistry, `mutate`).
fn config(layers: &[Descriptor]) -> Vec<u8> {
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.digest.to_string()).collect();
    let config = json!({
        "architecture": "", "os": "", "config": {}, "created": "0001-01-01T00:00:00Z",
        "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    config.to_string().into_bytes()
}
