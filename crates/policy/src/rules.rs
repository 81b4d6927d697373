//! The effective rules: what is left when inheritance and defaults are applied.

use jiff::civil::Date;
use regex::Regex;
use sealwright_core::{Digest, Purl, Repository, Severity};

use crate::pattern::PathPattern;

/// Who may build, which evidence is required, and what the gate refuses.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The images that the file is about; none means all.
    pub images: Vec<PathPattern>,
    /// Who may sign and attest. Empty only in the built-in policy, where it is whoever signs.
    pub builders: Vec<Builder>,
    /// What is asked of every builder that does not say otherwise.
    pub evidence: EvidenceRules,
    /// What the gate refuses.
    pub gate: GateRules,
}

/// One that may sign and attest.
#[derive(Debug, Clone)]
pub struct Builder {
    /// Its name in reports.
    pub name: String,
    /// Which source its statements have to name.
    pub source: Option<SourceRule>,
    /// How it proves who it is.
    pub identity: BuilderIdentity,
    /// Whether a log entry and a trusted time are demanded.
    pub transparency: Transparency,
    /// What is asked of it.
    pub evidence: EvidenceRules,
}

/// Which source a statement has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRule {
    /// `owner/name`.
    pub repository: Option<String>,
    /// The number that survives a rename.
    pub repository_id: Option<u64>,
    /// The owner's number, which survives a rename too.
    pub owner_id: Option<u64>,
    /// Any of these; none means every ref.
    pub refs: Vec<PathPattern>,
}

/// A key, or a certificate's identity.
#[derive(Debug, Clone)]
pub enum BuilderIdentity {
    /// A certificate.
    Keyless(KeylessRule),
    /// A public key.
    Key(KeyRule),
}

/// What a certificate has to say.
#[derive(Debug, Clone)]
pub struct KeylessRule {
    /// The OpenID Connect issuer, exactly.
    pub issuer: String,
    /// The subject alternative name.
    pub subject: SubjectRule,
    /// The kind of machine, where it is asked for.
    pub runner: Option<Runner>,
    /// What may have started the workload, by GitHub's names of events; none means all but pull requests.
    pub triggers: Vec<String>,
}

/// The subject alternative name of a certificate.
#[derive(Debug, Clone)]
pub enum SubjectRule {
    /// This text.
    Exact(String),
    /// Any of these texts.
    OneOf(Vec<String>),
    /// A regular expression, anchored at both ends.
    Pattern(Regex),
    /// A GitHub workflow at one of these tags or commits.
    Workflow {
        /// `owner/name/.github/workflows/file.yml`.
        path: String,
        /// Tags, with `*` inside.
        tags: Vec<PathPattern>,
        /// Commits of 40 hex digits.
        commits: Vec<String>,
        /// The SLSA build level that its text supports, as the trust file's author judged it.
        level: Option<u8>,
    },
}

/// The kind of machine a workflow ran on (`runner_environment` of GitHub's tokens).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// GitHub's own.
    GithubHosted,
    /// Somebody else's.
    SelfHosted,
}

/// By what one sees that somebody asked for a change, and that the change ran: whoever asks decides what runs, or on what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullRequest {
    /// The event.
    Trigger,
    /// The ref.
    Ref,
}

/// What GitLab calls pipelines for merge requests, its own and those of other forges (GitLab, "Predefined CI/CD variables",
/// `CI_PIPELINE_SOURCE`).
const GITLABS: [&str; 2] = ["merge_request_event", "external_pull_request_event"];

/// Whether a pull request started a workload, which a builder without `triggers` does not take.
pub fn pull_request(trigger: Option<&str>, reference: Option<&str>) -> Option<PullRequest> {
    // `pull_request_target` runs on the branch that is asked to take it, with what the asker brought along. Events about a
    // pull request run on its ref (GitHub, "Events that trigger workflows").
    if trigger.is_some_and(|event| event.starts_with("pull_request") || GITLABS.contains(&event)) {
        return Some(PullRequest::Trigger);
    }
    reference.is_some_and(|reference| reference.starts_with("refs/pull/")).then_some(PullRequest::Ref)
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRule {
    /// The PEM file, relative to the trust file.
    pub file: String,
}

/// Whether a log entry and a trusted time are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transparency {
    /// Both.
    Required,
    /// Neither: of a key only.
    None,
}

/// Which statements an image has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRules {
    /// A signature.
    pub signature: bool,
    /// How many have to have signed.
    pub signers: SignersRule,
    /// The gate's decision.
    pub decision: bool,
    /// Whose decisions count beside those of `sealwright seal`: the `verifier.id` of other tools that judge by these rules.
    pub verifiers: Vec<String>,
    /// The digests of other trust files whose decisions and scans count too: those that this one replaces.
    pub policies: Vec<Digest>,
    /// An SBOM.
    pub sbom: SbomRule,
    /// A scan.
    pub scan: ScanRule,
    /// Provenance.
    pub provenance: ProvenanceRule,
}

/// How many have to have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignersRule {
    /// This many different ones: keys, or identities of an issuer.
    pub threshold: u64,
    /// Of these builders; none means any of the file.
    pub of: Vec<String>,
}

/// An SBOM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SbomRule {
    /// Whether there has to be one.
    pub required: bool,
    /// In each of these formats.
    pub formats: Vec<SbomFormat>,
}

/// The format of an SBOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SbomFormat {
    /// CycloneDX.
    CycloneDx,
    /// SPDX.
    Spdx,
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRule {
    /// Whether there has to be one.
    pub required: bool,
    /// The oldest that counts, in seconds; none means any.
    pub max_age: Option<u64>,
}

/// Provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenanceRule {
    /// Whether there has to be any.
    pub required: bool,
    /// The least SLSA build level.
    pub level: u8,
    /// External parameters that may be there beside those that the build type is known to have.
    pub parameters: Vec<String>,
}

/// What the gate refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRules {
    /// Flaws of this severity and above.
    pub fail_on: Option<Severity>,
    /// Flaws whose severity nobody states.
    pub unknown_severity: Word,
    /// Flaws that are known to be exploited.
    pub known_exploited: Word,
    /// Whether flaws without a fix are only reported.
    pub only_fixed: bool,
    /// Distributions and releases that nothing is known about.
    pub unknown_distro: Word,
    /// The oldest newest record of an ecosystem, in seconds; none switches the rule off.
    pub max_advisory_age: Option<u64>,
    /// Paths that no layer may hold.
    pub contents_deny: Vec<PathPattern>,
    /// Which severities may be waived at all; none means all.
    pub waivable: Option<Vec<Severity>>,
    /// What is accepted.
    pub waivers: Vec<Waiver>,
}

/// Refuse, or report only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Refuse.
    Fail,
    /// Report.
    Report,
}

/// A flaw that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// A flaw's id or one of its other names, or the word of another finding.
    pub id: String,
    /// In this package only.
    pub package: Option<Purl>,
    /// Why.
    pub reason: String,
    /// Who accepts it.
    pub owner: Option<String>,
    /// The last day on which it holds (UTC).
    pub expires: Option<Date>,
}

/// A day in seconds.
pub(crate) const DAY: u64 = 24 * 60 * 60;

impl Policy {
    /// What holds without a trust file. Its builder is whoever signs.
    pub fn built_in() -> Self {
        Self { images: vec![], builders: vec![], evidence: EvidenceRules::default(), gate: GateRules::default() }
    }

    /// Whether the file is about this repository.
    pub fn covers(&self, repository: &Repository) -> bool {
        let name = repository.to_string();
        self.images.is_empty() || self.images.iter().any(|pattern| pattern.matches(&name))
    }
}

impl Default for EvidenceRules {
    /// Everything is required; relaxing it is written down.
    fn default() -> Self {
        Self {
            signature: true,
            signers: SignersRule { threshold: 1, of: vec![] },
            decision: true,
            verifiers: vec![],
            policies: vec![],
            sbom: SbomRule { required: true, formats: vec![SbomFormat::CycloneDx] },
            scan: ScanRule { required: true, max_age: None },
            provenance: ProvenanceRule { required: true, level: 0, parameters: vec![] },
        }
    }
}

impl Default for GateRules {
    fn default() -> Self {
        Self {
            fail_on: Some(Severity::Critical),
            unknown_severity: Word::Fail,
            known_exploited: Word::Fail,
            only_fixed: false,
            unknown_distro: Word::Fail,
            max_advisory_age: Some(5 * DAY),
            contents_deny: vec![],
            waivable: None,
            waivers: vec![],
        }
    }
}

impl GateRules {
    /// The rules of `--fail-on` and `--only-fixed`: severities, and what is not known fails.
    pub fn fail_on(severity: Severity, only_fixed: bool) -> Self {
        Self {
            fail_on: Some(severity),
            only_fixed,
            known_exploited: Word::Report,
            max_advisory_age: None,
            ..Self::default()
        }
    }
}

impl SubjectRule {
    /// Whether a certificate's subject alternative name is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(expected) => name == expected,
            Self::OneOf(expected) => expected.iter().any(|one| name == one),
            Self::Pattern(pattern) => pattern.is_match(name),
            Self::Workflow { path, tags, commits, .. } => {
                let prefix = format!("https://github.com/{path}@");
                let Some(reference) = name.strip_prefix(&prefix) else { return false };
                match reference.strip_prefix("refs/tags/") {
                    Some(tag) => tags.iter().any(|pattern| pattern.matches(tag)),
                    None => commits.iter().any(|commit| commit == reference),
                }
            }
        }
    }
}

impl Transparency {
    /// The word in the trust file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::None => "none",
        }
    }
}

impl SbomFormat {
    /// The word in the trust file.
    pub fn word(self) -> &'static str {
        match self {
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
        }
    }
}

impl Word {
    /// The word in the trust file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Report => "report",
        }
    }
}

impl Runner {
    /// The word in the trust file and in GitHub's tokens.
    pub fn word(self) -> &'static str {
        match self {
            Self::GithubHosted => "github-hosted",
            Self::SelfHosted => "self-hosted",
        }
    }
}
