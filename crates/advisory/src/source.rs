//! Where the matcher gets its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use sealwright_core::Digest;

use crate::{Advisory, EcosystemInfo, Kev, KevInfo, Snapshot, split_ecosystem};

/// A fixed set of advisories.
pub trait AdvisorySource: Send + Sync {
    /// What is in it.
    fn snapshot(&self) -> &Snapshot;

    /// Every record that names `package` in `ecosystem` (without release), also withdrawn ones.
    ///
    /// # Errors
    /// When the data is not what the snapshot says.
    fn advisories(&self, ecosystem: &str, package: &str) -> Result<Vec<Arc<Advisory>>, LookupError>;

    /// Whether this CVE is known to be exploited.
    fn is_known_exploited(&self, cve: &str) -> bool;
}

/// Why records could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("advisories of {ecosystem} could not be read: {message}")]
pub struct LookupError {
    /// The ecosystem.
    pub ecosystem: String,
    /// Why.
    pub message: String,
}

/// The name under which a package's records are kept and looked up. PyPI's names are compared in their normalized form
/// (PEP 503, "Normalized Names"); all others as they are.
pub fn package_key(ecosystem: &str, name: &str) -> String {
    if ecosystem != "PyPI" {
        return name.to_owned();
    }
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        let separator = matches!(c, '-' | '_' | '.');
        if !separator {
            key.extend(c.to_lowercase());
        } else if !key.ends_with('-') {
            key.push('-');
        }
    }
    key
}

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemorySource {
    snapshot: Snapshot,
    records: BTreeMap<(String, String), Vec<Arc<Advisory>>>,
    kev: Kev,
}

impl MemorySource {
    /// All of these records. The newest of an ecosystem is the newest `modified`, also one in the future.
    pub fn new(advisories: Vec<Advisory>, kev: Kev) -> Self {
        let mut source = Self { kev, ..Self::default() };
        if !source.kev.is_empty() {
            let info = KevInfo { digest: Digest::of(b"memory"), records: source.kev.len() as u64 };
            source.snapshot.kev = Some(info);
        }
        for advisory in advisories.into_iter().map(Arc::new) {
            let bytes = serde_json::to_vec(&*advisory).unwrap_or_default();
            for name in advisory.affected.iter().filter_map(|a| a.package.as_ref()) {
                let (ecosystem, release) = split_ecosystem(&name.ecosystem);
                let info = source.snapshot.ecosystems.entry(ecosystem.to_owned()).or_insert_with(|| EcosystemInfo {
                    digest: Digest::of(&bytes),
                    records: 0,
                    newest: None,
                    releases: Default::default(),
                });
                info.releases.extend(release.map(str::to_owned));
                info.newest = info.newest.max(Some(advisory.modified));
                let key = (ecosystem.to_owned(), package_key(ecosystem, &name.name));
                let records = source.records.entry(key).or_default();
                if !records.iter().any(|r| r.id == advisory.id) {
                    info.records += 1;
                    records.push(advisory.clone());
                }
            }
        }
        source
    }
}

impl AdvisorySource for MemorySource {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn advisories(&self, ecosystem: &str, package: &str) -> Result<Vec<Arc<Advisory>>, LookupError> {
        let key = (ecosystem.to_owned(), package_key(ecosystem, package));
        Ok(self.records.get(&key).cloned().unwrap_or_default())
    }

    fn is_known_exploited(&self, cve: &str) -> bool {
        self.kev.contains(cve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_names_are_normalized_and_others_are_not() {
        assert_eq!(package_key("PyPI", "Zope.Interface__x"), "zope-interface-x");
        assert_eq!(package_key("npm", "Zope.Interface"), "Zope.Interface");
    }
}
