//! One inventory for an index: the packages of all its images.

use sealwright_core::{Dependency, Inventory, Package, Platform};

/// All packages, findings and edges. The distribution is kept where all images have the same one.
pub fn merge(parts: &[(&Platform, &Inventory)]) -> Inventory {
    let (mut packages, mut edges, mut findings): (Vec<Package>, Vec<Dependency>, Vec<_>) = Default::default();
    for (_, inventory) in parts {
        let offset = packages.len();
        packages.extend(inventory.packages.iter().cloned());
        edges.extend(
            inventory
                .dependencies
                .iter()
                .map(|edge| Dependency { dependent: edge.dependent + offset, dependency: edge.dependency + offset }),
        );
        findings.extend(inventory.findings.iter().cloned());
    }
    let first = parts.first().and_then(|(_, inventory)| inventory.distribution.clone());
    let same = parts.iter().all(|(_, inventory)| inventory.distribution == first);
    Inventory::new(first.filter(|_| same), packages, edges, findings)
}
