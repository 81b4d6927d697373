//! Which exit code an error of a crate means. The message is the crate's; here it only gets a code and what to do next.

use sealwright_attest::AttestError;
use sealwright_catalog::CatalogError;
use sealwright_feed::FeedError;
use sealwright_gate::NotCleared;
use sealwright_github::GitHubError;
use sealwright_match::MatchError;
use sealwright_oci::{BlobError, LayerError, ResolveError};
use sealwright_registry::RegistryError;
use sealwright_sbom::SbomError;
use sealwright_sign::SignError;
use sealwright_source::SourceError;
use sealwright_trust::TrustError;
use sealwright_verify::AnchorError;

use crate::exit::Exit;
use crate::failure::Failure;

fn by(unavailable: bool, message: String) -> Failure {
    Failure::new(if unavailable { Exit::Unavailable } else { Exit::Usage }, message)
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        by(matches!(error, BlobError::Upstream { .. }), error.to_string())
    }
}

impl From<LayerError> for Failure {
    fn from(error: LayerError) -> Self {
        match error {
            LayerError::Blob(error) => error.into(),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Blob(error) => error.into(),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(CatalogError::Layer(error): CatalogError) -> Self {
        error.into()
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        by(error.is_unavailable(), error.to_string())
    }
}

impl From<SbomError> for Failure {
    fn from(error: SbomError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        let failure = by(error.is_unavailable(), error.to_string());
        match error {
            FeedError::Backwards { .. } => {
                failure.hint("the store is as it was; --accept-older takes the data if you know why it is older")
            }
            _ => failure,
        }
    }
}

impl From<MatchError> for Failure {
    fn from(error: MatchError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<NotCleared> for Failure {
    fn from(error: NotCleared) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let failure = by(error.is_unavailable(), error.to_string());
        match error {
            RegistryError::Unauthorized { .. } | RegistryError::Denied { .. } => {
                failure.hint("log in with `docker login`, or put a credential helper into the Docker configuration")
            }
            RegistryError::NoLogin { .. } => failure.hint(
                "AWS credentials are found where every AWS SDK finds them; in a job of GitHub Actions, `sealwright login REGISTRY --aws-role ARN` assumes a role",
            ),
            _ => failure,
        }
    }
}

impl From<GitHubError> for Failure {
    fn from(error: GitHubError) -> Self {
        let failure = by(error.is_unavailable(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        by(error.is_unavailable(), error.to_string())
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        let failure = by(error.is_unavailable(), error.to_string());
        match error {
            TrustError::NotKept { .. } => failure.hint("`sealwright trust update` fetches it"),
            TrustError::NoCopy { .. } | TrustError::Stale { .. } | TrustError::Frozen { .. } => failure.hint(
                "run `sealwright trust update` where there is a network, or name a file of an instance's: --trusted-root FILE",
            ),
            TrustError::NoTarget { .. } => failure.hint("name files: --signing-config FILE and --trusted-root FILE"),
            TrustError::Refused { .. } | TrustError::Unreachable { .. } => failure.hint("what was kept before is as it was"),
            _ => failure,
        }
    }
}

impl From<AnchorError> for Failure {
    fn from(error: AnchorError) -> Self {
        let failure = Self::usage(error.to_string());
        match error {
            AnchorError::NoTrustedRoot { .. } => failure.hint("name it with --trusted-root FILE"),
            AnchorError::NoKey { .. } => failure,
        }
    }
}

impl From<AttestError> for Failure {
    fn from(error: AttestError) -> Self {
        Self::new(Exit::Internal, error.to_string())
    }
}
