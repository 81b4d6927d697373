//! Which advisory data was used: one digest for all of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sealwright_core::{Digest, canonical_json};
use serde::{Deserialize, Serialize};

/// All data of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// By OSV's name without the release, for example `Alpine`.
    pub ecosystems: BTreeMap<String, EcosystemInfo>,
    /// The catalog of known exploited vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kev: Option<KevInfo>,
}

/// The data of one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcosystemInfo {
    /// sha256 over the records as they are kept: sorted by id, one JSON text a line.
    pub digest: Digest,
    /// How many records.
    pub records: u64,
    /// The newest `modified` that is not in the future.
    pub newest: Option<Timestamp>,
    /// The releases for which there is at least one record, for example `v3.20`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub releases: BTreeSet<String>,
}

/// The catalog of known exploited vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KevInfo {
    /// sha256 over the sorted CVEs, one a line.
    pub digest: Digest,
    /// How many CVEs.
    pub records: u64,
}

impl Snapshot {
    /// The digest of the whole: over its canonical JSON (RFC 8785).
    pub fn digest(&self) -> Digest {
        let value = serde_json::to_value(self).unwrap_or_default();
        Digest::of(&canonical_json::to_vec(&value))
    }

    /// Whether there is any record for this release; for an ecosystem without releases, any record at all.
    pub fn covers(&self, ecosystem: &str, release: Option<&str>) -> bool {
        let info = self.ecosystems.get(ecosystem).filter(|info| info.records > 0);
        info.is_some_and(|info| release.is_none_or(|release| info.releases.contains(release)))
    }
}
