//! The report of `tree`: the evidence of an image as it is stored. All of it is claims.

use std::collections::BTreeMap;

use sealwright_core::{Digest, PinnedRef, Untrusted};
use sealwright_oci::Descriptor;
use sealwright_registry::{CREATED_ANNOTATION, PREDICATE_TYPE_ANNOTATION};
use serde::Serialize;

use super::columns::columns;
use super::console::Style;
use crate::pipeline::graph::{Content, Legacy, Node};

const NOT_VERIFIED: &str = "types, times and signers are claims, not verified; `sealwright verify` checks them";

/// What a bundle says about its signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signer {
    /// Whoever verifies has to know the key.
    Key,
    /// A certificate names the signer.
    Certificate,
}

impl Signer {
    fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Certificate => "certificate",
        }
    }
}

/// Signers by the digest of the manifest that holds their bundle.
pub type Signers = BTreeMap<Digest, Signer>;

/// Everything that is stored with an image.
#[derive(Debug, Serialize)]
pub struct TreeReport {
    /// The schema of this document.
    schema: u32,
    /// The image by digest.
    image: String,
    /// That nothing was verified.
    note: &'static str,
    /// The image.
    root: Entry,
}

/// A manifest and what belongs to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<Untrusted>,
    media_type: Untrusted,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicate_type: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Untrusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<Signer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Untrusted>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legacy: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    referrers: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Entry>,
}

impl Entry {
    fn new(node: &Node, signers: &Signers) -> Self {
        let Descriptor { media_type, digest, size, platform, artifact_type, annotations } = &node.descriptor;
        let annotation = |name: &str| annotations.get(name).map(|value| Untrusted::from(value.as_str()));
        let entries = |nodes: &[Node]| nodes.iter().map(|node| Self::new(node, signers)).collect();
        Self {
            tag: None,
            platform: platform.as_ref().map(|p| p.to_string().into()),
            media_type: media_type.as_str().into(),
            digest: *digest,
            size: *size,
            artifact_type: artifact_type.as_deref().map(Untrusted::from),
            predicate_type: annotation(PREDICATE_TYPE_ANNOTATION),
            created: annotation(CREATED_ANNOTATION),
            signer: signers.get(digest).copied(),
            problem: problem(&node.content),
            legacy: node.legacy.iter().map(|legacy| Self::legacy(legacy, signers)).collect(),
            referrers: entries(&node.referrers),
            images: entries(&node.images),
        }
    }

    fn legacy(legacy: &Legacy, signers: &Signers) -> Self {
        Self { tag: Some(legacy.tag.clone()), ..Self::new(&legacy.node, signers) }
    }

    /// This and all that belongs to it, as lines of the table.
    fn rows(&self, what: &str, depth: usize, rows: &mut Vec<Vec<String>>) {
        rows.push(self.row(what, depth));
        self.legacy.iter().for_each(|entry| entry.rows("tag", depth + 1, rows));
        self.referrers.iter().for_each(|entry| entry.rows("referrer", depth + 1, rows));
        self.images.iter().for_each(|entry| entry.rows("image", depth + 1, rows));
    }

    fn row(&self, what: &str, depth: usize) -> Vec<String> {
        let text = |text: &Option<Untrusted>| text.as_ref().map_or_else(|| "-".to_owned(), shown);
        let name = self.tag.clone().or(self.platform.as_ref().map(shown)).unwrap_or_default();
        let kind = self.artifact_type.as_ref().unwrap_or(&self.media_type);
        let problem = self.problem.as_ref().map(|problem| format!(" ({})", shown(problem))).unwrap_or_default();
        vec![
            format!("{}{}", "  ".repeat(depth), format!("{what} {name}").trim_end()),
            shown(kind),
            text(&self.predicate_type),
            self.size.to_string(),
            text(&self.created),
            self.signer.map_or("-", Signer::word).to_owned(),
            format!("{}{problem}", self.digest),
        ]
    }

    fn has_evidence(&self) -> bool {
        !self.legacy.is_empty() || !self.referrers.is_empty() || self.images.iter().any(Self::has_evidence)
    }
}

fn problem(content: &Content) -> Option<Untrusted> {
    match content {
        Content::Read { .. } => None,
        Content::Elsewhere => Some("see its other place".into()),
        Content::Gone => Some("listed and not there".into()),
        Content::Unrelated => Some("listed and not about this".into()),
        Content::Broken(problem) => Some(problem.as_str().into()),
    }
}

/// Escaped and not longer than a line can bear.
fn shown(text: &Untrusted) -> String {
    Untrusted::new(text.raw().chars().take(160).collect::<String>()).to_string()
}

impl TreeReport {
    /// The report's version.
    pub const SCHEMA: u32 = 1;

    /// Of a graph and the signers that were looked up.
    pub fn new(image: &PinnedRef, root: &Node, signers: &Signers) -> Self {
        Self { schema: Self::SCHEMA, image: image.to_string(), note: NOT_VERIFIED, root: Entry::new(root, signers) }
    }

    /// For a machine.
    pub fn json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// For a person.
    pub fn table(&self, style: Style) -> String {
        let head = ["what", "type", "predicate type", "bytes", "created", "signer", "digest"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        self.root.rows(if self.root.images.is_empty() { "image" } else { "index" }, 0, &mut rows);
        let nothing = if self.root.has_evidence() { "" } else { "no evidence is stored with it\n" };
        let table = columns(&rows, style, |_, _, padded| padded);
        format!("{}\n{table}{nothing}{}\n", self.image, style.faint(NOT_VERIFIED))
    }
}
