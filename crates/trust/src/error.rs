//! Why there is nothing to trust.

use std::path::PathBuf;

use jiff::Timestamp;
use sealwright_core::{Untrusted, causes};

/// Why there is no trusted root, or no new one. What was kept is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The address is none that may be asked.
    #[error("{0:?} is no TUF repository that can be asked, expected an https:// address")]
    Address(String),
    /// The initial root is none.
    #[error("the initial root is no root.json that can be trusted: {0}")]
    Root(String),
    /// Nothing is kept.
    #[error("nothing is kept of {url}")]
    NotKept {
        /// The repository.
        url: String,
    },
    /// The repository is not there, or fails.
    #[error("{url} could not be reached: {message}")]
    Unreachable {
        /// The repository.
        url: String,
        /// Why.
        message: String,
    },
    /// Nothing is kept that could be used, and the repository is not there.
    #[error("there is no copy of {url}, and it could not be reached: {message}")]
    NoCopy {
        /// The repository.
        url: String,
        /// Why.
        message: String,
    },
    /// What is kept has expired, and the repository is not there.
    #[error("the copy of {url} has expired at {expired} ({role}), and it could not be reached: {message}")]
    Stale {
        /// The repository.
        url: String,
        /// Which metadata.
        role: String,
        /// When.
        expired: Timestamp,
        /// Why there is nothing newer.
        message: String,
    },
    /// The repository serves what has expired.
    #[error(
        "{url} serves {role} metadata that has expired at {expired}: nobody renews it, somebody holds it back, or this machine's clock is wrong"
    )]
    Frozen {
        /// The repository.
        url: String,
        /// Which metadata.
        role: String,
        /// When.
        expired: Timestamp,
    },
    /// The repository serves what its keys do not vouch for, or what is older than what was seen.
    #[error("{url} cannot be trusted: {message}")]
    Refused {
        /// The repository.
        url: String,
        /// Why.
        message: String,
    },
    /// The instance does not publish it.
    #[error("{url} publishes no {name}")]
    NoTarget {
        /// The repository.
        url: String,
        /// What is missing.
        name: &'static str,
    },
    /// No client can be made, or a kept copy cannot be read.
    #[error("{} cannot be used: {message}", path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl TrustError {
    /// Whether the repository is at fault, and not what was asked.
    pub fn is_unavailable(&self) -> bool {
        !matches!(self, Self::Address(_) | Self::Root(_) | Self::Local { .. })
    }
}

/// An error with its causes, in one line that steers no terminal: parts of it are the repository's words.
pub(crate) fn told(error: &sigstore_tuf::Error) -> String {
    let text: String = causes(error).chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
    Untrusted::new(text).to_string()
}
