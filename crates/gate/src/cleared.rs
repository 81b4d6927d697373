//! A clearance owns the digest that it clears: one image's clearance cannot seal another.

use sealwright_core::{Decision, Digest};

/// The gate let this image pass. Only [`crate::judge()`] makes one, and it cannot be copied.
#[derive(Debug)]
pub struct Cleared {
    subject: Digest,
    decision: Decision,
}

impl Cleared {
    pub(crate) fn new(subject: Digest, decision: Decision) -> Self {
        Self { subject, decision }
    }

    /// The digest of the manifest that was judged.
    pub fn subject(&self) -> Digest {
        self.subject
    }

    /// What was decided about it.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// What may be pushed: one manifest, or an index of which every image that runs was cleared.
#[derive(Debug)]
pub struct ClearedImage {
    root: Digest,
    children: Vec<Cleared>,
}

/// An index must not be pushed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCleared {
    /// An image of the index was not cleared.
    #[error("{missing} of index {index} was not cleared")]
    Missing {
        /// The index.
        index: Digest,
        /// The manifest.
        missing: Digest,
    },
    /// A clearance is for an image that is not in the index.
    #[error("{other} was cleared but is not in index {index}")]
    Foreign {
        /// The index.
        index: Digest,
        /// The manifest.
        other: Digest,
    },
    /// Nothing runs.
    #[error("index {index} names no image that runs")]
    Empty {
        /// The index.
        index: Digest,
    },
}

impl ClearedImage {
    /// One manifest.
    pub fn single(cleared: Cleared) -> Self {
        Self { root: cleared.subject, children: vec![cleared] }
    }

    /// An index with the manifests `runnable`.
    ///
    /// # Errors
    /// Unless exactly these were cleared.
    pub fn index(index: Digest, runnable: &[Digest], children: Vec<Cleared>) -> Result<Self, NotCleared> {
        if runnable.is_empty() {
            return Err(NotCleared::Empty { index });
        }
        if let Some(missing) = runnable.iter().find(|d| !children.iter().any(|c| c.subject == **d)) {
            return Err(NotCleared::Missing { index, missing: *missing });
        }
        if let Some(child) = children.iter().find(|c| !runnable.contains(&c.subject)) {
            return Err(NotCleared::Foreign { index, other: child.subject });
        }
        Ok(Self { root: index, children })
    }

    /// The digest that the image is called by.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The manifests that were judged.
    pub fn children(&self) -> &[Cleared] {
        &self.children
    }

    /// All decisions as one, for the index.
    pub fn merged(&self) -> Decision {
        let (mut waived, mut reported) = (Vec::new(), Vec::new());
        for decision in self.children.iter().map(Cleared::decision) {
            for one in &decision.waived {
                if !waived.contains(one) {
                    waived.push(one.clone());
                }
            }
            reported.extend(decision.reported.iter().cloned());
        }
        reported.sort();
        reported.dedup();
        Decision::new(vec![], waived, reported)
    }
}
