//! Sigstore bundles (protobuf-specs, `sigstore_bundle.proto`), as far as a reader of evidence looks into them.
//!
//! Log entries, timestamps and certificates stay as they are written: only the verifier may believe them.

use sealwright_core::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Envelope, MessageSignature, ShapeError, clip, strict};

/// The media type of bundles that are written.
pub const BUNDLE_V03: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The media types of bundles that are read (protobuf-specs, `Bundle.media_type`). Version 0.3 has two spellings.
const READ: [&str; 4] = [
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    BUNDLE_V03,
];

/// Who signed: exactly one of these stands in the verification material (protobuf-specs, `oneof content`).
const SIGNERS: [&str; 3] = ["publicKey", "certificate", "x509CertificateChain"];

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
    pub message_signature: Option<MessageSignature>,
}

impl Bundle {
    /// A bundle whose verifier has to know the key. `hint` names it: base64 of sha256 over its SPKI, as cosign writes it.
    pub fn with_key(envelope: Envelope, hint: &str) -> Self {
        Self {
            media_type: BUNDLE_V03.to_owned(),
            verification_material: json!({ "publicKey": { "hint": hint } }),
            dsse_envelope: Some(envelope),
            message_signature: None,
        }
    }

    /// The signature of a key over a plain message.
    pub fn of_message(message: MessageSignature, hint: &str) -> Self {
        Self { message_signature: Some(message), dsse_envelope: None, ..Self::with_key(Envelope::new(b"", b""), hint) }
    }

    /// Parses a bundle of version 0.1, 0.2 or 0.3.
    ///
    /// # Errors
    /// When it is none, states a key twice, or has two signers or two contents, of which two readers could each take one.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ShapeError> {
        let bundle: Self = strict::parse(bytes, "bundle", limits.evidence)?;
        if !READ.contains(&bundle.media_type.as_str()) {
            return Err(ShapeError::Unexpected {
                what: "bundle",
                member: "mediaType",
                found: clip(&bundle.media_type),
                expected: "a bundle of version 0.1, 0.2 or 0.3",
            });
        }
        let signers: Vec<&str> = SIGNERS.into_iter().filter(|key| bundle.material(key).is_some()).collect();
        if signers.len() != 1 {
            return Err(ShapeError::Unexpected {
                what: "bundle",
                member: "verificationMaterial",
                found: signers.join(", "),
                expected: "one of publicKey, certificate and x509CertificateChain",
            });
        }
        if bundle.dsse_envelope.is_some() == bundle.message_signature.is_some() {
            return Err(ShapeError::Unexpected {
                what: "bundle",
                member: "content",
                found: if bundle.dsse_envelope.is_some() { "both".to_owned() } else { String::new() },
                expected: "one of dsseEnvelope and messageSignature",
            });
        }
        Ok(bundle)
    }

    /// The bytes that are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether the verifier has to know the key.
    pub fn has_key(&self) -> bool {
        self.material("publicKey").is_some()
    }

    /// How the bundle names the key, if it does. Nothing protects it; other tools write what they like.
    pub fn key_hint(&self) -> Option<&str> {
        self.material("publicKey")?.get("hint")?.as_str()
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

    fn parse(value: &Value) -> Result<Bundle, ShapeError> {
        Bundle::parse(value.to_string().as_bytes(), &Limits::default())
    }

    fn document() -> Value {
        json!({
            "mediaType": BUNDLE_V03,
            "verificationMaterial": { "publicKey": { "hint": "aGludA==" }, "tlogEntries": [] },
            "dsseEnvelope": { "payloadType": "t", "payload": "", "signatures": [{ "sig": "c2ln" }] },
        })
    }

    fn member(result: Result<Bundle, ShapeError>) -> &'static str {
        match result {
            Err(ShapeError::Unexpected { member, .. }) => member,
            other => panic!("expected an unexpected member, got {other:?}"),
        }
    }

    #[test]
    fn a_key_stated_twice_is_refused_at_any_depth() {
        let twice = br#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"a":[{"x":1,"x":2}]}}"#;
        let error = Bundle::parse(twice, &Limits::default()).expect_err("twice");
        assert!(matches!(error, ShapeError::DuplicateKey { ref key, .. } if key == "x"), "{error}");
    }

    #[test]
    fn every_version_up_to_three_is_read_and_no_other() {
        for media_type in READ {
            let mut value = document();
            value["mediaType"] = json!(media_type);
            assert_eq!(parse(&value).expect(media_type).media_type, media_type);
            assert!(is_bundle_type(media_type));
        }
        for other in [
            "application/json",
            "application/vnd.dev.sigstore.bundle.v0.4+json",
            "application/vnd.dev.sigstore.bundle+json;version=0.4",
            "application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8",
            "",
        ] {
            let mut value = document();
            value["mediaType"] = json!(other);
            assert_eq!(member(parse(&value)), "mediaType", "{other}");
        }
        assert!(!is_bundle_type("application/json"));
        // A later version is still listed as a bundle, so that a report can say that it was not read.
        assert!(is_bundle_type("application/vnd.dev.sigstore.bundle.v0.4+json"));
    }

    #[test]
    fn there_is_one_signer_and_one_content() {
        let mut none = document();
        none["verificationMaterial"] = json!({ "publicKey": null });
        let mut two = document();
        two["verificationMaterial"]["certificate"] = json!({ "rawBytes": "" });
        for value in [none, two] {
            assert_eq!(member(parse(&value)), "verificationMaterial", "{value}");
        }
        let mut nothing = document();
        nothing["dsseEnvelope"] = Value::Null;
        let mut both = document();
        both["messageSignature"] = json!({ "signature": "c2ln" });
        for value in [nothing.clone(), both] {
            assert_eq!(member(parse(&value)), "content", "{value}");
        }
        nothing["messageSignature"] = json!({ "signature": "c2ln" });
        assert_eq!(parse(&nothing).expect("a signature over a file").dsse_envelope, None);
    }

    #[test]
    fn what_the_material_holds_is_told_apart() {
        let bundle = parse(&document()).expect("key");
        assert_eq!(bundle.key_hint(), Some("aGludA=="));
        assert!(bundle.has_key() && !bundle.has_certificate() && !bundle.has_log_entry() && !bundle.has_timestamp());
        let mut value = document();
        for signer in ["certificate", "x509CertificateChain"] {
            value["verificationMaterial"] = json!({
                signer: {},
                "tlogEntries": [{}],
                "timestampVerificationData": { "rfc3161Timestamps": [{}] },
            });
            let bundle = parse(&value).expect(signer);
            assert_eq!(bundle.key_hint(), None);
            assert!(!bundle.has_key() && bundle.has_certificate() && bundle.has_log_entry() && bundle.has_timestamp());
        }
        value["verificationMaterial"]["timestampVerificationData"] = json!({ "rfc3161Timestamps": [] });
        assert!(!parse(&value).expect("no time").has_timestamp());
    }

    #[test]
    fn what_is_written_is_read_again_within_the_limit() {
        let bundle = Bundle::with_key(Envelope::new(b"{}", b"s"), "hint");
        assert_eq!(bundle.media_type, BUNDLE_V03);
        assert_eq!(bundle.key_hint(), Some("hint"));
        let bytes = bundle.to_bytes();
        let limits = |evidence| Limits { evidence, ..Limits::default() };
        assert_eq!(Bundle::parse(&bytes, &limits(bytes.len() as u64)).expect("at the limit"), bundle);
        let past = Bundle::parse(&bytes, &limits(bytes.len() as u64 - 1));
        assert!(matches!(past, Err(ShapeError::TooLarge { .. })));
    }
}
