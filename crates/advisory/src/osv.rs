//! OSV records (OSV schema 1.7), as far as matching, severity and reports need them.

use jiff::Timestamp;
use sealwright_core::Untrusted;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One record. Fields that are not read are not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    /// For example `CVE-2024-1`, `GHSA-…`, `DSA-5000-1`, `ALPINE-CVE-2024-1`.
    pub id: String,
    /// When it was changed.
    pub modified: Timestamp,
    /// When it was first published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Timestamp>,
    /// When it was taken back; such a record says nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// Other records of the same flaw.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The flaws that a distribution's record is about.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<String>,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Untrusted>,
    /// Scores of the flaw.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Rating>,
    /// Which versions of which packages.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
    /// The database's own words.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub database_specific: Value,
}

/// A score as its publisher wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// `CVSS_V2`, `CVSS_V3`, `CVSS_V4`, `Ubuntu` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// A vector, or a word.
    pub score: String,
}

/// One package of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Affected {
    /// Which package; records about git repositories alone name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<AffectedName>,
    /// Which versions, by range.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Which versions, one by one.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// Scores for this package.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Rating>,
    /// The ecosystem's own words.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub ecosystem_specific: Value,
    /// The database's own words.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub database_specific: Value,
}

/// A package's name in an ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedName {
    /// `Alpine:v3.20`, `PyPI` and so on.
    pub ecosystem: String,
    /// Of distributions the source package.
    pub name: String,
}

/// What the events of a range are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RangeKind {
    /// Semantic versions.
    #[serde(rename = "SEMVER")]
    Semver,
    /// Versions in the ecosystem's own order.
    #[serde(rename = "ECOSYSTEM")]
    Ecosystem,
    /// Commits, which say nothing about versions.
    #[serde(rename = "GIT")]
    Git,
}

/// A range of versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// What its events are.
    #[serde(rename = "type")]
    pub kind: RangeKind,
    /// In any order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub events: Vec<Event>,
}

/// A version at which something changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// From here on affected; `0` is before every version.
    Introduced(String),
    /// From here on not affected.
    Fixed(String),
    /// The last affected version.
    LastAffected(String),
    /// The range says nothing from here on.
    Limit(String),
}

/// Why bytes are no record.
#[derive(Debug, thiserror::Error)]
#[error("not an OSV record: {0}")]
pub struct AdvisoryError(#[from] serde_json::Error);

impl Advisory {
    /// Parses one record.
    ///
    /// # Errors
    /// When it is no JSON, or lacks what every record has to have.
    pub fn parse(bytes: &[u8]) -> Result<Self, AdvisoryError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// Go's encoders write an empty list as `null`.
fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_what_matching_needs_and_survives_a_round_trip() {
        let text = r#"{"schema_version":"1.7.0","id":"X-1","modified":"2024-01-01T00:00:00Z","aliases":null,"upstream":["CVE-2024-1"],
            "summary":"s","details":"long","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"zlib","purl":"pkg:x"},"ranges":[{"type":"ECOSYSTEM",
            "events":[{"introduced":"0"},{"fixed":"1.2"}]},{"type":"GIT","repo":"r","events":[{"last_affected":"a"}]}],"versions":["1.1"]}]}"#;
        let advisory = Advisory::parse(text.as_bytes()).expect("a record");
        assert_eq!(advisory.affected[0].ranges[0].events[1], Event::Fixed("1.2".into()));
        assert_eq!(advisory.affected[0].ranges[1].kind, RangeKind::Git);
        let bytes = serde_json::to_vec(&advisory).expect("JSON");
        assert_eq!(Advisory::parse(&bytes).expect("again"), advisory);
        assert!(Advisory::parse(br#"{"id":"X"}"#).is_err());
    }
}
