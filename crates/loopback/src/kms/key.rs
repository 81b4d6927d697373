//! Asymmetric keys that sign (AWS KMS Developer Guide, "Key spec reference").

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Refusal;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySpec {
    /// `ECC_NIST_P256`.
    P256,
    /// `ECC_NIST_P384`.
    P384,
    /// `RSA_2048`.
    Rsa2048,
}

impl KeySpec {
    fn word(self) -> &'static str {
        match self {
            Self::P256 => "ECC_NIST_P256",
            Self::P384 => "ECC_NIST_P384",
            Self::Rsa2048 => "RSA_2048",
        }
    }

    /// The one algorithm that this service signs with; the real one offers more for RSA.
    fn algorithm(self) -> (&'static str, &'static Algorithm) {
        match self {
            Self::P256 => ("ECDSA_SHA_256", &SHA256),
            Self::P384 => ("ECDSA_SHA_384", &SHA384),
            Self::Rsa2048 => ("RSASSA_PKCS1_V1_5_SHA_256", &SHA256),
        }
    }
}

#[derive(Debug)]
pub(super) struct Key {
    spec: KeySpec,
    id: String,
    arn: String,
    pub(super) alias: String,
    pair: Pair,
    spki: Vec<u8>,
}

#[derive(Debug)]
enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(super) fn generate(spec: KeySpec, id: String, arn: String, alias: String) -> Result<Self, Unspecified> {
        let ecdsa = |algorithm| -> Result<(Pair, Vec<u8>), Unspecified> {
            let pair = EcdsaKeyPair::generate(algorithm)?;
            let spki = pair.public_key().as_der()?.as_ref().to_vec();
            Ok((Pair::Ecdsa(pair), spki))
        };
        let (pair, spki) = match spec {
            KeySpec::P256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            KeySpec::P384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)?,
            KeySpec::Rsa2048 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let spki = pair.public_key().as_der()?.as_ref().to_vec();
                (Pair::Rsa(pair), spki)
            }
        };
        Ok(Self { spec, id, arn, alias, pair, spki })
    }

    /// By id, ARN, alias or the alias's ARN.
    pub(super) fn is(&self, name: &str) -> bool {
        let alias_arn = self.arn.split_once(":key/").map(|(before, _)| format!("{before}:{}", self.alias));
        name == self.id
            || name == self.arn
            || !self.alias.is_empty() && (name == self.alias || Some(name) == alias_arn.as_deref())
    }

    pub(super) fn described(&self, account: &str) -> Value {
        json!({
            "AWSAccountId": account, "KeyId": self.id, "Arn": self.arn, "Enabled": true, "KeyState": "Enabled",
            "KeyUsage": "SIGN_VERIFY", "KeySpec": self.spec.word(), "CustomerMasterKeySpec": self.spec.word(),
            "KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "MultiRegion": false,
            "SigningAlgorithms": [self.spec.algorithm().0],
        })
    }

    pub(super) fn public(&self) -> Value {
        json!({
            "KeyId": self.arn, "PublicKey": STANDARD.encode(&self.spki), "KeyUsage": "SIGN_VERIFY",
            "KeySpec": self.spec.word(), "CustomerMasterKeySpec": self.spec.word(),
            "SigningAlgorithms": [self.spec.algorithm().0],
        })
    }

    pub(super) fn sign(&self, body: &Value) -> Result<Value, Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let (word, algorithm) = self.spec.algorithm();
        if text("SigningAlgorithm") != Some(word) {
            return Err(Refusal::new("ValidationException", format!("the key signs with {word} only")));
        }
        let message = text("Message").and_then(|message| STANDARD.decode(message).ok());
        let message = message.ok_or_else(|| Refusal::new("SerializationException", "the message is not base64"))?;
        // "Sign", `Message`: 1 to 4096 bytes.
        if !(1..=4096).contains(&message.len()) {
            return Err(Refusal::new("ValidationException", "the message has not 1 to 4096 bytes"));
        }
        let hashed = match text("MessageType") {
            None | Some("RAW") => digest(algorithm, &message),
            Some("DIGEST") => Digest::import_less_safe(&message, algorithm)
                .map_err(|_| Refusal::new("ValidationException", "the digest has not the length of its algorithm"))?,
            Some(_) => return Err(Refusal::new("ValidationException", "MessageType is neither RAW nor DIGEST")),
        };
        let signature = self.signature(&hashed);
        let signature = signature.map_err(|_| Refusal::new("KMSInternalException", "the key could not sign"))?;
        Ok(json!({ "KeyId": self.arn, "Signature": STANDARD.encode(signature), "SigningAlgorithm": word }))
    }

    fn signature(&self, hashed: &Digest) -> Result<Vec<u8>, Unspecified> {
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign_digest(hashed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, hashed, &mut signature)?;
                Ok(signature)
            }
        }
    }
}
