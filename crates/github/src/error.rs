//! What can go wrong between us and GitHub.

use sealwright_core::Untrusted;

/// Why the store was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// The address of the API cannot be used.
    #[error("the address of GitHub's API cannot be used: {0}")]
    Address(String),
    /// There is no token, and nothing is stored without one.
    #[error("there is no token for GitHub's API")]
    NoToken,
    /// What is stated is larger than the store takes.
    #[error("the predicate has {size} bytes, and GitHub's attestation store takes {limit} at most")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// The bundle holds no statement that could be stored.
    #[error("the bundle holds no statement: {0}")]
    NoStatement(String),
    /// What is sent is nothing that GitHub would take.
    #[error("{what} cannot be sent: {why}")]
    Unfit {
        /// What it is.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// GitHub took it, read it, and says no.
    #[error("GitHub could not process what it was asked to {what}: {why}")]
    NotProcessed {
        /// What was asked, in the infinitive.
        what: String,
        /// Its own words, clipped.
        why: Untrusted,
    },
    /// GitHub says no.
    #[error("GitHub does not {what}: {status} {message}{}", .wants.as_ref().map(|wants| format!(" (it wants {wants})")).unwrap_or_default())]
    Refused {
        /// What was asked, in the infinitive.
        what: String,
        /// The part of GitHub that was asked.
        surface: Surface,
        /// The HTTP status.
        status: u16,
        /// The permissions that would do, as GitHub names them, clipped.
        wants: Option<Untrusted>,
        /// Its own words, clipped.
        message: Untrusted,
    },
    /// GitHub does not answer, or not now.
    #[error("GitHub could not be asked to {what}: {why}")]
    Unavailable {
        /// What was asked, in the infinitive.
        what: String,
        /// Why.
        why: String,
    },
    /// An answer that is none.
    #[error("GitHub was asked to {what}, and its answer {problem}")]
    Protocol {
        /// What was asked, in the infinitive.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A part of GitHub, for what may be done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The attestation store.
    Attestations,
    /// Code scanning.
    CodeScanning,
    /// The dependency graph.
    DependencyGraph,
    /// What an organization knows of its artifacts.
    ArtifactMetadata,
}

impl Surface {
    /// What may be done where the token is not allowed to.
    fn forbidden(self) -> &'static str {
        match self {
            Self::Attestations => {
                "the token needs `permissions: attestations: write` to store and `read` to find; private repositories need GitHub Enterprise Cloud"
            }
            Self::CodeScanning => {
                "add to the job:\n    permissions:\n      security-events: write\n  and see that code scanning is on: repositories that are not public need GitHub Code Security"
            }
            Self::DependencyGraph => {
                "add to the job:\n    permissions:\n      contents: write\n  and see that the dependency graph of the repository is on"
            }
            Self::ArtifactMetadata => "add to the job:\n    permissions:\n      artifact-metadata: write",
        }
    }

    fn not_found(self) -> &'static str {
        match self {
            Self::Attestations => {
                "the repository does not exist, the token may not see it, or this server keeps no attestations (GitHub Enterprise Server does not)"
            }
            Self::CodeScanning => {
                "the repository does not exist, the token may not see it (a private one needs `permissions: contents: read` too), or code scanning is not there"
            }
            Self::DependencyGraph => {
                "the repository does not exist, the token may not see it, or its dependency graph is off"
            }
            Self::ArtifactMetadata => {
                "the owner is no organization that the token may see: only organizations keep storage records"
            }
        }
    }

    fn unprocessable(self) -> &'static str {
        match self {
            Self::Attestations => {
                "the store takes bundles by certificate, of up to 16 MB; private repositories need GitHub Enterprise Cloud"
            }
            Self::CodeScanning | Self::DependencyGraph => {
                "GitHub has to know the commit and the ref: GITHUB_SHA and GITHUB_REF of the run that made the report"
            }
            Self::ArtifactMetadata => "the registry has to have an https:// address",
        }
    }
}

impl GitHubError {
    /// Whether GitHub is at fault, or says no, rather than what was asked of it.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::NotProcessed { .. } | Self::Unavailable { .. } | Self::Protocol { .. }
        )
    }

    /// Whether the token is known and is not allowed to.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }

    /// What may be done about a refusal. GitHub's own words seldom say it.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Refused { status, surface, .. } = self else {
            return matches!(self, Self::NoToken).then_some(
                "set GITHUB_TOKEN, in a job to ${{ github.token }} with `permissions`: attestations: write to store evidence, security-events: write for SARIF, contents: write for dependencies, artifact-metadata: write for storage records",
            );
        };
        match status {
            401 => Some("the token in GH_TOKEN or GITHUB_TOKEN is not accepted: it may have expired"),
            403 => Some(surface.forbidden()),
            404 => Some(surface.not_found()),
            413 => Some("it is larger than GitHub takes"),
            422 => Some(surface.unprocessable()),
            301 | 302 | 307 | 308 => Some("the repository was renamed or moved: use the name that it has now"),
            _ => None,
        }
    }
}
