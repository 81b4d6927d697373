//! CISA's catalog of known exploited vulnerabilities.

use std::collections::BTreeSet;

use serde::Deserialize;

/// The CVEs of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kev {
    cves: BTreeSet<String>,
}

/// Why bytes are no catalog.
#[derive(Debug, thiserror::Error)]
pub enum KevError {
    /// Not JSON of the catalog's shape.
    #[error("not a KEV catalog: {0}")]
    Json(#[from] serde_json::Error),
    /// The catalog's own count differs: it was cut or joined.
    #[error("the KEV catalog says that it has {stated} entries, and has {found}")]
    Count {
        /// As stated.
        stated: usize,
        /// As found.
        found: usize,
    },
}

#[derive(Deserialize)]
struct Catalog {
    count: usize,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
}

impl Kev {
    /// Parses the catalog (CISA, `known_exploited_vulnerabilities_schema.json`).
    ///
    /// # Errors
    /// When it is none, or its count does not hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, KevError> {
        let catalog: Catalog = serde_json::from_slice(bytes)?;
        if catalog.count != catalog.vulnerabilities.len() {
            return Err(KevError::Count { stated: catalog.count, found: catalog.vulnerabilities.len() });
        }
        Ok(catalog.vulnerabilities.into_iter().map(|entry| entry.cve).collect())
    }

    /// Whether this CVE is known to be exploited.
    pub fn contains(&self, cve: &str) -> bool {
        self.cves.contains(cve)
    }

    /// The CVEs, sorted, one a line: the form in which they are kept and named by digest.
    pub fn lines(&self) -> String {
        self.cves.iter().map(|cve| format!("{cve}\n")).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.cves.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cves.is_empty()
    }
}

impl FromIterator<String> for Kev {
    fn from_iter<I: IntoIterator<Item = String>>(cves: I) -> Self {
        Self { cves: cves.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_has_to_hold() {
        let catalog =
            br#"{"title":"x","count":1,"vulnerabilities":[{"cveID":"CVE-2021-44228","vendorProject":"Apache"}]}"#;
        let kev = Kev::parse(catalog).expect("catalog");
        assert!(kev.contains("CVE-2021-44228") && !kev.contains("CVE-2021-4422"));
        assert_eq!((kev.len(), kev.is_empty()), (1, false));
        let cut = br#"{"count":2,"vulnerabilities":[{"cveID":"CVE-2021-44228"}]}"#;
        assert!(matches!(Kev::parse(cut), Err(KevError::Count { stated: 2, found: 1 })));
    }
}
