//! What can go wrong with AWS.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ecr::error::{ProvideErrorMetadata, SdkError};
use sealwright_core::{Untrusted, causes};

/// Why ECR gave no login or did not say which tags may move, or IAM no trust policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EcrError {
    /// There are none, or what should give them failed.
    #[error("there are no AWS credentials: {0}")]
    Credentials(String),
    /// They are there and do not suffice.
    #[error("{action} is not permitted: {message}")]
    Denied {
        /// IAM's word for what was asked.
        action: &'static str,
        /// AWS's words.
        message: String,
    },
    /// Wrong before or after it was sent.
    #[error("{action}: {message}")]
    Refused {
        /// IAM's word for what was asked.
        action: &'static str,
        /// AWS's words, or those about what was asked.
        message: String,
    },
    /// Not there, or failing.
    #[error("{action} failed: {message}")]
    Unavailable {
        /// IAM's word for what was asked.
        action: &'static str,
        /// What is known of it.
        message: String,
    },
    /// A role of another AWS than the registry's.
    #[error("role {role} is of the partition {found}, and the registry of {expected}: they share no credentials")]
    Partition {
        /// The role.
        role: String,
        /// The registry's.
        expected: &'static str,
        /// The role's.
        found: String,
    },
}

impl EcrError {
    /// Whether it may be different later, rather than that something here is to be changed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn credentials(error: &CredentialsError) -> Self {
        let message = clip(&causes(error));
        match error {
            CredentialsError::ProviderTimedOut(_) => Self::Unavailable { action: "finding AWS credentials", message },
            _ => Self::Credentials(message),
        }
    }

    /// What AWS says is told as it is; what it could not say, with its causes.
    pub(crate) fn of<E>(action: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let said = answer.err();
                let code = said.code().unwrap_or("error");
                Self::said(action, answer.raw().status().as_u16(), code, said.message())
            }
            SdkError::ConstructionFailure(_) => Self::Refused { action, message: clip(&causes(error)) },
            // Not the network, but what was asked of this side: credentials, the address.
            SdkError::DispatchFailure(failure) if failure.is_other() => {
                Self::Refused { action, message: clip(&causes(error)) }
            }
            _ => Self::Unavailable { action, message: clip(&causes(error)) },
        }
    }

    /// What an answer says that is no success.
    pub(crate) fn said(action: &'static str, status: u16, code: &str, message: Option<&str>) -> Self {
        let message = clip(&format!("{code}: {}", message.unwrap_or("it does not say why")));
        if status >= 500 || status == 429 || code.contains("Throttl") {
            Self::Unavailable { action, message }
        } else if code.starts_with("AccessDenied") {
            Self::Denied { action, message }
        } else {
            Self::Refused { action, message }
        }
    }
}

/// One line, not too long, and nothing that steers a terminal: the text is the server's.
pub(crate) fn clip(text: &str) -> String {
    Untrusted::new(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect::<String>()).to_string()
}
