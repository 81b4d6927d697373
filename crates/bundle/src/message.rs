//! The signature over a plain message: a file, or a simple signing payload (protobuf-specs, `sigstore_common.proto`,
//! `MessageSignature`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_core::Digest;
use serde::{Deserialize, Serialize};

use crate::ShapeError;

/// The algorithms' names (protobuf-specs, `HashAlgorithm`).
pub const SHA2_256: &str = "SHA2_256";
/// Of P-384 keys.
pub const SHA2_384: &str = "SHA2_384";

/// A signature, and for finding it again the message's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageSignature {
    /// The message's digest. Nothing protects it: it is a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_digest: Option<MessageDigest>,
    /// The signature in base64.
    pub signature: String,
}

/// A digest and its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageDigest {
    /// For example `SHA2_256`.
    pub algorithm: String,
    /// The digest in base64.
    pub digest: String,
}

impl MessageSignature {
    /// Of a message with this digest. Verifiers take the stated algorithm for that of the signature.
    pub fn new(algorithm: &str, digest: &[u8], signature: &[u8]) -> Self {
        let digest = MessageDigest { algorithm: algorithm.to_owned(), digest: STANDARD.encode(digest) };
        Self { message_digest: Some(digest), signature: STANDARD.encode(signature) }
    }

    /// Whether it states another SHA-256 digest than that of its message, or a digest of an algorithm that is not known.
    pub fn contradicts(&self, message: &Digest) -> bool {
        self.message_digest.as_ref().is_some_and(|stated| match stated.algorithm.as_str() {
            SHA2_256 => stated.digest != STANDARD.encode(message.as_bytes()),
            SHA2_384 | "SHA2_512" => false,
            _ => true,
        })
    }

    /// The signature's bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn bytes(&self) -> Result<Vec<u8>, ShapeError> {
        STANDARD.decode(&self.signature).map_err(|_| ShapeError::Base64 { what: "bundle", member: "signature" })
    }
}
