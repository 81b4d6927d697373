//! What is wrong with an image, or with our knowledge of it. A finding is not an error: it has an id, a place and a
//! documentation anchor, and a rule decides what follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Purl, Severity, Untrusted};

/// Every kind of finding. The kebab-case word is the id in reports, documentation anchors and SARIF rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingId {
    /// A package has a known flaw.
    Vulnerability,
    /// A path that `gate.contents.deny` names lies in a layer, even if an upper layer deletes it.
    DeniedContent,
    /// The image names no operating system, or one that no advisory source is known for, yet holds OS packages.
    UnknownDistribution,
    /// The advisory store has no record at all for the release of the image's distribution, or for a language ecosystem.
    NoAdvisoriesForRelease,
    /// The newest record of an ecosystem is older than `gate.max-advisory-age`.
    StaleAdvisories,
    /// A waiver's day has passed; it was not applied.
    ExpiredWaiver,
    /// A package database or metadata file could not be parsed.
    UnreadableMetadata,
    /// A file that should have been read is larger than its limit.
    SkippedForSize,
    /// A package database is reached through a link whose target was not read.
    HiddenByLink,
    /// A version does not follow its ecosystem's grammar, so it could not be compared.
    UncomparableVersion,
    /// A header and its PAX record disagree about the size of an entry.
    ArchiveSizeConflict,
    /// One PAX header states a key twice.
    ArchiveDuplicatePaxKey,
    /// Bytes that are not zero follow the end marker of the archive.
    ArchiveTrailingData,
    /// A name or link target holds a NUL byte.
    ArchiveNulInName,
    /// A link or directory states a size.
    ArchiveLinkWithSize,
    /// The checksum of a header is wrong.
    ArchiveBadChecksum,
    /// The path of an entry, or the target of a hard link, leads out of the root.
    ArchiveEscapingPath,
}

impl FindingId {
    /// All of them, for the generated reference.
    pub const ALL: [Self; 17] = [
        Self::Vulnerability,
        Self::DeniedContent,
        Self::UnknownDistribution,
        Self::NoAdvisoriesForRelease,
        Self::StaleAdvisories,
        Self::ExpiredWaiver,
        Self::UnreadableMetadata,
        Self::SkippedForSize,
        Self::HiddenByLink,
        Self::UncomparableVersion,
        Self::ArchiveSizeConflict,
        Self::ArchiveDuplicatePaxKey,
        Self::ArchiveTrailingData,
        Self::ArchiveNulInName,
        Self::ArchiveLinkWithSize,
        Self::ArchiveBadChecksum,
        Self::ArchiveEscapingPath,
    ];

    /// The id, for example `denied-content`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::DeniedContent => "denied-content",
            Self::UnknownDistribution => "unknown-distribution",
            Self::NoAdvisoriesForRelease => "no-advisories-for-release",
            Self::StaleAdvisories => "stale-advisories",
            Self::ExpiredWaiver => "expired-waiver",
            Self::UnreadableMetadata => "unreadable-metadata",
            Self::SkippedForSize => "skipped-for-size",
            Self::HiddenByLink => "hidden-by-link",
            Self::UncomparableVersion => "uncomparable-version",
            Self::ArchiveSizeConflict => "archive-size-conflict",
            Self::ArchiveDuplicatePaxKey => "archive-duplicate-pax-key",
            Self::ArchiveTrailingData => "archive-trailing-data",
            Self::ArchiveNulInName => "archive-nul-in-name",
            Self::ArchiveLinkWithSize => "archive-link-with-size",
            Self::ArchiveBadChecksum => "archive-bad-checksum",
            Self::ArchiveEscapingPath => "archive-escaping-path",
        }
    }
}

impl FindingId {
    /// What it means and what becomes of it, for the generated reference.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Vulnerability => {
                "A package has a known flaw. `gate.fail-on`, `gate.unknown-severity`, `gate.known-exploited` and `gate.only-fixed` judge it."
            }
            Self::DeniedContent => {
                "A path that `gate.contents.deny` names lies in a layer, even if an upper layer deletes it: whoever pulls the image can read it."
            }
            Self::UnknownDistribution => {
                "The image names no operating system, or one that no advisory source is known for, yet holds its packages. `gate.unknown-distro` judges it."
            }
            Self::NoAdvisoriesForRelease => {
                "The advisory store has no record at all for the release of the distribution, or for a language ecosystem: silence would look like health. `gate.unknown-distro` judges it."
            }
            Self::StaleAdvisories => "The newest record of an ecosystem is older than `gate.max-advisory-age`.",
            Self::ExpiredWaiver => "The last day of a waiver has passed; it was not applied.",
            Self::UnreadableMetadata => {
                "A package database or metadata file could not be parsed. What it lists is not known."
            }
            Self::SkippedForSize => "A file that should have been read is larger than its limit.",
            Self::HiddenByLink => "A package database is reached through a link whose target was not read.",
            Self::UncomparableVersion => {
                "A version does not follow the grammar of its ecosystem, so it could not be compared with an advisory."
            }
            Self::ArchiveSizeConflict => {
                "A header and its PAX record disagree about the size of an entry: tools would see different files. Always refused."
            }
            Self::ArchiveDuplicatePaxKey => {
                "One PAX header states a key twice: tools would see different files. Always refused."
            }
            Self::ArchiveTrailingData => {
                "Bytes that are not zero follow the end marker of the archive. Always refused."
            }
            Self::ArchiveNulInName => "A name or link target holds a NUL byte. Always refused.",
            Self::ArchiveLinkWithSize => "A link or directory states a size. Always refused.",
            Self::ArchiveBadChecksum => "The checksum of a header is wrong. Always refused.",
            Self::ArchiveEscapingPath => {
                "The path of an entry, or the target of a hard link, leads out of the root. Always refused."
            }
        }
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The name of a flaw or of a record about one: `CVE-…`, `GHSA-…`, `DSA-…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdvisoryId(Untrusted);

impl AdvisoryId {
    /// The id as written in the record.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Untrusted::new(text))
    }

    /// The id for comparing. Never print it.
    pub fn raw(&self) -> &str {
        self.0.raw()
    }
}

impl fmt::Display for AdvisoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an observation was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The diff id of the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<Digest>,
    /// The path inside the image, without a leading slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Untrusted>,
}

/// The package that a flaw is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AffectedPackage {
    /// Its name.
    pub name: Untrusted,
    /// Its installed version.
    pub version: Untrusted,
    /// Its package URL.
    pub purl: Purl,
}

/// What is known about a fix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "version")]
pub enum Fix {
    /// A version without the flaw is published.
    FixedIn(Untrusted),
    /// The records name none.
    NoneKnown,
}

/// One flaw in one package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Vulnerability {
    /// The CVE, else the GHSA, else the record's id.
    pub id: AdvisoryId,
    /// Every other name of the flaw: ids, aliases and upstream ids of the records. Sorted.
    pub aliases: Vec<AdvisoryId>,
    /// What is affected.
    pub package: AffectedPackage,
    /// The severity; `None` where no record states one.
    pub severity: Option<Severity>,
    /// Whose word the severity is: `distribution`, `cvss-v4`, `cvss-v3`, `cvss-v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_source: Option<String>,
    /// Whether the flaw is in CISA's catalog of known exploited vulnerabilities.
    pub known_exploited: bool,
    /// The fix.
    pub fix: Fix,
    /// The records that matched, each with the range that did. Sorted.
    pub evidence: Vec<Untrusted>,
    /// One line about the flaw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Untrusted>,
}

impl Vulnerability {
    /// Whether the flaw has this name.
    pub fn is_named(&self, id: &str) -> bool {
        self.id.raw() == id || self.aliases.iter().any(|alias| alias.raw() == id)
    }
}

/// Something that a rule judges.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A flaw in a package.
    Vulnerability(Box<Vulnerability>),
    /// Anything else.
    Observation {
        /// Its kind; never [`FindingId::Vulnerability`].
        id: FindingId,
        /// Where it was made.
        place: Place,
        /// What was seen, in a sentence fragment.
        detail: Untrusted,
    },
}

impl Finding {
    /// An observation.
    pub fn observation(id: FindingId, place: Place, detail: impl Into<Untrusted>) -> Self {
        Self::Observation { id, place, detail: detail.into() }
    }

    /// Its kind.
    pub fn id(&self) -> FindingId {
        match self {
            Self::Vulnerability(_) => FindingId::Vulnerability,
            Self::Observation { id, .. } => *id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_serialized_id_for_every_kind() {
        for id in FindingId::ALL {
            assert_eq!(serde_json::to_value(id).expect("id"), id.word());
        }
    }
}
