//! What signs, and what it signs: the hash follows the key, as with cosign.

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealwright_bundle::{MessageSignature, SHA2_256, SHA2_384};

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa,
}

impl Kind {
    /// The digest of a message; nothing for Ed25519, which signs the message itself.
    pub(crate) fn digest(self, message: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match self {
            Self::P256 | Self::Rsa => &SHA256,
            Self::P384 => &SHA384,
            Self::Ed25519 => return None,
        };
        Some(digest(algorithm, message).as_ref().to_vec())
    }

    /// A signature over `message` as bundles state it, with the digest that was signed.
    pub(crate) fn message_signature(self, message: &[u8], signature: &[u8]) -> MessageSignature {
        let algorithm = if self == Self::P384 { SHA2_384 } else { SHA2_256 };
        match self.digest(message) {
            Some(digest) => MessageSignature::new(algorithm, &digest, signature),
            None => MessageSignature { message_digest: None, signature: STANDARD.encode(signature) },
        }
    }
}
