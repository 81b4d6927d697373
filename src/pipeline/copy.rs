//! Order of a copy: evidence before what it is about, images before their index, then the listing of the referrers, and that
//! read back, then the tags of older cosign versions. The image's own tag is the caller's last step.

use std::collections::{BTreeMap, BTreeSet};

use sealwright_core::{Digest, Limits, Repository};
use sealwright_oci::{Blobs, Descriptor, Document};
use sealwright_registry::{Client, Pushed};

use super::graph::{Content, Legacy, Node, Problem};
use crate::exit::Exit;
use crate::failure::Failure;

/// What has to be done, and what cannot be.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    steps: Vec<Step<'a>>,
    /// Set after all steps.
    tags: Vec<LegacyTag<'a>>,
    /// What is listed as evidence at the source and is none, or is not there as a whole.
    pub left_aside: Vec<Digest>,
}

#[derive(Debug)]
enum Step<'a> {
    /// Push a manifest and its blobs.
    Push { descriptor: &'a Descriptor, bytes: &'a [u8], document: &'a Document },
    /// See to it that these are listed as referrers.
    List { subject: Digest, referrers: Vec<&'a Descriptor> },
}

/// A tag of an older cosign version, and the pushed manifest that it has to name.
#[derive(Debug)]
struct LegacyTag<'a> {
    tag: &'a str,
    descriptor: &'a Descriptor,
    bytes: &'a [u8],
}

impl<'a> Plan<'a> {
    /// The order in which a graph is copied.
    ///
    /// # Errors
    /// When something in it is not what its digest says, or an image of an index is not there.
    pub fn of(root: &'a Node) -> Result<Self, Failure> {
        let mut planner = Planner::default();
        planner.expect(root);
        planner.node(root)?;
        Ok(planner.plan)
    }
}

/// From one place to the next that was planned, at most so many manifests follow: a referrer can list anything.
const DEEPEST: usize = 32;

#[derive(Default)]
struct Planner<'a> {
    plan: Plan<'a>,
    /// What was read and is not planned yet, by its digest.
    waiting: BTreeMap<Digest, &'a Node>,
    /// What is being planned: it is pushed after all that is planned now.
    open: BTreeSet<Digest>,
}

impl<'a> Planner<'a> {
    /// What older tags name is read for itself, and never found from elsewhere.
    fn expect(&mut self, node: &'a Node) {
        if let Content::Read { .. } = node.content {
            self.waiting.insert(node.descriptor.digest, node);
        }
        node.referrers.iter().chain(&node.images).for_each(|inner| self.expect(inner));
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Failure> {
        let digest = node.descriptor.digest;
        let waiting = self.waiting.get(&digest).copied();
        let (bytes, document) = match &node.content {
            Content::Read { bytes, document } => (bytes, document),
            // Planned where it stands with all that belongs to it, unless that place was left aside.
            Content::Elsewhere => return waiting.map_or(Ok(()), |standing| self.node(standing)),
            Content::Gone | Content::Unrelated => {
                return Err(Failure::new(Exit::Unavailable, format!("{digest} is listed and not there")));
            }
            Content::Broken(problem) => {
                return Err(Failure::usage(format!("{digest} cannot be copied: {}", problem.as_str())));
            }
        };
        if waiting.is_some_and(|standing| std::ptr::eq(standing, node)) {
            self.waiting.remove(&digest);
        }
        let opened = self.open.insert(digest);
        for legacy in &node.legacy {
            self.legacy(legacy)?;
        }
        let mut referrers = Vec::new();
        for referrer in &node.referrers {
            if self.is_there(referrer) {
                self.node(referrer)?;
                referrers.push(&referrer.descriptor);
            }
        }
        for image in &node.images {
            self.node(image)?;
        }
        self.plan.steps.push(Step::Push { descriptor: &node.descriptor, bytes, document });
        if !referrers.is_empty() {
            self.plan.steps.push(Step::List { subject: digest, referrers });
        }
        if opened {
            self.open.remove(&digest);
        }
        Ok(())
    }

    fn legacy(&mut self, legacy: &'a Legacy) -> Result<(), Failure> {
        let Legacy { tag, node } = legacy;
        if self.is_there(node) {
            self.node(node)?;
            if let Content::Read { bytes, .. } = &node.content {
                self.plan.tags.push(LegacyTag { tag, descriptor: &node.descriptor, bytes });
            }
        }
        Ok(())
    }

    /// Whether evidence is there as a whole. What is not is left aside: whoever may push could otherwise block an image.
    fn is_there(&mut self, evidence: &'a Node) -> bool {
        let there = self.whole(evidence, &mut BTreeSet::new(), 0);
        if !there {
            self.plan.left_aside.push(evidence.descriptor.digest);
        }
        there
    }

    /// `visited` is what was found elsewhere and looked at: one part that is not there decides for all.
    fn whole(&self, node: &'a Node, visited: &mut BTreeSet<Digest>, depth: usize) -> bool {
        let digest = node.descriptor.digest;
        match &node.content {
            Content::Gone | Content::Unrelated | Content::Broken(Problem::NoDocument(_)) => false,
            // Somebody between the registry and here changes content: no reason to go on.
            Content::Broken(Problem::Altered(_)) => true,
            // A registry takes no index before its manifests.
            Content::Elsewhere if self.open.contains(&digest) || depth > DEEPEST => false,
            Content::Elsewhere => match self.waiting.get(&digest) {
                Some(standing) if visited.insert(digest) => self.whole(standing, visited, depth + 1),
                _ => true,
            },
            Content::Read { .. } => node.images.iter().all(|image| self.whole(image, visited, depth + 1)),
        }
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
    /// Takes all steps, reads the lists of referrers back, then sets the tags of older cosign versions.
    ///
    /// # Errors
    /// When such a tag names another manifest (nothing was written then), when something cannot be read or sent, or is not
    /// listed afterwards.
    pub async fn copy(&self, plan: &Plan<'_>) -> Result<Copied, Failure> {
        for legacy in &plan.tags {
            self.legacy_state(legacy).await?;
        }
        let mut copied = Copied::default();
        for step in &plan.steps {
            match step {
                Step::Push { descriptor, bytes, document } => {
                    self.push(descriptor, bytes, document, &mut copied).await?;
                }
                Step::List { subject, referrers } => self.list(subject, referrers).await?,
            }
        }
        self.read_back(plan).await?;
        for legacy in &plan.tags {
            // Somebody may have signed there in the meantime.
            let state = self.legacy_state(legacy).await?;
            self.tag(legacy.tag, state, legacy.descriptor, legacy.bytes).await?;
        }
        Ok(copied)
    }

    /// What a tag of an older cosign version names at the destination: what it has to, or nothing. Signatures that were made
    /// there are behind it and nowhere else.
    async fn legacy_state(&self, legacy: &LegacyTag<'_>) -> Result<Option<Digest>, Failure> {
        let LegacyTag { tag, descriptor, .. } = legacy;
        let (state, wanted) = (self.client.tag_state(self.destination, tag).await?, descriptor.digest);
        if let Some(other) = state.filter(|other| *other != wanted) {
            let destination = self.destination;
            let message = format!("{destination}:{tag} names {other}, expected {wanted} or no such tag");
            return Err(Failure::usage(message).hint(
                "moving it would lose the signatures behind it; copy to another repository, or delete that tag first",
            ));
        }
        Ok(state)
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
