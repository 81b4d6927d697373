//! Signers: keys in files, Vault and AWS KMS, and keyless; the only place that sees key material.
//!
//! A signer signs the bytes of a statement and gives a Sigstore bundle. It knows no gate: that only what was cleared is
//! signed is the pipeline's promise.

mod ambient;
mod browser;
mod cosign_key;
mod endpoints;
mod identity;
mod key;
mod keyless;
mod kind;
mod kms;
mod logged_key;
mod signing_key;
mod timestamped;
mod tokens;
mod upstream;
mod vault;

use sealwright_bundle::{Bundle, Envelope};
use sealwright_core::Digest;

pub use ambient::JobTokens;
pub use browser::sign_in;
pub use endpoints::{SigningEndpoints, kms_endpoint};
pub use identity::{SIGSTORE, UnverifiedClaims, Visibility, WorkloadClaims};
pub use key::KeySigner;
pub use keyless::KeylessSigner;
pub use kms::KmsKey;
pub use logged_key::LoggedKeySigner;
pub use signing_key::SigningKey;
pub use vault::{VaultAccess, VaultKey, VaultLogin, vault_role};

/// One that signs.
#[derive(Debug)]
pub enum Signer {
    /// With a key.
    Key(SigningKey),
    /// With a key, entered into a log and stamped with the time.
    LoggedKey(Box<LoggedKeySigner>),
    /// With a certificate that lives for minutes, for an OpenID Connect identity.
    Keyless(Box<KeylessSigner>),
}

impl Signer {
    /// Signs the bytes of an in-toto statement and gives the bytes of a Sigstore bundle (version 0.3).
    ///
    /// # Errors
    /// When the key cannot sign, or an authority or log is not there or refuses.
    pub async fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = match self {
            Self::Key(signer) => signer.sign(statement).await,
            Self::LoggedKey(signer) => signer.sign(statement).await,
            Self::Keyless(signer) => signer.sign(statement).await,
        };
        signed.map_err(|error| if self.enters_envelopes() { error.about(statement.len()) } else { error })
    }

    /// Signs a plain message and gives the bytes of a Sigstore bundle (version 0.3) about it.
    ///
    /// # Errors
    /// As [`Self::sign`], and for keys whose signatures over plain messages no log takes.
    pub async fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Key(signer) => signer.sign_message(message).await,
            Self::LoggedKey(signer) => signer.sign_message(message).await,
            Self::Keyless(signer) => signer.sign_message(message).await,
        }
    }

    /// Whether what it signs can be stored as cosign up to 2.x did: there is no place for entries of logs of version 2.
    pub fn fits_legacy(&self) -> bool {
        matches!(self, Self::Key(_)) || self.enters_envelopes()
    }

    /// Whether the log takes the whole statement, and not only its digest.
    fn enters_envelopes(&self) -> bool {
        match self {
            Self::Key(_) => false,
            Self::LoggedKey(signer) => signer.enters_envelopes(),
            Self::Keyless(signer) => signer.enters_envelopes(),
        }
    }
}

/// Why nothing was signed. Key material and tokens are in none of the messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The file is no private key.
    #[error("not a private key: {0}")]
    NotAKey(&'static str),
    /// The key is of a kind that is not supported.
    #[error("the key is of an unsupported kind, expected ECDSA P-256 or P-384, RSA of 2048 to 8192 bits, or Ed25519")]
    UnsupportedKey,
    /// The key is encrypted and there is no password.
    #[error("the key is encrypted and COSIGN_PASSWORD is not set")]
    NoPassword,
    /// The password does not open the key.
    #[error("the password in COSIGN_PASSWORD does not open the key")]
    WrongPassword,
    /// The key's encryption asks for more memory or time than may be spent.
    #[error("the encryption of the key asks for too much memory or time")]
    ExpensiveKey,
    /// Signatures over plain messages of this kind of key cannot be logged.
    #[error(
        "no log takes what an Ed25519 key signs over a plain message, expected another key, or --transparency none"
    )]
    NotLogged,
    /// Signing itself failed.
    #[error("the key could not sign")]
    Failed,
    /// The token cannot be used.
    #[error("the identity token {0}")]
    Token(String),
    /// The endpoint that gives tokens cannot be used, or refuses to give one.
    #[error("the token endpoint of the job cannot be used: {0}")]
    TokenEndpoint(String),
    /// Nobody signed in, or the issuer of identities refuses.
    #[error("signing in did not work: {0}")]
    SignIn(String),
    /// AWS KMS refuses, or cannot be asked.
    #[error("AWS KMS cannot be used: {0}")]
    Kms(String),
    /// Vault refuses, or what is asked of it cannot be.
    #[error("Vault cannot be used: {0}")]
    Vault(String),
    /// Vault knows who asks, or not, and does not let them.
    #[error("Vault cannot be used: {0}")]
    VaultDenied(String),
    /// The signing config does not name what is needed.
    #[error("the signing config cannot be used: {0}")]
    SigningConfig(String),
    /// A service is not there, or fails.
    #[error("{service} failed: {message}")]
    Upstream {
        /// For example `Fulcio`, `Rekor`, `the timestamp authority`, `Vault`, `AWS KMS`.
        service: &'static str,
        /// Why.
        message: String,
    },
}

/// Statements above this many bytes are what logs of version 1 refuse with whatever status is at hand (sigstore/rekor#2808):
/// they take the whole envelope, and logs of version 2 only its digest.
const LARGE: usize = 1 << 20;

impl SignError {
    /// A log that fails on a large statement may fail because of it.
    fn about(self, size: usize) -> Self {
        match self {
            Self::Upstream { service: service @ "Rekor", message } if size > LARGE => {
                let why = "logs of version 1 take a few megabytes at most: use one of version 2, or a smaller document";
                Self::Upstream { service, message: format!("{message}; the statement has {size} bytes, and {why}") }
            }
            other => other,
        }
    }

    /// Whether an upstream is at fault rather than a key, a token or a configuration.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Upstream { .. })
    }
}

/// A bundle with the key's hint, and neither log entry nor timestamp.
fn bundle(statement: &[u8], signature: &[u8], fingerprint: &Digest) -> Vec<u8> {
    Bundle::with_key(Envelope::new(statement, signature), &key_hint(fingerprint)).to_bytes()
}

/// The hint by which a bundle names its key, as cosign writes it: base64 of sha256 over the SPKI.
fn key_hint(fingerprint: &Digest) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(fingerprint.as_bytes())
}
