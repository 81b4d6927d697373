//! DSSE envelopes (Dead Simple Signing Envelope v1.0.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ShapeError;

/// The payload type of in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload and its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The payload in base64.
    pub payload: String,
    /// The signatures over [`pae`].
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// A hint, not checked by anyone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keyid: String,
    /// The signature in base64.
    pub sig: String,
}

impl Envelope {
    /// An envelope around a statement.
    pub fn new(statement: &[u8], signature: &[u8]) -> Self {
        let signature = EnvelopeSignature { keyid: String::new(), sig: STANDARD.encode(signature) };
        Self { payload_type: PAYLOAD_TYPE.to_owned(), payload: STANDARD.encode(statement), signatures: vec![signature] }
    }

    /// The payload's bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn payload(&self) -> Result<Vec<u8>, ShapeError> {
        STANDARD.decode(&self.payload).map_err(|_| ShapeError::Base64 { what: "envelope", member: "payload" })
    }
}

impl EnvelopeSignature {
    /// The signature's bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn bytes(&self) -> Result<Vec<u8>, ShapeError> {
        STANDARD.decode(&self.sig).map_err(|_| ShapeError::Base64 { what: "envelope", member: "sig" })
    }
}

/// The bytes that a signature covers (DSSE protocol, "Signature Definition").
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_protocol_comes_out_as_printed() {
        // DSSE protocol, test vectors.
        let expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), expected);
        // Lengths are of bytes, not of characters.
        assert_eq!(pae("\u{e9}", b""), "DSSEv1 2 \u{e9} 0 ".as_bytes());
    }

    #[test]
    fn an_envelope_gives_back_what_was_put_in() {
        let envelope = Envelope::new(b"payload", b"signature");
        assert_eq!(envelope.payload_type, "application/vnd.in-toto+json");
        assert_eq!(envelope.payload().expect("base64"), b"payload");
        assert_eq!(envelope.signatures.len(), 1);
        assert_eq!(envelope.signatures[0].bytes().expect("base64"), b"signature");
        // Without a key id the member is left out, as cosign does.
        assert_eq!(
            serde_json::to_string(&envelope).expect("JSON"),
            r#"{"payloadType":"application/vnd.in-toto+json","payload":"cGF5bG9hZA==","signatures":[{"sig":"c2lnbmF0dXJl"}]}"#
        );
    }

    #[test]
    fn base64_has_one_spelling() {
        // Without padding, with bits behind the end, with a line break, URL-safe: a second spelling would be a second
        // sequence of bytes with the same meaning.
        for payload in ["cGF5bG9hZA", "cGF5bG9hZB==", "cGF5\nbG9hZA==", "-_-_", "*"] {
            let envelope = Envelope { payload: payload.to_owned(), ..Envelope::new(b"", b"") };
            assert!(matches!(envelope.payload(), Err(ShapeError::Base64 { member: "payload", .. })), "{payload:?}");
            let signature = EnvelopeSignature { keyid: String::new(), sig: payload.to_owned() };
            assert!(matches!(signature.bytes(), Err(ShapeError::Base64 { member: "sig", .. })), "{payload:?}");
        }
    }
}
