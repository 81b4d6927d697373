//! What can go wrong between us and a registry.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use sealwright_core::{Digest, Repository, Untrusted};
use sealwright_oci::BlobError;

/// What was asked of which registry, for messages: `read manifest ghcr.io/acme/app:v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The operation, in the infinitive.
    pub what: &'static str,
    /// What it was about.
    pub target: String,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.target)
    }
}

/// A registry's own words: the first error of its answer (distribution specification, "Error Codes").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// For example `TAG_INVALID`; may be empty.
    pub code: Untrusted,
    /// Its message, clipped; may be empty.
    pub message: Untrusted,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        [&self.code, &self.message]
            .into_iter()
            .filter(|text| !text.is_empty())
            .try_for_each(|text| write!(f, " {text}"))
    }
}

/// Why a registry operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No credentials, or ones that the registry does not accept.
    #[error("{asked}: the registry does not accept these credentials, or wants some ({answer})")]
    Unauthorized {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
    },
    /// The credentials do not allow it.
    #[error("{asked}: the registry denied it ({answer})")]
    Denied {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
    },
    /// The repository, manifest or blob is not there.
    #[error("{asked}: not found ({answer})")]
    NotFound {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
    },
    /// Too many requests, also after waiting as told.
    #[error("{asked}: the registry is limiting requests ({answer})")]
    RateLimited {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
        /// How long it said to wait.
        retry_after: Option<Duration>,
    },
    /// The registry failed.
    #[error("{asked}: the registry failed ({answer})")]
    Failing {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
    },
    /// No answer: the registry cannot be reached, the connection broke or the time was up.
    #[error("{asked}: {reason}")]
    Unreachable {
        /// The operation.
        asked: Asked,
        /// Why.
        reason: String,
    },
    /// The registry refused the request for another reason.
    #[error("{asked}: the registry refused it ({answer})")]
    Rejected {
        /// The operation.
        asked: Asked,
        /// The registry's words.
        answer: Answer,
    },
    /// The tag names another digest already, and the registry does not let it be moved.
    #[error("{asked}: the tag names {existing} already and cannot be moved to {wanted}: tags are immutable there")]
    TagConflict {
        /// The operation and the tag.
        asked: Asked,
        /// What it names.
        existing: Digest,
        /// What it should have named.
        wanted: Digest,
    },
    /// Other writers replaced the fallback tag each time.
    #[error(
        "tag {tag} of {repository} was overwritten by another writer {attempts} times, {referrer} is pushed but not listed"
    )]
    LostUpdate {
        /// The repository.
        repository: Repository,
        /// The fallback tag.
        tag: String,
        /// The referrer that could not be listed.
        referrer: Digest,
        /// How often it was tried.
        attempts: u32,
    },
    /// The registry offers no way to list what belongs to an image.
    #[error("{repository} cannot list referrers: {reason}; {referrer} is pushed but not listed")]
    ReferrersUnusable {
        /// The repository.
        repository: Repository,
        /// The referrer that cannot be found.
        referrer: Digest,
        /// Why.
        reason: &'static str,
    },
    /// The bytes are not those that were asked for.
    #[error("{asked}: the content does not match its digest, expected {expected}, found {found}")]
    DigestMismatch {
        /// The operation.
        asked: Asked,
        /// The digest that was asked for or announced.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// More or fewer bytes than the descriptor says.
    #[error("{asked}: {found} bytes, expected {expected}")]
    SizeMismatch {
        /// The operation.
        asked: Asked,
        /// As the descriptor says.
        expected: u64,
        /// As found; one more than expected where there is more.
        found: u64,
    },
    /// More than may be read.
    #[error("{asked}: more than {limit} bytes")]
    TooLarge {
        /// The operation.
        asked: Asked,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer breaks the specification in a way that cannot be worked around.
    #[error("{asked}: the registry's answer makes no sense: {problem}")]
    Protocol {
        /// The operation.
        asked: Asked,
        /// What is wrong with it.
        problem: String,
    },
    /// A URL without TLS that is not this machine's, or one that is no web address.
    #[error("{asked}: refused to use {url}: only https is allowed, and plain http to a registry on this machine")]
    Insecure {
        /// The operation.
        asked: Asked,
        /// Scheme and host of the URL.
        url: Untrusted,
    },
    /// A tag that cannot be one.
    #[error("{tag:?} is not a tag")]
    NotATag {
        /// As given.
        tag: String,
    },
    /// The blob to push could not be read, or is not what its descriptor says.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The Docker configuration file.
    #[error("{path}: {problem}", path = path.display())]
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A credential helper.
    #[error("docker-credential-{helper} get for {registry}: {problem}")]
    CredentialHelper {
        /// The helper's name.
        helper: Untrusted,
        /// The registry.
        registry: String,
        /// What went wrong.
        problem: String,
    },
    /// What gives logins for a registry gave none.
    #[error("no login for {registry}: {problem}")]
    NoLogin {
        /// The registry.
        registry: String,
        /// What went wrong.
        problem: String,
        /// Whether it may give one later.
        unavailable: bool,
    },
    /// The HTTP client could not be made, for example because the system has no certificates.
    #[error("no HTTP client: {reason}")]
    HttpClient {
        /// Why.
        reason: String,
    },
}

impl RegistryError {
    /// Whether the content is at fault rather than the registry: it is not there, or not what its descriptor says.
    pub fn is_about_content(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::TooLarge { .. }
        )
    }

    /// Whether the registry is unavailable to us or does not have what was asked for (exit code 5), rather than that
    /// something here or in the image is wrong.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unauthorized { .. }
            | Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::RateLimited { .. }
            | Self::Failing { .. }
            | Self::Unreachable { .. }
            | Self::Rejected { .. }
            | Self::LostUpdate { .. }
            | Self::ReferrersUnusable { .. }
            | Self::Protocol { .. }
            | Self::CredentialHelper { .. }
            | Self::HttpClient { .. } => true,
            Self::Blob(error) => matches!(error, BlobError::Upstream { .. }),
            Self::NoLogin { unavailable, .. } => *unavailable,
            Self::TagConflict { .. }
            | Self::DigestMismatch { .. }
            | Self::SizeMismatch { .. }
            | Self::TooLarge { .. }
            | Self::Insecure { .. }
            | Self::NotATag { .. }
            | Self::DockerConfig { .. } => false,
        }
    }

    /// The registry's words, where there are any.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Unauthorized { answer, .. }
            | Self::Denied { answer, .. }
            | Self::NotFound { answer, .. }
            | Self::RateLimited { answer, .. }
            | Self::Failing { answer, .. }
            | Self::Rejected { answer, .. } => Some(answer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_words_cannot_steer_a_terminal() {
        let answer = Answer { status: 403, code: "DENIED\n".into(), message: "\u{1b}[2Jno".into() };
        let error = RegistryError::Denied { asked: Asked { what: "push tag", target: "a/b:c".into() }, answer };
        assert_eq!(error.to_string(), "push tag a/b:c: the registry denied it (403 DENIED\\u{a} \\u{1b}[2Jno)");
        assert!(error.is_unavailable());
    }

    #[test]
    fn what_is_wrong_with_the_content_is_not_unavailability() {
        let asked = Asked { what: "read blob", target: "x".into() };
        let digest = Digest::of(b"");
        assert!(!RegistryError::DigestMismatch { asked, expected: digest, found: digest }.is_unavailable());
        assert!(!RegistryError::Blob(BlobError::NotFound { digest }).is_unavailable());
        assert!(RegistryError::Blob(BlobError::Upstream { digest, message: String::new() }).is_unavailable());
    }
}
