//! Key files: PKCS#8 and SEC1 PEM, and cosign's encrypted format. The hash follows the key as with cosign.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use sealwright_bundle::{PAYLOAD_TYPE, pae, pem};
use sealwright_core::{Digest, Redacted};

use crate::kind::Kind;
use crate::{SignError, bundle, cosign_key};

/// RSA keys outside of these sizes are not supported, in bytes.
const RSA_SIZES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A key that signs.
pub struct KeySigner {
    pair: Pair,
    spki: Vec<u8>,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySigner({})", self.fingerprint().short())
    }
}

impl KeySigner {
    /// Reads a private key file. The password is only looked at where the key is encrypted.
    ///
    /// # Errors
    /// When the file is no key, of an unsupported kind, or the password does not open it.
    pub fn from_pem(file: &[u8], password: Option<&Redacted<String>>) -> Result<Self, SignError> {
        let block = pem::parse(file).map_err(|pem::NoPem(why)| SignError::NotAKey(why))?;
        match block.label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(&block.bytes),
            "EC PRIVATE KEY" => Self::from_sec1(&block.bytes),
            "RSA PRIVATE KEY" => {
                RsaKeyPair::from_der(&block.bytes).map_err(|_| SignError::UnsupportedKey).and_then(Self::rsa)
            }
            label if cosign_key::LABELS.contains(&label) => {
                let password = password.ok_or(SignError::NoPassword)?;
                Self::from_pkcs8(cosign_key::decrypt(&block.bytes, password)?.expose())
            }
            "ENCRYPTED PRIVATE KEY" => {
                Err(SignError::NotAKey("it is encrypted by OpenSSL; `cosign import-key-pair` converts it"))
            }
            "PUBLIC KEY" => Err(SignError::NotAKey("it is the public key")),
            _ => Err(SignError::NotAKey("its PEM label is not a private key's")),
        }
    }

    /// A new P-256 key: the signer, and its private key as PKCS#8 PEM.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate() -> Result<(Self, Redacted<String>), SignError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| SignError::Failed)?;
        let private = pair.to_pkcs8v1().map_err(|_| SignError::Failed)?;
        let private = Redacted::new(pem::write("PRIVATE KEY", private.as_ref()));
        Ok((Self::ecdsa(pair)?, private))
    }

    /// A new P-256 key: the signer, and its private key in cosign's encrypted format.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn generate_encrypted(password: &Redacted<String>) -> Result<(Self, String), SignError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| SignError::Failed)?;
        let private = pair.to_pkcs8v1().map_err(|_| SignError::Failed)?;
        let [label, _] = cosign_key::LABELS;
        let private = pem::write(label, &cosign_key::encrypt(private.as_ref(), password)?);
        Ok((Self::ecdsa(pair)?, private))
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, SignError> {
        for algorithm in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, der) {
                return Self::ecdsa(pair);
            }
        }
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::rsa(pair);
        }
        // Without the public key inside, as OpenSSL and Go write it.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| SignError::UnsupportedKey)?;
        let spki = pair.public_key().as_der().map_err(|_| SignError::UnsupportedKey)?.as_ref().to_vec();
        Ok(Self { pair: Pair::Ed25519(pair), spki })
    }

    fn from_sec1(der: &[u8]) -> Result<Self, SignError> {
        for algorithm in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
                return Self::ecdsa(pair);
            }
        }
        Err(SignError::UnsupportedKey)
    }

    fn ecdsa(pair: EcdsaKeyPair) -> Result<Self, SignError> {
        let spki = pair.public_key().as_der().map_err(|_| SignError::UnsupportedKey)?.as_ref().to_vec();
        Ok(Self { pair: Pair::Ecdsa(pair), spki })
    }

    fn rsa(pair: RsaKeyPair) -> Result<Self, SignError> {
        if !RSA_SIZES.contains(&pair.public_modulus_len()) {
            return Err(SignError::UnsupportedKey);
        }
        let spki = pair.public_key().as_der().map_err(|_| SignError::UnsupportedKey)?.as_ref().to_vec();
        Ok(Self { pair: Pair::Rsa(pair), spki })
    }

    /// sha256 over the public key's SPKI.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// The public key as PEM.
    pub fn public_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.spki)
    }

    /// A bundle with the key's hint, and neither log entry nor timestamp.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, statement: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.sign_bytes(&pae(PAYLOAD_TYPE, statement))?;
        Ok(bundle(statement, &signature, &self.fingerprint()))
    }

    pub(crate) fn kind(&self) -> Kind {
        match &self.pair {
            Pair::Ecdsa(pair) if pair.algorithm() == &ECDSA_P256_SHA256_ASN1_SIGNING => Kind::P256,
            Pair::Ecdsa(_) => Kind::P384,
            Pair::Rsa(_) => Kind::Rsa,
            Pair::Ed25519(_) => Kind::Ed25519,
        }
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(|_| SignError::Failed)
            }
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| SignError::Failed)?;
                Ok(signature)
            }
        }
    }
}
