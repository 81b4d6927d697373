//! The keys of the services.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use sealwright_core::Digest;

use super::Unable;

/// An ECDSA P-256 key that signs with SHA-256.
pub(crate) struct EcKey {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

impl EcKey {
    /// Signatures are ASN.1, as X.509 and the logs want them.
    pub(crate) fn generate() -> Result<Self, Unable> {
        Self::with(&ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    pub(crate) fn with(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Self, Unable> {
        let pair = EcdsaKeyPair::generate(algorithm)?;
        let spki = pair.public_key().as_der()?.as_ref().to_vec();
        Ok(Self { pair, spki })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unable> {
        Ok(self.pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
    }

    /// The public key as DER of SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The private key (RFC 5208).
    pub(crate) fn pkcs8(&self) -> Result<Vec<u8>, Unable> {
        Ok(self.pair.to_pkcs8v1()?.as_ref().to_vec())
    }

    /// The public point, uncompressed (SEC 1 §2.3.3): 65 bytes.
    pub(crate) fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// sha256 over the SPKI: how logs name their keys (RFC 6962 §3.2).
    pub(crate) fn id(&self) -> Digest {
        Digest::of(&self.spki)
    }
}

/// An Ed25519 key.
pub(crate) struct EdKey {
    pair: Ed25519KeyPair,
    spki: Vec<u8>,
}

impl EdKey {
    pub(crate) fn generate() -> Result<Self, Unable> {
        let pair = Ed25519KeyPair::generate()?;
        let spki = pair.public_key().as_der()?.as_ref().to_vec();
        Ok(Self { pair, spki })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The 32 bytes of the public key.
    pub(crate) fn raw(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }
}
