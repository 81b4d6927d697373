//! Sigstore bundles (protobuf-specs, `sigstore_bundle.proto`), as far as a reader of evidence looks into them.

use sealwright_core::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Envelope, ShapeError, clip, strict};

/// The media type of bundles that are written.
pub const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Whether a media or artifact type is a bundle's, of any version.
pub fn is_bundle_type(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// A signed envelope and what verifies it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Which version it is.
    pub media_type: String,
    /// Certificate or key hint, log entries, timestamps; looked into by the verifier.
    pub verification_material: Value,
    /// The signed statement; bundles over plain files have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dsse_envelope: Option<Envelope>,
    /// The signature over a plain file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_signature: Option<Value>,
}

impl Bundle {
    /// A bundle whose verifier has to know the key. `hint` names it: base64 of sha256 over its SPKI.
    pub fn with_key(envelope: Envelope, hint: &str) -> Self {
        Self {
            media_type: BUNDLE_V03.to_owned(),
            verification_material: json!({ "publicKey": { "hint": hint } }),
            dsse_envelope: Some(envelope),
            message_signature: None,
        }
    }

    /// Parses a bundle of version 0.1, 0.2 or 0.3.
    ///
    /// # Errors
    /// When it is none, or states a key twice.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ShapeError> {
        let bundle: Self = strict::parse(bytes, "bundle", limits.evidence)?;
        if is_bundle_type(&bundle.media_type) {
            return Ok(bundle);
        }
        let expected = "application/vnd.dev.sigstore.bundle.v0.3+json";
        Err(ShapeError::Unexpected { what: "bundle", member: "mediaType", found: clip(&bundle.media_type), expected })
    }

    /// The bytes that are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a certificate says who signed.
    pub fn has_certificate(&self) -> bool {
        ["certificate", "x509CertificateChain"].iter().any(|key| self.material(key).is_some())
    }

    /// Whether a transparency log has an entry.
    pub fn has_log_entry(&self) -> bool {
        self.material("tlogEntries").and_then(Value::as_array).is_some_and(|entries| !entries.is_empty())
    }

    /// Whether a timestamp authority says when.
    pub fn has_timestamp(&self) -> bool {
        let data = self.material("timestampVerificationData");
        let times = data.and_then(|d| d.get("rfc3161Timestamps")).and_then(Value::as_array);
        times.is_some_and(|times| !times.is_empty())
    }

    fn material(&self, key: &str) -> Option<&Value> {
        self.verification_material.get(key).filter(|value| !value.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stated_twice_is_refused_at_any_depth() {
        let twice = br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"a":[{"x":1,"x":2}]}}"#;
        let error = Bundle::parse(twice, &Limits::default()).expect_err("twice");
        assert!(matches!(error, ShapeError::DuplicateKey { ref key, .. } if key == "x"), "{error}");
    }

    #[test]
    fn other_documents_are_no_bundles_and_the_limit_holds() {
        let other = br#"{"mediaType":"application/json","verificationMaterial":{}}"#;
        assert!(matches!(Bundle::parse(other, &Limits::default()), Err(ShapeError::Unexpected { .. })));
        let bundle = Bundle::with_key(Envelope::new(b"{}", b"s"), "hint");
        let bytes = bundle.to_bytes();
        let limits = |evidence| Limits { evidence, ..Limits::default() };
        assert_eq!(Bundle::parse(&bytes, &limits(bytes.len() as u64)).expect("at the limit"), bundle);
        let past = Bundle::parse(&bytes, &limits(bytes.len() as u64 - 1));
        assert!(matches!(past, Err(ShapeError::TooLarge { .. })));
        assert!(!bundle.has_certificate() && !bundle.has_log_entry() && !bundle.has_timestamp());
    }
}
