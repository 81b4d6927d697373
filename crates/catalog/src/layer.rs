//! What is kept of one layer: the packages that its files state, and what it hides of the layers below.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use sealwright_core::{Digest, Finding};

use crate::cataloger::Component;
use crate::os::os_release::OsRelease;

/// Facts of one layer. Provisional until the layer's digests are known to match.
#[derive(Debug)]
pub(crate) struct LayerFacts {
    pub(crate) diff_id: Digest,
    /// Files that a cataloger read, or should have read.
    pub(crate) files: Vec<FileFacts>,
    /// `os-release` files by path.
    pub(crate) releases: Vec<(String, OsRelease)>,
    /// Paths that the layer deletes from those below.
    pub(crate) whiteouts: Vec<String>,
    /// Folders whose lower contents the layer hides.
    pub(crate) opaque: Vec<String>,
    /// Symbolic links on the way to a package database.
    pub(crate) links: Vec<(String, String)>,
    /// Everything else that lies at a path and is no folder.
    pub(crate) paths: PathSet,
    /// What holds whatever the layers above do: flaws of the archive, denied contents.
    pub(crate) findings: Vec<Finding>,
}

/// What a file states, or why that is not known.
#[derive(Debug)]
pub(crate) struct FileFacts {
    pub(crate) path: String,
    pub(crate) cataloger: &'static str,
    pub(crate) components: Vec<Component>,
    pub(crate) finding: Option<Finding>,
}

/// Many paths in eight bytes each: three million files of one real image would not fit otherwise. The hash is keyed with
/// randomness of this process, so that nobody can prepare two paths that collide.
#[derive(Debug)]
pub(crate) struct PathSet {
    hashes: HashSet<u64>,
    state: RandomState,
}

impl PathSet {
    pub(crate) fn new(state: RandomState) -> Self {
        Self { hashes: HashSet::new(), state }
    }

    pub(crate) fn insert(&mut self, path: &str) {
        self.hashes.insert(self.state.hash_one(path));
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.hashes.contains(&self.state.hash_one(path))
    }

    /// Whether something that is no folder lies at the path or at a folder above it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        ancestors(path).any(|part| self.contains(part))
    }
}

/// The path itself and every folder above it.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once(path).chain(path.rmatch_indices('/').filter_map(|(i, _)| path.get(..i)))
}
