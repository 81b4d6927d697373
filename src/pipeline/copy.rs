//! Order of a copy: evidence before what it is about, images before their index, then the listing of the referrers, and that
//! read back. The tag is the caller's last step.

use std::collections::BTreeSet;

use sealwright_core::{Digest, Limits, Repository};
use sealwright_oci::{Blobs, Descriptor, Document};
use sealwright_registry::{Client, Pushed};

use super::graph::{Content, Legacy, Node};
use super::publish::tag_before;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::console::Console;

/// What has to be done, and what cannot be.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    steps: Vec<Step<'a>>,
    /// What is listed as evidence at the source and is none, or is not there.
    pub left_aside: Vec<Digest>,
}

#[derive(Debug)]
enum Step<'a> {
    /// Push a manifest and its blobs.
    Push { descriptor: &'a Descriptor, bytes: &'a [u8], document: &'a Document },
    /// Set a tag of an older cosign version on a pushed manifest.
    Tag { tag: &'a str, descriptor: &'a Descriptor, bytes: &'a [u8] },
    /// See to it that these are listed as referrers.
    List { subject: Digest, referrers: Vec<&'a Descriptor> },
}

impl<'a> Plan<'a> {
    /// The order in which a graph is copied.
    ///
    /// # Errors
    /// When something in it is not what it should be, or an image of an index is not there.
    pub fn of(root: &'a Node) -> Result<Self, Failure> {
        let mut plan = Self::default();
        plan.node(root)?;
        Ok(plan)
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Failure> {
        let digest = node.descriptor.digest;
        let (bytes, document) = match &node.content {
            Content::Read { bytes, document } => (bytes, document),
            // Planned where it stands with all that belongs to it.
            Content::Elsewhere => return Ok(()),
            Content::Gone | Content::Unrelated => {
                return Err(Failure::new(Exit::Unavailable, format!("{digest} is listed and not there")));
            }
            Content::Broken(problem) => return Err(Failure::usage(format!("{digest} cannot be copied: {problem}"))),
        };
        for legacy in &node.legacy {
            self.legacy(legacy)?;
        }
        let mut referrers = Vec::new();
        for referrer in self.there(&node.referrers) {
            self.node(referrer)?;
            referrers.push(&referrer.descriptor);
        }
        for image in &node.images {
            self.node(image)?;
        }
        self.steps.push(Step::Push { descriptor: &node.descriptor, bytes, document });
        if !referrers.is_empty() {
            self.steps.push(Step::List { subject: digest, referrers });
        }
        Ok(())
    }

    fn legacy(&mut self, legacy: &'a Legacy) -> Result<(), Failure> {
        let Legacy { tag, node } = legacy;
        for node in self.there(std::slice::from_ref(node)) {
            self.node(node)?;
            if let Content::Read { bytes, .. } = &node.content {
                self.steps.push(Step::Tag { tag, descriptor: &node.descriptor, bytes });
            }
        }
        Ok(())
    }

    /// Without what is gone or is no evidence of this: no one finds it at the source either.
    fn there(&mut self, nodes: &'a [Node]) -> Vec<&'a Node> {
        let none = |node: &&Node| matches!(node.content, Content::Gone | Content::Unrelated);
        let (left_aside, there): (Vec<_>, Vec<_>) = nodes.iter().partition(none);
        self.left_aside.extend(left_aside.into_iter().map(|node| node.descriptor.digest));
        there
    }
}

/// How much was sent, and how much was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Sent now.
    pub sent: usize,
    /// There already.
    pub was_there: usize,
}

impl Count {
    fn add(&mut self, pushed: Pushed) {
        match pushed {
            Pushed::Sent => self.sent += 1,
            Pushed::WasThere => self.was_there += 1,
        }
    }
}

/// Writes what a plan says.
pub struct Copier<'a> {
    /// The registry.
    pub client: &'a Client,
    /// Gives the source's blobs as streams.
    pub source: &'a dyn Blobs,
    /// Where it goes.
    pub destination: &'a Repository,
    /// How much may be read.
    pub limits: &'a Limits,
    /// Where a person is warned.
    pub console: &'a Console,
}

/// What was copied.
#[derive(Debug, Default)]
pub struct Copied {
    /// Manifests and indexes.
    pub manifests: Count,
    /// Configurations and layers, each counted once.
    pub blobs: Count,
    known: BTreeSet<Digest>,
}

impl Copier<'_> {
    /// Takes all steps, then reads the lists of referrers back.
    ///
    /// # Errors
    /// When something cannot be read or sent, or is not listed afterwards.
    pub async fn copy(&self, plan: &Plan<'_>) -> Result<Copied, Failure> {
        let mut copied = Copied::default();
        for step in &plan.steps {
            match step {
                Step::Push { descriptor, bytes, document } => {
                    self.push(descriptor, bytes, document, &mut copied).await?;
                }
                Step::Tag { tag, descriptor, bytes } => {
                    let before =
                        tag_before(self.client, self.destination, tag, descriptor.digest, self.console).await?;
                    self.tag(tag, before, descriptor, bytes).await?;
                }
                Step::List { subject, referrers } => self.list(subject, referrers).await?,
            }
        }
        self.read_back(plan).await?;
        Ok(copied)
    }

    /// Sets a tag, unless it named the manifest before. Gives whether it was set.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn tag(
        &self,
        tag: &str,
        before: Option<Digest>,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<bool, Failure> {
        if before == Some(descriptor.digest) {
            return Ok(false);
        }
        let pinned = self.destination.pinned(descriptor.digest);
        self.client.tag(&pinned, tag, &descriptor.media_type, bytes).await?;
        Ok(true)
    }

    /// Blobs are asked for also where the manifest is there: a registry may have lost one.
    async fn push(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        document: &Document,
        copied: &mut Copied,
    ) -> Result<(), Failure> {
        if let Document::Manifest(manifest) = document {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                self.push_blob(blob, copied).await?;
            }
        }
        let pinned = self.destination.pinned(descriptor.digest);
        let pushed = if self.client.manifest_exists(&pinned).await? {
            Pushed::WasThere
        } else {
            self.client.push_manifest(self.destination, descriptor, bytes).await?;
            Pushed::Sent
        };
        copied.manifests.add(pushed);
        Ok(())
    }

    async fn push_blob(&self, blob: &Descriptor, copied: &mut Copied) -> Result<(), Failure> {
        let limit = self.limits.compressed_layer;
        if blob.size > limit {
            return Err(Failure::usage(format!(
                "blob {} has {} bytes, at most {limit} are read",
                blob.digest, blob.size
            )));
        }
        if copied.known.insert(blob.digest) {
            copied.blobs.add(self.client.push_blob(self.destination, blob, self.source).await?);
        }
        Ok(())
    }

    /// One list answers for all that are there already.
    async fn list(&self, subject: &Digest, referrers: &[&Descriptor]) -> Result<(), Failure> {
        let pinned = self.destination.pinned(*subject);
        let listed = self.client.referrers(&pinned, None).await?.descriptors;
        for referrer in missing(referrers, &listed) {
            self.client.ensure_listed(&pinned, referrer).await?;
        }
        Ok(())
    }

    /// Another writer may have replaced a fallback tag in the meantime.
    async fn read_back(&self, plan: &Plan<'_>) -> Result<(), Failure> {
        for step in &plan.steps {
            let Step::List { subject, referrers } = step else { continue };
            let pinned = self.destination.pinned(*subject);
            let listed = self.client.referrers(&pinned, None).await?.descriptors;
            if let [first, rest @ ..] = missing(referrers, &listed).as_slice() {
                let count = rest.len() + 1;
                let message = format!(
                    "{count} of {} referrers of {pinned} are not listed there after the copy, the first is {}",
                    referrers.len(),
                    first.digest
                );
                return Err(Failure::new(Exit::Unavailable, message).hint("no tag was set; run the same command again"));
            }
        }
        Ok(())
    }
}

fn missing<'a>(wanted: &[&'a Descriptor], listed: &[Descriptor]) -> Vec<&'a Descriptor> {
    let listed: BTreeSet<&Digest> = listed.iter().map(|descriptor| &descriptor.digest).collect();
    wanted.iter().filter(|descriptor| !listed.contains(&descriptor.digest)).copied().collect()
}
