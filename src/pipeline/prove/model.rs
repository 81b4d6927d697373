//! What stands on the page, as it is written to JSON. Texts of statements are [`Untrusted`]: each form of the page escapes them
//! its own way.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealwright_core::{Digest, Finding, Severity, Untrusted, Vulnerability};
use sealwright_verify::{Check, LogEntry, Outcome, TimeSource};
use serde::Serialize;
use serde_json::Value;

/// The chain of custody of one digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// The version of this shape: [`Proof::SCHEMA`].
    pub schema: u32,
    /// When the page was made.
    pub made: Timestamp,
    /// The version that made it.
    pub sealwright: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Whether everything that was demanded holds.
    pub passed: bool,
    /// What was demanded, and of whom.
    pub demanded: Demanded,
    /// Every check, as `verify` numbers them.
    pub checks: Vec<Check>,
    /// Where it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// What is in it.
    pub sboms: Vec<Sbom>,
    /// What was wrong with it, and is today.
    pub scans: Scans,
    /// What the gate decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Who signed each statement.
    pub signatures: Vec<Signature>,
    /// What is stored and does not count, and why.
    pub left_aside: Vec<Untrusted>,
    /// What nobody shows.
    pub missing: Vec<Untrusted>,
    /// How other tools check the same.
    pub other_tools: Vec<OtherTool>,
}

impl Proof {
    /// The version of the shape.
    pub const SCHEMA: u32 = 1;
}

/// The digest and what it was called.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    /// As it was named.
    pub reference: String,
    /// By digest.
    pub image: String,
    /// The digest.
    pub digest: Digest,
    /// Of an index: the images that run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<SubjectImage>,
}

/// An image of an index.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectImage {
    /// Its platform, as the index names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Untrusted>,
    /// Its digest.
    pub digest: Digest,
    /// Whether it has its own SBOM, scan and decision.
    pub result: Outcome,
}

/// What was demanded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Demanded {
    /// `trust file NAME`, `key FILE`, or an identity and its issuer.
    pub by: String,
    /// The builder of the trust file whose evidence counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
    /// Where the trusted root came from, if one was needed; as `verify -o json` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_root: Option<Value>,
    /// The same in one line.
    #[serde(skip)]
    pub trust_root_line: Option<String>,
}

/// Who vouches for the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceProof {
    /// The certificate, which was issued to the CI workload.
    Certificate,
    /// The signer's own words.
    Signer,
}

/// Where an image was built from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Source {
    /// Who says so.
    pub proof: SourceProof,
    /// `owner/name` at github.com, else an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Untrusted>,
    /// The number that survives a rename.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<Untrusted>,
    /// The full ref.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Untrusted>,
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Untrusted>,
    /// The commit's address, only if a certificate proves a repository at github.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// How many statements that count name another commit.
    #[serde(skip_serializing_if = "is_zero")]
    pub others: usize,
}

/// How an image was built.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Build {
    /// The workflow that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Untrusted>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Untrusted>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Untrusted>,
    /// The run's address, only if a certificate proves one at github.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_link: Option<String>,
    /// The kind of machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<Untrusted>,
    /// The builder that provenance names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builder: Option<Untrusted>,
    /// The build type that provenance names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_type: Option<Untrusted>,
    /// The SLSA build level that the evidence supports; judged by a trust file only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// The digest of the provenance statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
}

/// An SBOM statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sbom {
    /// For example `CycloneDX 1.6`.
    pub format: Untrusted,
    /// The digest of the statement.
    pub statement: Digest,
    /// The number of packages of each kind.
    pub packages: BTreeMap<&'static str, usize>,
    /// The operating system, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Untrusted>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Untrusted>,
}

/// Two scans and what changed between them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scans {
    /// The one that the decision was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Scan>,
    /// The same packages against the advisories of today.
    pub today: Today,
    /// What changed; only with both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// A scan statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scan {
    /// The digest of the statement.
    pub statement: Digest,
    /// When it was finished, in the scanner's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Untrusted>,
    /// The scanner and its version.
    pub scanner: Untrusted,
    /// The digest of the advisories, or what names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Untrusted>,
    /// The time of the newest advisory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Untrusted>,
    /// Flaws by severity; none where another tool wrote them in its own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flaws: Option<Counts>,
}

/// A scan of now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Today {
    /// It was made.
    Scanned {
        /// The digest of the advisories.
        snapshot: Digest,
        /// The newest record of every ecosystem that was consulted.
        newest: BTreeMap<String, Option<Timestamp>>,
        /// Flaws by severity.
        flaws: Counts,
        /// What is not known: releases without advisories, versions that cannot be compared.
        unknown: Vec<Untrusted>,
    },
    /// It was not made.
    NotScanned {
        /// Why.
        why: Untrusted,
    },
}

/// Numbers of flaws.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// CVSS 9.0 and above, or the distribution's word.
    pub critical: usize,
    /// High.
    pub high: usize,
    /// Medium.
    pub medium: usize,
    /// Low.
    pub low: usize,
    /// Negligible.
    pub negligible: usize,
    /// Nobody states a severity.
    pub unknown: usize,
    /// Known to be exploited; counted above too.
    pub exploited: usize,
}

impl Counts {
    /// Of these findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            let Finding::Vulnerability(flaw) = finding else { continue };
            *match flaw.severity {
                Some(Severity::Critical) => &mut counts.critical,
                Some(Severity::High) => &mut counts.high,
                Some(Severity::Medium) => &mut counts.medium,
                Some(Severity::Low) => &mut counts.low,
                Some(Severity::Negligible) => &mut counts.negligible,
                None => &mut counts.unknown,
            } += 1;
            counts.exploited += usize::from(flaw.known_exploited);
        }
        counts
    }
}

/// What changed since the build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Not known then. The worst first.
    pub new: Vec<Flaw>,
    /// Known then, and said of the same packages no longer.
    pub gone: Vec<Flaw>,
}

/// A flaw in a package.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Flaw {
    /// The CVE, else another name.
    pub id: Untrusted,
    /// The package.
    pub package: Untrusted,
    /// Its installed version.
    pub version: Untrusted,
    /// The severity, if somebody states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The version without the flaw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<Untrusted>,
    /// Whether it is known to be exploited.
    pub known_exploited: bool,
}

impl Flaw {
    /// The part of a finding that stands on the page.
    pub fn of(found: &Vulnerability) -> Self {
        let fixed_in = match &found.fix {
            sealwright_core::Fix::FixedIn(version) => Some(version.clone()),
            sealwright_core::Fix::NoneKnown => None,
        };
        Self {
            id: found.id.raw().into(),
            package: found.package.name.clone(),
            version: found.package.version.clone(),
            severity: found.severity,
            fixed_in,
            known_exploited: found.known_exploited,
        }
    }
}

/// What a gate decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The digest of the statement.
    pub statement: Digest,
    /// `PASSED` or `FAILED`.
    pub result: Untrusted,
    /// The levels that it states.
    pub levels: Vec<Untrusted>,
    /// Who decided.
    pub verifier: Untrusted,
    /// When, in the verifier's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Untrusted>,
    /// What the rules were called.
    pub policy: Untrusted,
    /// The digest of the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<Untrusted>,
    /// Whether those are the rules of the trust file that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_rules: Option<bool>,
    /// What was accepted.
    pub waivers: Vec<Waiver>,
}

/// A finding that was accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiver {
    /// The flaw, or the word of another finding.
    pub id: Untrusted,
    /// The package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Untrusted>,
    /// Why.
    pub reason: Untrusted,
    /// Who accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Untrusted>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Untrusted>,
    /// Whether that day is over.
    pub expired: bool,
}

/// Who signed a statement, and who vouches for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signature {
    /// The type of the statement.
    pub predicate_type: Untrusted,
    /// The digest of the statement.
    pub digest: Digest,
    /// The signer.
    pub signer: Signer,
    /// When it was signed, if a log or a timestamp authority says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Which of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_source: Option<TimeSource>,
    /// The log entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log_entries: Vec<LogEntry>,
    /// From when the certificate holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The form in which it is stored.
    pub media_type: Untrusted,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Signer {
    /// The holder of a key.
    Key {
        /// sha256 over its SPKI.
        fingerprint: Digest,
    },
    /// The one that a certificate names.
    Certificate {
        /// Who.
        identity: Untrusted,
        /// Who says so.
        issuer: Untrusted,
    },
}

/// How another tool checks the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherTool {
    /// The tool.
    pub tool: &'static str,
    /// Its commands, for a POSIX shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What to know about them, or why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
