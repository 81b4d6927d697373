//! A key that signs, wherever it lies.

use sealwright_bundle::{PAYLOAD_TYPE, pae};
use sealwright_core::Digest;

use crate::key::KeySigner;
use crate::kind::Kind;
use crate::kms::KmsKey;
use crate::vault::VaultKey;
use crate::{SignError, bundle, pem};

/// A key that signs.
#[derive(Debug)]
pub enum SigningKey {
    /// In a file.
    File(KeySigner),
    /// In the transit engine of HashiCorp Vault or OpenBao, which it never leaves.
    Vault(Box<VaultKey>),
    /// In AWS KMS, which it never leaves.
    Kms(Box<KmsKey>),
}

impl SigningKey {
    /// sha256 over the public key's SPKI.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.spki())
    }

    /// The public key as PEM.
    pub fn public_pem(&self) -> String {
        pem::write("PUBLIC KEY", self.spki())
    }

    /// Whether it is an ECDSA key on P-256, which signs with SHA-256.
    pub(crate) fn is_p256(&self) -> bool {
        match self {
            Self::File(key) => key.is_p256(),
            Self::Vault(key) => key.kind() == Kind::P256,
            Self::Kms(key) => key.kind() == Kind::P256,
        }
    }

    pub(crate) fn spki(&self) -> &[u8] {
        match self {
            Self::File(key) => key.spki(),
            Self::Vault(key) => key.spki(),
            Self::Kms(key) => key.spki(),
        }
    }

    pub(crate) async fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::File(key) => key.sign_bytes(message),
            Self::Vault(key) => key.sign_bytes(message).await,
            Self::Kms(key) => key.sign_bytes(message).await,
        }
    }

    /// A bundle with the key's hint, and neither log entry nor timestamp.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub async fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.sign_bytes(&pae(PAYLOAD_TYPE, statement)).await?;
        Ok(bundle(statement, &signature, &self.fingerprint()))
    }
}

impl From<KeySigner> for SigningKey {
    fn from(key: KeySigner) -> Self {
        Self::File(key)
    }
}
