//! Public keys, and signatures by them.

use sealwright_core::Digest;
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey, verify_signature_prehashed};
use sigstore_types::{DerPublicKey, SignatureBytes};

/// A public key: ECDSA P-256 or P-384, RSA of 2048 to 8192 bits, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(DerPublicKey);

/// Why a text is no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a public key that can verify: {0}")]
pub struct KeyError(String);

impl PublicKey {
    /// Reads PEM (`BEGIN PUBLIC KEY`, RFC 5280's SubjectPublicKeyInfo). An RSA key of another size is read, and no signature
    /// of it holds.
    ///
    /// # Errors
    /// When it is none, or of an algorithm that is not supported.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(pem).map_err(|_| KeyError("it is no PEM text".to_owned()))?;
        if text.matches("-----BEGIN").count() > 1 {
            return Err(KeyError("the file holds several, expected one".to_owned()));
        }
        let key = DerPublicKey::from_pem(text).map_err(|e| KeyError(e.to_string()))?;
        match KeyAlgorithm::from_spki(&key).map_err(|e| KeyError(e.to_string()))? {
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::Rsa | KeyAlgorithm::Ed25519 => {
                Ok(Self(key))
            }
            other => Err(KeyError(format!("the algorithm {other:?} is not supported"))),
        }
    }

    /// sha256 over the SPKI: how statements and reports name the key.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Whether `signature` is this key's over `message`. The hash follows the key as with cosign: P-384 takes SHA-384, the
    /// others SHA-256, Ed25519 none of its own.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = VerificationKey::from_spki(&self.0) else { return false };
        key.verify(message, &SignatureBytes::from_bytes(signature)).is_ok()
    }

    /// The same of a message with this SHA-256 digest. Nothing for keys that sign another digest, or the message itself.
    pub(crate) fn signed_digest(&self, digest: &Digest, signature: &[u8]) -> Option<bool> {
        let scheme = match KeyAlgorithm::from_spki(&self.0).ok()? {
            KeyAlgorithm::EcdsaP256 => SigningScheme::EcdsaP256Sha256,
            KeyAlgorithm::Rsa => SigningScheme::RsaPkcs1Sha256,
            _ => return None,
        };
        let signature = SignatureBytes::from_bytes(signature);
        Some(verify_signature_prehashed(&self.0, digest.as_bytes(), &signature, scheme).is_ok())
    }

    pub(crate) fn der(&self) -> DerPublicKey {
        self.0.clone()
    }
}
