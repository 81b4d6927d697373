//! Identifiers that follow from the contents: the same image gives the same document.

use sealwright_core::{Digest, Inventory, Package};
use uuid::Uuid;

use crate::Subject;

/// The namespace of our UUIDs (RFC 9562 §5.5), itself one in the URL namespace.
fn namespace() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://sealwright.dev/sbom")
}

/// A UUID over the image and everything that the inventory holds.
pub(crate) fn document(subject: &Subject<'_>, inventory: &Inventory) -> Uuid {
    let mut text = subject.digest.to_string().into_bytes();
    text.extend(serde_json::to_vec(inventory).unwrap_or_default());
    Uuid::new_v5(&namespace(), &text)
}

/// Names of packages inside a document: the purl where it is unique, else with a suffix over all of it.
pub(crate) fn references(inventory: &Inventory) -> Vec<String> {
    let purls: Vec<String> = inventory.packages.iter().map(|p| p.purl.to_string()).collect();
    let mut counts = std::collections::HashMap::new();
    for purl in &purls {
        *counts.entry(purl).or_insert(0_u32) += 1;
    }
    let reference = |(package, purl): (&Package, &String)| match counts.get(purl) {
        Some(1) => purl.clone(),
        _ => format!("{purl}#{}", place(package)),
    };
    inventory.packages.iter().zip(&purls).map(reference).collect()
}

/// Twelve hex digits over everything that tells two packages with one purl apart: the place, and in the documents of others also
/// name and version, which may be other ones than the purl's.
pub(crate) fn place(package: &Package) -> String {
    Digest::of(&serde_json::to_vec(package).unwrap_or_default()).short()
}
