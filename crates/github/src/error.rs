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
    /// GitHub says no.
    #[error("GitHub does not {what}: {status} {message}")]
    Refused {
        /// What was asked, in the infinitive.
        what: String,
        /// The HTTP status.
        status: u16,
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

impl GitHubError {
    /// Whether GitHub is at fault, or says no, rather than what was asked of it.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Unavailable { .. } | Self::Protocol { .. })
    }

    /// What may be done about a refusal. GitHub's own words seldom say it.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Refused { status, .. } = self else {
            return matches!(self, Self::NoToken).then_some(
                "set GITHUB_TOKEN, in a job to ${{ github.token }} with `permissions: attestations: write`",
            );
        };
        match status {
            401 => Some("the token in GH_TOKEN or GITHUB_TOKEN is not accepted: it may have expired"),
            403 => Some(
                "the token needs `permissions: attestations: write` to store and `read` to find; private repositories need GitHub Enterprise Cloud",
            ),
            404 => Some(
                "the repository does not exist, the token may not see it, or this server keeps no attestations (GitHub Enterprise Server does not)",
            ),
            422 => Some(
                "the store takes bundles by certificate, of up to 16 MB; private repositories need GitHub Enterprise Cloud",
            ),
            301 | 302 | 307 | 308 => Some("the repository was renamed or moved: use the name that it has now"),
            _ => None,
        }
    }
}
