//! Keys of every kind, and bundles signed with them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{Bundle, Envelope, PAYLOAD_TYPE, pae};
use sealwright_core::Digest;
use sealwright_verify::PublicKey;

pub(crate) enum TestKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl TestKey {
    pub(crate) fn p256() -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("key"))
    }

    pub(crate) fn p384() -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).expect("key"))
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().expect("key"))
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("key"))
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(pair) => pair.public_key().as_der().expect("SPKI").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_der().expect("SPKI").as_ref().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_der().expect("SPKI").as_ref().to_vec(),
        }
    }

    pub(crate) fn pem(&self) -> String {
        let lines: Vec<String> = STANDARD
            .encode(self.spki())
            .as_bytes()
            .chunks(64)
            .map(|l| String::from_utf8_lossy(l).into_owned())
            .collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_pem(self.pem().as_bytes()).expect("own key")
    }

    pub(crate) fn hint(&self) -> String {
        STANDARD.encode(Digest::of(&self.spki()).as_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair.sign(&random, message).expect("signature").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signature");
                signature
            }
        }
    }

    /// A bundle over these bytes, without log entry and timestamp.
    pub(crate) fn bundle(&self, statement: &[u8]) -> Bundle {
        let signature = self.sign(&pae(PAYLOAD_TYPE, statement));
        Bundle::with_key(Envelope::new(statement, &signature), &self.hint())
    }
}
