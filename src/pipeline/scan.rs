//! Inventories against the advisory store.

use std::path::Path;

use sealwright_advisory::AdvisorySource;
use sealwright_core::{Finding, Inventory};
use sealwright_feed::Store;
use sealwright_gate::EcosystemAge;
use sealwright_match::match_inventory;

use crate::context::Context;
use crate::failure::Failure;

/// What the advisories say about one inventory.
#[derive(Debug, Clone)]
pub struct Scanned {
    /// What the reading of the image and the matching found, sorted.
    pub findings: Vec<Finding>,
    /// How old the advisories of each consulted ecosystem are.
    pub ages: Vec<EcosystemAge>,
}

/// Opens the advisory store.
///
/// # Errors
/// When there is none, or it is not what its snapshot says.
pub fn open_store(directory: &Path, context: &Context) -> Result<Store, Failure> {
    Store::open(directory, &context.limits).map_err(|e| {
        Failure::from(e).hint(
            "fetch advisories with `sealwright db update --for SOURCE`, or import them with `sealwright db import`",
        )
    })
}

/// Matches `inventory`.
///
/// # Errors
/// When the advisories cannot be read.
pub fn scan(inventory: &Inventory, advisories: &dyn AdvisorySource) -> Result<Scanned, Failure> {
    let matched = match_inventory(inventory, advisories)?;
    let known = &advisories.snapshot().ecosystems;
    let age = |name: String| EcosystemAge { newest: known.get(&name).and_then(|e| e.newest), ecosystem: name };
    let mut findings = inventory.findings.clone();
    findings.extend(matched.findings);
    findings.sort();
    findings.dedup();
    Ok(Scanned { findings, ages: matched.ecosystems.into_iter().map(age).collect() })
}
