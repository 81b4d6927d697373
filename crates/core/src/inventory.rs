//! All that was found in one image.

use serde::{Deserialize, Serialize};

use crate::{Finding, Package, Untrusted};

/// The operating system of the image, from `os-release(5)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`, for example `debian`, `alpine`.
    pub id: Untrusted,
    /// `VERSION_ID`, for example `12` or `3.20.3`; rolling releases have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<Untrusted>,
    /// `VERSION_CODENAME`, for example `bookworm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codename: Option<Untrusted>,
    /// `PRETTY_NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretty_name: Option<Untrusted>,
    /// `ID_LIKE`, split at spaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub like: Vec<Untrusted>,
}

/// A position in [`Inventory::packages`].
pub type PackageIndex = usize;

/// An edge between two packages of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// The package that needs.
    pub dependent: PackageIndex,
    /// The package that is needed.
    pub dependency: PackageIndex,
}

/// All packages of one image, sorted, with their edges, and what could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The operating system; `None` when the image names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Sorted and without duplicates.
    pub packages: Vec<Package>,
    /// Sorted and without duplicates; indexes are valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// What the reading itself found: files skipped for size, databases that could not be parsed, denied contents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Inventory {
    /// Makes an inventory in canonical order. `edges` name positions in `packages` as given here.
    pub fn new(
        distribution: Option<Distribution>,
        packages: Vec<Package>,
        edges: Vec<Dependency>,
        mut findings: Vec<Finding>,
    ) -> Self {
        let mut order: Vec<PackageIndex> = (0..packages.len()).collect();
        order.sort_by(|a, b| packages.get(*a).cmp(&packages.get(*b)));
        order.dedup_by(|a, b| packages.get(*a) == packages.get(*b));
        let sorted: Vec<Package> = order.iter().filter_map(|i| packages.get(*i).cloned()).collect();
        // A duplicate's edges go to the one that stays: positions are looked up by value.
        let place = |i: PackageIndex| packages.get(i).and_then(|p| sorted.binary_search(p).ok());
        let mut dependencies: Vec<Dependency> = edges
            .iter()
            .filter_map(|e| Some(Dependency { dependent: place(e.dependent)?, dependency: place(e.dependency)? }))
            .filter(|e| e.dependent != e.dependency)
            .collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        findings.sort();
        findings.dedup();
        Self { distribution, packages: sorted, dependencies, findings }
    }

    /// The package at `index`.
    pub fn package(&self, index: PackageIndex) -> Option<&Package> {
        self.packages.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Location, PackageKind, Purl};

    fn package(name: &str) -> Package {
        Package {
            kind: PackageKind::Apk,
            name: name.into(),
            version: "1".into(),
            architecture: None,
            source: None,
            licenses: vec![],
            supplier: None,
            purl: Purl::new("apk", Some("alpine"), name).with_version("1"),
            location: Location { path: "lib/apk/db/installed".into(), layer: Digest::of(b"") },
            cataloger: "apk".into(),
        }
    }

    #[test]
    fn order_and_duplicates_do_not_matter_and_edges_follow() {
        let edge = |dependent, dependency| Dependency { dependent, dependency };
        let one = Inventory::new(
            None,
            vec![package("b"), package("a"), package("b")],
            vec![edge(0, 1), edge(2, 1), edge(0, 2), edge(9, 1)],
            vec![],
        );
        let two = Inventory::new(None, vec![package("a"), package("b")], vec![edge(1, 0)], vec![]);
        assert_eq!(one, two);
        assert_eq!(one.dependencies, [edge(1, 0)]);
    }
}
