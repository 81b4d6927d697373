//! A key that signs, wherever it lies.

use sealwright_bundle::{Bundle, MessageSignature, PAYLOAD_TYPE, pae, pem};
use sealwright_core::Digest;

use crate::key::KeySigner;
use crate::kind::Kind;
use crate::kms::KmsKey;
use crate::vault::VaultKey;
use crate::{SignError, bundle, key_hint};

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

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::File(key) => key.kind(),
            Self::Vault(key) => key.kind(),
            Self::Kms(key) => key.kind(),
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

    /// The signature over a plain message.
    pub(crate) async fn message_signature(&self, message: &[u8]) -> Result<MessageSignature, SignError> {
        let signature = self.sign_bytes(message).await?;
        Ok(self.kind().message_signature(message, &signature))
    }

    /// The same as a bundle with the key's hint, and neither log entry nor timestamp.
    pub(crate) async fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.message_signature(message).await?;
        Ok(Bundle::of_message(signature, &key_hint(&self.fingerprint())).to_bytes())
    }
}

impl From<KeySigner> for SigningKey {
    fn from(key: KeySigner) -> Self {
        Self::File(key)
    }
}
